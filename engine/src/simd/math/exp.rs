//! `exp` and `expm1`.
//!
//! `x = n ln 2 + r` with `|r| <= ln 2 / 2`, and `e^x = 2^n e^r` with `e^r = 1 + r + r^2 Q(r)`, `Q` a minimax
//! polynomial. `ln 2` is held in two parts; the first has so few bits that `n` times it is exact even without FMA.

use super::constants::MathConstants;
use super::series::polynomial;
use crate::simd::Lanes;

/// `(n, r, low)` with `x = n ln 2 + r + low`.
#[inline(always)]
fn reduce<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> (I::V, I::V, I::V) {
    let n = isa.round(isa.mul(x, isa.splat(T::LOG2_E)));
    let high = isa.fnma(n, isa.splat(T::LN2_HIGH), x);
    let low = isa.mul(n, isa.splat(T::LN2_LOW));
    let r = isa.sub(high, low);
    (n, r, isa.sub(isa.sub(high, r), low))
}

/// `(q, n)` with `e^x = q 2^n` and `q` in `[0.7, 1.42]`, for `x` within the range of [`exp`] and not near 0 unless 0.
#[inline(always)]
fn scaled<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> (I::V, I::V) {
    let n = isa.round(isa.mul(x, isa.splat(T::LOG2_E)));
    let r = isa.fnma(n, isa.splat(T::LN2_LOW), isa.fnma(n, isa.splat(T::LN2_HIGH), x));
    let q = polynomial::<T, I>(isa, r, T::EXP_Q);
    let one = isa.splat(T::ONE);
    // 1 + r loses what `lost` finds again; without it the rounding of 1 + (r + …) would come twice.
    let sum = isa.add(one, r);
    let lost = isa.sub(r, isa.sub(sum, one));
    (isa.add(sum, isa.fma(isa.mul(r, r), q, lost)), n)
}

/// `e^x` where `x` is not near 0 unless 0, and `e^x` and `2^round(x / ln 2)` are normal numbers. NaN stays NaN.
#[inline(always)]
pub(super) fn exp_normal<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    let (q, n) = scaled::<T, I>(isa, x);
    isa.mul(q, isa.pow2(n))
}

/// `e^x`
#[inline(always)]
pub(crate) fn exp<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    let tiny = isa.lt(isa.abs(x), isa.splat(T::TINY));
    let held = isa.min(isa.splat(T::EXP_CEILING), isa.max(isa.splat(T::EXP_FLOOR), x));
    let held = isa.select(tiny, isa.splat(T::ZERO), held);
    let (q, n) = scaled::<T, I>(isa, held);
    // q 2^n where that is normal, by adding n to the exponent: 2^n itself may be out of range.
    let normal = isa.bits_sub(q, isa.bits_sub(isa.splat(T::ONE), isa.pow2(n)));
    // The same in units of the smallest denormal. The cap on n only keeps the power finite: far above 2^23 units.
    let units = isa.mul(q, isa.pow2(isa.add(isa.min(n, isa.splat(T::UNITS_CAP)), isa.splat(T::UNITS_EXPONENT))));
    let top = isa.splat(T::UNITS_TOP);
    let denormal = isa.bits_sub(isa.add(units, top), top);
    let y = isa.select(isa.lt(units, top), denormal, normal);
    // `max` hands NaN on.
    isa.select(isa.le(x, isa.splat(T::EXP_MAX)), y, isa.max(isa.splat(T::INFINITY), x))
}

/// `e^x - 1`
///
/// `2^n (1 + r + low + r^2 Q) - 1`, summed from the largest term down.
#[inline(always)]
pub(crate) fn expm1<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    let tiny = isa.lt(isa.abs(x), isa.splat(T::TINY));
    let held = isa.min(isa.splat(T::EXP_CEILING), isa.max(isa.splat(T::EXPM1_FLOOR), x));
    let held = isa.select(tiny, isa.splat(T::ZERO), held);
    let (n, r, low) = reduce::<T, I>(isa, held);
    let tail = isa.fma(isa.mul(r, r), polynomial::<T, I>(isa, r, T::EXPM1_Q), low);
    // Half of everything, for 2^n may be too large by one factor of 2.
    let half = isa.pow2(isa.sub(n, isa.splat(T::ONE)));
    let first = isa.sub(half, isa.splat(T::HALF));
    let second = isa.mul(half, r);
    let sum = isa.add(first, second);
    let lost = isa.sub(second, isa.sub(sum, first));
    let y = isa.add(sum, isa.fma(half, tail, lost));
    let y = isa.select(isa.le(x, isa.splat(T::EXP_MAX)), isa.add(y, y), isa.max(isa.splat(T::INFINITY), x));
    isa.select(tiny, x, y)
}
