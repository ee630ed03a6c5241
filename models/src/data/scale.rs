//! Scaling: how raw values become what a model sees, and back.
//!
//! A scaler is fitted on the training rows only and stored with the model. Every kind is the same arithmetic per
//! feature, `x' = x * scale + shift`, so that a batch is scaled while it is gathered, whatever the kind. A feature that
//! is constant in the training rows is only shifted (scale 1), which makes it 0. Statistics are summed in f64, the
//! deviation in a second pass over the mean: the one-pass formula loses all digits where the mean is large.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Dataset, reserved};
use crate::error::{Error, Result};
use crate::suggest;

/// Which scaling to fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScalerKind {
    /// `Range` where the source has a natural range or all training values lie in 0 to 1, else `Standard`.
    #[default]
    Auto,
    /// The values as they are.
    None,
    /// One range for all features, to 0..1: the source's natural range, else that of the training rows.
    Range,
    /// Each feature's own training range, to 0..1.
    MinMax,
    /// Each feature to mean 0 and standard deviation 1 over the training rows.
    Standard,
}

impl ScalerKind {
    const ALL: [(&'static str, Self); 5] = [
        ("auto", Self::Auto),
        ("none", Self::None),
        ("range", Self::Range),
        ("minmax", Self::MinMax),
        ("standard", Self::Standard),
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

/// A fitted scaling. A stored one must pass [`check`](Self::check) before use; the other methods do that themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Scaler {
    /// `x' = x`. (Braces, because only then does serde refuse unknown fields beside the kind.)
    None {},
    /// `x' = (x - min) / (max - min)`, the same for all features.
    Range {
        /// What becomes 0.
        min: f32,
        /// What becomes 1.
        max: f32,
    },
    /// `x' = (x - min) / (max - min)` per feature; a constant feature has `max == min`.
    #[serde(rename = "minmax")]
    MinMax {
        /// What becomes 0, `[features]`.
        min: Vec<f32>,
        /// What becomes 1, `[features]`.
        max: Vec<f32>,
    },
    /// `x' = (x - mean) / std` per feature; a constant feature has `std == 0`.
    Standard {
        /// The mean over the training rows, `[features]`.
        mean: Vec<f32>,
        /// The standard deviation over the training rows (divided by their number), `[features]`.
        std: Vec<f32>,
    },
}

impl Scaler {
    /// Fits a scaler of `kind` to the rows `rows` of `dataset`, the training part.
    ///
    /// # Errors
    /// If `rows` is empty or names a row that does not exist; if `Range` is asked of values that are all equal; if
    /// values are so extreme that scaling would overflow; if memory runs out. (A [`Dataset`] has no NaN or infinite
    /// value: it refuses them, with row and column, when it is made.)
    pub fn fit(kind: ScalerKind, dataset: &Dataset, rows: &[u32]) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::data(format!("{}: no training rows to fit the scaling to; keep some", dataset.name())));
        }
        let fitted = match (kind, dataset.raw_range()) {
            (ScalerKind::None, _) => Self::None {},
            (ScalerKind::Auto | ScalerKind::Range, Some((min, max))) => Self::Range { min, max },
            (ScalerKind::Auto, None) => match global_extremes(dataset, rows)? {
                (min, max) if min >= 0.0 && max <= 1.0 => Self::Range { min: 0.0, max: 1.0 },
                _ => fit_standard(dataset, rows)?,
            },
            (ScalerKind::Range, None) => {
                let (min, max) = global_extremes(dataset, rows)?;
                Self::Range { min, max }
            }
            (ScalerKind::MinMax, _) => {
                let (min, max) = extremes(dataset, rows)?;
                Self::MinMax { min, max }
            }
            (ScalerKind::Standard, _) => fit_standard(dataset, rows)?,
        };
        match fitted.fault(dataset.features()) {
            None => Ok(fitted),
            Some(fault) => Err(Error::data(format!(
                "{}: cannot scale by `{}`: it {fault}; use `none`, or change those values",
                dataset.name(),
                fitted.name()
            ))),
        }
    }

    /// The name of the kind, as [`ScalerKind`] reads it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None {} => "none",
            Self::Range { .. } => "range",
            Self::MinMax { .. } => "minmax",
            Self::Standard { .. } => "standard",
        }
    }

    /// Whether the training values lie in 0 to 1 after scaling (to rounding), so that a sigmoid output and binary
    /// cross-entropy fit them. Other rows may lie outside under `MinMax`, and under a `Range` that was fitted.
    pub fn is_unit(&self) -> bool {
        matches!(self, Self::Range { .. } | Self::MinMax { .. })
    }

    /// Refuses a scaler, as read from a file, that does not fit rows of `features` values.
    ///
    /// # Errors
    /// If a list has another length; if a number is NaN or infinite, a `max` below its `min`, a `std` negative, or the
    /// ends of a `Range` equal; if a number is so extreme that scaling would overflow.
    pub fn check(&self, features: usize) -> Result<()> {
        match self.fault(features) {
            None => Ok(()),
            Some(fault) => Err(Error::model(format!("the scaling `{}` {fault}; fit it again", self.name()))),
        }
    }

    /// What makes the scaler unusable for rows of `features` values, as the end of a sentence about it.
    fn fault(&self, features: usize) -> Option<String> {
        if let Self::MinMax { min: a, max: b } | Self::Standard { mean: a, std: b } = self
            && (a.len() != features || b.len() != features)
        {
            return Some(format!("has {} and {} entries where {features} features are expected", a.len(), b.len()));
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

    /// The factors and the summands of each feature, `[features]` each: `x' = x * scale + shift`.
    ///
    /// # Errors
    /// As for [`check`](Self::check); if memory runs out.
    pub fn scale_shift(&self, features: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        self.check(features)?;
        let mut scales = reserved(features, "the scaling")?;
        let mut shifts = reserved(features, "the scaling")?;
        for Affine { scale, shift, .. } in (0..features).filter_map(|column| self.affine(column)) {
            scales.push(scale);
            shifts.push(shift);
        }
        Ok((scales, shifts))
    }

    /// Scales whole rows, `[N, features]`, in place.
    ///
    /// # Errors
    /// As for [`check`](Self::check); if `values` is not a whole number of rows.
    pub fn scale(&self, values: &mut [f32], features: usize) -> Result<()> {
        self.for_each(values, features, |value, affine| value * affine.scale + affine.shift)
    }

    /// Takes scaled rows, `[N, features]`, back to raw values in place.
    ///
    /// # Errors
    /// As for [`check`](Self::check); if `values` is not a whole number of rows.
    pub fn unscale(&self, values: &mut [f32], features: usize) -> Result<()> {
        self.for_each(values, features, |value, affine| value * affine.width + affine.low)
    }

    fn for_each(&self, values: &mut [f32], features: usize, map: impl Fn(f32, &Affine) -> f32) -> Result<()> {
        self.check(features)?;
        if features == 0 || !values.len().is_multiple_of(features) {
            return Err(Error::data(format!(
                "cannot scale {} values as rows of {features} features; give whole rows",
                values.len()
            )));
        }
        let mut affines = reserved(features, "the scaling")?;
        affines.extend((0..features).filter_map(|column| self.affine(column)));
        for row in values.chunks_exact_mut(features) {
            row.iter_mut().zip(&affines).for_each(|(value, affine)| *value = map(*value, affine));
        }
        Ok(())
    }

    /// The arithmetic of one feature; `None` beyond the last one.
    fn affine(&self, column: usize) -> Option<Affine> {
        match self {
            Self::None {} => Some(Affine::new(0.0, 1.0)),
            Self::Range { min, max } => Some(Affine::new(*min, f64::from(*max) - f64::from(*min))),
            Self::MinMax { min, max } => {
                let (&min, &max) = min.get(column).zip(max.get(column))?;
                Some(Affine::new(min, f64::from(max) - f64::from(min)))
            }
            Self::Standard { mean, std } => {
                let (&mean, &std) = mean.get(column).zip(std.get(column))?;
                Some(Affine::new(mean, f64::from(std)))
            }
        }
    }
}

/// `x' = x * scale + shift` and `x = x' * width + low`.
struct Affine {
    scale: f32,
    shift: f32,
    width: f32,
    low: f32,
}

impl Affine {
    /// A width below the least normal number, whose inverse overflows, counts as none: the feature is constant.
    fn new(low: f32, width: f64) -> Self {
        let constant = (0.0..f64::from(f32::MIN_POSITIVE)).contains(&width);
        let width = if constant { 1.0 } else { width };
        let shift = (0.0 - f64::from(low) / width) as f32;
        Self { scale: (1.0 / width) as f32, shift, width: width as f32, low }
    }

    fn is_usable(&self) -> bool {
        self.width > 0.0 && [self.scale, self.shift, self.width, self.low].iter().all(|number| number.is_finite())
    }
}

fn fit_standard(dataset: &Dataset, rows: &[u32]) -> Result<Scaler> {
    let features = dataset.features();
    let mut sums = reserved(features, "the mean")?;
    sums.resize(features, 0.0_f64);
    for_each_row(dataset, rows, |row| {
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
    })?;
    let count = rows.len() as f64;
    sums.iter_mut().for_each(|sum| *sum /= count);
    let mut squares = reserved(features, "the standard deviation")?;
    squares.resize(features, 0.0_f64);
    for_each_row(dataset, rows, |row| {
        for ((square, &mean), &value) in squares.iter_mut().zip(&sums).zip(row) {
            *square += (f64::from(value) - mean).powi(2);
        }
    })?;
    let mut mean = reserved(features, "the mean")?;
    mean.extend(sums.iter().map(|&mean| mean as f32));
    let mut std = reserved(features, "the standard deviation")?;
    std.extend(squares.iter().map(|&square| (square / count).sqrt() as f32));
    Ok(Scaler::Standard { mean, std })
}

/// The least and the greatest value of each feature over the rows.
fn extremes(dataset: &Dataset, rows: &[u32]) -> Result<(Vec<f32>, Vec<f32>)> {
    let features = dataset.features();
    let mut min = reserved(features, "the ranges")?;
    min.resize(features, f32::INFINITY);
    let mut max = reserved(features, "the ranges")?;
    max.resize(features, f32::NEG_INFINITY);
    for_each_row(dataset, rows, |row| {
        for ((min, max), &value) in min.iter_mut().zip(&mut max).zip(row) {
            *min = min.min(value);
            *max = max.max(value);
        }
    })?;
    Ok((min, max))
}

fn global_extremes(dataset: &Dataset, rows: &[u32]) -> Result<(f32, f32)> {
    let (min, max) = extremes(dataset, rows)?;
    let least = min.iter().copied().fold(f32::INFINITY, f32::min);
    Ok((least, max.iter().copied().fold(f32::NEG_INFINITY, f32::max)))
}

fn for_each_row(dataset: &Dataset, rows: &[u32], mut visit: impl FnMut(&[f32])) -> Result<()> {
    let mut buffer = reserved(dataset.features(), "a row")?;
    buffer.resize(dataset.features(), 0.0);
    for &row in rows {
        dataset.row_f32(usize::try_from(row).unwrap_or(usize::MAX), &mut buffer)?;
        visit(&buffer);
    }
    Ok(())
}

#[cfg(test)]
#[path = "scale_tests.rs"]
mod tests;
