//! `y = x²`.

use crate::ops::cases::{Case, Domain, pointwise_case};
use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = x²`. The shape is kept.
    square(), Square, saves Input, flops 1, forward square, gradient square_gradient;
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        pointwise_case!("square", Domain::Real, |t, x| t.square(x), |x| x * x),
    ]
}
