//! `y = x` above 0 and `alpha (e^x - 1)` below (Clevert et al. 2015), for an alpha above 0.

use crate::gemm::Activation;
use crate::tape::{Real, Tape, Var};

impl<T: Real> Tape<T> {
    /// `y = x` above 0 and `alpha (e^x - 1)` below (Clevert et al. 2015), for an alpha above 0. The shape is kept.
    #[track_caller]
    pub fn elu(&self, x: Var, alpha: f64) -> Var {
        self.activation(x, Activation::Elu(T::from_f64(alpha)))
    }
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
