//! The element types of a tape.

use crate::gemm::GemmFloat;

/// `f32`, in which one trains, or `f64`, in which gradients are checked. Sealed through [`crate::simd::Float`].
pub trait Real: GemmFloat {}

impl Real for f32 {}
impl Real for f64 {}
