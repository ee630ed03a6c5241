//! Scaling: how raw values become what a model sees, and back.
//!
//! A scaler is fitted on the training rows only and stored with the model, its numbers in f64. Every kind is the same
//! arithmetic per feature, `x' = (x - offset) / width`. A feature that is constant in the training rows has no width:
//! it says nothing, no scale of its own can be told, and any supposed one (1, say) would let a row that differs there
//! drown all other features. Such a feature becomes 0 whatever it holds, and goes back to its constant. Statistics are
//! summed in f64, the deviation in a second pass over the mean: the one-pass formula loses all digits where the mean is
//! large.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Dataset;
use super::curve::{self, Curve, HALF, KNOTS};
use super::memory::{filled, reserved};
use super::range;
use super::rows::{ColumnKind, Rows};
use crate::error::{Error, Result};
use crate::suggest;

/// Which scaling to fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScalerKind {
    /// `Range` for bytes, where the source knows a range, and where all training values lie in 0 to 1; else `Standard`.
    #[default]
    Auto,
    /// The values as they are.
    None,
    /// One range for all features, to 0..1: the source's, else one measured on the training rows (0 to 255 for bytes
    /// and 0 to 1 for fractions that fill half of it, else the measured ends rounded outwards).
    Range,
    /// Each feature's own training range, to 0..1.
    MinMax,
    /// Each feature to mean 0 and standard deviation 1 over the training rows.
    Standard,
    /// Each feature to median 0 and middle half 1.349, which is deviation 1 of a normal distribution; outliers do not move it.
    Robust,
    /// Each feature to a normal distribution, by its quantiles.
    Quantile,
}

impl ScalerKind {
    const ALL: [(&'static str, Self); 7] = [
        ("auto", Self::Auto),
        ("none", Self::None),
        ("range", Self::Range),
        ("minmax", Self::MinMax),
        ("standard", Self::Standard),
        ("robust", Self::Robust),
        ("quantile", Self::Quantile),
    ];
}

impl FromStr for ScalerKind {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind).ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name);
            let hint = suggest::did_you_mean(word, &names);
            Error::usage(format!("unknown scaling `{word}`{hint}; use {}", names.join(", ")))
        })
    }
}

impl std::fmt::Display for ScalerKind {
    /// The name that [`FromStr`] reads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, kind)| kind == self).map_or("auto", |(name, _)| name))
    }
}

/// A fitted scaling, in numbers; [`Preprocessing`](super::Preprocessing) applies it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Scaler {
    /// `x' = x`. (Braces, because only then does serde refuse unknown fields beside the kind.)
    None {},
    /// `x' = (x - min) / (max - min)`, the same for all features.
    Range {
        /// What becomes 0.
        min: f64,
        /// What becomes 1.
        max: f64,
    },
    /// `x' = (x - min) / (max - min)` per feature; a constant feature has `max == min` and becomes 0.
    #[serde(rename = "minmax")]
    MinMax {
        /// What becomes 0, `[features]`.
        min: Vec<f64>,
        /// What becomes 1, `[features]`.
        max: Vec<f64>,
    },
    /// `x' = (x - mean) / std` per feature; a constant feature has `std == 0` and becomes 0.
    Standard {
        /// The mean over the training rows, `[features]`.
        mean: Vec<f64>,
        /// The standard deviation over the training rows (divided by their number), `[features]`.
        std: Vec<f64>,
    },
    /// `x' = 1.349 (x - median) / iqr` per feature; a constant feature has `iqr == 0` and becomes 0.
    Robust {
        /// The median over the training rows, `[features]`.
        median: Vec<f64>,
        /// The width of the middle half, `[features]`.
        iqr: Vec<f64>,
    },
    /// `x' = Φ⁻¹(F(x))` per feature, F by straight lines between quantiles.
    Quantile {
        /// Up to 1,000 quantiles of each feature over the training rows, in order; none for a feature that is left as it
        /// is.
        knots: Vec<Vec<f64>>,
    },
}

impl Scaler {
    /// Fits a scaler of `kind` to the rows `rows` of `dataset`, the training part, and says what it measured, in words.
    /// Missing values are left out of every figure.
    ///
    /// # Errors
    /// If `rows` is empty or names a row that does not exist; if `Range` is asked of values that are all equal; if
    /// values are so extreme that scaling would overflow; if memory runs out. (A [`Dataset`] has no NaN or infinite
    /// value that is not a missing one: it refuses them, with row and column, when it is made.)
    pub(super) fn fit(kind: ScalerKind, dataset: &Dataset, rows: &[u32]) -> Result<(Self, Vec<String>)> {
        if rows.is_empty() {
            return Err(Error::data(format!("{}: no training rows to fit the scaling to; keep some", dataset.name())));
        }
        if kind == ScalerKind::None {
            return Ok((Self::None {}, vec!["scaling: none".into()]));
        }
        let statistics = Statistics::of(dataset, rows)?;
        let (least, greatest) = statistics.ends();
        let words = dataset.columns().is_some_and(|all| all.iter().any(|column| column.kind != ColumnKind::Numeric));
        if words && kind == ScalerKind::Range {
            return Err(Error::usage(
                "scaling range is one range for all columns, and some hold words; give standard, minmax, robust or quantile",
            ));
        }
        let ranged = dataset.raw_range().is_some()
            || matches!(dataset.samples(), super::Samples::U8(_))
            || (least >= 0.0 && greatest <= 1.0);
        let range = match kind {
            ScalerKind::Auto if ranged && !words => range::of(dataset, least, greatest),
            ScalerKind::Range => range::of(dataset, least, greatest),
            _ => None,
        };
        let mut words = Vec::new();
        let mut fitted = match (kind, range) {
            (_, Some(range::Range { min, max, why })) => {
                words.push(format!("scaling: range {min} to {max} ({why})"));
                Self::Range { min, max }
            }
            (ScalerKind::Range, None) => Self::Range { min: least, max: greatest },
            (ScalerKind::MinMax, None) => Self::MinMax { min: statistics.min, max: statistics.max },
            (ScalerKind::Robust, None) => Self::robust(dataset, rows, &statistics)?,
            (ScalerKind::Quantile, None) => Self::quantile(dataset, rows)?,
            (_, None) => Self::Standard { std: statistics.deviations(dataset, rows)?, mean: statistics.mean },
        };
        for (at, _) in
            dataset.columns().unwrap_or_default().iter().enumerate().filter(|(_, c)| c.kind != ColumnKind::Numeric)
        {
            fitted.leave(at);
        }
        if let Some(fault) = fitted.fault(dataset.features()) {
            return Err(Error::data(format!(
                "{}: cannot scale by `{}`: it {fault}; use `none`, or change those values",
                dataset.name(),
                fitted.name()
            )));
        }
        if words.is_empty() {
            words.push(format!("scaling: {}", fitted.name()));
        }
        words.extend(fitted.constant_words(dataset.features()));
        Ok((fitted, words))
    }

    /// Medians and middle halves; of a column whose middle half is one value its deviation counts, as of a normal one.
    fn robust(dataset: &Dataset, rows: &[u32], statistics: &Statistics) -> Result<Self> {
        let deviations = statistics.deviations(dataset, rows)?;
        let (mut median, mut iqr) = (Vec::new(), Vec::new());
        for (values, deviation) in sorted(dataset, rows)?.iter().zip(deviations) {
            let at = |share: f64| quantile(values, share);
            median.push(at(0.5));
            let half = at(0.75) - at(0.25);
            iqr.push(if half > 0.0 { half } else { HALF * deviation });
        }
        Ok(Self::Robust { median, iqr })
    }

    /// Quantiles of every feature.
    fn quantile(dataset: &Dataset, rows: &[u32]) -> Result<Self> {
        let of = |values: Vec<f64>| {
            let count = values.len().min(KNOTS);
            (0..count).map(|at| quantile(&values, at as f64 / (count.max(2) - 1) as f64)).collect()
        };
        Ok(Self::Quantile { knots: sorted(dataset, rows)?.into_iter().map(of).collect() })
    }

    /// The name of the kind, as [`ScalerKind`] reads it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None {} => "none",
            Self::Range { .. } => "range",
            Self::MinMax { .. } => "minmax",
            Self::Standard { .. } => "standard",
            Self::Robust { .. } => "robust",
            Self::Quantile { .. } => "quantile",
        }
    }

    /// Leaves a feature that is no quantity as it is.
    fn leave(&mut self, feature: usize) {
        let set = |list: &mut [f64], value: f64| list.iter_mut().skip(feature).take(1).for_each(|to| *to = value);
        match self {
            Self::None {} | Self::Range { .. } => {}
            Self::MinMax { min: a, max: b } | Self::Standard { mean: a, std: b } => {
                set(a, 0.0);
                set(b, 1.0);
            }
            Self::Robust { median, iqr } => {
                set(median, 0.0);
                set(iqr, HALF);
            }
            Self::Quantile { knots } => knots.iter_mut().skip(feature).take(1).for_each(Vec::clear),
        }
    }

    /// The curve of each feature, where there are curves.
    pub(super) fn curves(&self) -> Result<Vec<Option<Curve>>> {
        let Self::Quantile { knots } = self else { return Ok(Vec::new()) };
        let mut scores = HashMap::new();
        let mut curves = reserved(knots.len(), "the quantiles")?;
        for knots in knots {
            let of = match scores.entry(knots.len()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(curve::scores(knots.len())?),
            };
            curves.push(Curve::new(knots, of)?);
        }
        Ok(curves)
    }

    /// Whether the training values lie in 0 to 1 after scaling (to rounding), so that a sigmoid output and binary
    /// cross-entropy fit them. Other rows may lie outside.
    pub fn is_unit(&self) -> bool {
        matches!(self, Self::Range { .. } | Self::MinMax { .. })
    }

    /// What makes the scaler unusable for rows of `features` values, as the end of a sentence about it.
    pub(super) fn fault(&self, features: usize) -> Option<String> {
        if let Self::MinMax { min: a, max: b } | Self::Standard { mean: a, std: b } | Self::Robust { median: a, iqr: b } =
            self
            && (a.len() != features || b.len() != features)
        {
            return Some(format!("has {} and {} entries where {features} features are expected", a.len(), b.len()));
        }
        if let Self::Quantile { knots } = self {
            let wrong =
                |knots: &Vec<f64>| knots.len() > KNOTS || knots.iter().any(|x| !x.is_finite()) || !knots.is_sorted();
            return match knots.iter().position(wrong) {
                _ if knots.len() != features => {
                    Some(format!("has quantiles of {} features where {features} are expected", knots.len()))
                }
                Some(column) => Some(format!("has unusable quantiles in column {column} (from 0)")),
                None => None,
            };
        }
        let usable = |column| self.affine(column).is_some_and(|affine| affine.is_usable());
        match self {
            Self::None {} => None,
            Self::Range { min, max } if usable(0) => (min == max).then(|| format!("has no range to scale, only {min}")),
            Self::Range { min, max } => Some(format!("has the unusable range {min} to {max}")),
            _ => (0..features)
                .find(|&column| !usable(column))
                .map(|column| format!("has unusable numbers in column {column} (from 0)")),
        }
    }

    /// Features that the training rows do not tell anything about, in words.
    fn constant_words(&self, features: usize) -> Option<String> {
        let constant = |&column: &usize| self.affine(column).is_some_and(|affine| affine.factor == 0.0);
        let count = (0..features).filter(constant).count();
        let first = (0..features).find(constant)?;
        Some(format!(
            "{count} of {features} columns are constant in the training part (the first is {first}) and become 0"
        ))
    }

    /// The arithmetic of one feature; `None` beyond the last one.
    pub(super) fn affine(&self, column: usize) -> Option<Affine> {
        match self {
            Self::None {} => Some(Affine::new(0.0, 1.0)),
            Self::Range { min, max } => Some(Affine::new(*min, max - min)),
            Self::MinMax { min, max } => {
                let (&min, &max) = min.get(column).zip(max.get(column))?;
                Some(Affine::new(min, max - min))
            }
            Self::Standard { mean, std } => {
                let (&mean, &std) = mean.get(column).zip(std.get(column))?;
                Some(Affine::new(mean, std))
            }
            Self::Robust { median, iqr } => {
                let (&median, &iqr) = median.get(column).zip(iqr.get(column))?;
                Some(Affine::new(median, iqr / HALF))
            }
            // A curve is none, and says so; a feature that is left as it is, or is constant, is.
            Self::Quantile { knots } => match knots.get(column)?.as_slice() {
                [] => Some(Affine::new(0.0, 1.0)),
                [first, .., last] if first < last => Some(Affine::new(0.0, 1.0)),
                [first, ..] => Some(Affine::new(*first, 0.0)),
            },
        }
    }
}

/// `x' = (x - offset) * factor` and `x = x' * width + offset`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Affine {
    pub(super) offset: f64,
    pub(super) factor: f64,
    pub(super) width: f64,
}

impl Affine {
    /// A width below the least normal number, whose inverse overflows, counts as none: the feature is constant.
    fn new(offset: f64, width: f64) -> Self {
        let constant = (0.0..f64::MIN_POSITIVE).contains(&width);
        Self { offset, width, factor: if constant { 0.0 } else { 1.0 / width } }
    }

    fn is_usable(&self) -> bool {
        self.width >= 0.0 && [self.offset, self.factor, self.width].iter().all(|number| number.is_finite())
    }
}

/// Per feature, over rows: `[features]` each. A feature without a value is 0 throughout.
struct Statistics {
    min: Vec<f64>,
    max: Vec<f64>,
    mean: Vec<f64>,
    counts: Vec<f64>,
}

impl Statistics {
    fn of(dataset: &Dataset, rows: &[u32]) -> Result<Self> {
        let features = dataset.features();
        let mut all = Self {
            min: filled(features, f64::INFINITY, "the ranges")?,
            max: filled(features, f64::NEG_INFINITY, "the ranges")?,
            mean: filled(features, 0.0, "the mean")?,
            counts: filled(features, 0.0, "the counts")?,
        };
        for block in dataset.blocks(Some(rows)) {
            for row in block?.values.chunks_exact(features) {
                for (column, &value) in row.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
                    all.min[column] = all.min[column].min(value);
                    all.max[column] = all.max[column].max(value);
                    all.mean[column] += value;
                    all.counts[column] += 1.0;
                }
            }
        }
        for column in 0..features {
            match all.counts[column] {
                0.0 => (all.min[column], all.max[column]) = (0.0, 0.0),
                count => all.mean[column] /= count,
            }
            if all.min[column] == all.max[column] {
                // The sum of many equal numbers rounds; the number itself does not.
                all.mean[column] = all.min[column];
            }
        }
        Ok(all)
    }

    /// The least and the greatest value of all features.
    fn ends(&self) -> (f64, f64) {
        let least = self.min.iter().copied().fold(f64::INFINITY, f64::min);
        (least, self.max.iter().copied().fold(f64::NEG_INFINITY, f64::max))
    }

    fn deviations(&self, dataset: &Dataset, rows: &[u32]) -> Result<Vec<f64>> {
        let mut squares = filled(self.mean.len(), 0.0, "the standard deviation")?;
        for block in dataset.blocks(Some(rows)) {
            for row in block?.values.chunks_exact(self.mean.len()) {
                for ((square, &mean), &value) in squares.iter_mut().zip(&self.mean).zip(row) {
                    *square += if value.is_nan() { 0.0 } else { (value - mean).powi(2) };
                }
            }
        }
        for (square, &count) in squares.iter_mut().zip(&self.counts) {
            *square = (*square / count.max(1.0)).sqrt();
        }
        Ok(squares)
    }
}

/// The most values that quantiles are taken from.
const SAMPLED: usize = 1 << 25;

/// What is present of each feature, in order: of all rows, or where these are many of evenly spaced ones.
fn sorted(dataset: &Dataset, rows: &[u32]) -> Result<Vec<Vec<f64>>> {
    let features = dataset.features();
    let step = rows.len().div_ceil((SAMPLED / features).clamp(1, 100_000));
    let chosen: Vec<u32> = rows.iter().copied().step_by(step.max(1)).collect();
    let mut columns: Vec<Vec<f64>> = Vec::new();
    for _ in 0..features {
        columns.push(reserved(chosen.len(), "the quantiles")?);
    }
    for block in dataset.blocks(Some(&chosen)) {
        for row in block?.values.chunks_exact(features) {
            columns.iter_mut().zip(row).filter(|(_, x)| !x.is_nan()).for_each(|(column, &x)| column.push(x));
        }
    }
    columns.iter_mut().for_each(|column| column.sort_unstable_by(f64::total_cmp));
    Ok(columns)
}

/// The value that a share of sorted ones is below, by a straight line between two.
fn quantile(values: &[f64], share: f64) -> f64 {
    let place = share * values.len().saturating_sub(1) as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    match (values.get(low), values.get(low + 1)) {
        (Some(&a), Some(&b)) => a + part * (b - a),
        (Some(&a), None) => a,
        _ => 0.0,
    }
}

#[cfg(test)]
#[path = "scale_tests.rs"]
mod tests;
