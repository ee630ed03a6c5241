//! The activations that a layer may have, by name.

use crate::config::words;
use narrows_engine::gemm::Activation;
use narrows_engine::{Real, Tape, Var};

words! {
    /// A nonlinearity.
    ActivationName, "activation" {
        /// None.
        Linear = "linear",
        /// max(x, 0)
        Relu = "relu",
        /// x above 0, x / 100 below.
        LeakyRelu = "leaky-relu",
        /// x above 0, e^x − 1 below.
        Elu = "elu",
        /// x Φ(x), exact.
        Gelu = "gelu",
        /// x / (1 + e^−x), also called swish.
        Silu = "silu",
        /// 1 / (1 + e^−x)
        Sigmoid = "sigmoid",
        /// The hyperbolic tangent.
        Tanh = "tanh",
        /// ln(1 + e^x)
        Softplus = "softplus",
    }
}

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

    /// Records the activation as an operation of its own.
    #[track_caller]
    pub fn record<T: Real>(self, tape: &Tape<T>, x: Var) -> Var {
        match self.fused() {
            Some(activation) => tape.activation(x, activation),
            None => tape.gelu(x),
        }
    }
}
