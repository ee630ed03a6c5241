//! The loops over slices: every kernel that is not a matrix product, a convolution or a random fill.
//!
//! * `activation`: the functions that operations are fused with, their derivatives and their table.
//! * `functions`: other functions of one number. `loops`: what all of these are made into.
//! * `arithmetic`: sums, products, scaling, reductions, the scaling of raw data.
//! * `loss`: losses together with their gradients, in one pass.
//! * `updates`: the passes of optimisers.
//!
//! All of them are bound by memory for slices beyond the caches, the transcendental ones by arithmetic inside them.
//! A kernel treats every element alike wherever it stands (tails use the same vector code), so splitting a slice
//! anywhere gives the same bits; the reductions say how they add.

pub(crate) mod activation;
mod arithmetic;
mod functions;
mod loops;
mod loss;
#[cfg(test)]
mod tests;
mod updates;

use super::access::{read, read_bytes, write};
use super::math::Elementary;
use super::{InOut, Lanes, Number, kernel_table};
pub(crate) use activation::Activations;
use arithmetic::*;
use functions::*;
use loss::*;
pub(crate) use updates::{Part, Update, UpdateFloat, Updates};

kernel_table! {
    /// The element-wise and reduction kernels of one element type on one backend.
    ///
    /// Slices that belong together must be equally long; only the common length is touched. `p` is a parameter of
    /// the function (a slope, a factor) and ignored where there is none. A gradient kernel reads `saved` (the
    /// function's input or its output, as stated), takes the gradient of the output through `io` and writes the
    /// gradient of the input, added to what stands there if `accumulate`.
    pub struct Elementwise in elementwise, public;

    /// `e^x`
    fn exp(io: InOut<'_, T>, p: T) = exp;
    /// `ln x`
    fn ln(io: InOut<'_, T>, p: T) = ln;
    /// `x²`
    fn square(io: InOut<'_, T>, p: T) = square;
    /// `p x`
    fn scale(io: InOut<'_, T>, p: T) = scale;
    /// `x + p`
    fn add_scalar(io: InOut<'_, T>, p: T) = add_scalar;
    /// `x Phi(x)` with the normal distribution function, exact form (Hendrycks & Gimpel 2016).
    fn gelu(io: InOut<'_, T>, p: T) = gelu;

    /// `|x|`
    fn abs(io: InOut<'_, T>, p: T) = abs;

    /// Gradient of `abs`, 0 at 0; `saved` is the input.
    fn abs_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = abs_gradient;
    /// Gradient of `ln`; `saved` is the input.
    fn ln_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = ln_gradient;
    /// Gradient of `square`; `saved` is the input.
    fn square_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = square_gradient;
    /// Gradient of `gelu`; `saved` is the input.
    fn gelu_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = gelu_gradient;
    /// `saved * x`, which is also the gradient of `exp` when `saved` is its output.
    fn product(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = product;
    /// `p x`, added to the target if `accumulate`.
    fn scale_into(io: InOut<'_, T>, p: T, accumulate: bool) = scale_into;

    /// `a + b`
    fn add(a: &[T], b: &[T], out: &mut [T]) = add;
    /// `a - b`
    fn sub(a: &[T], b: &[T], out: &mut [T]) = sub;
    /// `a b`
    fn mul(a: &[T], b: &[T], out: &mut [T]) = mul;
    /// The sum of all elements: four vectors of partial sums, then lanes by halves.
    fn sum(x: &[T]) -> T = sum;
    /// `Σ a b`, added as in `sum`.
    fn dot(a: &[T], b: &[T]) -> T = dot;
    /// The sum of each column of `x`, which is `[x.len() / columns, columns]`, in the rows' order;
    /// nothing is done where there are no columns, or more than `out` holds.
    fn column_sums(x: &[T], columns: usize, out: &mut [T], accumulate: bool) = column_sums;
    /// `scale x + shift` of raw bytes, feature by feature.
    fn scale_bytes(x: &[u8], scale: &[T], shift: &[T], out: &mut [T]) = scale_bytes;
    /// `scale x + shift`, feature by feature.
    fn scale_values(x: &[T], scale: &[T], shift: &[T], out: &mut [T]) = scale_values;

    /// `a / b`
    fn div(a: &[T], b: &[T], out: &mut [T]) = div;
    /// The larger; NaN where either is.
    fn maximum(a: &[T], b: &[T], out: &mut [T]) = maximum;
    /// The smaller; NaN where either is.
    fn minimum(a: &[T], b: &[T], out: &mut [T]) = minimum;
    /// The square root.
    fn sqrt(io: InOut<'_, T>, p: T) = sqrt;
    /// Gradient of `sqrt`; `saved` is the output.
    fn sqrt_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = sqrt_gradient;
    /// Gradient of softmax for one row, whose output `saved` is; `p` is `Σ saved x`.
    fn softmax_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = softmax_gradient;
    /// Gradient of the logarithm of softmax for one row, whose output `saved` is; `p` is `Σ x`.
    fn log_softmax_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = log_softmax_gradient;
    /// The largest `p x`, those that are NaN left out; minus infinity where there is none.
    fn largest(x: &[T], p: T) -> T = largest;
    /// `p x scale + shift`, feature by feature.
    fn scale_shift(io: InOut<'_, T>, scale: &[T], shift: &[T], p: T) = scale_shift;

    /// `Σ (x - target)²`, added as in `sum`; writes `g · 2 (x - target)` to `gradient` unless it is empty.
    fn squared_error(x: &[T], target: &[T], gradient: &mut [T], g: T) -> T = squared_error;
    /// `Σ max(z,0) - z t + ln(1 + e^-|z|)`, the binary cross-entropy of `sigmoid(z)` against `t`, added as in `sum`;
    /// writes `g (sigmoid(z) - t)` to `gradient` unless it is empty.
    fn binary_cross_entropy(z: &[T], target: &[T], gradient: &mut [T], g: T) -> T = binary_cross_entropy;
}
