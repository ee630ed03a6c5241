//! `y = ln(1 + e^x)`.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = ln(1 + e^x)`. The shape is kept.
    softplus(), Softplus, saves Output, flops 35, forward softplus, gradient softplus_gradient;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("softplus", Domain::Real, |t, x| t.softplus(x), |x| x.max(0.0) + (-x.abs()).exp().ln_1p())]
    }
}
