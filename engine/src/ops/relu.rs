//! `y = max(x, 0)` (Nair & Hinton 2010); the derivative at 0 is taken as 0.

use crate::gemm::Activation;
use crate::tape::{Real, Tape, Var};

impl<T: Real> Tape<T> {
    /// `y = max(x, 0)` (Nair & Hinton 2010); the derivative at 0 is taken as 0. The shape is kept.
    #[track_caller]
    pub fn relu(&self, x: Var) -> Var {
        self.activation(x, Activation::Relu)
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("relu", Domain::AwayFromZero(1e-2), |t, x| t.relu(x), |x| x.max(0.0))]
    }
}
