//! A corruption put to use on scaled samples: what a model is to clean, with the clean samples kept to compare with.
//!
//! It is the corruption that training knows, over a plan of its own. What is drawn for a sample is a function of the seed
//! and of the sample's place.

use crate::data::reserved;
use crate::objective::{Corruption, CorruptionName};
use crate::{Error, Result};
use narrows_engine::random::Noise;
use narrows_engine::{Parameters, Plan, Shape, Split, Tape, Var, Workspace};

/// Samples that are corrupted at a time.
const ROWS: usize = 256;

/// A corruption of scaled samples of so many numbers.
pub struct Corrupter {
    corruption: Corruption,
    plan: Plan<f32>,
    workspace: Workspace<f32>,
    clean: Var,
    corrupted: Var,
    features: usize,
}

impl Corrupter {
    /// Corrupts samples of `features` numbers; `unit` says whether these lie in 0..1.
    ///
    /// # Errors
    /// No corruption; a level that makes no sense for it; one that takes numbers in 0..1 where they are not; no memory.
    pub fn new(kind: CorruptionName, level: f64, features: usize, unit: bool) -> Result<Self> {
        let none = || Error::usage("there is no noise to clean; give gaussian, masking or salt-and-pepper");
        let corruption = Corruption::of(kind, level, false)?.ok_or_else(none)?;
        if corruption.needs_unit_data() && !unit {
            let name: &str = kind.into();
            return Err(Error::usage(format!(
                "{name} sets numbers to 0 and 1, and the scaled data leave 0..1; give gaussian or masking"
            )));
        }
        let parameters = Parameters::new();
        let tape = Tape::new(&parameters, ROWS);
        let clean = tape.input("x", Shape::batch(&[features]));
        let corrupted = corruption.record(&tape, clean).input;
        let plan = tape.infer(&[corrupted])?;
        let workspace = plan.workspace()?;
        Ok(Self { corruption, plan, workspace, clean, corrupted, features })
    }

    /// The corruption.
    pub fn corruption(&self) -> &Corruption {
        &self.corruption
    }

    /// Corrupts scaled samples `[n, features]`: as many.
    ///
    /// # Errors
    /// Numbers that are no whole samples; no memory.
    pub fn corrupt(&mut self, samples: &[f32], seed: u64, split: Split) -> Result<Vec<f32>> {
        let parameters = Parameters::new();
        let mut out = reserved(samples.len(), "corrupted samples")?;
        for (number, samples) in samples.chunks(ROWS * self.features).enumerate() {
            if !samples.len().is_multiple_of(self.features) {
                return Err(Error::data(format!("{} numbers are no samples of {}", samples.len(), self.features)));
            }
            self.workspace.set_rows(samples.len() / self.features)?;
            self.workspace.set_noise(Noise { seed, step: number as u64 });
            self.workspace.input_mut(self.clean)?.copy_from_slice(samples);
            self.plan.forward(&parameters, &mut self.workspace, split)?;
            out.extend_from_slice(self.workspace.value(self.corrupted)?);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_by_seed_and_place_and_as_strong_as_asked_for() {
        let clean = vec![0.5f32; 600 * 10];
        let mut gaussian = Corrupter::new(CorruptionName::Gaussian, 0.2, 10, true).unwrap();
        let noisy = gaussian.corrupt(&clean, 3, Split::Serial).unwrap();
        let variance = noisy.iter().map(|x| f64::from(x - 0.5).powi(2)).sum::<f64>() / 6000.0;
        assert!((variance.sqrt() - 0.2).abs() < 0.01, "{variance}");
        assert!(noisy == gaussian.corrupt(&clean, 3, Split::Serial).unwrap());
        assert!(noisy[..5000] == gaussian.corrupt(&clean[..5000], 3, Split::Serial).unwrap());
        assert!(noisy != gaussian.corrupt(&clean, 4, Split::Serial).unwrap());
        let mut masking = Corrupter::new(CorruptionName::Masking, 0.3, 10, false).unwrap();
        let masked = masking.corrupt(&clean, 3, Split::Serial).unwrap().iter().filter(|x| **x == 0.0).count();
        assert!((1600..2000).contains(&masked), "{masked}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let message = |kind, level, unit| Corrupter::new(kind, level, 10, unit).err().unwrap().to_string();
        assert!(message(CorruptionName::None, 0.5, true).contains("give gaussian"));
        assert!(message(CorruptionName::Masking, 1.5, true).contains("0 to 1"));
        assert!(message(CorruptionName::SaltAndPepper, 0.5, false).contains("leave 0..1"));
    }
}
