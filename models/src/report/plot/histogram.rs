//! How values lie: counts in bins, with cutoffs as vertical lines, and groups over each other.

use super::axis::{Axis, Scale};
use super::frame::{BARS, Frame, Sign, VerticalMark, mark};
use super::palette::colour;
use crate::Result;
use plotters::prelude::*;

/// Bins.
const BINS: usize = 40;

/// A histogram. Of one group it shows counts; of several, which may differ much in size, the share of each.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// What it shows.
    pub title: String,
    /// The same for those who do not see it.
    pub description: String,
    /// What the values are, with their unit.
    pub x: String,
    /// The groups; those without values are left out.
    pub groups: Vec<Group>,
    /// Cutoffs, or whatever else is to be marked.
    pub marks: Vec<VerticalMark>,
}

/// Values that belong together, such as those of a class.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// What the legend calls it.
    pub name: String,
    /// Values; those that are not finite are left out.
    pub values: Vec<f64>,
}

impl Histogram {
    /// Whether a logarithmic axis shows all of it: every finite value is above 0, and the greatest is more than ten
    /// times the least.
    pub fn is_wide(&self) -> bool {
        let finite = || self.groups.iter().flat_map(|group| &group.values).copied().filter(|value| value.is_finite());
        let (least, greatest) = (finite().fold(f64::INFINITY, f64::min), finite().fold(0.0, f64::max));
        least > 1e-300 && greatest > 10.0 * least
    }

    /// The plot as an SVG element, its axis along by `scale`.
    ///
    /// # Errors
    /// If no value can be drawn.
    pub fn to_svg(&self, scale: Scale) -> Result<String> {
        let empty = || Frame::empty(&self.title);
        let marks = self.marks.iter().map(|mark| mark.at);
        let values = self.groups.iter().flat_map(|group| &group.values).copied();
        let along = Axis::over(values.chain(marks), scale, 6).ok_or_else(empty)?;
        let edges = edges(along.low(), along.high(), scale);
        let counts: Vec<(&str, Vec<f64>)> =
            self.groups.iter().map(|group| (&*group.name, count(group, &along, &edges))).collect();
        let mut counts: Vec<_> = counts.into_iter().filter(|(_, counts)| counts.iter().any(|&n| n > 0.0)).collect();
        let shares = counts.len() > 1;
        if shares {
            for (_, counts) in &mut counts {
                let total: f64 = counts.iter().sum();
                counts.iter_mut().for_each(|n| *n *= 100.0 / total);
            }
        }
        let highest = counts.iter().flat_map(|(_, counts)| counts).fold(0.0, |most: f64, &n| most.max(n));
        if highest == 0.0 {
            return Err(empty());
        }
        let up = Axis::linear(0.0, 1.05 * highest, 6);
        let signs = counts.iter().enumerate().map(|(number, (name, _))| (Sign::Box(number), *name));
        let frame = Frame {
            title: &self.title,
            description: &self.description,
            x: &self.x,
            y: if shares { "share of the group, %" } else { "samples" },
            legend: signs.chain(self.marks.iter().map(|mark| (Sign::Dashes, mark.name.as_str()))).collect(),
            height: 560,
        };
        let top = up.high();
        frame.draw(along, up, |chart| {
            for (number, (_, counts)) in counts.iter().enumerate() {
                let style = colour(number).mix(BARS).filled();
                let bars = edges.windows(2).zip(counts).filter(|(_, n)| **n > 0.0);
                chart.draw_series(bars.map(|(ends, &n)| Rectangle::new([(ends[0], 0.0), (ends[1], n)], style)))?;
            }
            self.marks.iter().try_for_each(|line| mark(chart, (0.0, top), line.at))
        })
    }
}

/// The ends of the bins, equally far apart on the axis.
fn edges(low: f64, high: f64, scale: Scale) -> Vec<f64> {
    let at = |n: usize| n as f64 / BINS as f64;
    match scale {
        Scale::Linear => (0..=BINS).map(|n| low + (high - low) * at(n)).collect(),
        Scale::Logarithmic => (0..=BINS).map(|n| low * (high / low).powf(at(n))).collect(),
    }
}

/// How many values of a group lie in each bin.
fn count(group: &Group, axis: &Axis, edges: &[f64]) -> Vec<f64> {
    let mut counts = vec![0.0; BINS];
    for &value in group.values.iter().filter(|&&value| axis.has(value)) {
        let bin = edges.partition_point(|&edge| edge <= value).saturating_sub(1).min(BINS - 1);
        counts[bin] += 1.0;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_over_each_other_with_a_cutoff() {
        let group = |name: &str, from: i32| Group {
            name: name.into(),
            values: (from..from + 200).map(|n| f64::from(n * n % 101)).chain([f64::NAN]).collect(),
        };
        let mut plot = Histogram {
            title: "errors".into(),
            x: "squared error".into(),
            groups: vec![group("ordinary", 0), group("odd", 500), Group::default()],
            marks: vec![VerticalMark { name: "cutoff".into(), at: 60.0 }],
            ..Histogram::default()
        };
        let svg = plot.to_svg(Scale::Linear).unwrap();
        for part in ["squared error", "share of the group", "ordinary", "odd", "cutoff"] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert!(!plot.is_wide());
        plot.groups = vec![Group { name: "all".into(), values: vec![0.001, 1.0, 1.0, 5.0] }];
        let svg = plot.to_svg(Scale::Logarithmic).unwrap();
        assert!(svg.contains("samples") && plot.is_wide() && !svg.contains("NaN"));
        assert!(Histogram::default().to_svg(Scale::Linear).is_err());
    }

    #[test]
    fn every_value_lies_in_a_bin() {
        let group = Group { name: String::new(), values: vec![0.0, 0.5, 1.0, 1.0] };
        let axis = Axis::over(group.values.iter().copied(), Scale::Linear, 6).unwrap();
        let counts = count(&group, &axis, &edges(axis.low(), axis.high(), Scale::Linear));
        assert_eq!(counts.iter().sum::<f64>(), 4.0);
        assert!(
            Histogram { groups: vec![Group { name: "one".into(), values: vec![3.0; 9] }], ..Histogram::default() }
                .to_svg(Scale::Linear)
                .is_ok()
        );
    }
}
