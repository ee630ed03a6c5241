//! `y = x` above 0 and `slope x` below (Maas et al. 2013), for a slope above 0.

use crate::gemm::Activation;
use crate::tape::{Real, Tape, Var};

impl<T: Real> Tape<T> {
    /// `y = x` above 0 and `slope x` below (Maas et al. 2013), for a slope above 0. The shape is kept.
    #[track_caller]
    pub fn leaky_relu(&self, x: Var, slope: f64) -> Var {
        self.activation(x, Activation::LeakyRelu(T::from_f64(slope)))
    }
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
