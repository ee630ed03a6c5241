//! The receiver operating characteristic: what share is found against what share is a false alarm, over all cutoffs.

use super::axis::Axis;
use super::curves::draw_line;
use super::frame::{Frame, Sign};
use super::palette::INK;
use crate::Result;
use crate::figure::short;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

/// Curves of detectors, beside the diagonal of one that guesses.
#[derive(Debug, Clone, Default)]
pub struct Roc {
    /// What it shows.
    pub title: String,
    /// The same for those who do not see it.
    pub description: String,
    /// The curves.
    pub curves: Vec<RocCurve>,
}

/// The curve of a detector.
#[derive(Debug, Clone, Default)]
pub struct RocCurve {
    /// What the legend calls it; its area is said beside.
    pub name: String,
    /// The share of false alarms and the share that is found, each 0 to 1, from (0, 0) to (1, 1).
    pub points: Vec<(f64, f64)>,
    /// The area under it (AUROC): the chance that an odd sample is found odder than an ordinary one.
    pub area: f64,
}

impl Roc {
    /// The plot as an SVG element.
    ///
    /// # Errors
    /// If there is no curve.
    pub fn to_svg(&self) -> Result<String> {
        let finite = |(x, y): &&(f64, f64)| x.is_finite() && y.is_finite();
        let curves = || self.curves.iter().filter(|curve| curve.points.iter().any(|point| finite(&point)));
        if curves().next().is_none() {
            return Err(Frame::empty(&self.title));
        }
        let names: Vec<String> = curves().map(|curve| format!("{}: area {}", curve.name, short(curve.area))).collect();
        let signs = names.iter().enumerate().map(|(number, name)| (Sign::Line(number), name.as_str()));
        let frame = Frame {
            title: &self.title,
            description: &self.description,
            x: "share of false alarms",
            y: "share that is found",
            legend: signs.chain([(Sign::Dashes, "by chance")]).collect(),
            height: 860,
        };
        let axis = || Axis::linear(0.0, 1.0, 5);
        frame.draw(axis(), axis(), |chart| {
            let diagonal = DashedPathElement::new(vec![(0.0, 0.0), (1.0, 1.0)], 12, 9, INK.mix(0.7).stroke_width(3));
            chart.draw_series(std::iter::once(diagonal))?;
            for (number, curve) in curves().enumerate() {
                draw_line(chart, curve.points.iter().filter(finite).copied().collect(), number)?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_with_its_area_and_the_diagonal() {
        let curve = RocCurve { name: "error".into(), points: vec![(0.0, 0.0), (0.1, 0.8), (1.0, 1.0)], area: 0.8765 };
        let svg = Roc { title: "ROC".into(), curves: vec![curve], ..Roc::default() }.to_svg().unwrap();
        for part in ["error: area 0.8765", "by chance", "share of false alarms", "0.2"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert!(Roc::default().to_svg().is_err());
    }
}
