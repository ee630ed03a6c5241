//! `y = factor x`.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = factor x`. The shape is kept.
    scale(factor: f64), Scale, saves Nothing, flops 1, forward scale, gradient scale_by_p, check super::finite;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            pointwise_case!("scale", Domain::Real, |t, x| t.scale(x, -2.5), |x| x * -2.5),
            pointwise_case!("scale, input used twice", Domain::Real, |t, x| t.add(t.scale(x, 3.0), x), |x| x * 4.0),
        ]
    }
}
