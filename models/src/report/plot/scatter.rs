//! Points in a plane, coloured by class.

use super::axis::{Axis, Scale};
use super::frame::{Frame, Sign, has_form, point};
use crate::Result;

/// The most points; of more, every second, third .. is drawn.
const MOST: usize = 3000;

/// Points in a plane, such as codes. Up to 21 classes have a colour and form of their own; the others share one.
#[derive(Debug, Clone, Default)]
pub struct Scatter {
    /// What it shows.
    pub title: String,
    /// The same for those who do not see it.
    pub description: String,
    /// The axis along.
    pub x: String,
    /// The axis up.
    pub y: String,
    /// The points; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
    /// The class of each point; empty where there are none.
    pub classes: Vec<usize>,
    /// What the classes are called; those without a name by their number.
    pub names: Vec<String>,
}

impl Scatter {
    /// The plot as an SVG element.
    ///
    /// # Errors
    /// If no point can be drawn.
    pub fn to_svg(&self) -> Result<String> {
        let every = self.points.len().div_ceil(MOST).max(1);
        let class = |number: usize| self.classes.get(number).copied().unwrap_or(0);
        let points = || {
            let all = self.points.iter().enumerate().step_by(every);
            all.filter(|(_, (x, y))| x.is_finite() && y.is_finite()).map(|(number, &at)| (at, class(number)))
        };
        let axis = |values: Vec<f64>| {
            Axis::over(values.into_iter(), Scale::Linear, 6).ok_or_else(|| Frame::empty(&self.title))
        };
        let (x, y) = (axis(points().map(|(at, _)| at.0).collect())?, axis(points().map(|(at, _)| at.1).collect())?);
        let mut seen: Vec<usize> = points().map(|(_, class)| class).collect();
        seen.sort_unstable();
        seen.dedup();
        let others = seen.iter().find(|&&class| !has_form(class)).copied();
        seen.retain(|&class| has_form(class));
        let names: Vec<String> = seen.iter().map(|&class| self.name(class)).collect();
        let signs = seen.iter().zip(&names).map(|(&class, name)| (Sign::Point(class), name.as_str()));
        let frame = Frame {
            title: &self.title,
            description: &self.description,
            x: &self.x,
            y: &self.y,
            legend: signs.chain(others.map(|class| (Sign::Point(class), "others"))).collect(),
            height: 720,
        };
        // Many points hide each other.
        let (size, opacity) = if self.points.len() > 800 { (5, 0.6) } else { (7, 0.75) };
        frame.draw(x, y, |chart| {
            for (at, class) in points() {
                point(chart.plotting_area(), at, class, (size, opacity))?;
            }
            Ok(())
        })
    }

    fn name(&self, class: usize) -> String {
        self.names.get(class).cloned().unwrap_or_else(|| class.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_have_the_colour_and_form_of_their_class() {
        let plot = Scatter {
            title: "codes".into(),
            x: "code 1".into(),
            y: "code 2".into(),
            points: (0..60).map(|n| (f64::from(n), f64::from(n * n % 17))).chain([(f64::NAN, 1.0)]).collect(),
            classes: (0..61).map(|n| n % 30).collect(),
            names: vec!["<zero>".into(), "one".into()],
            ..Scatter::default()
        };
        let svg = plot.to_svg().unwrap();
        assert_eq!(svg.matches("<circle").count() - 8, 14 + 2 * 9);
        assert!(
            svg.contains("<polygon") && svg.contains("others") && svg.contains("&lt;zero&gt;") && svg.contains("17\n")
        );
        let plain = Scatter { classes: Vec::new(), ..plot };
        assert_eq!(plain.to_svg().unwrap().matches("<circle").count(), 60);
        assert!(Scatter::default().to_svg().is_err());
        let many = Scatter { points: vec![(1.0, 2.0); 50_000], ..Scatter::default() };
        assert!(many.to_svg().unwrap().matches("<circle").count() <= 3000);
    }
}
