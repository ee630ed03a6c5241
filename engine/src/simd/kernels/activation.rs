//! Nonlinearities and their derivatives, vector by vector.
//!
//! The derivative of most is a function of the output alone, so that a layer fused with its activation keeps one
//! array; `gelu`, `ln` and `square` need the input. NaN goes through: `max` gives its second operand when either is
//! NaN, hence the order of the operands.

use super::{Float, InOut, Lanes, read};

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
}

gradient! {
    ln_gradient |isa, x, dy, _p| isa.div(dy, x);
    square_gradient |isa, x, dy, _p| isa.mul(isa.add(x, x), dy);
    relu_gradient |isa, y, dy, _p| {
        let zero = isa.splat(T::ZERO);
        isa.select(isa.lt(zero, y), dy, zero)
    };
    leaky_relu_gradient |isa, y, dy, p| isa.select(isa.lt(y, isa.splat(T::ZERO)), isa.mul(p, dy), dy);
    elu_gradient |isa, y, dy, p| isa.select(isa.lt(isa.splat(T::ZERO), y), dy, isa.mul(dy, isa.add(y, p)));
    gelu_gradient |isa, x, dy, _p| {
        // Phi(x) + x phi(x)
        let half = isa.splat(T::from_f64(-0.5));
        let density = isa.mul(isa.splat(T::from_f64(INVERSE_SQRT_TAU)), T::exp(isa, isa.mul(isa.mul(x, x), half)));
        isa.mul(dy, isa.fma(x, density, normal_distribution::<T, I>(isa, x)))
    };
    sigmoid_gradient |isa, y, dy, _p| isa.mul(dy, isa.fnma(y, y, y));
    tanh_gradient |isa, y, dy, _p| isa.mul(dy, isa.fnma(y, y, isa.splat(T::ONE)));
    // y = ln(1 + e^x), so sigmoid(x) = 1 - e^-y.
    softplus_gradient |isa, y, dy, _p| isa.neg(isa.mul(dy, T::expm1(isa, isa.neg(y))));
    product |isa, y, dy, _p| isa.mul(y, dy);
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
