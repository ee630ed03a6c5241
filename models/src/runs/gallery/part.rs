//! What a section of the gallery gives, and the words and tables that several use.

use crate::figure::short;
use crate::report::page::Section;

/// A section without its heading, and what was measured for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    pub(super) section: Section,
    pub(super) figures: Vec<(&'static str, f64)>,
}

impl Part {
    /// A section that begins with a paragraph.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { section: Section::default().text(text), figures: Vec::new() }
    }

    /// With another paragraph.
    pub(super) fn paragraph(self, text: impl Into<String>) -> Self {
        self.with(|section| section.text(text))
    }

    /// With a picture, given as PNG.
    pub(super) fn picture(self, png: Vec<u8>, alt: impl Into<String>, caption: impl Into<String>) -> Self {
        self.with(|section| section.picture(png, alt, caption))
    }

    /// With a plot, given as SVG.
    pub(super) fn plot(self, svg: String, caption: impl Into<String>) -> Self {
        self.with(|section| section.plot(svg, caption))
    }

    /// With lines that keep their spaces.
    pub(super) fn code(self, lines: String) -> Self {
        self.with(|section| section.code(lines))
    }

    /// With a figure.
    pub(super) fn figure(mut self, name: &'static str, value: f64) -> Self {
        self.figures.push((name, value));
        self
    }

    fn with(self, change: impl FnOnce(Section) -> Section) -> Self {
        Self { section: change(self.section), figures: self.figures }
    }
}

/// A ratio in decibels, where there is one.
pub(super) fn decibels(value: Option<f64>) -> String {
    value.map_or_else(|| "an unknown ratio".to_owned(), |value| format!("{value:.1} dB"))
}

/// Matrices beside each other, each below its name.
pub(super) fn beside(matrices: &[(&str, &[f32], usize)]) -> String {
    let blocks: Vec<Vec<String>> =
        matrices.iter().map(|&(name, values, columns)| block(name, values, columns)).collect();
    let height = blocks.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for line in 0..height {
        let cells = blocks.iter().map(|block| {
            let width = block.iter().map(|line| line.chars().count()).max().unwrap_or(0);
            format!("{:width$}", block.get(line).map_or("", String::as_str))
        });
        text.push_str(cells.collect::<Vec<_>>().join("      ").trim_end());
        text.push('\n');
    }
    text
}

/// The lines of a matrix, its name first.
fn block(name: &str, values: &[f32], columns: usize) -> Vec<String> {
    let words: Vec<String> = values.iter().map(|&x| number(x)).collect();
    let width = words.iter().map(String::len).max().unwrap_or(0);
    let line = |row: &[String]| row.iter().map(|word| format!("{word:>width$}")).collect::<Vec<_>>().join(" ");
    std::iter::once(name.to_owned()).chain(words.chunks(columns.max(1)).map(line)).collect()
}

/// A number as a person writes it.
fn number(x: f32) -> String {
    if x.fract() == 0.0 { format!("{x}") } else { short(f64::from(x)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_stand_beside_each_other() {
        let text = beside(&[("x", &[1.0, 20.0, -3.0, 4.0], 2), ("a long name", &[5.0], 1)]);
        assert_eq!(text, "x          a long name\n 1 20      5\n-3  4\n");
    }
}
