//! `sigmoid` and `softplus`, from `e^-|x|`, which cannot overflow.
//!
//! From some `|x|` on `e^-|x|` is lost against 1; there the arithmetic gets 0 in its place, and for negative `x` the
//! result is `e^x` itself, which may be denormal.

use super::constants::MathConstants;
use super::exp::exp;
use super::ln::log1p_normal;
use crate::simd::Lanes;

/// `(e^-|x|, the same or 0 where it is lost against 1)`.
#[inline(always)]
fn decay<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> (I::V, I::V) {
    let a = isa.abs(x);
    let e = exp::<T, I>(isa, isa.neg(a));
    (e, isa.select(isa.lt(isa.splat(T::LOGISTIC_FAR), a), isa.splat(T::ZERO), e))
}

/// `1 / (1 + e^-x)`
///
/// With `q = e^-|x| / (1 + e^-|x|)` it is `1 - q` for positive and `e^x - e^x q` for negative `x`: the roundings of the
/// sum and of the division enter through `q` alone, scaled down. (`e^x / (1 + e^x)` has errors of 2.1 ulp.)
#[inline(always)]
pub(crate) fn sigmoid<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    let one = isa.splat(T::ONE);
    let (whole, e) = decay::<T, I>(isa, x);
    let q = isa.div(e, isa.add(one, e));
    let factor = isa.select(isa.lt(x, isa.splat(T::ZERO)), e, one);
    let y = isa.fnma(factor, q, factor);
    isa.select(isa.lt(x, isa.neg(isa.splat(T::LOGISTIC_FAR))), whole, y)
}

/// `ln(1 + e^x)` as `max(x, 0) + log1p(e^-|x|)`.
#[inline(always)]
pub(crate) fn softplus<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    let (whole, e) = decay::<T, I>(isa, x);
    let positive = isa.select(isa.lt(x, isa.splat(T::TINY)), isa.splat(T::ZERO), x);
    let y = isa.add(positive, log1p_normal::<T, I>(isa, e));
    isa.select(isa.lt(x, isa.neg(isa.splat(T::LOGISTIC_FAR))), whole, y)
}
