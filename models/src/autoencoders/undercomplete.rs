//! The undercomplete autoencoder: `h = f(x)`, `x̂ = g(h)`, `dim h < dim x`, any depth.
//!
//! Objective: `L = (1/m) Σ_i ‖x̂_i − x_i‖²`, or for x in [0, 1] the binary cross-entropy of `sigmoid(z)` against x,
//! from the logits z; sums over features, means over samples. With linear f and g it spans the subspace of the
//! leading principal components (Baldi & Hornik 1989). Deep f and g: Hinton & Salakhutdinov 2006.

use super::{Autoencoder, Base, Parts, Plain, Sample, Type};
use crate::{Error, Result};
use narrows_engine::{Parameters, Real};

/// The type.
#[derive(Debug)]
pub struct Undercomplete;

impl Type for Undercomplete {
    type Settings = Base;
    const NAME: &'static str = "undercomplete";
    const ABOUT: &'static str = "a bottleneck narrower than the data";

    fn settings() -> Base {
        Base::default()
    }

    fn settle(settings: &mut Base, sample: &Sample) -> Result<Vec<String>> {
        settings.settle(sample, false, "--loss mse")
    }

    fn build<T: Real>(base: &Base, sample: &Sample, parameters: &mut Parameters<T>) -> Result<Box<dyn Autoencoder<T>>> {
        let parts = Parts::new(base, sample, parameters)?.penalised(base, parameters);
        let (code, features) = (parts.body.code_size(), sample.features);
        if features < 2 {
            return Err(Error::data(format!("samples of {features} numbers; there is nothing to compress")));
        }
        if code >= features {
            return Err(Error::usage(format!(
                "code is {code} for data of {features} features; an undercomplete autoencoder needs a smaller code: give one, \
                 or use --model overcomplete, denoising, sparse or k-sparse, which learn with a larger one"
            )));
        }
        Ok(Box::new(Plain { parts, compresses: false }))
    }
}
