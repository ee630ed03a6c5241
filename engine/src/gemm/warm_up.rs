//! Memory taken before the first product.

use super::float::GemmFloat;
use super::{arena, packing, panels};
use crate::base::Context;
use std::marker::PhantomData;

/// Takes every thread's scratch memory for products of `T` beforehand, up to twice 2 MiB each, so that steps of
/// training do not allocate late. Call it where the products will run, inside [`Threads::run`](crate::Threads::run).
pub fn warm_up<T: GemmFloat>(context: Context) {
    let blocks = packing::most::<T>(&T::gemm_kernels(context.backend).tiling(PhantomData));
    let shared = panels::most::<T>();
    context.split.everywhere(|| {
        // Where there is not enough memory, a product will do without.
        let _ = arena::with::<T, _>(arena::Use::Shared, shared, shared, |_| ());
        let _ = arena::with::<T, _>(arena::Use::Blocks, blocks, blocks, |_| ());
    });
}
