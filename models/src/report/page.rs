//! `report.html`: one file that says what a run or a command gave, for a person with a browser and nothing else.
//!
//! It holds all that it shows: plots are SVG in the page, pictures are PNG in `data:` addresses. It needs no script and
//! no network, has a light and a dark scheme, and fits telephones and paper. The page is `templates/report.html`,
//! compiled into the program, which escapes all words; whoever makes one fills in a [`Page`] of plain values:
//!
//! ```
//! use narrows::report::page::{Figure, Page, Section};
//! use narrows::report::plot::{Line, Lines, Scale};
//!
//! # fn main() -> narrows::Result<()> {
//! let lines = Lines {
//!     title: "Loss".into(),
//!     x: "epoch".into(),
//!     y: "loss per sample".into(),
//!     lines: vec![Line { name: "training".into(), points: vec![(1, 40.0), (2, 25.0)] }],
//!     ..Lines::default()
//! };
//! let section = Section::new("Training")
//!     .text("Two epochs.")
//!     .figures(vec![Figure::new("loss", "25.0").meaning("What training makes small.")])
//!     .twin(lines.to_svg(Scale::Linear)?, lines.to_svg(Scale::Logarithmic)?, "The loss by epoch.");
//! let html = Page::new("A run").section(section).to_html()?;
//! assert!(html.contains("<svg") && !html.contains("<script"));
//! # Ok(())
//! # }
//! ```

use crate::files::write_bytes_atomically;
use crate::{Error, Result};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;

/// The name of a page beside what it tells of.
pub const REPORT_FILE: &str = "report.html";

/// What a page shows, from its head to its foot.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its heading.
    pub title: String,
    /// A line below it.
    pub subtitle: String,
    /// What it says, part by part.
    pub sections: Vec<Section>,
}

/// A part of a page.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// What it says and shows, in order. Plots and pictures stand beside each other where there is room.
    pub items: Vec<Item>,
    /// Whether only the heading shows until somebody asks for more.
    pub folded: bool,
}

/// Something that a part says or shows.
#[derive(Debug, Clone)]
pub enum Item {
    /// A paragraph.
    Text(String),
    /// A table of figures.
    Figures(Vec<Figure>),
    /// A picture.
    Picture(Picture),
    /// A plot.
    Plot(Plot),
    /// Any other table.
    Table(Table),
    /// Text that keeps its lines and spaces, such as a configuration.
    Code(String),
}

/// A figure: its name, its value, and what it means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figure {
    /// What it is.
    pub name: String,
    /// What it came to, with its unit, in as many digits as a reader compares.
    pub value: String,
    /// The same as programs write it, with all digits.
    pub exact: Option<String>,
    /// What it means, in a sentence.
    pub meaning: String,
}

/// A picture inside the page.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// Its bytes, as PNG.
    pub png: Vec<u8>,
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// What is said below it.
    pub caption: String,
}

/// A plot inside the page.
#[derive(Debug, Clone, Default)]
pub struct Plot {
    /// An SVG element, as those of [`plot`](super::plot) are; it goes into the page as it is.
    pub svg: String,
    /// The same with a logarithmic axis, which the reader may turn to.
    pub logarithmic: Option<String>,
    /// What is said below it.
    pub caption: String,
}

/// A table.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// What is said above it.
    pub caption: String,
    /// The names of its columns.
    pub header: Vec<String>,
    /// Its rows, each of as many cells.
    pub rows: Vec<Vec<String>>,
}

impl Figure {
    /// A figure of these words.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), ..Self::default() }
    }

    /// With what it means.
    #[must_use]
    pub fn meaning(self, meaning: impl Into<String>) -> Self {
        Self { meaning: meaning.into(), ..self }
    }

    /// With all its digits, as programs write it.
    #[must_use]
    pub fn exact(self, exact: impl Into<String>) -> Self {
        Self { exact: Some(exact.into()), ..self }
    }
}

impl Picture {
    /// The bytes as they stand in an address.
    fn base64(&self) -> String {
        STANDARD.encode(&self.png)
    }

    /// Width and height as the file's head tells them; 0 of what is no PNG.
    fn size(&self) -> (u32, u32) {
        let number = |at: usize| {
            let bytes = self.png.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u32::from_be_bytes)
        };
        (number(16), number(20))
    }

    /// Whether it needs the page's whole width.
    fn is_wide(&self) -> bool {
        self.size().0 > 620
    }
}

impl Section {
    /// A part under this heading.
    pub fn new(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), ..Self::default() }
    }

    /// With another paragraph.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.item(Item::Text(text.into()))
    }

    /// With another item.
    #[must_use]
    pub fn item(mut self, item: Item) -> Self {
        self.items.push(item);
        self
    }

    /// With a table of figures.
    #[must_use]
    pub fn figures(self, figures: Vec<Figure>) -> Self {
        self.item(Item::Figures(figures))
    }

    /// With a picture, given as PNG.
    #[must_use]
    pub fn picture(self, png: Vec<u8>, alt: impl Into<String>, caption: impl Into<String>) -> Self {
        self.item(Item::Picture(Picture { png, alt: alt.into(), caption: caption.into() }))
    }

    /// With a plot, given as SVG.
    #[must_use]
    pub fn plot(self, svg: String, caption: impl Into<String>) -> Self {
        self.item(Item::Plot(Plot { svg, logarithmic: None, caption: caption.into() }))
    }

    /// With a plot that has a logarithmic twin.
    #[must_use]
    pub fn twin(self, svg: String, logarithmic: String, caption: impl Into<String>) -> Self {
        self.item(Item::Plot(Plot { svg, logarithmic: Some(logarithmic), caption: caption.into() }))
    }

    /// With a table.
    #[must_use]
    pub fn table(self, caption: impl Into<String>, header: &[&str], rows: Vec<Vec<String>>) -> Self {
        let header = header.iter().map(|&name| name.to_owned()).collect();
        self.item(Item::Table(Table { caption: caption.into(), header, rows }))
    }

    /// With text that keeps its lines.
    #[must_use]
    pub fn code(self, text: impl Into<String>) -> Self {
        self.item(Item::Code(text.into()))
    }

    /// The same, of which only the heading shows until somebody asks for more.
    #[must_use]
    pub fn folded(self) -> Self {
        Self { folded: true, ..self }
    }

    /// Whether there is nothing but a heading.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct Filled<'a> {
    page: &'a Page,
    /// The rules that colour plots.
    plots: String,
}

impl Page {
    /// A page under this heading.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// With a line below the heading.
    #[must_use]
    pub fn subtitle(self, subtitle: impl Into<String>) -> Self {
        Self { subtitle: subtitle.into(), ..self }
    }

    /// With another part; one without anything to show is left out.
    #[must_use]
    pub fn section(mut self, section: Section) -> Self {
        if !section.is_empty() {
            self.sections.push(section);
        }
        self
    }

    /// The page as HTML. All words are escaped.
    ///
    /// # Errors
    /// If the template cannot be filled, which for values in memory means that memory ran out.
    pub fn to_html(&self) -> Result<String> {
        let filled = Filled { page: self, plots: super::plot::style() };
        filled.render().map_err(|error| Error::data(format!("{REPORT_FILE} cannot be put together: {error}")))
    }

    /// Writes the page to a file, all or nothing.
    ///
    /// # Errors
    /// As for [`Self::to_html`] and [`write_bytes_atomically`].
    pub fn write(&self, path: &Path) -> Result<()> {
        write_bytes_atomically(path, self.to_html()?.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::plot::{Line, Lines, Scale};
    use super::super::{Grid, Tile};
    use super::*;

    fn svg(words: &str) -> String {
        let lines = vec![Line { name: words.into(), points: vec![(1, 2.0), (2, 1.0)] }; 2];
        let plot = Lines { title: words.into(), description: words.into(), x: words.into(), y: words.into(), lines };
        plot.to_svg(Scale::Linear).unwrap()
    }

    fn page(words: &str) -> Page {
        let png = Grid::samples(&[0.5; 4], 1, 1, Tile::new(None, 4).unwrap(), (0.0, 1.0)).unwrap().to_png().unwrap();
        let all = Section::new(words)
            .text(words)
            .figures(vec![Figure::new(words, words).meaning(words).exact(words)])
            .picture(png, words, words)
            .plot(svg(words), words)
            .twin(svg(words), svg(words), words)
            .table(words, &[words, words], vec![vec![words.into(), words.into()]])
            .code(words);
        Page::new(words).subtitle(words).section(all.clone().folded()).section(all).section(Section::new("nothing"))
    }

    #[test]
    fn a_page_holds_all_that_it_is_given_and_needs_nothing_else() {
        let html = page("words").to_html().unwrap();
        for part in
            ["<h1>words", "<svg", "<details", "src=\"data:image/png;base64,iVBOR", "alt=\"words\"", "<data value"]
        {
            assert!(html.contains(part), "{part}: {html}");
        }
        for part in ["http://", "https://", "<script", "<link", "@import", "url(", "nothing"] {
            assert!(!html.contains(part), "{part}");
        }
        assert_eq!(html.matches("src=").count(), html.matches("src=\"data:image/png;base64,").count());
        assert_eq!(html.matches("<img").count(), html.matches("alt=\"words\"").count());
        // Each pair of buttons is its own.
        assert_eq!(html.matches("type=\"radio\"").count(), 4);
        assert!(html.contains("name=\"axis-0-4\"") && html.contains("name=\"axis-1-4\""));
    }

    #[test]
    fn words_are_escaped_everywhere() {
        let html = page("<a & \"b\">").to_html().unwrap();
        assert!(!html.contains("<a &") && !html.contains("& \"b") && !html.contains("\"b\""));
    }

    #[test]
    fn a_page_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(REPORT_FILE);
        page("words").write(&path).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("</html>"));
        assert!(page("words").write(&folder.path().join("none").join(REPORT_FILE)).is_err());
    }

    #[test]
    fn pictures_tell_their_size() {
        let grid = Grid::samples(&[0.5; 4], 1, 1, Tile::new(None, 4).unwrap(), (0.0, 1.0)).unwrap();
        let picture = Picture { png: grid.to_png().unwrap(), ..Picture::default() };
        assert_eq!(picture.size(), (grid.width() as u32, grid.height() as u32));
        assert_eq!(Picture::default().size(), (0, 0));
    }
}
