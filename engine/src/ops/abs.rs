//! `y = |x|`. The derivative at 0 is 0, the middle of the subgradient.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = |x|`. The shape is kept.
    abs(), Abs, saves Input, flops 1, forward abs, gradient abs_gradient;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("abs", Domain::AwayFromZero(0.1), |t, x| t.abs(x), |x| x.abs())]
    }
}
