//! The entry points of the kernels, and the element types that have them.

use super::copies::{Padded, pad, sum_lanes, weave};
use super::filters::{ConvolveFilters, CorrelateFilters, convolve_filters, correlate_filters};
use super::pixel_gradients::{CorrelatePixels, correlate_pixels};
use super::pixels::{ConvolvePixels, convolve_pixels, is_wide};
use super::pools::{largest_of_pairs, put_to_pairs};
use crate::base::Backend;
use crate::gemm::GemmFloat;
use crate::simd::{Float, Lanes, kernel_table};
use std::marker::PhantomData;

kernel_table! {
    /// The kernels of convolutions.
    pub(super) struct ConvTable in entries;
    /// Elements in a vector.
    fn lanes(of: PhantomData<T>) -> usize = lanes;
    /// Whether there are 32 registers.
    fn is_wide(of: PhantomData<T>) -> bool = has_many_registers;
    /// A convolution, positions in the lanes.
    ///
    /// # Safety
    /// * As for the kernel of this name.
    unsafe fn convolve_pixels(x: &ConvolvePixels<T>) = convolve_pixels;
    /// The gradient of its weight.
    ///
    /// # Safety
    /// * As for the kernel of this name.
    unsafe fn correlate_pixels(x: &CorrelatePixels<T>) = correlate_pixels;
    /// A convolution, filters in the lanes.
    ///
    /// # Safety
    /// * As for the kernel of this name.
    unsafe fn convolve_filters(x: &ConvolveFilters<T>) = convolve_filters;
    /// The gradient of its weight.
    ///
    /// # Safety
    /// * As for the kernel of this name.
    unsafe fn correlate_filters(x: &CorrelateFilters<T>) = correlate_filters;
    /// An image into padded planes.
    fn pad(x: &Padded, from: &[T], to: &mut [T]) = pad;
    /// Phases into an image.
    fn weave(x: &Padded, from: &[T], to: &mut [T], accumulate: bool) = weave;
    /// Max pooling of a plane.
    fn largest_of_pairs(sides: [usize; 2], columns: usize, plane: &[T], values: &mut [T], places: &mut [T])
        = largest_of_pairs;
    /// Its transpose.
    fn put_to_pairs(sides: [usize; 2], columns: usize, from: (&[T], &[T]), plane: &mut [T], accumulate: bool)
        = put_to_pairs;
    /// Lanes added up.
    fn sum_lanes(vectors: &[T], to: &mut [T]) = sum_lanes;
}

#[inline(always)]
fn has_many_registers<T: Float, I: Lanes<T>>(_: I, _: PhantomData<T>) -> bool {
    is_wide::<T, I>()
}

#[inline(always)]
fn lanes<T: Float, I: Lanes<T>>(_: I, _: PhantomData<T>) -> usize {
    I::LANES
}

/// What this crate alone may ask of an element type: nobody outside can name the trait, make the key that its function
/// takes, or look into what that gives.
pub(super) mod sealed {
    use super::{Backend, ConvTable};

    /// What only `conv::kernels` can make.
    pub struct Key(pub(in super::super) ());

    /// The kernels of one set of instructions.
    pub struct Entries<T: 'static>(pub(in super::super) &'static ConvTable<T>);

    /// The kernels of an element type.
    pub trait HasConvTable: Sized {
        /// Those of `backend`.
        fn conv_table(key: Key, backend: Backend) -> Entries<Self>;
    }
}

/// An element type that convolutions have kernels for: `f32` and `f64`. Sealed.
pub trait ConvFloat: GemmFloat + sealed::HasConvTable {}

macro_rules! conv_float {
    ($($t:ident)*) => {
        $(
            impl sealed::HasConvTable for $t {
                fn conv_table(_: sealed::Key, backend: Backend) -> sealed::Entries<Self> {
                    sealed::Entries(ConvTable::<$t>::of(backend))
                }
            }

            impl ConvFloat for $t {}
        )*
    };
}

conv_float!(f32 f64);
