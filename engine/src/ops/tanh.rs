//! The hyperbolic tangent.

use crate::gemm::Activation;
use crate::tape::{Real, Tape, Var};

impl<T: Real> Tape<T> {
    /// The hyperbolic tangent. The shape is kept.
    #[track_caller]
    pub fn tanh(&self, x: Var) -> Var {
        self.activation(x, Activation::Tanh)
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            pointwise_case!("tanh", Domain::Real, |t, x| t.tanh(x), |x| x.tanh()),
            pointwise_case!("tanh, a chain in place", Domain::Real, |t, x| t.exp(t.tanh(t.scale(x, 0.5))), |x| (0.5
                * x)
                .tanh()
                .exp()),
        ]
    }
}
