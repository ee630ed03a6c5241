//! What encoders and decoders are made of: fully connected layers, or convolutions. A body knows nothing of objectives.
//!
//! * `dense`: any depth, tied or not. `convolutional`: three ways back up.

mod convolutional;
#[cfg(test)]
mod convolutional_tests;
mod dense;

use crate::Result;
use crate::config::Config;
use crate::data::ImageShape;
pub use convolutional::{Bottleneck, Convolutional, Downsample, Upsample};
pub use dense::Dense;
use narrows_engine::{Parameters, Real, Tape, Var};

/// What an encoder gives.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// The code, `[N, code]`.
    pub code: Var,
    /// The places of maxima that max unpooling needs; else empty.
    pub switches: Vec<Var>,
}

/// Where an encoder ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// With the layer of the code.
    Code,
    /// Before it: the type makes its own of what the last hidden layer gives.
    Open,
}

/// Encoder and decoder.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Body {
    /// Fully connected layers.
    Dense(Dense),
    /// Convolutions.
    Convolutional(Convolutional),
}

impl Body {
    /// Adds the parameters of a body for samples of `features` numbers, images or not.
    ///
    /// # Errors
    /// A configuration that makes no sense for such data; sizes that are too large.
    pub fn new<T: Real>(
        config: &Config,
        features: usize,
        image: Option<ImageShape>,
        ends: Ends,
        parameters: &mut Parameters<T>,
    ) -> Result<Self> {
        match config.is_convolutional() {
            true => Convolutional::new(config, image, ends, parameters).map(Self::Convolutional),
            false => Dense::new(config, features, ends, parameters).map(Self::Dense),
        }
    }

    /// Draws the first weights.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, config: &Config) {
        match self {
            Self::Dense(body) => body.initialise(parameters, config),
            Self::Convolutional(body) => body.initialise(parameters, config),
        }
    }

    /// `x` `[N, features]` gives the code `[N, code]`, or, if it ends openly, the last hidden layer `[N, trunk_size]`.
    #[track_caller]
    pub fn encode<T: Real>(&self, tape: &Tape<T>, x: Var) -> Encoded {
        match self {
            Self::Dense(body) => Encoded { code: body.encode(tape, x), switches: Vec::new() },
            Self::Convolutional(body) => body.encode(tape, x),
        }
    }

    /// The code gives what the loss compares, `[N, features]`, before any activation of the output.
    #[track_caller]
    pub fn decode<T: Real>(&self, tape: &Tape<T>, encoded: &Encoded) -> Var {
        match self {
            Self::Dense(body) => body.decode(tape, encoded.code),
            Self::Convolutional(body) => body.decode(tape, encoded),
        }
    }

    /// Numbers in a code.
    pub fn code_size(&self) -> usize {
        match self {
            Self::Dense(body) => body.code_size(),
            Self::Convolutional(body) => body.code_size(),
        }
    }

    /// Numbers in what an open encoder gives.
    pub fn trunk_size(&self) -> usize {
        match self {
            Self::Dense(body) => body.trunk_size(),
            Self::Convolutional(body) => body.trunk_size(),
        }
    }

    /// Sizes from the data to the code and back, as in `784-32-784`.
    pub fn layers(&self) -> String {
        match self {
            Self::Dense(body) => body.layers(),
            Self::Convolutional(body) => body.layers(),
        }
    }

    /// The fully connected body, if it is one.
    pub fn dense(&self) -> Option<&Dense> {
        match self {
            Self::Dense(body) => Some(body),
            Self::Convolutional(_) => None,
        }
    }
}

/// The sizes of every tensor of a body, in no order that matters; `None` where they are too large to be multiplied.
pub(super) fn tensors(
    config: &Config,
    features: usize,
    image: Option<ImageShape>,
    ends: Ends,
) -> Option<Vec<Vec<usize>>> {
    match config.is_convolutional() {
        true => convolutional::tensors(config, image?, ends),
        false => Some(dense::tensors(config, features, ends)),
    }
}

/// Numbers in what an open encoder gives, before there is one; `None` where they are too large to be counted.
pub(super) fn trunk_size(config: &Config, features: usize, image: Option<ImageShape>) -> Option<usize> {
    if !config.is_convolutional() {
        return Some(config.hidden.last().copied().unwrap_or(features));
    }
    let (image, last) = (image?, *config.filters.last()?);
    let side = |size: usize| config.filters.iter().fold(size, |size, _| size.div_ceil(2));
    last.checked_mul(side(image.height))?.checked_mul(side(image.width))
}
