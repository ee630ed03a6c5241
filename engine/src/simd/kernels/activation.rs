//! The activations that operations are fused with: each function, its derivative, and their table.
//!
//! A line below is all that the kernels know of one; three loops are made of it: the function, its gradient, and its
//! gradient with the sums of columns, which `linear` wants for its bias. The derivative of most is a function of the
//! output `y` alone, so that an operation keeps one array; where it is not, what is kept is the argument `x`. To add
//! one: a line here, and its variant in `gemm::activation`, which says the same of it to everybody else.
//!
//! `p` is a parameter of the function (a slope, a factor) and ignored where there is none. NaN goes through: `max`
//! gives its second operand when either is NaN, hence the order of the operands.

use super::loops::{gradient, gradient_with_sums, unary};
use super::{Elementary, InOut, Lanes, kernel_table, read, write};

/// Declares the activations: for each its name and those of its two gradients, the function, and the derivative times
/// `dy`, from what is kept.
macro_rules! activations {
    ($(
        $(#[$doc:meta])*
        $name:ident($gradient:ident, $gradient_sums:ident):
        |$isa:ident, $x:ident, $p:ident| $f:expr,
        |$isa2:ident, $kept:ident, $dy:ident, $p2:ident| $df:expr;
    )*) => {
        unary! { $($name |$isa, $x, $p| $f;)* }
        gradient! { $($gradient |$isa2, $kept, $dy, $p2| $df;)* }
        gradient_with_sums! { $($gradient_sums |$isa2, $kept, $dy, $p2| $df;)* }

        kernel_table! {
            /// The kernels of the activations, of one element type on one backend.
            ///
            /// For an activation `f`: `f(io, p)` applies it. `f_gradient(kept, io, p, accumulate)` takes the gradient
            /// of the output through `io` and writes that of the argument, added to what stands there if `accumulate`.
            /// `f_gradient_sums(kept, dy, p, columns, sums)` does so in place, row by row of `columns`, and writes the
            /// sum of each column; nothing is done where there are no columns, or more than `sums` holds. Only the
            /// common length of slices is touched.
            pub struct Activations in activations, public;
            $(
                $(#[$doc])*
                fn $name(io: InOut<'_, T>, p: T) = $name;
                /// The gradient.
                fn $gradient(kept: &[T], io: InOut<'_, T>, p: T, accumulate: bool) = $gradient;
                /// The gradient in place, and the sum of each of its columns.
                fn $gradient_sums(kept: &[T], dy: &mut [T], p: T, columns: usize, sums: &mut [T]) = $gradient_sums;
            )*
        }
    };
}

activations! {
    /// `max(x, 0)`
    relu(relu_gradient, relu_gradient_sums):
    |isa, x, _p| rectified::<T, I>(isa, x),
    |isa, y, dy, _p| {
        let zero = isa.splat(T::ZERO);
        isa.select(isa.lt(zero, y), dy, zero)
    };

    /// `x` above 0, `p x` below, for a positive `p`.
    leaky_relu(leaky_relu_gradient, leaky_relu_gradient_sums):
    |isa, x, p| leaky::<T, I>(isa, p, x),
    |isa, y, dy, p| isa.select(isa.lt(y, isa.splat(T::ZERO)), isa.mul(p, dy), dy);

    /// `x` above 0, `p (e^x - 1)` below (Clevert et al. 2015), for a positive `p`.
    elu(elu_gradient, elu_gradient_sums):
    |isa, x, p| {
        let below = isa.mul(p, T::expm1(isa, isa.min(isa.splat(T::ZERO), x)));
        isa.select(isa.lt(isa.splat(T::ZERO), x), x, below)
    },
    |isa, y, dy, p| isa.select(isa.lt(isa.splat(T::ZERO), y), dy, isa.mul(dy, isa.add(y, p)));

    /// `1 / (1 + e^-x)`
    sigmoid(sigmoid_gradient, sigmoid_gradient_sums):
    |isa, x, _p| T::sigmoid(isa, x),
    |isa, y, dy, _p| isa.mul(dy, isa.fnma(y, y, y));

    /// The hyperbolic tangent.
    tanh(tanh_gradient, tanh_gradient_sums):
    |isa, x, _p| T::tanh(isa, x),
    |isa, y, dy, _p| isa.mul(dy, isa.fnma(y, y, isa.splat(T::ONE)));

    /// `ln(1 + e^x)`; with `y` that, sigmoid(x) is `1 - e^-y`.
    softplus(softplus_gradient, softplus_gradient_sums):
    |isa, x, _p| T::softplus(isa, x),
    |isa, y, dy, _p| isa.neg(isa.mul(dy, T::expm1(isa, isa.neg(y))));

    /// `x sigmoid(x)` (Elfwing et al. 2017); the derivative is `s + x s (1 - s)` with `s` that sigmoid. Beyond 1000 the
    /// sigmoid is 0 or 1, and `x` is held there so that no infinity meets a 0.
    silu(silu_gradient, silu_gradient_sums):
    |isa, x, _p| isa.mul(isa.max(isa.splat(T::from_f64(-1000.0)), x), T::sigmoid(isa, x)),
    |isa, x, dy, _p| {
        let held = isa.min(isa.splat(T::from_f64(1000.0)), isa.max(isa.splat(T::from_f64(-1000.0)), x));
        let s = T::sigmoid(isa, x);
        isa.mul(dy, isa.fma(isa.mul(held, s), isa.sub(isa.splat(T::ONE), s), s))
    };
}

/// `relu` of a vector: products and convolutions apply it to their sums while these are in registers.
#[inline(always)]
pub(crate) fn rectified<T: Elementary, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    isa.max(isa.splat(T::ZERO), x)
}

/// `leaky_relu` of a vector, likewise.
#[inline(always)]
pub(crate) fn leaky<T: Elementary, I: Lanes<T>>(isa: I, slope: I::V, x: I::V) -> I::V {
    isa.select(isa.lt(x, isa.splat(T::ZERO)), isa.mul(slope, x), x)
}
