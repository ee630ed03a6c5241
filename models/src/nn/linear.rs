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
    /// Whether the weight is another layer's, read the other way round.
    tied: bool,
}

impl Linear {
    /// Adds `name.weight` and `name.bias`, of zeros.
    ///
    /// # Errors
    /// Sizes too large, a name that is taken, no memory.
    pub fn new<T: Real>(parameters: &mut Parameters<T>, name: &str, into: usize, out: usize) -> Result<Self> {
        let weight = parameters.add(&format!("{name}.weight"), &[out, into])?;
        let bias = parameters.add(&format!("{name}.bias"), &[out])?;
        Ok(Self { weight, bias, into, out, tied: false })
    }

    /// A layer back from `other`'s outputs to its inputs over the same weight, W* = Wᵀ; adds `name.bias` only. The
    /// weight's gradient is the sum of both uses.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn tied<T: Real>(parameters: &mut Parameters<T>, name: &str, other: &Self) -> Result<Self> {
        let bias = parameters.add(&format!("{name}.bias"), &[other.into])?;
        Ok(Self { weight: other.weight, bias, into: other.out, out: other.into, tied: true })
    }

    /// Draws the first weights.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, init: Init, seed: u64) {
        if self.tied {
            init.draw_bias(parameters, self.bias, self.into, seed);
        } else {
            init.draw(parameters, self.weight, self.bias, seed);
        }
    }

    /// Its weight, `[out, in]` (of a tied layer `[in, out]`).
    pub fn weight(&self) -> ParameterId {
        self.weight
    }

    /// Its bias, `[out]`.
    pub fn bias(&self) -> ParameterId {
        self.bias
    }

    /// `[.., in]` gives `[.., out]`. An activation that needs its input for the derivative is an operation of its own.
    #[track_caller]
    pub fn record<T: Real>(&self, tape: &Tape<T>, x: Var, activation: ActivationName) -> Var {
        let (weight, bias) = (tape.parameter(self.weight), tape.parameter(self.bias));
        activation.record_fused(tape, |fused| match self.tied {
            true => tape.linear_transposed(x, weight, Some(bias), fused),
            false => tape.linear(x, weight, Some(bias), fused),
        })
    }

    /// Inputs and outputs.
    pub fn sizes(&self) -> (usize, usize) {
        (self.into, self.out)
    }
}
