//! `y = 1 / (1 + e^-x)`, the logistic function.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = 1 / (1 + e^-x)`, the logistic function. The shape is kept.
    sigmoid(), Sigmoid, saves Output, flops 22, forward sigmoid, gradient sigmoid_gradient;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("sigmoid", Domain::Real, |t, x| t.sigmoid(x), |x| 1.0 / (1.0 + (-x).exp()))]
    }
}
