//! `y = e^x`.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = e^x`. The shape is kept.
    exp(), Exp, saves Output, flops 20, forward exp, gradient product;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("exp", Domain::Real, |t, x| t.exp(x), |x| x.exp())]
    }
}
