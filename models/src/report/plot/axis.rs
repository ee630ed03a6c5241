//! An axis: from where to where, linear or logarithmic, with ticks at round numbers.
//!
//! `plotters` has axes of its own; its search for ticks does not end for extreme values, and its logarithms have too
//! many ticks for a narrow page. Values beyond ±1e300 are drawn at that end.

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// How an axis goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally far apart.
    #[default]
    Linear,
    /// Equal ratios are; what is not above 0 has no place.
    Logarithmic,
}

/// Values are drawn up to here.
const FARTHEST: f64 = 1e300;
/// The least length of an axis beside its largest value: below it, all is one value.
const LEAST_SPAN: f64 = 1e-6;
/// Decades from which ticks are powers of ten alone.
const DECADES: f64 = 2.0;

/// An axis.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    scale: Scale,
    ticks: Vec<f64>,
    /// Between linear ticks.
    step: f64,
}

impl Axis {
    /// An axis over the values that have a place on it, with a twentieth more on either side, and about `ticks` ticks;
    /// `None` if there is no such value.
    pub(super) fn over(values: impl Iterator<Item = f64>, scale: Scale, ticks: usize) -> Option<Self> {
        let (low, high) = ends(values, scale)?;
        match scale {
            Scale::Linear => {
                let largest = low.abs().max(high.abs());
                let least = if largest > 0.0 { (LEAST_SPAN * largest).max(1e-290) } else { 1.0 };
                let span = (high - low).max(least);
                let around = 0.5 * (span - (high - low)) + 0.05 * span;
                // What is never negative starts at 0 rather than below.
                let from = if low >= 0.0 { (low - around).max(0.0) } else { low - around };
                Some(Self::linear(from, high + around, ticks))
            }
            Scale::Logarithmic => {
                let span = (high.log10() - low.log10()).max(0.1);
                let around = 0.5 * (span - (high.log10() - low.log10())) + 0.05 * span;
                let (low, high) = (low.log10() - around, high.log10() + around);
                Some(Self::logarithmic(low.max(-307.0), high.min(307.0), ticks))
            }
        }
    }

    /// An axis with these ends, which differ.
    pub(super) fn linear(low: f64, high: f64, ticks: usize) -> Self {
        let step = nice((high - low) / ticks.max(1) as f64);
        let mut axis = Self { low, high, scale: Scale::Linear, ticks: Vec::new(), step };
        axis.ticks = axis.multiples(ticks);
        axis
    }

    /// An axis over whole numbers, with ticks at whole numbers alone.
    pub(super) fn whole(first: u64, last: u64, ticks: usize) -> Self {
        let (low, high) = (first as f64, last.max(first.saturating_add(1)) as f64);
        let mut axis = Self::linear(low, if high > low { high } else { low * (1.0 + 1e-9) }, ticks);
        if axis.step < 1.0 {
            axis.step = 1.0;
            axis.ticks = axis.multiples(ticks);
        }
        axis
    }

    /// From 10^low to 10^high.
    fn logarithmic(low: f64, high: f64, ticks: usize) -> Self {
        let (from, to) = (10f64.powf(low), 10f64.powf(high));
        let mut axis = Self { low: from, high: to, scale: Scale::Logarithmic, ticks: Vec::new(), step: 0.0 };
        let inside = |tick: &f64| *tick >= from && *tick <= to;
        let power = |decade: f64| 10f64.powf(decade);
        let decades = || (0..=(high.floor() - low.floor()).max(0.0) as u32).map(|n| low.floor() + f64::from(n));
        if high - low >= DECADES {
            let stride = ((high - low) / ticks.max(1) as f64).ceil().max(1.0);
            axis.ticks = decades().filter(|decade| decade % stride == 0.0).map(power).filter(inside).collect();
            return axis;
        }
        for digits in [&[1.0, 2.0, 5.0][..], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]] {
            axis.ticks = decades()
                .flat_map(|decade| digits.iter().map(move |digit| digit * power(decade)))
                .filter(inside)
                .collect();
            if axis.ticks.len() > 2 {
                return axis;
            }
        }
        // Less than a factor of two or so: as good as linear.
        axis.step = nice((to - from) / ticks.max(1) as f64);
        axis.ticks = axis.multiples(ticks);
        axis
    }

    /// Multiples of the step between the ends.
    fn multiples(&self, about: usize) -> Vec<f64> {
        let first = (self.low / self.step).ceil();
        let ticks = (0..=3 * about).map(|n| (first + n as f64) * self.step);
        ticks.take_while(|&tick| tick <= self.high + 1e-9 * self.step).collect()
    }

    /// Where the axis begins.
    pub(super) fn low(&self) -> f64 {
        self.low
    }

    /// Where it ends.
    pub(super) fn high(&self) -> f64 {
        self.high
    }

    /// Whether a value has a place on an axis of this scale.
    pub(super) fn has(&self, value: f64) -> bool {
        has(value, self.scale)
    }

    /// Where a value lies between the ends, 0 to 1.
    fn share(&self, value: f64) -> f64 {
        let value = value.clamp(-FARTHEST, FARTHEST);
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => {
                let low = self.low.log10();
                (value.log10() - low) / (self.high.log10() - low)
            }
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        limit.0 + (self.share(*value) * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Lighter lines between the ticks are not drawn.
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        label(*value, if self.step > 0.0 { self.step } else { *value })
    }
}

/// Whether a value has a place.
pub(super) fn has(value: f64, scale: Scale) -> bool {
    value.is_finite() && (scale == Scale::Linear || value > 1e-300)
}

/// The least and the greatest value that has a place.
fn ends(values: impl Iterator<Item = f64>, scale: Scale) -> Option<(f64, f64)> {
    let values = values.filter(|&value| has(value, scale)).map(|value| value.clamp(-FARTHEST, FARTHEST));
    values.fold(None, |ends, value| match ends {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}

/// The next of 1, 2 and 5 times a power of ten.
fn nice(step: f64) -> f64 {
    let power = 10f64.powf(step.max(1e-300).log10().floor());
    let digit = [1.0, 2.0, 5.0, 10.0].into_iter().find(|digit| digit * power >= step * (1.0 - 1e-9));
    digit.unwrap_or(10.0) * power
}

/// A tick in as many digits as tell it from one a step away.
fn label(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let magnitude = |x: f64| (x.abs().max(1e-300).log10() + 1e-9).floor();
    if (-4.0..6.0).contains(&magnitude(value)) {
        // In [0, 12] by the clamp.
        let decimals = (-magnitude(step)).clamp(0.0, 12.0) as usize;
        return format!("{value:.decimals$}");
    }
    let digits = (magnitude(value) - magnitude(step)).clamp(0.0, 7.0) as usize;
    format!("{value:.digits$e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], scale: Scale) -> Vec<String> {
        let axis = Axis::over(values.iter().copied(), scale, 6).unwrap();
        axis.ticks.iter().map(|tick| axis.format_ext(tick)).collect()
    }

    #[test]
    fn ticks_are_round_and_in_few_digits() {
        assert_eq!(labels(&[0.0, 1.0], Scale::Linear), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&[20.0, 41.0], Scale::Linear), ["20", "25", "30", "35", "40"]);
        assert_eq!(labels(&[1e-7, 3e-7], Scale::Linear)[..2], ["1.0e-7", "1.5e-7"]);
        assert_eq!(labels(&[1.0, 1e4], Scale::Logarithmic), ["1", "10", "100", "1000", "10000"]);
        assert_eq!(labels(&[3.0, 60.0], Scale::Logarithmic), ["5", "10", "20", "50"]);
        assert_eq!(labels(&[30.0, 37.0], Scale::Logarithmic), ["30", "32", "34", "36"]);
        let whole = Axis::whole(1, 3, 6);
        assert_eq!(whole.ticks, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn values_of_any_size_have_an_axis() {
        let numbers = [0.0, 5.0, -1.0, 1e300, f64::MAX, f64::MIN, 1e-300, 5e-324, 1e15, 1e15 + 1.0, 123_456.0];
        for a in numbers {
            for b in numbers {
                for scale in [Scale::Linear, Scale::Logarithmic] {
                    let Some(axis) = Axis::over([a, b].into_iter(), scale, 6) else { continue };
                    assert!(axis.low < axis.high && axis.ticks.len() < 30, "{a} {b} {axis:?}");
                    assert!(axis.ticks.iter().all(|tick| tick.is_finite()), "{a} {b} {axis:?}");
                    assert!((0..=100).contains(&axis.map(&a, (0, 100))));
                }
            }
        }
        assert!(Axis::over([f64::NAN].into_iter(), Scale::Linear, 6).is_none());
        assert!(Axis::over([0.0, -1.0].into_iter(), Scale::Logarithmic, 6).is_none());
        assert!(Axis::whole(u64::MAX, u64::MAX, 6).ticks.len() < 30);
    }
}
