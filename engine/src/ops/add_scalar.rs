//! `y = x + value`.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = x + value`. The shape is kept.
    add_scalar(value: f64), AddScalar, saves Nothing, flops 1,
    forward add_scalar, gradient pass_on, check super::finite;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("add_scalar", Domain::Real, |t, x| t.add_scalar(x, 1.5), |x| x + 1.5)]
    }
}
