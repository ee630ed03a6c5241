//! `y = e^x`.

use crate::ops::cases::{Case, Domain, pointwise_case};
use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = e^x`. The shape is kept.
    exp(), Exp, saves Output, flops 20, forward exp, gradient product;
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        pointwise_case!("exp", Domain::Real, |t, x| t.exp(x), |x| x.exp()),
    ]
}
