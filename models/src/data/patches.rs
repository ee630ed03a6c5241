//! How patches are cut from photographs: what is asked for, and what a model must know of it afterwards.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The greatest number of rows and of columns of a patch.
const MAX_SIZE: usize = 64;
/// The greatest number of values over all patches: 1 GiB of them.
const MAX_VALUES: usize = 1 << 28;

/// Which patches to cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PatchOptions {
    /// Rows and columns of a patch, 1 to 64; 8 in the exercise.
    pub size: usize,
    /// How many patches, over both parts; 10,000 in the exercise.
    pub count: usize,
    /// Whether to whiten each photograph first. Without that neighbouring pixels are nearly equal.
    pub whiten: bool,
    /// Decides the places.
    pub seed: u64,
    /// The share of the patches that is a test part, in 0..1. It is cut from a part of the photographs of its own, of
    /// about that share of their pixels, so that no test patch shares a pixel with a training patch.
    pub held_out: f64,
    /// What becomes 0.9, as [`Patches::limit`] says of a model's own patches; measured on the training part if not
    /// given.
    pub limit: Option<f64>,
}

impl Default for PatchOptions {
    /// The exercise's: 10,000 whitened patches of 8 by 8, no test part.
    fn default() -> Self {
        Self { size: 8, count: 10_000, whiten: true, seed: 0, held_out: 0.0, limit: None }
    }
}

impl PatchOptions {
    pub(super) fn check(&self) -> Result<()> {
        let Self { size, count, held_out, .. } = *self;
        if !(1..=MAX_SIZE).contains(&size) {
            return Err(Error::usage(format!("patches of {size} x {size} pixels; give a size of 1 to {MAX_SIZE}")));
        }
        if count == 0 {
            return Err(Error::usage("0 patches are no data; give a number of at least 1"));
        }
        if count > MAX_VALUES / (size * size) {
            return Err(Error::usage(format!(
                "{count} patches of {size} x {size} pixels are over the limit of {}; ask for fewer",
                MAX_VALUES / (size * size)
            )));
        }
        if !(0.0..1.0).contains(&held_out) || (held_out > 0.0 && (self.tested() == 0 || self.tested() == count)) {
            return Err(Error::usage(format!(
                "holding out {held_out} of {count} patches leaves one part empty; give another fraction or more patches"
            )));
        }
        Ok(())
    }

    /// Patches of the test part.
    pub(super) fn tested(&self) -> usize {
        (self.count as f64 * self.held_out).round() as usize
    }
}

/// How a model's patches were made, kept in its file: the same is done to photographs that it is given later.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patches {
    /// Rows and columns of a patch.
    pub size: usize,
    /// Whether photographs were whitened first.
    pub whiten: bool,
    /// What becomes 0.9, a training patch's mean being 0.5: three deviations of the training patches.
    pub limit: f64,
}

impl Patches {
    /// `count` patches of other photographs, made in the same way.
    pub fn options(&self, count: usize, seed: u64) -> PatchOptions {
        PatchOptions { size: self.size, count, whiten: self.whiten, seed, held_out: 0.0, limit: Some(self.limit) }
    }

    /// What makes a stored one unusable for samples of `features` numbers, as the end of a sentence.
    pub(super) fn fault(&self, features: usize) -> Option<String> {
        if !(1..=MAX_SIZE).contains(&self.size) || self.size * self.size != features {
            return Some(format!("of {} x {} pixels do not have {features} numbers", self.size, self.size));
        }
        (!(self.limit.is_finite() && self.limit >= 0.0)).then(|| format!("have the unusable limit {}", self.limit))
    }
}
