//! The types of autoencoders, one a file; the objective stands at the top of each.

mod convolutional;
#[cfg(test)]
mod convolutional_tests;
mod undercomplete;

use crate::config::{Config, words};
use crate::data::ImageShape;
use crate::{Error, Result};
pub use convolutional::{Bottleneck, Convolutional, Downsample, Upsample};
use narrows_engine::ops::Reduction;
use narrows_engine::{Parameters, Real, Tape, Var};
pub use undercomplete::Undercomplete;

words! {
    /// A type of autoencoder.
    ModelKind, "model" {
        /// A bottleneck narrower than the data.
        Undercomplete = "undercomplete",
        /// Convolutions down to a small image or a code, and back up.
        Convolutional = "convolutional",
    }
}

/// One term of an objective, already averaged over samples.
#[derive(Debug, Clone)]
pub struct Term {
    /// What reports call it.
    pub name: &'static str,
    /// What it counts in the objective.
    pub weight: f64,
    /// Its value on the tape, a single number.
    pub value: Var,
}

/// An objective on a tape.
#[derive(Debug, Clone)]
pub struct Objective {
    /// The weighted sum of the terms.
    pub total: Var,
    /// The terms.
    pub terms: Vec<Term>,
}

impl Objective {
    /// The weighted sum of `terms`, each of which stays readable.
    pub fn of<T: Real>(tape: &Tape<T>, terms: Vec<Term>) -> Self {
        let mut total = None;
        for term in &terms {
            tape.keep(term.value);
            let weighted = if term.weight == 1.0 { term.value } else { tape.scale(term.value, term.weight) };
            total = Some(total.map_or(weighted, |sum| tape.add(sum, weighted)));
        }
        let total = total.unwrap_or_else(|| {
            tape.fail("an objective without terms".into());
            tape.input("objective", narrows_engine::Shape::scalar())
        });
        Self { total, terms }
    }
}

/// What a loss compares, as a reconstruction: logits for the cross-entropy become probabilities.
#[track_caller]
fn reconstruction<T: Real>(tape: &Tape<T>, bce: bool, raw: Var) -> Var {
    if bce { tape.sigmoid(raw) } else { raw }
}

/// The reconstruction's term alone.
#[track_caller]
fn objective<T: Real>(tape: &Tape<T>, bce: bool, raw: Var, x: Var) -> Objective {
    let value = if bce {
        tape.binary_cross_entropy(raw, x, Reduction::SumOverFeatures)
    } else {
        tape.mean_squared_error(raw, x, Reduction::SumOverFeatures)
    };
    Objective::of(tape, vec![Term { name: "reconstruction", weight: 1.0, value }])
}

/// An autoencoder of any type over parameters of its own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Autoencoder {
    /// See [`Undercomplete`].
    Undercomplete(Undercomplete),
    /// See [`Convolutional`].
    Convolutional(Convolutional),
}

/// Calls a method of whichever type it is.
macro_rules! each {
    ($self:ident, $model:ident => $call:expr) => {
        match $self {
            Self::Undercomplete($model) => $call,
            Self::Convolutional($model) => $call,
        }
    };
}

impl Autoencoder {
    /// Adds the parameters of an autoencoder of the configuration's type for samples of `features` numbers, images or not.
    ///
    /// # Errors
    /// A configuration that makes no sense for such data; sizes that are too large.
    pub fn new<T: Real>(
        config: &Config,
        features: usize,
        image: Option<ImageShape>,
        parameters: &mut Parameters<T>,
    ) -> Result<Self> {
        if let Some(image) = image.filter(|image| image.features() != Some(features)) {
            return Err(Error::data(format!("images of {image} do not have {features} numbers")));
        }
        match config.model {
            ModelKind::Undercomplete => Undercomplete::new(config, features, parameters).map(Self::Undercomplete),
            ModelKind::Convolutional => Convolutional::new(config, image, parameters).map(Self::Convolutional),
        }
    }

    /// Draws the first weights.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, config: &Config) {
        each!(self, model => model.initialise(parameters, config));
    }

    /// `x` `[N, features]` gives the code `[N, code]`.
    #[track_caller]
    pub fn encode<T: Real>(&self, tape: &Tape<T>, x: Var) -> Var {
        each!(self, model => model.encode(tape, x))
    }

    /// The code gives what the loss compares: logits for the cross-entropy, else the reconstruction.
    #[track_caller]
    pub fn decode_raw<T: Real>(&self, tape: &Tape<T>, code: Var) -> Var {
        each!(self, model => model.decode_raw(tape, code))
    }

    /// `x` gives what the loss compares.
    #[track_caller]
    pub fn reconstruct_raw<T: Real>(&self, tape: &Tape<T>, x: Var) -> Var {
        each!(self, model => model.reconstruct_raw(tape, x))
    }

    /// The code `[N, code]` gives the reconstruction `[N, features]`.
    #[track_caller]
    pub fn decode<T: Real>(&self, tape: &Tape<T>, code: Var) -> Var {
        self.reconstruction(tape, self.decode_raw(tape, code))
    }

    /// `x` `[N, features]` gives its reconstruction.
    #[track_caller]
    pub fn reconstruct<T: Real>(&self, tape: &Tape<T>, x: Var) -> Var {
        self.reconstruction(tape, self.reconstruct_raw(tape, x))
    }

    /// What the loss compares, as a reconstruction.
    #[track_caller]
    pub fn reconstruction<T: Real>(&self, tape: &Tape<T>, raw: Var) -> Var {
        each!(self, model => model.reconstruction(tape, raw))
    }

    /// The objective for `raw`, the decoder's output, against `x`.
    #[track_caller]
    pub fn objective<T: Real>(&self, tape: &Tape<T>, raw: Var, x: Var) -> Objective {
        each!(self, model => model.objective(tape, raw, x))
    }

    /// Numbers in a code.
    pub fn code_size(&self) -> usize {
        each!(self, model => model.code_size())
    }

    /// Sizes from the data to the code and back, as in `784-32-784`.
    pub fn layers(&self) -> String {
        each!(self, model => model.layers())
    }

    /// Whether the loss is the binary cross-entropy.
    pub fn is_bce(&self) -> bool {
        each!(self, model => model.is_bce())
    }
}

/// How many weights and biases a model of this configuration has for such data; `None` where there are too many to count.
pub(crate) fn weights(config: &Config, features: usize, image: Option<ImageShape>) -> Option<usize> {
    let tensors = match config.model {
        ModelKind::Convolutional => convolutional::tensors(config, image?)?,
        ModelKind::Undercomplete => undercomplete::tensors(config, features),
    };
    let product = |sizes: &Vec<usize>| sizes.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
    tensors.iter().try_fold(0usize, |sum, sizes| sum.checked_add(product(sizes)?))
}

/// What of a configuration the model does not read though it was changed, in words.
pub(crate) fn unused(config: &Config) -> Vec<String> {
    let default = Config::default();
    let mut unused = Vec::new();
    match config.model {
        ModelKind::Convolutional => {
            if config.hidden != default.hidden {
                unused.push("hidden is not used: a convolutional model's layers are filters".to_owned());
            }
            if config.bottleneck == Bottleneck::Map && config.code != default.code {
                unused.push(
                    "code is not used: the code is the last image; for numbers give --bottleneck dense".to_owned(),
                );
            }
        }
        ModelKind::Undercomplete => {
            let changed = [
                ("filters", config.filters != default.filters),
                ("kernel", config.kernel != default.kernel),
                ("downsample", config.downsample != default.downsample),
                ("upsample", config.upsample != default.upsample),
                ("bottleneck", config.bottleneck != default.bottleneck),
            ];
            let keys = changed.into_iter().filter(|(_, changed)| *changed);
            unused
                .extend(keys.map(|(key, _)| format!("{key} is not used; give --model convolutional for convolutions")));
        }
    }
    unused
}
