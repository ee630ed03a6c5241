//! The overcomplete autoencoder: `dim h > dim x`, kept from copying its input by an L2 penalty on its weights.
//!
//! Objective: `L + λ ‖θ‖²` (see `objective/l2`, a term that every type may have; this one has it by default).

use super::{Autoencoder, Base, Parts, Plain, Sample, Type};
use crate::objective::CorruptionName;
use crate::{Error, Result};
use narrows_engine::{Parameters, Real};

/// The type.
#[derive(Debug)]
pub struct Overcomplete;

impl Type for Overcomplete {
    type Settings = Base;
    const NAME: &'static str = "overcomplete";
    const ABOUT: &'static str = "a code wider than the data, with an L2 penalty";

    fn settings() -> Base {
        let mut base = Base::shallow(128);
        base.l2.l2 = 1e-4;
        base
    }

    fn settle(settings: &mut Base, sample: &Sample) -> Result<Vec<String>> {
        let mut said = settings.settle(sample, false, "--loss mse")?;
        if settings.l2.l2 == 0.0 && settings.corruption.corruption == CorruptionName::None {
            let remedy = "nothing keeps a code larger than the data from copying it; give l2 1e-4, say";
            said.push(format!("l2 is 0: {remedy}"));
        }
        Ok(said)
    }

    fn build<T: Real>(base: &Base, sample: &Sample, parameters: &mut Parameters<T>) -> Result<Box<dyn Autoencoder<T>>> {
        let parts = Parts::new(base, sample, parameters)?.penalised(base, parameters);
        let (code, features) = (parts.body.code_size(), sample.features);
        if code <= features {
            return Err(Error::usage(format!(
                "code is {code} for data of {features} features; an overcomplete autoencoder has a larger code: give one, or \
                 use --model undercomplete"
            )));
        }
        Ok(Box::new(Plain { parts, compresses: false }))
    }
}
