//! The activations that a layer may have, by name.

use super::{Norm, Pass};
use crate::settings::word;
use narrows_engine::gemm::Activation;
use narrows_engine::{Real, Tape, Var};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// A nonlinearity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum ActivationName {
    /// None.
    Linear,
    /// max(x, 0)
    Relu,
    /// x above 0, x / 100 below.
    LeakyRelu,
    /// x above 0, e^x − 1 below.
    Elu,
    /// x Φ(x), exact.
    Gelu,
    /// x / (1 + e^−x), also called swish.
    Silu,
    /// 1 / (1 + e^−x)
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// ln(1 + e^x)
    Softplus,
}

word!(ActivationName, "activation");

impl ActivationName {
    /// The form that layers are fused with; `None` for GELU, which is an operation of its own.
    pub fn fused<T: Real>(self) -> Option<Activation<T>> {
        match self {
            Self::Linear => Some(Activation::Identity),
            Self::Relu => Some(Activation::Relu),
            Self::LeakyRelu => Some(Activation::LeakyRelu(T::from_f64(0.01))),
            Self::Elu => Some(Activation::Elu(T::ONE)),
            Self::Gelu => None,
            Self::Silu => Some(Activation::Silu),
            Self::Sigmoid => Some(Activation::Sigmoid),
            Self::Tanh => Some(Activation::Tanh),
            Self::Softplus => Some(Activation::Softplus),
        }
    }

    /// Records an operation with the activation fused, or with GELU as an operation of its own after it.
    #[track_caller]
    pub fn record_fused<T: Real>(self, tape: &Tape<T>, operation: impl Fn(Activation<T>) -> Var) -> Var {
        match self.fused() {
            Some(fused) => operation(fused),
            None => self.record(tape, operation(Activation::Identity)),
        }
    }

    /// Records a layer with the activation after it, or with a normalisation between the two; `layer` records it with
    /// the activation that it is given.
    #[track_caller]
    pub fn after<T: Real>(self, pass: &Pass<'_, T>, norm: Option<&Norm>, layer: impl Fn(Self) -> Var) -> Var {
        match norm {
            None => layer(self),
            Some(norm) => {
                let normalised = norm.record(pass, layer(Self::Linear));
                if self == Self::Linear { normalised } else { self.record(pass, normalised) }
            }
        }
    }

    /// Records the activation as an operation of its own.
    #[track_caller]
    pub fn record<T: Real>(self, tape: &Tape<T>, x: Var) -> Var {
        match self.fused() {
            Some(activation) => tape.activation(x, activation),
            None => tape.gelu(x),
        }
    }
}
