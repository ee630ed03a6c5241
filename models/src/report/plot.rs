//! Line plots as SVG, by `plotters`: axes with ticks and names, a mesh, a legend.
//!
//! No font is read: text is named as `sans-serif` and set by the browser. What belongs to the paper (text, axes, mesh)
//! is drawn in black, so that a page can give it its own colour; lines have colours that show on white and on dark.
//! Values are divided by a power of ten while they are drawn: the crate's search for ticks is made for ordinary sizes.

use crate::figure::short;
use crate::{Error, Result};
use plotters::prelude::*;

/// Width and height, in pixels.
const SIZE: (u32, u32) = (720, 320);
/// Colours of the lines, in turn: blue, orange, green, pink. Each differs from white and from near black by 3:1 or more.
const COLOURS: [RGBColor; 4] =
    [RGBColor(53, 130, 196), RGBColor(214, 97, 36), RGBColor(46, 148, 93), RGBColor(202, 88, 150)];
/// The least height of a plot beside its largest value: below it, all is one value.
const LEAST_SPAN: f64 = 1e-6;

/// Lines over whole numbers.
#[derive(Debug, Clone)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// The axis along, with its unit.
    pub x: String,
    /// The axis up, with its unit.
    pub y: String,
    /// The lines; those without points are left out.
    pub lines: Vec<Line>,
}

/// A line through points, along growing x.
#[derive(Debug, Clone)]
pub struct Line {
    /// What the legend calls it.
    pub name: String,
    /// Its points; those whose value is not finite are left out.
    pub points: Vec<(u64, f64)>,
}

/// What is drawn: from and to where on both axes, and the power of ten that values were divided by.
struct Extent {
    x: (u64, u64),
    y: (f64, f64),
    unit: f64,
}

impl Plot {
    /// The plot as an SVG element.
    ///
    /// # Errors
    /// If there is no point, or if drawing fails.
    pub fn to_svg(&self) -> Result<String> {
        let Some(extent) = self.extent() else {
            return Err(Error::data(format!("the plot `{}` has no finite value; leave it away", self.title)));
        };
        let mut svg = String::new();
        self.draw(&mut svg, &extent)
            .map_err(|error| Error::data(format!("the plot `{}` cannot be drawn: {error}", self.title)))?;
        Ok(svg)
    }

    fn extent(&self) -> Option<Extent> {
        let points = || self.lines.iter().flat_map(|line| &line.points).filter(|(_, y)| y.is_finite());
        let x = (points().map(|p| p.0).min()?, points().map(|p| p.0).max()?);
        let low = points().map(|p| p.1).fold(f64::INFINITY, f64::min);
        let high = points().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
        let largest = low.abs().max(high.abs());
        let unit = if largest > 0.0 { 10f64.powf(largest.log10().floor().clamp(-300.0, 300.0)) } else { 1.0 };
        let (low, high) = (low / unit, high / unit);
        let span = (high - low).max(LEAST_SPAN * (largest / unit).max(1.0));
        let around = 0.5 * (span - (high - low)) + 0.05 * span;
        Some(Extent { x: (x.0, x.1.max(x.0.saturating_add(1))), y: (low - around, high + around), unit })
    }

    fn draw(&self, svg: &mut String, extent: &Extent) -> std::result::Result<(), Box<dyn std::error::Error>> {
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let font = ("sans-serif", 17).into_font();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .margin_right(16)
            .x_label_area_size(46)
            .y_label_area_size(76)
            .build_cartesian_2d(extent.x.0..extent.x.1, extent.y.0..extent.y.1)?;
        chart
            .configure_mesh()
            .x_labels(10)
            .y_labels(7)
            .x_desc(self.x.as_str())
            .y_desc(self.y.as_str())
            .y_label_formatter(&|y| tick(y * extent.unit))
            .label_style(font.clone())
            .axis_desc_style(font.clone())
            .bold_line_style(BLACK.mix(0.15))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (line, colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            let points: Vec<_> =
                line.points.iter().filter(|(_, y)| y.is_finite()).map(|&(x, y)| (x, y / extent.unit)).collect();
            if points.is_empty() {
                continue;
            }
            let style = colour.stroke_width(2);
            chart
                .draw_series(LineSeries::new(points, style))?
                .label(line.name.as_str())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .label_font(font)
            .background_style(TRANSPARENT)
            .border_style(TRANSPARENT)
            .draw()?;
        area.present()?;
        Ok(())
    }
}

/// A tick's value: four digits, without zeros at the end.
fn tick(value: f64) -> String {
    let text = short(value);
    match text.split_once('.') {
        Some((_, decimals)) if decimals.bytes().all(|digit| digit.is_ascii_digit()) => {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(lines: &[&[(u64, f64)]]) -> Plot {
        let lines =
            lines.iter().enumerate().map(|(i, points)| Line { name: format!("line {i}"), points: points.to_vec() });
        Plot { title: "loss".into(), x: "epoch".into(), y: "loss per sample".into(), lines: lines.collect() }
    }

    #[test]
    fn lines_axes_and_a_legend() {
        let svg = plot(&[&[(1, 40.0), (2, 25.0), (3, 20.0)], &[(1, 42.0), (3, 21.0)]]).to_svg().unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for part in ["epoch", "loss per sample", "line 0", "line 1", "#3582C4", "#D66124"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert!(!svg.contains("NaN"));
        let one = plot(&[&[(1, 1.0), (2, f64::NAN), (3, 2.0)], &[(1, f64::NAN)]]).to_svg().unwrap();
        assert!(one.contains("line 0") && !one.contains("line 1") && !one.contains("NaN"));
    }

    #[test]
    fn values_of_any_size_are_drawn() {
        let ends = [
            (0.0, 0.0),
            (5.0, 5.0),
            (-1.0, 1.0),
            (1e300, -1e300),
            (f64::MAX, f64::MIN),
            (1e-300, 2e-300),
            (5e-324, 0.0),
            (1e15, 1e15 + 1.0),
            (-1e15, 1e-15),
            (123_456.0, 123_457.0),
        ];
        for (a, b) in ends {
            for last in [1, 2, 1_000_000, u64::MAX] {
                let svg = plot(&[&[(0, a), (last, b)]]).to_svg();
                assert!(svg.is_ok_and(|svg| svg.len() < 100_000 && !svg.contains("NaN")), "{a} {b} {last}");
            }
            assert!(plot(&[&[(7, a)]]).to_svg().is_ok(), "{a}");
        }
        assert!(plot(&[]).to_svg().unwrap_err().to_string().contains("no finite value"));
        assert!(plot(&[&[(1, f64::NAN)]]).to_svg().is_err());
    }

    #[test]
    fn ticks_have_no_needless_zeros() {
        let expected =
            [(0.5, "0.5"), (30.000_000_000_1, "30"), (0.0, "0"), (-12.5, "-12.5"), (100.0, "100"), (1e9, "1.000e9")];
        for (value, text) in expected {
            assert_eq!(tick(value), text);
        }
    }
}
