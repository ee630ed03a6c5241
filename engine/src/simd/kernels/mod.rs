//! The loops over slices: every kernel that is not a matrix product, a convolution or a random fill.
//!
//! * `activation`: nonlinearities and their derivatives.
//! * `arithmetic`: sums, products, scaling, reductions, the scaling of raw data.
//! * `loss`: losses together with their gradients, in one pass.
//! * `updates`: optimisers, one pass each.
//!
//! All of them are bound by memory for slices beyond the caches, the transcendental ones by arithmetic inside them.
//! A kernel treats every element alike wherever it stands (tails use the same vector code), so splitting a slice
//! anywhere gives the same bits; the reductions say how they add.

mod activation;
mod arithmetic;
mod loss;
#[cfg(test)]
mod tests;
mod updates;

use super::{Float, InOut, Lanes, kernel_table};
use activation::*;
use arithmetic::*;
use loss::*;
use std::marker::PhantomData;
pub use updates::{AdamStep, Descent, MomentumStep, RmsPropStep, Updates};

kernel_table! {
    /// The element-wise and reduction kernels of one element type on one backend.
    ///
    /// Slices that belong together must be equally long; only the common length is touched. `p` is a parameter of
    /// the function (a slope, a factor) and ignored where there is none. A gradient kernel reads `saved` (the
    /// function's input or its output, as stated), takes the gradient of the output through `io` and writes the
    /// gradient of the input, added to what stands there if `accumulate`.
    pub struct Elementwise in elementwise;

    /// Elements in a vector: tells which instructions a table runs.
    fn lanes(of: PhantomData<T>) -> usize = lanes;
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
    /// `max(x, 0)`
    fn relu(io: InOut<'_, T>, p: T) = relu;
    /// `x` above 0, `p x` below.
    fn leaky_relu(io: InOut<'_, T>, p: T) = leaky_relu;
    /// `x` above 0, `p (e^x - 1)` below (Clevert et al. 2015).
    fn elu(io: InOut<'_, T>, p: T) = elu;
    /// `x Phi(x)` with the normal distribution function, exact form (Hendrycks & Gimpel 2016).
    fn gelu(io: InOut<'_, T>, p: T) = gelu;
    /// `1 / (1 + e^-x)`
    fn sigmoid(io: InOut<'_, T>, p: T) = sigmoid;
    /// The hyperbolic tangent.
    fn tanh(io: InOut<'_, T>, p: T) = tanh;
    /// `ln(1 + e^x)`
    fn softplus(io: InOut<'_, T>, p: T) = softplus;

    /// `|x|`
    fn abs(io: InOut<'_, T>, p: T) = abs;

    /// Gradient of `abs`, 0 at 0; `saved` is the input.
    fn abs_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = abs_gradient;
    /// Gradient of `ln`; `saved` is the input.
    fn ln_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = ln_gradient;
    /// Gradient of `square`; `saved` is the input.
    fn square_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = square_gradient;
    /// Gradient of `relu`; `saved` is the output.
    fn relu_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = relu_gradient;
    /// Gradient of `leaky_relu` for a positive slope; `saved` is the output.
    fn leaky_relu_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = leaky_relu_gradient;
    /// Gradient of `elu` for a positive `p`; `saved` is the output.
    fn elu_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = elu_gradient;
    /// Gradient of `gelu`; `saved` is the input.
    fn gelu_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = gelu_gradient;
    /// Gradient of `sigmoid`; `saved` is the output.
    fn sigmoid_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = sigmoid_gradient;
    /// Gradient of `tanh`; `saved` is the output.
    fn tanh_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = tanh_gradient;
    /// Gradient of `softplus`; `saved` is the output.
    fn softplus_gradient(saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = softplus_gradient;
    /// `relu_gradient` in place, row by row of `columns`, and the sum of each column.
    fn relu_gradient_sums(saved: &[T], dy: &mut [T], p: T, columns: usize, sums: &mut [T]) = relu_gradient_sums;
    /// `leaky_relu_gradient` in place, row by row of `columns`, and the sum of each column.
    fn leaky_relu_gradient_sums(saved: &[T], dy: &mut [T], p: T, columns: usize, sums: &mut [T]) = leaky_relu_gradient_sums;
    /// `elu_gradient` in place, row by row of `columns`, and the sum of each column.
    fn elu_gradient_sums(saved: &[T], dy: &mut [T], p: T, columns: usize, sums: &mut [T]) = elu_gradient_sums;
    /// `sigmoid_gradient` in place, row by row of `columns`, and the sum of each column.
    fn sigmoid_gradient_sums(saved: &[T], dy: &mut [T], p: T, columns: usize, sums: &mut [T]) = sigmoid_gradient_sums;
    /// `tanh_gradient` in place, row by row of `columns`, and the sum of each column.
    fn tanh_gradient_sums(saved: &[T], dy: &mut [T], p: T, columns: usize, sums: &mut [T]) = tanh_gradient_sums;
    /// `softplus_gradient` in place, row by row of `columns`, and the sum of each column.
    fn softplus_gradient_sums(saved: &[T], dy: &mut [T], p: T, columns: usize, sums: &mut [T]) = softplus_gradient_sums;
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

/// The vector of `x` at `at`: whole, or what is left of it and zeros.
#[inline(always)]
pub(super) fn read<T: Float, I: Lanes<T>>(isa: I, x: &[T], at: usize) -> I::V {
    let rest = &x[at..];
    // SAFETY: a full vector is read only where that many elements are left, and the rest of the slice otherwise.
    unsafe {
        if rest.len() >= I::LANES { isa.load_at(rest.as_ptr()) } else { isa.load_head_at(rest.as_ptr(), rest.len()) }
    }
}

/// Writes `v` to `x` at `at`, or as much of it as there is room for.
#[inline(always)]
pub(super) fn write<T: Float, I: Lanes<T>>(isa: I, v: I::V, x: &mut [T], at: usize) {
    let rest = &mut x[at..];
    // SAFETY: a full vector is written only where that many elements are left, and the rest of the slice otherwise.
    unsafe {
        if rest.len() >= I::LANES {
            isa.store_at(v, rest.as_mut_ptr());
        } else {
            isa.store_head_at(v, rest.as_mut_ptr(), rest.len());
        }
    }
}
