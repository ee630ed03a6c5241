//! The element types of products, each with its kernels.

use super::kernels::GemmKernels;
use crate::base::Backend;
use crate::simd::Float;

/// Where the kernels of an element type are found.
pub(super) trait HasKernels: Float {
    /// Those of `backend`.
    fn gemm_kernels(backend: Backend) -> &'static GemmKernels<Self>;
}

impl HasKernels for f32 {
    fn gemm_kernels(backend: Backend) -> &'static GemmKernels<Self> {
        GemmKernels::<f32>::of(backend)
    }
}

impl HasKernels for f64 {
    fn gemm_kernels(backend: Backend) -> &'static GemmKernels<Self> {
        GemmKernels::<f64>::of(backend)
    }
}

/// `f32` or `f64`. Nothing can be called through it outside this folder, and nothing else can implement it: the trait
/// that it rests on is private.
///
/// ```compile_fail,E0624
/// fn kernels<T: narrows_engine::Real>(backend: narrows_engine::Backend) {
///     T::gemm_kernels(backend);
/// }
/// ```
#[allow(private_bounds, reason = "that is what keeps the kernels inside")]
pub trait GemmFloat: HasKernels {}

impl GemmFloat for f32 {}
impl GemmFloat for f64 {}
