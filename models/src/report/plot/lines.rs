//! Lines over whole numbers: losses by epoch.

use super::axis::{Axis, Scale, has};
use super::curves::draw_line;
use super::frame::{Frame, Sign};
use crate::Result;

/// The most points of a line; of more, every second, third .. is drawn.
const MOST: usize = 600;

/// Lines over whole numbers.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    /// What it shows.
    pub title: String,
    /// The same for those who do not see it.
    pub description: String,
    /// The axis along, with its unit.
    pub x: String,
    /// The axis up, with its unit.
    pub y: String,
    /// The lines; those without points are left out.
    pub lines: Vec<Line>,
}

/// A line through points, along growing x.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// What the legend calls it.
    pub name: String,
    /// Its points; those whose value is not finite are left out.
    pub points: Vec<(u64, f64)>,
}

impl Line {
    fn drawn(&self, scale: Scale) -> Vec<(u64, f64)> {
        let points: Vec<_> = self.points.iter().copied().filter(|point| has(point.1, scale)).collect();
        let every = points.len().div_ceil(MOST).max(1);
        // The last one is what the others led to.
        let last = points.len().saturating_sub(1);
        let kept = points.iter().enumerate().filter(|(number, _)| number % every == 0 || *number == last);
        kept.map(|(_, point)| *point).collect()
    }
}

impl Lines {
    /// Whether a logarithmic axis shows all of it: every finite value is above 0.
    pub fn is_positive(&self) -> bool {
        let finite = || self.lines.iter().flat_map(|line| &line.points).filter(|point| point.1.is_finite());
        finite().next().is_some() && finite().all(|point| has(point.1, Scale::Logarithmic))
    }

    /// The plot as an SVG element, its axis up by `scale`.
    ///
    /// # Errors
    /// If no point can be drawn.
    pub fn to_svg(&self, scale: Scale) -> Result<String> {
        let lines: Vec<_> = self.lines.iter().map(|line| (&line.name, line.drawn(scale))).collect();
        let lines: Vec<_> = lines.into_iter().filter(|(_, points)| !points.is_empty()).collect();
        let along = || lines.iter().flat_map(|(_, points)| points.iter().map(|point| point.0));
        let y = Axis::over(lines.iter().flat_map(|(_, points)| points.iter().map(|point| point.1)), scale, 6);
        let (Some(first), Some(last), Some(y)) = (along().min(), along().max(), y) else {
            return Err(Frame::empty(&self.title));
        };
        let frame = Frame {
            title: &self.title,
            description: &self.description,
            x: &self.x,
            y: &self.y,
            legend: lines.iter().enumerate().map(|(number, (name, _))| (Sign::Line(number), name.as_str())).collect(),
            height: 560,
        };
        frame.draw(Axis::whole(first, last, 6), y, |chart| {
            for (number, (_, points)) in lines.iter().enumerate() {
                draw_line(chart, points.iter().map(|&(x, y)| (x as f64, y)).collect(), number)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(lines: &[&[(u64, f64)]]) -> Lines {
        let lines =
            lines.iter().enumerate().map(|(i, points)| Line { name: format!("line {i}"), points: points.to_vec() });
        Lines {
            title: "loss <&\"".into(),
            description: "two lines".into(),
            x: "epoch".into(),
            y: "loss per sample".into(),
            lines: lines.collect(),
        }
    }

    #[test]
    fn lines_axes_and_a_legend() {
        let lines = plot(&[&[(1, 40.0), (2, 25.0), (3, 20.0)], &[(1, 42.0), (3, 21.0)]]);
        let svg = lines.to_svg(Scale::Linear).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for part in ["epoch", "loss per sample", "line 0", "line 1", "#0072B2", "#D55E00", "<desc>two lines</desc>"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("http") && !svg.contains("loss <&"));
        assert!(lines.is_positive() && lines.to_svg(Scale::Logarithmic).unwrap() != svg);
        let one = plot(&[&[(1, 1.0), (2, f64::NAN), (3, -2.0)], &[(1, f64::NAN)]]);
        let svg = one.to_svg(Scale::Linear).unwrap();
        // One line needs no legend.
        assert!(!svg.contains("line 0") && !svg.contains("line 1") && !svg.contains("NaN") && !one.is_positive());
    }

    #[test]
    fn values_of_any_size_and_number_are_drawn() {
        let ends = [(0.0, 0.0), (-1.0, 1.0), (1e300, -1e300), (f64::MAX, f64::MIN), (5e-324, 0.0), (1e15, 1e15 + 1.0)];
        for (a, b) in ends {
            for last in [1, 2, 1_000_000, u64::MAX] {
                let svg = plot(&[&[(0, a), (last, b)]]).to_svg(Scale::Linear);
                assert!(svg.is_ok_and(|svg| svg.len() < 100_000 && !svg.contains("NaN")), "{a} {b} {last}");
            }
        }
        let long: Vec<_> = (0..100_000).map(|x| (x, x as f64)).collect();
        assert!(plot(&[&long]).to_svg(Scale::Linear).unwrap().len() < 20_000);
        assert!(plot(&[]).to_svg(Scale::Linear).unwrap_err().to_string().contains("leave it away"));
        assert!(plot(&[&[(1, -1.0)]]).to_svg(Scale::Logarithmic).is_err());
    }
}
