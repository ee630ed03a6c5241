//! `y = ln(1 + e^x)`.

use crate::gemm::Activation;
use crate::tape::{Real, Tape, Var};

impl<T: Real> Tape<T> {
    /// `y = ln(1 + e^x)`. The shape is kept.
    #[track_caller]
    pub fn softplus(&self, x: Var) -> Var {
        self.activation(x, Activation::Softplus)
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("softplus", Domain::Real, |t, x| t.softplus(x), |x| x.max(0.0) + (-x.abs()).exp().ln_1p())]
    }
}
