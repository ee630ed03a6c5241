//! `y = max(x, 0)` (Nair & Hinton 2010); the derivative at 0 is taken as 0.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = max(x, 0)` (Nair & Hinton 2010); the derivative at 0 is taken as 0. The shape is kept.
    relu(), Relu, saves Output, flops 1, forward relu, gradient relu_gradient;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("relu", Domain::AwayFromZero(1e-2), |t, x| t.relu(x), |x| x.max(0.0))]
    }
}
