//! `ln` and `log1p`.
//!
//! `x = m 2^e` with `m` in `[sqrt(1/2), sqrt(2))`, and `ln x = e ln 2 + ln(1 + f)` with `f = m - 1`, which is exact.
//! `ln(1 + f) = f + tail(f)`; the type says how to find the tail. `e ln 2`'s upper part is exact, as in `exp`.

use super::constants::{LnTail, MathConstants};
use super::series::polynomial;
use crate::simd::Lanes;

/// `x = m 2^e` with `m` in `[sqrt(1/2), sqrt(2))`, for positive normal `x`.
#[inline(always)]
fn split_centred<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> (I::V, I::V) {
    let (m, e) = isa.split(x);
    let large = isa.lt(isa.splat(T::SQRT_2), m);
    let m = isa.select(large, isa.mul(m, isa.splat(T::HALF)), m);
    (m, isa.select(large, isa.add(e, isa.splat(T::ONE)), e))
}

/// `e ln 2 + f + tail`
#[inline(always)]
fn assemble<T: MathConstants, I: Lanes<T>>(isa: I, e: I::V, f: I::V, tail: I::V) -> I::V {
    let tail = isa.fma(e, isa.splat(T::LN2_LOW), tail);
    let first = isa.mul(e, isa.splat(T::LN2_HIGH));
    let sum = isa.add(first, f);
    let lost = isa.sub(f, isa.sub(sum, first));
    isa.add(sum, isa.add(lost, tail))
}

/// `ln(1 + f) - f`, in the way of the type.
#[inline(always)]
fn tail<T: MathConstants, I: Lanes<T>>(isa: I, f: I::V) -> I::V {
    match T::LN_TAIL {
        LnTail::Polynomial(p) => tail_by_polynomial::<T, I>(isa, f, p),
        LnTail::Division(r) => tail_by_division::<T, I>(isa, f, r),
    }
}

/// `ln(1 + f) - f` as `f^3 P(f) - f^2 / 2`: enough for `f32`.
#[inline(always)]
fn tail_by_polynomial<T: MathConstants, I: Lanes<T>>(isa: I, f: I::V, p: &'static [T]) -> I::V {
    let square = isa.mul(f, f);
    let cubic = isa.mul(f, polynomial::<T, I>(isa, f, p));
    isa.mul(square, isa.sub(cubic, isa.splat(T::HALF)))
}

/// `ln(1 + f) - f` by `s = f / (2 + f)`, `ln(1 + f) = 2 s + s z R(z)`, `z = s^2`: a series in `z` is half as long,
/// which pays for the division in `f64`. Written as fdlibm's `log` does, so that the error is small against `f`.
#[inline(always)]
fn tail_by_division<T: MathConstants, I: Lanes<T>>(isa: I, f: I::V, r: &'static [T]) -> I::V {
    let s = isa.div(f, isa.add(isa.splat(T::from_f64(2.0)), f));
    let z = isa.mul(s, s);
    let half_square = isa.mul(isa.mul(f, isa.splat(T::HALF)), f);
    let r = isa.mul(z, polynomial::<T, I>(isa, z, r));
    isa.sub(isa.mul(s, isa.add(half_square, r)), half_square)
}

/// The natural logarithm.
#[inline(always)]
pub(crate) fn ln<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    let zero = isa.splat(T::ZERO);
    // A denormal number is its bit pattern times the smallest one.
    let denormal = isa.lt(x, isa.splat(T::MIN_NORMAL));
    let (m, e) = split_centred::<T, I>(isa, isa.select(denormal, isa.bits_value(x), x));
    let e = isa.sub(e, isa.select(denormal, isa.splat(T::UNITS_EXPONENT), zero));
    let f = isa.sub(m, isa.splat(T::ONE));
    let y = assemble::<T, I>(isa, e, f, tail::<T, I>(isa, f));
    outside::<T, I>(isa, x, zero, y)
}

/// `y`, but what a logarithm is where `x` (whose domain starts at `pole`) is outside its domain, infinite or NaN.
#[inline(always)]
fn outside<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V, pole: I::V, y: I::V) -> I::V {
    let y = isa.select(isa.le(x, isa.splat(T::MAX)), y, x);
    let below = isa.select(isa.lt(x, pole), isa.splat(T::NAN), isa.splat(T::NEG_INFINITY));
    isa.select(isa.le(x, pole), below, y)
}

/// `ln(1 + x)` for finite `x > -1` that is 0 or not tiny.
#[inline(always)]
pub(super) fn log1p_normal<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    let one = isa.splat(T::ONE);
    let u = isa.add(one, x);
    // What the sum lost; where no power of two is taken out, f is then x itself.
    let lost = isa.sub(isa.min(one, x), isa.sub(u, isa.max(one, x)));
    let (m, e) = split_centred::<T, I>(isa, u);
    let shrink = isa.pow2(isa.max(isa.neg(e), isa.splat(T::MIN_EXPONENT)));
    let lost = isa.mul(lost, shrink);
    let upper = isa.sub(m, one);
    let f = isa.add(upper, lost);
    // What f lost in turn belongs to the tail: without it the error is 1.51 ulp.
    let low = isa.sub(lost, isa.sub(f, upper));
    assemble::<T, I>(isa, e, f, isa.add(tail::<T, I>(isa, f), low))
}

/// `ln(1 + x)`
#[inline(always)]
pub(crate) fn log1p<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    let tiny = isa.lt(isa.abs(x), isa.splat(T::TINY));
    let y = log1p_normal::<T, I>(isa, isa.select(tiny, isa.splat(T::ZERO), x));
    let y = outside::<T, I>(isa, x, isa.splat(T::from_f64(-1.0)), y);
    isa.select(tiny, x, y)
}
