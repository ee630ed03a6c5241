//! `report.html`: one page that says what a run gave, for a person with a browser and nothing else.
//!
//! It needs no script and no network; plots are SVG in the page, pictures lie beside it in `samples/`. The page is
//! `templates/report.html`, compiled into the program; whoever makes one fills in a [`Page`] of plain values.

use super::plot::Plot;
use crate::{Error, Result};
use askama::Template;

/// What a page shows, from its head to its foot.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its heading.
    pub title: String,
    /// The table below it.
    pub facts: Vec<Fact>,
    /// The loss by epoch; of several, each is named.
    pub plots: Vec<Plot>,
    /// What is said in a plot's place or beside it.
    pub remarks: Vec<String>,
    /// Pictures that lie beside the page.
    pub pictures: Vec<Picture>,
    /// The configuration, as TOML.
    pub configuration: String,
}

/// A line of the table.
#[derive(Debug, Clone)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// What it came to, with its unit.
    pub value: String,
}

impl Fact {
    /// A line of these words.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// A picture beside the page.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Its heading.
    pub title: String,
    /// Where it lies, from the page.
    pub path: String,
    /// What it shows, for those who do not see it.
    pub description: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Filled<'a> {
    page: &'a Page,
    /// Titles and SVG.
    plots: Vec<(&'a str, String)>,
}

impl Page {
    /// The page as HTML. All words are escaped.
    ///
    /// # Errors
    /// If a plot cannot be drawn.
    pub fn to_html(&self) -> Result<String> {
        let plots = self.plots.iter().map(|plot| Ok((plot.title.as_str(), plot.to_svg()?)));
        let filled = Filled { page: self, plots: plots.collect::<Result<_>>()? };
        filled.render().map_err(|error| Error::data(format!("report.html cannot be put together: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::plot::Line;
    use super::*;

    #[test]
    fn a_page_holds_all_that_it_is_given() {
        let plot = |title: &str| Plot {
            title: title.into(),
            x: "epoch".into(),
            y: "loss".into(),
            lines: vec![Line { name: "training".into(), points: vec![(1, 2.0), (2, 1.0)] }],
        };
        let mut page = Page {
            title: "sparse 64-8".into(),
            facts: vec![Fact::new("data", "digits")],
            plots: vec![plot("first phase")],
            remarks: vec!["It was fitted.".into()],
            pictures: vec![Picture { title: "Above".into(), path: "samples/a.png".into(), description: "rows".into() }],
            configuration: "code = 8".into(),
        };
        let html = page.to_html().unwrap();
        for part in ["sparse 64-8", "digits", "It was fitted.", "src=\"samples/a.png\"", "alt=\"rows\"", "code = 8"] {
            assert!(html.contains(part), "{part}");
        }
        assert!(html.contains("<svg") && !html.contains("<figcaption>"));
        page.plots.push(plot("second phase"));
        assert!(page.to_html().unwrap().contains("<figcaption>second phase</figcaption>"));
    }

    #[test]
    fn words_are_escaped_everywhere() {
        let odd = || "<a & \"b\">".to_owned();
        let page = Page {
            title: odd(),
            facts: vec![Fact::new(odd(), odd())],
            plots: vec![Plot {
                title: odd(),
                x: odd(),
                y: odd(),
                lines: vec![Line { name: odd(), points: vec![(0, 0.0), (1, 1.0)] }],
            }],
            remarks: vec![odd()],
            pictures: vec![Picture { title: odd(), path: odd(), description: odd() }],
            configuration: odd(),
        };
        assert!(!page.to_html().unwrap().contains("<a &"));
    }
}
