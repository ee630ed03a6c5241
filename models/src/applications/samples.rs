//! The samples that a use works on: raw numbers, with their classes where the model takes these; and comparing scaled
//! ones, for figures are of what the model sees.

use crate::data::{Dataset, Rows, Scaler, reserved};
use crate::metrics::psnr;
use crate::model::{Given, Model};
use crate::{Error, Result};
use narrows_engine::random::{permutation, stream_id};
use narrows_engine::{Context, RawRows, Split};

/// The operation number of the streams that samples are drawn from.
const PICK: u32 = 0x00ff_0005;

/// Samples of a source, raw.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// `[n, features]`; NaN where a number is missing.
    pub numbers: Vec<f64>,
    /// The class of each, of a model that takes classes.
    pub labels: Option<Vec<u32>>,
    /// Their rows in the source.
    pub rows: Vec<u32>,
}

impl Samples {
    /// Reads rows of a source for a model.
    ///
    /// # Errors
    /// Data that do not fit the model; no rows; no memory.
    pub fn read(model: &Model, dataset: &Dataset, rows: &[u32]) -> Result<Self> {
        model.check_fits(dataset)?;
        if rows.is_empty() {
            return Err(Error::data(format!("{}: no samples; give some", dataset.name())));
        }
        let count = rows.len().saturating_mul(dataset.features());
        let mut numbers = reserved(count, "samples")?;
        numbers.resize(count, 0.0);
        dataset.read(rows, &mut numbers)?;
        let labels = dataset.labels().filter(|_| model.autoencoder().takes().labels);
        let labels = labels.map(|labels| rows.iter().filter_map(|&row| labels.get(row as usize).copied()).collect());
        Ok(Self { numbers, labels, rows: rows.to_vec() })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none; what was read has some.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What a session takes.
    pub fn given(&self) -> Given<'_> {
        self.classed(Given::doubles(&self.numbers))
    }

    /// Other numbers with the classes of these.
    pub fn classed<'a>(&'a self, given: Given<'a>) -> Given<'a> {
        self.labels.as_deref().map_or(given, |labels| given.labels(labels))
    }

    /// The first `count` of them, or all, in single precision.
    pub fn singles(&self, count: usize) -> Vec<f32> {
        let features = self.numbers.len() / self.len().max(1);
        self.numbers.iter().take(count.saturating_mul(features)).map(|&x| x as f32).collect()
    }
}

/// `count` of the rows drawn by `seed`; all, in their order, if there is no such number.
pub fn pick(rows: &[u32], count: Option<usize>, seed: u64) -> Vec<u32> {
    let Some(count) = count else { return rows.to_vec() };
    let mut order = vec![0; rows.len()];
    permutation(seed, stream_id(0, PICK), &mut order);
    order.iter().take(count).map(|&place| rows[place as usize]).collect()
}

/// Raw numbers as the model sees them.
pub(super) fn scaled(model: &Model, raw: RawRows<'_, f32>, split: Split) -> Result<Vec<f32>> {
    let count = match raw {
        RawRows::Bytes(values) => values.len(),
        RawRows::Values(values) => values.len(),
        RawRows::Doubles(values) => values.len(),
    };
    let mut out = reserved(count, "scaled samples")?;
    out.resize(count, 0.0);
    model.data().preprocessing.apply(Context::new(split), raw, &mut out)?;
    Ok(out)
}

/// The range of scaled values that a signal-to-noise ratio refers to, as in an evaluation: 1 of what lies in 0..1, the
/// range of the values themselves where they are not scaled, none of columns that were scaled each by its own deviation.
pub(super) fn range(model: &Model, clean: &[f32]) -> Option<f64> {
    match model.data().preprocessing.scaler() {
        scaler if scaler.is_unit() => Some(1.0),
        Scaler::None {} => {
            let (low, high) = clean.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
            Some(f64::from(high) - f64::from(low)).filter(|&range| range > 0.0)
        }
        _ => None,
    }
}

/// A mean squared error while it is summed up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SquaredError {
    sum: f64,
    count: f64,
}

impl SquaredError {
    pub(super) fn add(&mut self, a: f32, b: f32) {
        self.sum += f64::from(a - b).powi(2);
        self.count += 1.0;
    }

    /// Of all numbers.
    pub(super) fn of(a: &[f32], b: &[f32]) -> Self {
        let mut error = Self::default();
        a.iter().zip(b).for_each(|(&a, &b)| error.add(a, b));
        error
    }

    /// The mean; `None` of no numbers.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum / self.count)
    }

    /// That as a ratio in decibels, where the range is known.
    pub(super) fn psnr(&self, range: Option<f64>) -> Option<f64> {
        Some(psnr(self.mean()?, range?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_picked_by_seed() {
        let rows = [5, 9, 12, 40];
        assert_eq!(pick(&rows, None, 1), rows);
        let some = pick(&rows, Some(2), 1);
        assert!(some.len() == 2 && some == pick(&rows, Some(2), 1) && some.iter().all(|row| rows.contains(row)));
        let mut all = pick(&rows, Some(100), 7);
        all.sort_unstable();
        assert_eq!(all, rows);
    }

    #[test]
    fn errors_and_ratios() {
        let error = SquaredError::of(&[0.0, 1.0], &[0.1, 1.0]);
        assert!((error.mean().unwrap() - 0.005).abs() < 1e-6);
        assert!((error.psnr(Some(1.0)).unwrap() - 23.01).abs() < 0.01);
        assert_eq!((error.psnr(None), SquaredError::default().mean()), (None, None));
    }
}
