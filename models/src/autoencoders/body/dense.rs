//! A body of fully connected layers: node counts falling to the code (or rising to it) and back, any depth.
//!
//! The decoder mirrors the encoder unless it has layers of its own. Tied, its weights are the encoder's read the other
//! way round, W* = Wᵀ, one tensor whose gradient is the sum of both uses; the biases stay its own (Vincent et al.
//! 2010). The last layer is linear: an activation of the output belongs to the loss.

use super::Ends;
use crate::config::{Config, DecoderLayers};
use crate::nn::{ActivationName, Sequential};
use crate::{Error, Result};
use narrows_engine::{Parameters, Real, Tape, Var};

/// Encoder and decoder over parameters of one's own.
#[derive(Debug, Clone)]
pub struct Dense {
    encoder: Sequential,
    decoder: Sequential,
    features: usize,
    code: usize,
    ends: Ends,
}

impl Dense {
    /// Adds the parameters of a body for `features` numbers.
    ///
    /// # Errors
    /// Tied weights for a decoder that does not mirror the encoder; sizes that are too large.
    pub fn new<T: Real>(config: &Config, features: usize, ends: Ends, parameters: &mut Parameters<T>) -> Result<Self> {
        let back = config.decoder.units(&config.hidden);
        let mirrored = DecoderLayers::Mirror.units(&config.hidden);
        if config.tied && back != mirrored {
            return Err(Error::usage(format!(
                "tied weights are the encoder's, and a decoder of {} does not mirror an encoder of {}; give decoder \
                 mirror, or tied false",
                words(&back),
                words(&config.hidden)
            )));
        }
        let mut sizes: Vec<usize> = [features].into_iter().chain(config.hidden.iter().copied()).collect();
        let mut activations = vec![config.activation; config.hidden.len()];
        if ends == Ends::Code {
            sizes.push(config.code);
            activations.push(config.code_activation);
        }
        let encoder = Sequential::new(parameters, "encoder", &sizes, &activations)?;
        let mut outward = vec![config.activation; back.len()];
        outward.push(ActivationName::Linear);
        let decoder = if config.tied {
            Sequential::tied(parameters, "decoder", &encoder, &outward)?
        } else {
            let sizes: Vec<usize> = [config.code].into_iter().chain(back).chain([features]).collect();
            Sequential::new(parameters, "decoder", &sizes, &outward)?
        };
        Ok(Self { encoder, decoder, features, code: config.code, ends })
    }

    /// Draws the first weights.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, config: &Config) {
        self.encoder.initialise(parameters, config.init, config.seed);
        self.decoder.initialise(parameters, config.init, config.seed);
    }

    /// `x` `[N, features]` gives the code, or the last hidden layer of an open encoder.
    #[track_caller]
    pub fn encode<T: Real>(&self, tape: &Tape<T>, x: Var) -> Var {
        self.encoder.record(tape, x)
    }

    /// The code `[N, code]` gives `[N, features]`.
    #[track_caller]
    pub fn decode<T: Real>(&self, tape: &Tape<T>, code: Var) -> Var {
        self.decoder.record(tape, code)
    }

    /// Numbers in a code.
    pub fn code_size(&self) -> usize {
        self.code
    }

    /// Numbers in what an open encoder gives.
    pub fn trunk_size(&self) -> usize {
        self.encoder.describe().last().map_or(self.features, |(_, _, out, _)| out)
    }

    /// Units from the data to the code and back, as in `784-32-784`.
    pub fn layers(&self) -> String {
        let mut units = vec![self.features];
        units.extend(self.encoder.describe().map(|(_, _, out, _)| out));
        units.extend((self.ends == Ends::Open).then_some(self.code));
        units.extend(self.decoder.describe().map(|(_, _, out, _)| out));
        units.iter().map(usize::to_string).collect::<Vec<_>>().join("-")
    }

    /// The encoder's layers.
    pub fn encoder(&self) -> &Sequential {
        &self.encoder
    }

    /// The decoder's layers.
    pub fn decoder(&self) -> &Sequential {
        &self.decoder
    }
}

/// Hidden layers, for messages.
fn words(units: &[usize]) -> String {
    if units.is_empty() { "no hidden layer".into() } else { format!("hidden layers {units:?}") }
}

/// The sizes of every tensor of a body of this configuration, weights and biases.
pub(super) fn tensors(config: &Config, features: usize, ends: Ends) -> Vec<Vec<usize>> {
    let mut inward: Vec<usize> = [features].into_iter().chain(config.hidden.iter().copied()).collect();
    if ends == Ends::Code {
        inward.push(config.code);
    }
    let back = config.decoder.units(&config.hidden);
    let outward: Vec<usize> = [config.code].into_iter().chain(back).chain([features]).collect();
    let layers = inward.windows(2).map(|pair| (pair, false)).chain(outward.windows(2).map(|pair| (pair, config.tied)));
    let each = layers.flat_map(|(pair, tied)| {
        let weight = (!tied).then(|| vec![pair[1], pair[0]]);
        weight.into_iter().chain([vec![pair[1]]])
    });
    each.collect()
}
