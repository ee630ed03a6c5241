//! `y = 1 / (1 + e^-x)`, the logistic function.

use crate::gemm::Activation;
use crate::tape::{Real, Tape, Var};

impl<T: Real> Tape<T> {
    /// `y = 1 / (1 + e^-x)`, the logistic function. The shape is kept.
    #[track_caller]
    pub fn sigmoid(&self, x: Var) -> Var {
        self.activation(x, Activation::Sigmoid)
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("sigmoid", Domain::Real, |t, x| t.sigmoid(x), |x| 1.0 / (1.0 + (-x).exp()))]
    }
}
