//! Elementary functions of whole vectors: exp, ln and their relatives.
//!
//! * `constants`: the coefficients and thresholds of `f32` and `f64`; the functions are written once for both.
//! * `exp`: exp and expm1. `ln`: ln and log1p. `tanh`: tanh. `logistic`: sigmoid and softplus. `erf`: erf.
//!   `sincospi`: the sine and cosine of pi x. `tests`: bounds, special values and the exhaustive table of ACCURACY.md.
//!
//! Two rules hold in all of them. Every lane takes every path and a select chooses, so time does not depend on values;
//! for the same reason no arithmetic reads or writes a denormal number, which costs some processors a hundred cycles:
//! tiny inputs are replaced by 0 before the arithmetic, denormal results are put together from bits. And without FMA
//! the bounds hold too: where a rounding of the largest term would show, it is recovered by Dekker's fast two-sum.
#![cfg_attr(not(test), forbid(unsafe_code))]

mod constants;
mod erf;
mod exp;
mod ln;
mod logistic;
mod sincospi;
mod tanh;
#[cfg(test)]
mod tests;

pub(crate) use constants::MathConstants;
pub(crate) use erf::erf;
pub(crate) use exp::{exp, expm1};
pub(crate) use ln::{ln, log1p};
pub(crate) use logistic::{sigmoid, softplus};
pub(crate) use sincospi::sincospi;
pub(crate) use tanh::tanh;

use super::Lanes;

/// `c[0] + c[1] x + c[2] x^2 + …`, by Horner's rule. The loop's length is a constant: it unrolls.
#[inline(always)]
fn polynomial<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V, c: &'static [T]) -> I::V {
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
fn from_units<T: MathConstants, I: Lanes<T>>(isa: I, v: I::V) -> I::V {
    let top = isa.splat(T::UNITS_TOP);
    let denormal = isa.bits_sub(isa.add(v, top), top);
    let normal = isa.bits_sub(v, isa.splat(T::UNITS_HALF));
    isa.select(isa.lt(v, top), denormal, normal)
}

/// `a * factor` for `0 <= a < T::TINY` and `factor` in `[1, 4]`: also right where `a` or the product is denormal.
#[inline(always)]
fn scale_tiny<T: MathConstants, I: Lanes<T>>(isa: I, a: I::V, factor: T) -> I::V {
    let denormal = isa.lt(a, isa.splat(T::MIN_NORMAL));
    let v = isa.mul(isa.select(denormal, isa.bits_value(a), a), isa.splat(factor));
    isa.select(denormal, from_units::<T, I>(isa, v), v)
}
