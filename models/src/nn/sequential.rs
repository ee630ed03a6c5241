//! Layers one after the other, numbered as in PyTorch's `Sequential`: an activation counts as a layer of its own
//! there, so the second linear layer behind a ReLU is number 2. Here it is fused into the layer before it.

use super::{ActivationName, Init, Linear};
use crate::Result;
use narrows_engine::{Parameters, Real, Tape, Var};

/// Linear layers and their activations.
#[derive(Debug, Clone)]
pub struct Sequential {
    name: String,
    layers: Vec<(Linear, ActivationName)>,
}

impl Sequential {
    /// Layers from `sizes[0]` to `sizes[1]` and so on; `activations` has one for each. Parameters are named
    /// `name.0.weight`, `name.0.bias`, `name.2.weight`, ...
    ///
    /// # Errors
    /// As for [`Linear::new`].
    pub fn new<T: Real>(
        parameters: &mut Parameters<T>,
        name: &str,
        sizes: &[usize],
        activations: &[ActivationName],
    ) -> Result<Self> {
        let mut layers = Vec::with_capacity(activations.len());
        let mut number = 0;
        for (pair, &activation) in sizes.windows(2).zip(activations) {
            layers.push((Linear::new(parameters, &format!("{name}.{number}"), pair[0], pair[1])?, activation));
            number += if activation == ActivationName::Linear { 1 } else { 2 };
        }
        Ok(Self { name: name.into(), layers })
    }

    /// The way back through `other`'s layers, the last one first, over the same weights; `activations` has one for
    /// each.
    ///
    /// # Errors
    /// As for [`Linear::new`].
    pub fn tied<T: Real>(
        parameters: &mut Parameters<T>,
        name: &str,
        other: &Self,
        activations: &[ActivationName],
    ) -> Result<Self> {
        let mut layers = Vec::with_capacity(activations.len());
        let mut number = 0;
        for ((layer, _), &activation) in other.layers.iter().rev().zip(activations) {
            layers.push((Linear::tied(parameters, &format!("{name}.{number}"), layer)?, activation));
            number += if activation == ActivationName::Linear { 1 } else { 2 };
        }
        Ok(Self { name: name.into(), layers })
    }

    /// The layers, each with its activation.
    pub fn layers(&self) -> &[(Linear, ActivationName)] {
        &self.layers
    }

    /// Draws the first weights of all layers.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, init: Init, seed: u64) {
        self.layers.iter().for_each(|(layer, _)| layer.initialise(parameters, init, seed));
    }

    /// `[.., in]` of the first layer gives `[.., out]` of the last.
    #[track_caller]
    pub fn record<T: Real>(&self, tape: &Tape<T>, x: Var) -> Var {
        self.layers.iter().fold(x, |x, (layer, activation)| layer.record(tape, x, *activation))
    }

    /// Each layer's name, inputs, outputs and activation.
    pub fn describe(&self) -> impl Iterator<Item = (&str, usize, usize, ActivationName)> {
        self.layers
            .iter()
            .map(|(layer, activation)| (self.name.as_str(), layer.sizes().0, layer.sizes().1, *activation))
    }
}
