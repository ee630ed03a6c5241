//! What the functions share: polynomials, the ends of logarithms, and products that are denormal.
#![forbid(unsafe_code)]

use super::constants::MathConstants;
use crate::simd::Lanes;

/// `c[0] + c[1] x + c[2] x^2 + …`, by Horner's rule. The loop's length is a constant: it unrolls.
#[inline(always)]
pub(super) fn polynomial<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V, c: &'static [T]) -> I::V {
    let last = c.len() - 1;
    let mut y = isa.splat(c[last]);
    for &k in c[..last].iter().rev() {
        y = isa.fma(y, x, isa.splat(k));
    }
    y
}

/// `v * 2^-149` (`f64`: `2^-1074`) for `v >= 0`, rounded once, and no denormal number passes through arithmetic.
///
/// Below `2^23` the result is denormal: `v + 2^23` rounds it to an integer, whose pattern is the distance from the
/// pattern of `2^23`. From there on the result is normal, and its pattern has an exponent smaller by 149.
#[inline(always)]
pub(super) fn from_units<T: MathConstants, I: Lanes<T>>(isa: I, v: I::V) -> I::V {
    let top = isa.splat(T::UNITS_TOP);
    let denormal = isa.bits_sub(isa.add(v, top), top);
    let normal = isa.bits_sub(v, isa.splat(T::UNITS_HALF));
    isa.select(isa.lt(v, top), denormal, normal)
}

/// `a * factor` for `0 <= a < T::TINY` and `factor` in `[1, 4]`: also right where `a` or the product is denormal.
#[inline(always)]
pub(super) fn scale_tiny<T: MathConstants, I: Lanes<T>>(isa: I, a: I::V, factor: T) -> I::V {
    let denormal = isa.lt(a, isa.splat(T::MIN_NORMAL));
    let v = isa.mul(isa.select(denormal, isa.bits_value(a), a), isa.splat(factor));
    isa.select(denormal, from_units::<T, I>(isa, v), v)
}
