//! The k-sparse autoencoder: of a linear code only the k largest units of each sample are kept (Makhzani & Frey 2013).
//!
//! `z = W x + b`, all but the k largest become 0, and by the paper the same W decodes (tied weights, the default).
//! Objective: the reconstruction alone. When nothing is trained αk units are kept, α in 1 to 3. The gradient goes
//! through those kept.

use crate::config::Config;
use crate::{Error, Result};
use narrows_engine::{Real, Tape, Var};

use super::objective::Mode;

/// k, and α k.
#[derive(Debug, Clone, Copy)]
pub(super) struct KSparse {
    pub(super) k: usize,
    pub(super) k_test: usize,
}

impl KSparse {
    /// For a code of `code` units.
    ///
    /// # Errors
    /// More units to be kept than there are.
    pub(super) fn new(config: &Config, code: usize) -> Result<Self> {
        let k = config.k;
        if k > code {
            return Err(Error::usage(format!(
                "k is {k} and the code has {code} units; give a k of at most {code}, or a larger code"
            )));
        }
        let k_test = ((config.k_test * k as f64).round() as usize).min(code);
        Ok(Self { k, k_test })
    }

    /// The code with all but the largest units 0.
    #[track_caller]
    pub(super) fn record<T: Real>(&self, tape: &Tape<T>, z: Var, mode: Mode) -> Var {
        tape.top_k(z, if mode == Mode::Training { self.k } else { self.k_test })
    }
}
