//! Cleaning samples: a model is handed noisy ones, and what it reconstructs of them is cleaner, for it knows what samples
//! look like and not what noise does (Vincent et al. 2008).
//!
//! Where the clean samples are known, noise is added here and what is left of it is measured; beside that what a median
//! filter leaves, the better one of two sizes of its window.

use super::median::median_filter;
use super::samples::{Samples, SquaredError, range, scaled};
use crate::Result;
use crate::data::reserved;
use crate::metrics::Corrupter;
use crate::model::{Given, Session};
use narrows_engine::{RawRows, Split};
use serde::Serialize;

/// The windows of the median filter.
const WINDOWS: [usize; 2] = [3, 5];

/// What is left of noise, as peak signal to noise in dB; `None` where the values have no range in common, and of a median
/// filter where samples are no images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cleanness {
    /// Of the noisy samples.
    pub psnr_noisy: Option<f64>,
    /// Of the cleaned ones.
    pub psnr: Option<f64>,
    /// Of the noisy ones under a median filter.
    pub psnr_median: Option<f64>,
    /// The side of that filter's window.
    pub median_window: Option<usize>,
    /// Of the numbers alone that the noise changed, before, by the model, and by the median filter.
    pub psnr_changed_noisy: Option<f64>,
    /// The same of the cleaned ones.
    pub psnr_changed: Option<f64>,
    /// The same of the filtered ones.
    pub psnr_changed_median: Option<f64>,
    /// The mean squared error of the noisy samples, as the model sees them.
    pub mse_noisy: f64,
    /// The same of the cleaned ones.
    pub mse: f64,
}

/// Samples with noise, and without again: each `[n, features]`, raw.
#[derive(Debug, Clone, PartialEq)]
pub struct Cleaned {
    /// With noise.
    pub noisy: Vec<f32>,
    /// What the model made of these.
    pub cleaned: Vec<f32>,
    /// What is left of the noise.
    pub figures: Cleanness,
}

/// Cleans samples that are noisy already: `[n, features]`, raw.
///
/// # Errors
/// Values that the model cannot take; no memory.
pub fn denoise(session: &mut Session, samples: &Samples) -> Result<Vec<f32>> {
    Ok(session.reconstruct(samples.given())?.to_vec())
}

/// Adds noise to clean samples by `seed`, cleans them, and compares.
///
/// # Errors
/// As for [`denoise`].
pub fn denoise_noise(
    session: &mut Session,
    samples: &Samples,
    noise: &mut Corrupter,
    seed: u64,
    split: Split,
) -> Result<Cleaned> {
    let model = session.model();
    let clean = scaled(model, RawRows::Doubles(&samples.numbers), split)?;
    let corrupted = noise.corrupt(&clean, seed, split)?;
    let mut raw: Vec<f64> = reserved(corrupted.len(), "noisy samples")?;
    raw.resize(corrupted.len(), 0.0);
    model.data().preprocessing.invert(&corrupted, &mut raw)?;
    let cleaned = session.reconstruct(samples.classed(Given::doubles(&raw)))?.to_vec();
    let noisy: Vec<f32> = raw.iter().map(|&x| x as f32).collect();
    drop(raw);
    let (model, compared) = (session.model(), Compared::new(&clean, &corrupted));
    let range = range(model, &clean);
    let by_model = compared.errors(&scaled(model, RawRows::Values(&cleaned), split)?);
    let mut by_median: Option<(usize, [SquaredError; 2])> = None;
    for side in WINDOWS {
        let Some(image) = model.data().image.filter(|_| range.is_some()) else { break };
        let filtered = median_filter(&noisy, image, side)?;
        let errors = compared.errors(&scaled(model, RawRows::Values(&filtered), split)?);
        if by_median.is_none_or(|(_, [best, _])| errors[0].mean() < best.mean()) {
            by_median = Some((side, errors));
        }
    }
    let before = compared.errors(&corrupted);
    let median = |which: usize| by_median.and_then(|(_, errors)| errors[which].psnr(range));
    let figures = Cleanness {
        psnr_noisy: before[0].psnr(range),
        psnr: by_model[0].psnr(range),
        psnr_median: median(0),
        median_window: by_median.map(|(side, _)| side),
        psnr_changed_noisy: before[1].psnr(range),
        psnr_changed: by_model[1].psnr(range),
        psnr_changed_median: median(1),
        mse_noisy: before[0].mean().unwrap_or(0.0),
        mse: by_model[0].mean().unwrap_or(0.0),
    };
    Ok(Cleaned { noisy, cleaned, figures })
}

/// Clean samples and noisy ones, scaled.
struct Compared<'a> {
    clean: &'a [f32],
    noisy: &'a [f32],
}

impl<'a> Compared<'a> {
    fn new(clean: &'a [f32], noisy: &'a [f32]) -> Self {
        Self { clean, noisy }
    }

    /// The error of other samples: of all numbers, and of those that the noise changed.
    fn errors(&self, others: &[f32]) -> [SquaredError; 2] {
        let mut changed = SquaredError::default();
        for ((&clean, noisy), &other) in self.clean.iter().zip(self.noisy).zip(others) {
            if clean != *noisy {
                changed.add(clean, other);
            }
        }
        [SquaredError::of(self.clean, others), changed]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;
    use crate::objective::CorruptionName;
    use crate::training::{Config, fit};

    #[test]
    fn a_denoising_model_leaves_less_noise_than_a_median_filter() {
        let dataset = digits().unwrap();
        let settings = [("hidden", "128"), ("code", "32"), ("epochs", "8"), ("corruption", "masking")];
        let config = Config::of("denoising").unwrap().with(&settings).unwrap();
        let mut session = Session::new(fit(&config, &dataset).unwrap());
        let rows: Vec<u32> = (0..200).collect();
        let samples = Samples::read(session.model(), &dataset, &rows).unwrap();
        let mut noise = Corrupter::new(CorruptionName::Masking, 0.25, 64, true).unwrap();
        let cleaned = denoise_noise(&mut session, &samples, &mut noise, 1, Split::Serial).unwrap();
        let Cleanness { psnr_noisy, psnr, psnr_median, psnr_changed, psnr_changed_median, .. } = cleaned.figures;
        assert!(psnr > psnr_noisy && psnr > psnr_median && psnr_median.is_some(), "{:?}", cleaned.figures);
        assert!(psnr_changed > psnr_changed_median, "{:?}", cleaned.figures);
        // What is noisy already is cleaned in the same way.
        let numbers = cleaned.noisy.iter().map(|&x| f64::from(x)).collect();
        let again = denoise(&mut session, &Samples { numbers, ..samples }).unwrap();
        assert!(again.iter().zip(&cleaned.cleaned).all(|(a, b)| (a - b).abs() < 1e-3));
    }
}
