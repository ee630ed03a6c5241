//! What the units of a code do over many samples: how active, how varied, how many never change.
//!
//! Codes `[N, code]` are added batch by batch in f64; per unit only the mean, the sum of squared deviations and the
//! ends are kept, by Welford's recurrence (B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares
//! and Products", Technometrics 4(3), 1962), which does not cancel as Σh² − (Σh)²/N does where the mean is far from 0.
//! Row after row, so the result does not depend on how the samples were cut into batches.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// A unit whose values all lie within this span is dead.
pub const DEAD_SPAN: f64 = 1e-3;
/// A unit with a greater variance is active.
pub const ACTIVE_VARIANCE: f64 = 0.01;

/// Gathers the statistics of codes; see [`CodeSummary`].
#[derive(Debug, Clone)]
pub struct CodeStatistics {
    samples: usize,
    /// Per unit.
    means: Vec<f64>,
    squares: Vec<f64>,
    least: Vec<f32>,
    greatest: Vec<f32>,
    /// Over samples.
    non_zeros: NonZeros,
}

/// How many units of a code are not exactly 0, over samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct NonZeros {
    /// In the sample with the fewest.
    pub min: usize,
    /// On average.
    pub mean: f64,
    /// In the sample with the most.
    pub max: usize,
}

/// What is known of the codes of some samples, under its names in JSON. Variances and deviations are
/// the population's (divided by N).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CodeSummary {
    /// Units of the code.
    pub size: usize,
    /// Samples seen, N. Of none, all figures are 0.
    #[serde(skip)]
    pub samples: usize,
    /// The mean activation, over units and samples.
    pub mean: f64,
    /// The standard deviation of the activations, over units and samples.
    pub deviation: f64,
    /// The least activation.
    pub min: f64,
    /// The greatest activation.
    pub max: f64,
    /// The mean activation of each unit, `[size]`.
    #[serde(rename = "mean_activation_per_unit")]
    pub mean_activation: Vec<f64>,
    /// The variance of each unit over samples, `[size]`.
    pub variances: Vec<f64>,
    /// Units that take the same value, within [`DEAD_SPAN`], on every sample: a ReLU that never fires, a saturated
    /// sigmoid. Of one sample alone, all.
    pub dead_units: usize,
    /// Units of a sample that are not exactly 0.
    pub non_zeros: NonZeros,
}

impl CodeSummary {
    /// Units whose variance over samples is above [`ACTIVE_VARIANCE`], after Y. Burda, R. Grosse & R. Salakhutdinov,
    /// "Importance Weighted Autoencoders", 2015. There, as for every VAE, the code is the posterior's mean.
    pub fn active_units(&self) -> usize {
        self.variances.iter().filter(|&&variance| variance > ACTIVE_VARIANCE).count()
    }
}

impl CodeStatistics {
    /// Statistics of codes of `size` units, of no samples yet. 24 bytes a unit.
    pub fn new(size: usize) -> Self {
        Self {
            samples: 0,
            means: vec![0.0; size],
            squares: vec![0.0; size],
            least: vec![f32::INFINITY; size],
            greatest: vec![f32::NEG_INFINITY; size],
            non_zeros: NonZeros { min: usize::MAX, mean: 0.0, max: 0 },
        }
    }

    /// Adds the codes of some samples, `[n, size]`.
    ///
    /// # Errors
    /// A length that is not whole codes; a value that is not finite. Nothing has been added then.
    pub fn add(&mut self, codes: &[f32]) -> Result<()> {
        check_finite_codes(codes, self.means.len(), self.samples)?;
        for code in codes.chunks_exact(self.means.len().max(1)) {
            self.add_one(code);
        }
        Ok(())
    }

    fn add_one(&mut self, code: &[f32]) {
        self.samples += 1;
        let share = 1.0 / self.samples as f64;
        for ((&h, mean), squares) in code.iter().zip(&mut self.means).zip(&mut self.squares) {
            let before = f64::from(h) - *mean;
            *mean += share * before;
            *squares += before * (f64::from(h) - *mean);
        }
        for ((&h, least), greatest) in code.iter().zip(&mut self.least).zip(&mut self.greatest) {
            *least = if h < *least { h } else { *least };
            *greatest = if h > *greatest { h } else { *greatest };
        }
        let count = code.iter().map(|&h| u32::from(h != 0.0)).sum::<u32>() as usize;
        let NonZeros { min, mean, max } = self.non_zeros;
        self.non_zeros =
            NonZeros { min: min.min(count), mean: mean + share * (count as f64 - mean), max: max.max(count) };
    }

    /// What was gathered. More may be added afterwards.
    pub fn finish(&self) -> CodeSummary {
        let size = self.means.len();
        if self.samples == 0 || size == 0 {
            let zeros = || vec![0.0; size];
            return CodeSummary { size, mean_activation: zeros(), variances: zeros(), ..CodeSummary::default() };
        }
        let average = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / size as f64;
        let variances: Vec<f64> = self.squares.iter().map(|squares| squares / self.samples as f64).collect();
        let mean = average(&mut self.means.iter().copied());
        // Within units and between them.
        let between = average(&mut self.means.iter().map(|of_unit| (of_unit - mean).powi(2)));
        let within = average(&mut variances.iter().copied());
        let spans =
            self.least.iter().zip(&self.greatest).map(|(&least, &greatest)| f64::from(greatest) - f64::from(least));
        CodeSummary {
            size,
            samples: self.samples,
            mean,
            deviation: (within + between).sqrt(),
            min: self.least.iter().copied().fold(f32::INFINITY, f32::min).into(),
            max: self.greatest.iter().copied().fold(f32::NEG_INFINITY, f32::max).into(),
            mean_activation: self.means.clone(),
            dead_units: spans.filter(|&span| span <= DEAD_SPAN).count(),
            variances,
            non_zeros: self.non_zeros,
        }
    }
}

/// Refuses what is not whole codes of `size` finite numbers; messages count samples from `first`.
pub(super) fn check_finite_codes(codes: &[f32], size: usize, first: usize) -> Result<()> {
    if !codes.len().is_multiple_of(size) {
        return Err(Error::data(format!(
            "{} numbers are not whole codes of {size} units; check the code's size",
            codes.len()
        )));
    }
    match codes.iter().position(|h| !h.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Error::data(format!(
            "the code of sample {} (from 0) is not finite at unit {}; the model may have diverged: lower lr",
            first + at / size,
            at % size
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_engine::random::fill_normal;

    fn summary(codes: &[f32], size: usize, batch: usize) -> CodeSummary {
        let mut statistics = CodeStatistics::new(size);
        codes.chunks(batch * size).for_each(|batch| statistics.add(batch).unwrap());
        statistics.finish()
    }

    /// The mean and the variance of some numbers, in two passes.
    fn moments(values: impl Iterator<Item = f32> + Clone) -> (f64, f64) {
        let n = values.clone().count() as f64;
        let mean = values.clone().map(f64::from).sum::<f64>() / n;
        (mean, values.map(|x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n)
    }

    #[test]
    fn agrees_with_two_passes_however_batches_are_cut() {
        let (size, samples) = (7, 501);
        let mut codes = vec![0f32; size * samples];
        fill_normal(1, 0, 0, 0.0, 1.0, &mut codes);
        // Means far from 0, and deviations from 0.01 to 1.
        codes.chunks_mut(size).for_each(|code| {
            code.iter_mut()
                .enumerate()
                .for_each(|(unit, h)| *h = *h * 10f32.powi(-(unit as i32 % 3)) + 1000.0 * unit as f32);
        });
        let got = summary(&codes, size, 32);
        for unit in 0..size {
            let (mean, variance) = moments(codes.iter().skip(unit).step_by(size).copied());
            assert!((got.mean_activation[unit] - mean).abs() < 1e-11 * (1.0 + mean), "unit {unit}");
            assert!((got.variances[unit] / variance - 1.0).abs() < 1e-9, "unit {unit}");
        }
        let (mean, variance) = moments(codes.iter().copied());
        assert!((got.mean / mean - 1.0).abs() < 1e-12 && (got.deviation / variance.sqrt() - 1.0).abs() < 1e-12);
        let ends = codes.iter().fold((f32::MAX, f32::MIN), |(min, max), &h| (min.min(h), max.max(h)));
        assert_eq!((got.min, got.max), (f64::from(ends.0), f64::from(ends.1)));
        assert_eq!((got.size, got.samples), (size, samples));
        for batch in [1, 500, 501] {
            assert_eq!(summary(&codes, size, batch), got);
        }
    }

    #[test]
    fn dead_and_active_units_and_zeros() {
        // Never fires; saturated; varies a little; fires at times.
        let codes = [0.0, 0.9999, 0.5, 0.0, 0.0, 1.0, 0.55, 3.0, -0.0, 0.9995, 0.45, 0.0];
        let got = summary(&codes, 4, 1);
        assert_eq!((got.dead_units, got.active_units()), (2, 1));
        assert_eq!(got.non_zeros, NonZeros { min: 2, mean: 7.0 / 3.0, max: 3 });
        assert_eq!((got.min, got.max), (0.0, 3.0));
        // The last unit: 0, 3, 0.
        assert!((got.variances[3] - 2.0).abs() < 1e-12);
        assert_eq!(summary(&codes[..4], 4, 1).dead_units, 4, "one sample varies nowhere");
    }

    #[test]
    fn refuses_parts_of_codes_and_what_is_not_finite() {
        let mut statistics = CodeStatistics::new(3);
        statistics.add(&[1.0; 6]).unwrap();
        let before = statistics.finish();
        assert!(statistics.add(&[1.0; 4]).unwrap_err().to_string().contains("4 numbers are not whole codes of 3"));
        let error = statistics.add(&[1.0, 2.0, 3.0, 4.0, f32::NAN, 0.0]).unwrap_err().to_string();
        assert!(error.contains("sample 3 (from 0) is not finite at unit 1"), "{error}");
        assert!(statistics.add(&[f32::INFINITY; 3]).is_err());
        assert_eq!(statistics.finish(), before);
        assert!(CodeStatistics::new(0).add(&[1.0]).is_err());
    }

    #[test]
    fn of_nothing_and_as_json() {
        for size in [0, 2] {
            let mut statistics = CodeStatistics::new(size);
            statistics.add(&[]).unwrap();
            let empty = statistics.finish();
            assert_eq!((empty.size, empty.samples, empty.dead_units), (size, 0, 0));
            assert_eq!(empty.variances, vec![0.0; size]);
        }
        let json = serde_json::to_value(summary(&[0.0, 2.0], 2, 1)).unwrap();
        assert_eq!(json["mean_activation_per_unit"], serde_json::json!([0.0, 2.0]));
        assert_eq!(json["non_zeros"], serde_json::json!({ "min": 1, "mean": 1.0, "max": 1 }));
    }
}
