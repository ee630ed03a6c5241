//! Functions of one number that are not activations, vector by vector, and what their gradients need.
//!
//! NaN goes through: `max` gives its second operand when either is NaN, hence the order of the operands.
#![forbid(unsafe_code)]

use super::loops::{gradient, unary};
use super::{Elementary, InOut, Lanes, read};

unary! {
    exp |isa, x, _p| T::exp(isa, x);
    ln |isa, x, _p| T::ln(isa, x);
    square |isa, x, _p| isa.mul(x, x);
    scale |isa, x, p| isa.mul(x, p);
    add_scalar |isa, x, p| isa.add(x, p);
    gelu |isa, x, _p| isa.mul(x, normal_distribution::<T, I>(isa, x));
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

const INVERSE_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

/// `Phi(x) = (1 + erf(x / √2)) / 2`
#[inline(always)]
fn normal_distribution<T: Elementary, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    let half = isa.splat(T::from_f64(0.5));
    let erf = T::erf(isa, isa.mul(x, isa.splat(T::from_f64(std::f64::consts::FRAC_1_SQRT_2))));
    isa.fma(half, erf, half)
}

/// `io = p io`, or `io += p io`
#[inline(always)]
pub(super) fn scale_into<T: Elementary, I: Lanes<T>>(isa: I, mut io: InOut<'_, T>, p: T, accumulate: bool) {
    let p = isa.splat(p);
    let mut at = 0;
    while at < io.len() {
        let x = io.load(isa, at);
        let y = if accumulate { isa.fma(p, x, io.load_target(isa, at)) } else { isa.mul(p, x) };
        io.store(isa, at, y);
        at += I::LANES;
    }
}
