//! Layers one after the other, numbered as in PyTorch's `Sequential`: an activation counts as a layer of its own
//! there, so the second linear layer behind a ReLU is number 2. Here it is fused into the layer before it, unless a
//! normalisation stands between them. Normalisation and dropout count too.

use super::{ActivationName, Init, Linear, Norm, NormName, Pass};
use crate::Result;
use narrows_engine::{Parameters, Real, Var};

/// What follows the linear part of a hidden layer.
#[derive(Debug, Clone, Copy)]
pub struct Hidden {
    /// Between it and the activation.
    pub norm: NormName,
    /// The share of units that are dropped while training, after the activation.
    pub dropout: f64,
}

impl Hidden {
    /// Nothing but the activation.
    pub const PLAIN: Self = Self { norm: NormName::None, dropout: 0.0 };
}

/// Linear layers and what follows each.
#[derive(Debug, Clone)]
pub struct Sequential {
    layers: Vec<(Linear, ActivationName)>,
    /// For each layer its normalisation, and what it drops.
    after: Vec<(Option<Norm>, f64)>,
}

impl Sequential {
    /// Layers from `sizes[0]` to `sizes[1]` and so on; `activations` has one for each; `hidden` follows all but the
    /// last `plain` of them. Parameters are named `name.0.weight`, `name.0.bias`, `name.2.weight`, ...
    ///
    /// # Errors
    /// As for [`Linear::new`].
    pub fn new<T: Real>(
        parameters: &mut Parameters<T>,
        name: &str,
        sizes: &[usize],
        activations: &[ActivationName],
        (hidden, plain): (Hidden, usize),
    ) -> Result<Self> {
        let mut made = Self { layers: Vec::new(), after: Vec::new() };
        let mut number = 0;
        for (pair, &activation) in sizes.windows(2).zip(activations) {
            let of = if made.layers.len() + plain < activations.len() { hidden } else { Hidden::PLAIN };
            made.layers.push((Linear::new(parameters, &format!("{name}.{number}"), pair[0], pair[1])?, activation));
            number += 1;
            let norm = Norm::new(parameters, &format!("{name}.{number}"), of.norm, &[pair[1]])?;
            number += usize::from(norm.is_some()) + usize::from(activation != ActivationName::Linear);
            number += usize::from(of.dropout > 0.0);
            made.after.push((norm, of.dropout));
        }
        Ok(made)
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
        Ok(Self { after: vec![(None, 0.0); layers.len()], layers })
    }

    /// The layers, each with its activation.
    pub fn layers(&self) -> &[(Linear, ActivationName)] {
        &self.layers
    }

    /// Whether nothing but activations stands between the layers.
    pub fn is_plain(&self) -> bool {
        self.after.iter().all(|(norm, dropout)| norm.is_none() && *dropout == 0.0)
    }

    /// Draws the first weights of all layers.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, init: Init, seed: u64) {
        self.layers.iter().for_each(|(layer, _)| layer.initialise(parameters, init, seed));
        self.after.iter().filter_map(|(norm, _)| norm.as_ref()).for_each(|norm| norm.initialise(parameters));
    }

    /// `[.., in]` of the first layer gives `[.., out]` of the last.
    #[track_caller]
    pub fn record<T: Real>(&self, pass: &Pass<'_, T>, x: Var) -> Var {
        let layers = self.layers.iter().zip(&self.after);
        layers.fold(x, |x, ((layer, activation), (norm, dropout))| {
            let hidden = activation.after(pass, norm.as_ref(), |fused| layer.record(pass, x, fused));
            pass.drop(hidden, *dropout)
        })
    }

    /// The outputs of each layer.
    pub fn sizes(&self) -> impl Iterator<Item = usize> {
        self.layers.iter().map(|(layer, _)| layer.sizes().1)
    }
}
