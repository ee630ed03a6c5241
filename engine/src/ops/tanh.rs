//! The hyperbolic tangent.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// The hyperbolic tangent. The shape is kept.
    tanh(), Tanh, saves Output, flops 25, forward tanh, gradient tanh_gradient;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            pointwise_case!("tanh", Domain::Real, |t, x| t.tanh(x), |x| x.tanh()),
            pointwise_case!("tanh, a chain in place", Domain::Real, |t, x| t.exp(t.tanh(t.scale(x, 0.5))), |x| (0.5
                * x)
                .tanh()
                .exp()),
        ]
    }
}
