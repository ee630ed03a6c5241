//! Several named y(x) over one pair of axes.

use super::axis::{Axis, Scale};
use super::frame::{Chart, Drawn, Frame, Sign, VerticalMark, mark};
use super::palette::colour;
use crate::Result;
use plotters::prelude::*;

/// Functions, such as a penalty by what it is put on.
#[derive(Debug, Clone, Default)]
pub struct Curves {
    /// What it shows.
    pub title: String,
    /// The same for those who do not see it.
    pub description: String,
    /// The axis along, with its unit.
    pub x: String,
    /// The axis up, with its unit.
    pub y: String,
    /// The curves; those without points are left out.
    pub curves: Vec<Curve>,
    /// Vertical lines.
    pub marks: Vec<VerticalMark>,
}

/// One of them.
#[derive(Debug, Clone, Default)]
pub struct Curve {
    /// What the legend calls it.
    pub name: String,
    /// Its points, along growing x; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

impl Curves {
    /// The plot as an SVG element, its axis up by `scale`.
    ///
    /// # Errors
    /// If no point can be drawn.
    pub fn to_svg(&self, scale: Scale) -> Result<String> {
        let points =
            || self.curves.iter().flat_map(|curve| &curve.points).filter(|(x, y)| x.is_finite() && y.is_finite());
        let along = points().map(|point| point.0).chain(self.marks.iter().map(|mark| mark.at));
        let (low, high) = along.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let (low, high) = (low.clamp(-1e300, 1e300), high.clamp(-1e300, 1e300));
        let y = Axis::over(points().map(|point| point.1), scale, 6).ok_or_else(|| Frame::empty(&self.title))?;
        let x = match low < high {
            true => Axis::linear(low, high, 6),
            false => Axis::over(std::iter::once(low), Scale::Linear, 6).ok_or_else(|| Frame::empty(&self.title))?,
        };
        let shown = || self.curves.iter().filter(|curve| curve.points.iter().any(|(_, value)| y.has(*value)));
        let signs = shown().enumerate().map(|(number, curve)| (Sign::Line(number), curve.name.as_str()));
        let frame = Frame {
            title: &self.title,
            description: &self.description,
            x: &self.x,
            y: &self.y,
            legend: signs.chain(self.marks.iter().map(|mark| (Sign::Dashes, mark.name.as_str()))).collect(),
            height: 560,
        };
        let heights = (y.low(), y.high());
        let has = y.clone();
        frame.draw(x, y.clone(), |chart| {
            for (number, curve) in shown().enumerate() {
                let points = curve.points.iter().filter(|(x, value)| x.is_finite() && has.has(*value));
                draw_line(chart, points.copied().collect(), number)?;
            }
            self.marks.iter().try_for_each(|line| mark(chart, heights, line.at))
        })
    }
}

/// A line of a colour; a single point as a dot.
pub(super) fn draw_line(chart: &mut Chart<'_, '_>, points: Vec<(f64, f64)>, number: usize) -> Drawn {
    if let [point] = points[..] {
        chart.draw_series(std::iter::once(Circle::new(point, 7, colour(number).filled())))?;
        return Ok(());
    }
    chart.draw_series(std::iter::once(PathElement::new(points, colour(number).stroke_width(5))))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_with_a_mark() {
        let curve = |name: &str, k: f64| Curve {
            name: name.into(),
            points: (1..50).map(|x| (f64::from(x) / 50.0, k / f64::from(x))).collect(),
        };
        let plot = Curves {
            title: "penalty".into(),
            x: "mean activation".into(),
            y: "nats".into(),
            curves: vec![curve("a", 1.0), curve("b", 2.0), curve("none", f64::NAN)],
            marks: vec![VerticalMark { name: "target".into(), at: 0.05 }],
            ..Curves::default()
        };
        for scale in [Scale::Linear, Scale::Logarithmic] {
            let svg = plot.to_svg(scale).unwrap();
            for part in
                ["mean activation", "nats", "a\n", "b\n", "target", "#0072B2", "#D55E00", "<title>penalty</title>"]
            {
                assert!(svg.contains(part), "{part}: {svg}");
            }
            assert!(!svg.contains("none\n") && !svg.contains("NaN") && !svg.contains("http"));
        }
        assert!(Curves::default().to_svg(Scale::Linear).is_err());
    }
}
