//! `tanh`: an odd polynomial near 0, `1 - 2 / (e^(2|x|) + 1)` elsewhere.

use super::constants::MathConstants;
use super::exp::exp_normal;
use super::series::polynomial;
use crate::simd::Lanes;

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh<T: MathConstants, I: Lanes<T>>(isa: I, x: I::V) -> I::V {
    let (one, two) = (isa.splat(T::ONE), isa.splat(T::from_f64(2.0)));
    let a = isa.abs(x);
    let tiny = isa.lt(a, isa.splat(T::TINY));

    // Larger arguments are held where the result is not used; from the ceiling on the result is 1.
    let near = isa.min(isa.select(tiny, isa.splat(T::ZERO), a), one);
    let z = isa.mul(near, near);
    let small = isa.fma(isa.mul(near, z), polynomial::<T, I>(isa, z, T::TANH_P), near);

    let far = isa.min(isa.splat(T::TANH_CEILING), isa.max(isa.splat(T::HALF), a));
    let e = exp_normal::<T, I>(isa, isa.add(far, far));
    let large = isa.sub(one, isa.div(two, isa.add(e, one)));

    let y = isa.select(isa.lt(a, isa.splat(T::from_f64(0.625))), small, large);
    isa.select(tiny, x, isa.copysign(y, x))
}
