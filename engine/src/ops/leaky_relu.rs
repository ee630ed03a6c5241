//! `y = x` above 0 and `slope x` below (Maas et al. 2013), for a slope above 0.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = x` above 0 and `slope x` below (Maas et al. 2013), for a slope above 0. The shape is kept.
    leaky_relu(slope: f64), LeakyRelu, saves Output, flops 2, forward leaky_relu, gradient leaky_relu_gradient, check super::positive;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("leaky_relu", Domain::AwayFromZero(1e-2), |t, x| t.leaky_relu(x, 0.1), |x| if x > 0.0 {
            x
        } else {
            0.1 * x
        })]
    }
}
