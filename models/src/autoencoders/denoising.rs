//! The denoising autoencoder: it sees a corrupted input and is compared with the clean one (Vincent, Larochelle, Bengio
//! & Manzagol 2008; Vincent et al. 2010).
//!
//! Objective: `L(g(f(x̃)), x)` with x̃ drawn anew at each step (see `objective/corruption`). Any type may have a
//! corruption; this one needs one. With q = 0 it is the plain autoencoder, bit for bit in value. Its code may be of any
//! size.

use super::{Autoencoder, Base, Parts, Plain, Sample, Type};
use crate::objective::CorruptionName;
use crate::{Error, Result};
use narrows_engine::{Parameters, Real};

/// The type.
#[derive(Debug)]
pub struct Denoising;

impl Type for Denoising {
    type Settings = Base;
    const NAME: &'static str = "denoising";
    const ABOUT: &'static str = "corrupted inputs, clean targets";

    fn settings() -> Base {
        let mut base = Base::shallow(128);
        base.corruption.corruption = CorruptionName::Masking;
        base
    }

    fn settle(settings: &mut Base, sample: &Sample) -> Result<Vec<String>> {
        settings.settle(sample, false, "--loss mse")
    }

    fn build<T: Real>(base: &Base, sample: &Sample, parameters: &mut Parameters<T>) -> Result<Box<dyn Autoencoder<T>>> {
        if base.corruption.corruption == CorruptionName::None {
            return Err(Error::usage(
                "a denoising autoencoder needs a corruption; give masking, masking-exact, gaussian or salt-and-pepper, or \
                 use --model undercomplete or overcomplete",
            ));
        }
        let parts = Parts::new(base, sample, parameters)?.penalised(base, parameters);
        Ok(Box::new(Plain { parts, compresses: false }))
    }
}
