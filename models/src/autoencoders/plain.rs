//! An autoencoder whose objective is its reconstruction, and what any type may have.

use super::autoencoder::Autoencoder;
use super::parts::Parts;
use super::sample::Sample;
use narrows_engine::Real;

/// Nothing but [`Parts`]: undercomplete, overcomplete, denoising, convolutional.
#[derive(Debug)]
pub struct Plain<T: Real> {
    /// What it is made of.
    pub parts: Parts<T>,
    /// Whether its code is meant to be smaller than a sample, so that one that is not is remarked on.
    pub compresses: bool,
}

impl<T: Real> Autoencoder<T> for Plain<T> {
    fn parts(&self) -> &Parts<T> {
        &self.parts
    }

    fn remarks(&self, sample: &Sample, _: u64) -> Vec<String> {
        self.parts.uncompressed(sample).filter(|_| self.compresses).into_iter().collect()
    }
}
