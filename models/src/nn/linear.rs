//! The fully connected layer `f(x Wᵀ + b)`.

use super::{ActivationName, Init};
use crate::Result;
use narrows_engine::{ParameterId, Parameters, Real, Tape, Var};

/// A fully connected layer: `weight` is `[out, in]`, `bias` `[out]`, as in PyTorch's `Linear`.
#[derive(Debug, Clone)]
pub struct Linear {
    weight: ParameterId,
    bias: ParameterId,
    into: usize,
    out: usize,
}

impl Linear {
    /// Adds `name.weight` and `name.bias`, of zeros.
    ///
    /// # Errors
    /// Sizes too large, a name that is taken, no memory.
    pub fn new<T: Real>(parameters: &mut Parameters<T>, name: &str, into: usize, out: usize) -> Result<Self> {
        let weight = parameters.add(&format!("{name}.weight"), &[out, into])?;
        let bias = parameters.add(&format!("{name}.bias"), &[out])?;
        Ok(Self { weight, bias, into, out })
    }

    /// Draws the first weights.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, init: Init, seed: u64) {
        init.draw(parameters, self.weight, self.bias, seed);
    }

    /// `[.., in]` gives `[.., out]`. An activation that needs its input for the derivative is an operation of its own.
    #[track_caller]
    pub fn record<T: Real>(&self, tape: &Tape<T>, x: Var, activation: ActivationName) -> Var {
        let (weight, bias) = (tape.parameter(self.weight), tape.parameter(self.bias));
        activation.record_fused(tape, |fused| tape.linear(x, weight, Some(bias), fused))
    }

    /// Inputs and outputs.
    pub fn sizes(&self) -> (usize, usize) {
        (self.into, self.out)
    }
}
