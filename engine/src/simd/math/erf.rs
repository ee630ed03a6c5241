//! `erf`: `x + x P(x^2)` below 1, `1 - e^(-x^2) T(t)` above, `T` a polynomial for `erfcx` in `t = (x - 2) / (x + 2)`.
//!
//! `erfc(1)` is 0.157, so an error of the second form counts for a sixth at most, the rounding of `x^2` among them.

use super::constants::MathConstants;
use super::exp::exp_normal;
use super::series::{polynomial, scale_tiny};
use crate::simd::Lanes;

/// The error function.
#[inline(always)]
pub(crate) fn erf<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    let (one, two) = (isa.splat(T::ONE), isa.splat(T::from_f64(2.0)));
    let a = isa.abs(x);
    let tiny = isa.lt(a, isa.splat(T::TINY));

    let near = isa.min(isa.select(tiny, isa.splat(T::ZERO), a), one);
    let small = isa.fma(near, polynomial::<T, I>(isa, isa.mul(near, near), T::ERF_P), near);
    let small = isa.select(tiny, scale_tiny::<T, I>(isa, a, T::TWO_BY_SQRT_PI), small);

    let far = isa.min(isa.splat(T::ERF_CEILING), isa.max(one, a));
    let t = isa.div(isa.sub(far, two), isa.add(far, two));
    let e = exp_normal::<T, I>(isa, isa.neg(isa.mul(far, far)));
    let large = isa.fnma(e, polynomial::<T, I>(isa, t, T::ERFCX_T), one);

    isa.copysign(isa.select(isa.lt(a, one), small, large), x)
}
