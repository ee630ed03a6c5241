//! The convolutional autoencoder: an undercomplete objective over a body of convolutions (Masci, Meier, Cireşan &
//! Schmidhuber 2011).
//!
//! Objective: as the undercomplete one's, `L = (1/m) Σ_i ‖x̂_i − x_i‖²` or the binary cross-entropy from logits, summed
//! over pixels and channels. The three ways back up, by nearest unpooling, by max unpooling with the encoder's
//! switches, by transposed convolution, are in `bodies/convolutional`; with `--body convolutional` other types have
//! them too.

use super::{Autoencoder, Base, Parts, Plain, Sample, Type};
use crate::bodies::BodyName;
use crate::{Error, Result};
use narrows_engine::{Parameters, Real};

/// The type.
#[derive(Debug)]
pub struct Convolutional;

impl Type for Convolutional {
    type Settings = Base;
    const NAME: &'static str = "convolutional";
    const ABOUT: &'static str = "convolutions down to a small image or a code, and back up";

    fn settings() -> Base {
        let mut base = Base::default();
        base.body.choice.body = BodyName::Convolutional;
        base.body.shared.levels.filters = vec![16, 8];
        base
    }

    fn settle(settings: &mut Base, sample: &Sample) -> Result<Vec<String>> {
        settings.settle(sample, false, "--loss mse")
    }

    fn build<T: Real>(base: &Base, sample: &Sample, parameters: &mut Parameters<T>) -> Result<Box<dyn Autoencoder<T>>> {
        if base.body.choice.body == BodyName::Dense {
            return Err(Error::usage(
                "model is convolutional and body is dense; give --body convolutional or sequence, or use --model \
                 undercomplete for a dense one",
            ));
        }
        let parts = Parts::new(base, sample, parameters)?.penalised(base, parameters);
        Ok(Box::new(Plain { parts, compresses: true }))
    }
}
