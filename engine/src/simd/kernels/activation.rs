//! Nonlinearities and their derivatives, vector by vector.
//!
//! The derivative of most is a function of the output alone, so that a layer fused with its activation keeps one
//! array; `gelu`, `ln` and `square` need the input. NaN goes through: `max` gives its second operand when either is
//! NaN, hence the order of the operands.

use super::{Float, InOut, Lanes, read, write};

/// A kernel `io = f(io, p)`.
macro_rules! unary {
    ($($name:ident |$isa:ident, $x:ident, $p:ident| $f:expr;)*) => {
        $(
            #[inline(always)]
            pub(super) fn $name<T: Float, I: Lanes<T>>($isa: I, mut io: InOut<'_, T>, p: T) {
                let $p = $isa.splat(p);
                let _ = $p;
                let mut at = 0;
                while at < io.len() {
                    let $x = io.load($isa, at);
                    let y = $f;
                    io.store($isa, at, y);
                    at += I::LANES;
                }
            }
        )*
    };
}

/// A kernel `io = f(saved, io, p)`, or `io += f(saved, io, p)`.
macro_rules! gradient {
    ($($name:ident |$isa:ident, $saved:ident, $dy:ident, $p:ident| $f:expr;)*) => {
        $(
            #[inline(always)]
            pub(super) fn $name<T: Float, I: Lanes<T>>(
                $isa: I, saved: &[T], io: InOut<'_, T>, p: T, accumulate: bool,
            ) {
                let $p = $isa.splat(p);
                let _ = $p;
                let len = io.len().min(saved.len());
                let (mut io, _) = io.split_at(len);
                let saved = &saved[..len];
                let mut at = 0;
                while at < len {
                    let $saved = read($isa, saved, at);
                    let $dy = io.load($isa, at);
                    let mut dx = $f;
                    if accumulate {
                        dx = $isa.add(io.load_target($isa, at), dx);
                    }
                    io.store($isa, at, dx);
                    at += I::LANES;
                }
            }
        )*
    };
}

/// A kernel `dy = f(saved, dy, p)` over rows of `columns`, with the sums of its columns, in the rows' order.
macro_rules! sums {
    ($($name:ident |$isa:ident, $saved:ident, $dy:ident, $p:ident| $f:expr;)*) => {
        $(
            #[inline(always)]
            pub(super) fn $name<T: Float, I: Lanes<T>>(
                $isa: I, saved: &[T], dy: &mut [T], p: T, columns: usize, sums: &mut [T],
            ) {
                if columns == 0 || sums.len() < columns {
                    return;
                }
                let $p = $isa.splat(p);
                let _ = $p;
                let mut from = 0;
                // Four vectors of columns, down all rows: the sums stay in registers.
                while from < columns {
                    let mut partial = [$isa.splat(T::ZERO); 4];
                    for (saved, dy) in saved.chunks_exact(columns).zip(dy.chunks_exact_mut(columns)) {
                        let mut at = from;
                        for sum in &mut partial {
                            if at < columns {
                                let $saved = read($isa, saved, at);
                                let $dy = read($isa, dy, at);
                                let dx = $f;
                                write($isa, dx, dy, at);
                                *sum = $isa.add(*sum, dx);
                            }
                            at += I::LANES;
                        }
                    }
                    for sum in partial {
                        if from < columns {
                            write($isa, sum, &mut sums[..columns], from);
                        }
                        from += I::LANES;
                    }
                }
            }
        )*
    };
}

/// The derivatives of the activations that layers are fused with: alone, and with the sums of columns.
macro_rules! fused {
    ($($name:ident $with_sums:ident |$isa:ident, $saved:ident, $dy:ident, $p:ident| $f:expr;)*) => {
        gradient! { $($name |$isa, $saved, $dy, $p| $f;)* }
        sums! { $($with_sums |$isa, $saved, $dy, $p| $f;)* }
    };
}

unary! {
    exp |isa, x, _p| T::exp(isa, x);
    ln |isa, x, _p| T::ln(isa, x);
    square |isa, x, _p| isa.mul(x, x);
    scale |isa, x, p| isa.mul(x, p);
    add_scalar |isa, x, p| isa.add(x, p);
    relu |isa, x, _p| isa.max(isa.splat(T::ZERO), x);
    leaky_relu |isa, x, p| isa.select(isa.lt(x, isa.splat(T::ZERO)), isa.mul(p, x), x);
    elu |isa, x, p| {
        let below = isa.mul(p, T::expm1(isa, isa.min(isa.splat(T::ZERO), x)));
        isa.select(isa.lt(isa.splat(T::ZERO), x), x, below)
    };
    gelu |isa, x, _p| isa.mul(x, normal_distribution::<T, I>(isa, x));
    sigmoid |isa, x, _p| T::sigmoid(isa, x);
    tanh |isa, x, _p| T::tanh(isa, x);
    softplus |isa, x, _p| T::softplus(isa, x);
    // NaN is in neither order and goes through.
    abs |isa, x, _p| isa.select(isa.lt(x, isa.splat(T::ZERO)), isa.neg(x), x);
}

gradient! {
    ln_gradient |isa, x, dy, _p| isa.div(dy, x);
    square_gradient |isa, x, dy, _p| isa.mul(isa.add(x, x), dy);
    gelu_gradient |isa, x, dy, _p| {
        // Phi(x) + x phi(x)
        let half = isa.splat(T::from_f64(-0.5));
        let density = isa.mul(isa.splat(T::from_f64(INVERSE_SQRT_TAU)), T::exp(isa, isa.mul(isa.mul(x, x), half)));
        isa.mul(dy, isa.fma(x, density, normal_distribution::<T, I>(isa, x)))
    };
    product |isa, y, dy, _p| isa.mul(y, dy);
    abs_gradient |isa, x, dy, _p| {
        let zero = isa.splat(T::ZERO);
        let positive = isa.select(isa.lt(zero, x), dy, zero);
        isa.select(isa.lt(x, zero), isa.neg(dy), positive)
    };
}

fused! {
    relu_gradient relu_gradient_sums |isa, y, dy, _p| {
        let zero = isa.splat(T::ZERO);
        isa.select(isa.lt(zero, y), dy, zero)
    };
    leaky_relu_gradient leaky_relu_gradient_sums |isa, y, dy, p| {
        isa.select(isa.lt(y, isa.splat(T::ZERO)), isa.mul(p, dy), dy)
    };
    elu_gradient elu_gradient_sums |isa, y, dy, p| {
        isa.select(isa.lt(isa.splat(T::ZERO), y), dy, isa.mul(dy, isa.add(y, p)))
    };
    sigmoid_gradient sigmoid_gradient_sums |isa, y, dy, _p| isa.mul(dy, isa.fnma(y, y, y));
    tanh_gradient tanh_gradient_sums |isa, y, dy, _p| isa.mul(dy, isa.fnma(y, y, isa.splat(T::ONE)));
    // y = ln(1 + e^x), so sigmoid(x) = 1 - e^-y.
    softplus_gradient softplus_gradient_sums |isa, y, dy, _p| isa.neg(isa.mul(dy, T::expm1(isa, isa.neg(y))));
}

const INVERSE_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

/// `Phi(x) = (1 + erf(x / √2)) / 2`
#[inline(always)]
fn normal_distribution<T: Float, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    let half = isa.splat(T::from_f64(0.5));
    let erf = T::erf(isa, isa.mul(x, isa.splat(T::from_f64(std::f64::consts::FRAC_1_SQRT_2))));
    isa.fma(half, erf, half)
}

/// `io = p io`, or `io += p io`
#[inline(always)]
pub(super) fn scale_into<T: Float, I: Lanes<T>>(isa: I, mut io: InOut<'_, T>, p: T, accumulate: bool) {
    let p = isa.splat(p);
    let mut at = 0;
    while at < io.len() {
        let x = io.load(isa, at);
        let y = if accumulate { isa.fma(p, x, io.load_target(isa, at)) } else { isa.mul(p, x) };
        io.store(isa, at, y);
        at += I::LANES;
    }
}
