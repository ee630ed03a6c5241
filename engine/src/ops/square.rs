//! `y = x²`.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = x²`. The shape is kept.
    square(), Square, saves Input, flops 1, forward square, gradient square_gradient;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("square", Domain::Real, |t, x| t.square(x), |x| x * x)]
    }
}
