//! The two element types with their kernels: what the rest of the engine is generic over.
//!
//! Code outside the engine cannot name [`Float`]: it writes [`Real`](crate::Real), which stands on it, and whose page
//! lists what numbers can do. The methods here lead to kernels.
#![forbid(unsafe_code)]

use super::kernels::{Activations, Elementwise, Updates};
use super::math::Elementary;
use super::{Backend, PhiloxKernels};

/// `f32` or `f64`, and their kernels.
pub trait Float: Elementary {
    /// The element-wise kernels on `backend`.
    fn elementwise(backend: Backend) -> &'static Elementwise<Self>;
    /// The activations' kernels on `backend`.
    fn activations(backend: Backend) -> &'static Activations<Self>;
    /// The optimisers' kernels on `backend`.
    fn updates(backend: Backend) -> &'static Updates<Self>;
    /// The random generator's kernels on `backend`.
    fn random(backend: Backend) -> &'static PhiloxKernels<Self>;
}

macro_rules! float {
    ($t:ident) => {
        impl Float for $t {
            fn elementwise(backend: Backend) -> &'static Elementwise<Self> {
                Elementwise::<$t>::of(backend)
            }

            fn activations(backend: Backend) -> &'static Activations<Self> {
                Activations::<$t>::of(backend)
            }

            fn updates(backend: Backend) -> &'static Updates<Self> {
                Updates::<$t>::of(backend)
            }

            fn random(backend: Backend) -> &'static PhiloxKernels<Self> {
                PhiloxKernels::<$t>::of(backend)
            }
        }
    };
}

float!(f32);
float!(f64);
