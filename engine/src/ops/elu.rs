//! `y = x` above 0 and `alpha (e^x - 1)` below (Clevert et al. 2015), for an alpha above 0.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = x` above 0 and `alpha (e^x - 1)` below (Clevert et al. 2015), for an alpha above 0. The shape is kept.
    elu(alpha: f64), Elu, saves Output, flops 20, forward elu, gradient elu_gradient, check super::positive;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("elu", Domain::AwayFromZero(1e-2), |t, x| t.elu(x, 1.5), |x| if x > 0.0 {
            x
        } else {
            1.5 * x.exp_m1()
        })]
    }
}
