//! The element types of a tape.

use crate::conv::ConvFloat;

/// `f32`, in which one trains, or `f64`, in which gradients are checked. Sealed through [`crate::simd::Float`].
pub trait Real: ConvFloat {}

impl Real for f32 {}
impl Real for f64 {}
