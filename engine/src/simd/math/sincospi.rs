//! The sine and cosine of `pi x`, together: the reduction to `|r| <= 1/4` is exact for every `x`.

use super::constants::MathConstants;
use super::series::{polynomial, scale_tiny};
use crate::simd::Lanes;

/// `(sin(pi x), cos(pi x))`; a zero of the sine has the sign of `x`, a zero of the cosine is positive.
#[inline(always)]
pub(crate) fn sincospi<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> (I::V, I::V) {
    let (zero, half, two) = (isa.splat(T::ZERO), isa.splat(T::HALF), isa.splat(T::from_f64(2.0)));
    let a = isa.abs(x);
    let tiny = isa.lt(a, isa.splat(T::TINY));
    let held = isa.select(tiny, zero, x);

    // y in [-1, 1] after whole turns; n quarters of a turn, -2 to 2, leave r.
    let y = isa.fnma(two, isa.round(isa.mul(held, half)), held);
    let n = isa.round(isa.add(y, y));
    let r = isa.fnma(n, half, y);

    let z = isa.mul(r, r);
    let correction = isa.fma(z, polynomial::<T, I>(isa, z, T::SINPI_P), isa.splat(T::PI_LOW));
    let s = isa.fma(r, isa.splat(T::PI), isa.mul(r, correction));
    let c = isa.fma(z, polynomial::<T, I>(isa, z, T::COSPI_P), isa.splat(T::ONE));

    // n = 0: (s, c); ±1: (±c, ∓s); ±2: (-s, -c).
    let quarters = isa.abs(n);
    let odd = isa.lt(half, isa.mul(quarters, isa.sub(two, quarters)));
    let opposite = isa.lt(isa.splat(T::from_f64(1.5)), quarters);
    let sine = isa.select(odd, isa.mul(c, n), isa.select(opposite, isa.neg(s), s));
    let cosine = isa.select(odd, isa.neg(isa.mul(s, n)), isa.select(opposite, isa.neg(c), c));

    let sine = isa.select(isa.le(isa.abs(sine), zero), isa.copysign(zero, x), sine);
    let sine = isa.select(tiny, isa.copysign(scale_tiny::<T, I>(isa, a, T::PI), x), sine);
    // Adding +0 turns -0 into +0.
    (sine, isa.add(cosine, zero))
}
