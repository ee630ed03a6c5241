//! What all plots have in common: a legend, axes with names, a mesh, and words for those who do not see them.

use super::axis::Axis;
use super::palette::{INK, OTHERS, colour};
use crate::{Error, Result};
use plotters::coord::{CoordTranslate, Shift};
use plotters::element::DashedPathElement;
use plotters::prelude::*;

/// Width, in units: on a page of 560 pixels one is 0.58 of them, on a telephone 0.38.
const WIDTH: u32 = 960;
/// The size of letters; what is written to the SVG is less by 1.24.
const LETTERS: u32 = 36;
/// Height of a line of the legend.
const LINE: u32 = 44;
/// About the width of a letter.
const LETTER: u32 = 16;
/// The place of a mark in the legend, and the space between entries.
const MARK: u32 = 46;
const SPACE: u32 = 26;
/// A name in a legend is cut after so many letters.
const LONGEST: usize = 40;

pub(super) type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;
type Area<'b> = DrawingArea<SVGBackend<'b>, Shift>;
/// What drawing gives.
pub(super) type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

/// A vertical line, such as a cutoff.
#[derive(Debug, Clone)]
pub struct VerticalMark {
    /// What the legend calls it.
    pub name: String,
    /// Where it stands.
    pub at: f64,
}

/// A sign in a legend.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sign {
    Line(usize),
    Dashes,
    Box(usize),
    Point(usize),
}

/// A plot without what it shows.
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    /// What it shows, for those who do not see it.
    pub(super) description: &'a str,
    pub(super) x: &'a str,
    pub(super) y: &'a str,
    /// Signs and names; one alone is not drawn.
    pub(super) legend: Vec<(Sign, &'a str)>,
    /// Of all but the legend, in units.
    pub(super) height: u32,
}

impl Frame<'_> {
    /// The plot as an SVG element; `series` draws what it shows.
    pub(super) fn draw(&self, x: Axis, y: Axis, series: impl FnOnce(&mut Chart<'_, '_>) -> Drawn) -> Result<String> {
        let lines = self.legend_lines();
        let size = (WIDTH, self.height + LINE * lines.len() as u32);
        let mut svg = String::new();
        self.draw_into(&mut svg, size, &lines, (x, y), series)
            .map_err(|error| Error::data(format!("the plot `{}` cannot be drawn: {error}", self.title)))?;
        Ok(self.finish(&svg, size))
    }

    /// The error of a plot that would be empty.
    pub(super) fn empty(title: &str) -> Error {
        Error::data(format!("the plot `{title}` has no value that can be drawn; leave it away"))
    }

    fn draw_into(
        &self,
        svg: &mut String,
        size: (u32, u32),
        lines: &[Vec<usize>],
        (x, y): (Axis, Axis),
        series: impl FnOnce(&mut Chart<'_, '_>) -> Drawn,
    ) -> Drawn {
        let whole = SVGBackend::with_string(svg, size).into_drawing_area();
        let (above, area) = whole.split_vertically(LINE * lines.len() as u32);
        for (number, line) in lines.iter().enumerate() {
            self.draw_legend(&above, number, line)?;
        }
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .margin_right(28)
            .x_label_area_size(96)
            .y_label_area_size(150)
            .build_cartesian_2d(x, y)?;
        let text = ("sans-serif", LETTERS).into_font().color(&INK);
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .label_style(text.clone())
            .axis_desc_style(text)
            .axis_style(INK.mix(0.6).stroke_width(2))
            .bold_line_style(INK.mix(0.14))
            .light_line_style(TRANSPARENT)
            .draw()?;
        series(&mut chart)?;
        drop(chart);
        whole.present()?;
        Ok(())
    }

    /// The entries of each line of the legend.
    fn legend_lines(&self) -> Vec<Vec<usize>> {
        let mut lines: Vec<Vec<usize>> = Vec::new();
        if self.legend.len() < 2 {
            return lines;
        }
        let mut used = WIDTH;
        for number in 0..self.legend.len() {
            let width = self.entry_width(number);
            if used + width > WIDTH {
                lines.push(Vec::new());
                used = SPACE;
            }
            used += width;
            if let Some(line) = lines.last_mut() {
                line.push(number);
            }
        }
        lines
    }

    fn entry_width(&self, number: usize) -> u32 {
        MARK + SPACE + LETTER * self.name(number).chars().count() as u32
    }

    /// A name as the legend has it.
    fn name(&self, number: usize) -> String {
        let name = self.legend.get(number).map_or("", |(_, name)| *name);
        if name.chars().count() <= LONGEST {
            return name.to_owned();
        }
        name.chars().take(LONGEST - 1).chain(['…']).collect()
    }

    fn draw_legend(&self, area: &Area<'_>, line: usize, entries: &[usize]) -> Drawn {
        let middle = (line as u32 * LINE + LINE / 2 + 4) as i32;
        let mut left = SPACE as i32;
        for &number in entries {
            let Some((sign, _)) = self.legend.get(number) else { continue };
            let (from, to) = (left, left + MARK as i32 - 10);
            let centre = ((from + to) / 2, middle);
            match *sign {
                Sign::Line(of) => {
                    area.draw(&PathElement::new([(from, middle), (to, middle)], colour(of).stroke_width(5)))?;
                }
                Sign::Dashes => {
                    for at in [from, from + 13, from + 26] {
                        area.draw(&PathElement::new([(at, middle), (at + 9, middle)], INK.stroke_width(4)))?;
                    }
                }
                Sign::Box(of) => {
                    let corners = [(from + 8, middle - 12), (to - 8, middle + 12)];
                    area.draw(&Rectangle::new(corners, colour(of).mix(BARS).filled()))?;
                }
                Sign::Point(class) => point(area, centre, class, (10, 1.0))?,
            }
            let style = ("sans-serif", LETTERS).into_font().color(&INK);
            let style = style.pos(plotters::style::text_anchor::Pos::new(
                plotters::style::text_anchor::HPos::Left,
                plotters::style::text_anchor::VPos::Center,
            ));
            area.draw_text(&self.name(number), &style, (left + MARK as i32, middle))?;
            left += self.entry_width(number) as i32;
        }
        Ok(())
    }

    /// Puts words for readers of screens into the element's head, and leaves what every circle says alike away.
    fn finish(&self, svg: &str, (width, height): (u32, u32)) -> String {
        let body = svg.split_once('>').map_or("", |(_, body)| body);
        let body = [" opacity=\"1\"", " stroke=\"none\" stroke-width=\"1\"", " stroke=\"none\""]
            .iter()
            .fold(body.to_owned(), |body, usual| body.replace(usual, ""));
        let (title, description) = (escaped(self.title), escaped(self.description));
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n\
             <desc>{description}</desc>{body}"
        )
    }
}

/// How much of a bar's colour is seen.
pub(super) const BARS: f64 = 0.55;

/// Forms of points: with seven colours, 21 classes are told apart; further ones are grey.
const FORMS: usize = 3;

/// Whether a class has a colour and form of its own.
pub(super) fn has_form(class: usize) -> bool {
    class < FORMS * super::palette::COUNT
}

/// Draws a point of a class.
pub(super) fn point<C: CoordTranslate>(
    area: &DrawingArea<SVGBackend<'_>, C>,
    at: C::From,
    class: usize,
    (size, opacity): (i32, f64),
) -> Drawn
where
    C::From: 'static,
{
    let style = colour(class).mix(opacity);
    match class / super::palette::COUNT {
        0 => area.draw(&Circle::new(at, size, style.filled()))?,
        1 => area.draw(&TriangleMarker::new(at, size + 3, style.filled()))?,
        2 => area.draw(&Cross::new(at, size, style.stroke_width(3)))?,
        _ => area.draw(&Circle::new(at, size - 1, OTHERS.mix(opacity).filled()))?,
    }
    Ok(())
}

/// Draws a vertical line over the whole height.
pub(super) fn mark(chart: &mut Chart<'_, '_>, (low, high): (f64, f64), at: f64) -> Drawn {
    let dashes = DashedPathElement::new(vec![(at, low), (at, high)], 12, 9, INK.stroke_width(4));
    chart.draw_series(std::iter::once(dashes))?;
    Ok(())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            letter => out.push(letter),
        }
    }
    out
}
