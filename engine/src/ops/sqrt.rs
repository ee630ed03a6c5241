//! `y = √x`; NaN below 0. The derivative, `1 / 2y`, is infinite at 0.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = √x`; NaN below 0. The derivative is infinite at 0: add a small number first where x can be 0. The shape is
    /// kept.
    sqrt(), Sqrt, saves Output, flops 1, forward sqrt, gradient sqrt_gradient;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("sqrt", Domain::Positive, |t, x| t.sqrt(x), |x| x.sqrt())]
    }
}
