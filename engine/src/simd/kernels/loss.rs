//! Losses together with their gradients: the target is read once, and e^-|z| serves both.
//!
//! Lanes beyond the end read as zeros; for the squared error they add nothing, for the cross-entropy the tail is
//! masked to that effect.

use super::arithmetic::total;
use super::{Float, Lanes, read, write};

#[inline(always)]
pub(super) fn squared_error<T: Float, I: Lanes<T>>(isa: I, x: &[T], target: &[T], gradient: &mut [T], g: T) -> T {
    let len = x.len().min(target.len());
    let (x, target) = (&x[..len], &target[..len]);
    let twice = isa.splat(g + g);
    let mut partial = [isa.splat(T::ZERO); 4];
    let mut at = 0;
    while at < len {
        for sum in &mut partial {
            if at < len {
                let difference = isa.sub(read(isa, x, at), read(isa, target, at));
                *sum = isa.fma(difference, difference, *sum);
                if !gradient.is_empty() {
                    write(isa, isa.mul(twice, difference), gradient, at);
                }
                at += I::LANES;
            }
        }
    }
    total::<T, I>(isa, partial)
}

#[inline(always)]
pub(super) fn binary_cross_entropy<T: Float, I: Lanes<T>>(
    isa: I,
    z: &[T],
    target: &[T],
    gradient: &mut [T],
    g: T,
) -> T {
    let len = z.len().min(target.len());
    let (z, target) = (&z[..len], &target[..len]);
    let (zero, one, g) = (isa.splat(T::ZERO), isa.splat(T::ONE), isa.splat(g));
    // ln(1 + e^-0) of the lanes beyond the end.
    let beyond = (len.next_multiple_of(I::LANES) - len) as f64;
    let mut partial = [zero; 4];
    let mut at = 0;
    while at < len {
        for sum in &mut partial {
            if at < len {
                let (logit, t) = (read(isa, z, at), read(isa, target, at));
                // e = e^-|z|; ln(1 + e) and the sigmoid both come of it.
                let e = T::exp(isa, isa.neg(isa.abs(logit)));
                let loss = isa.add(isa.fnma(logit, t, isa.max(zero, logit)), T::log1p(isa, e));
                *sum = isa.add(*sum, loss);
                if !gradient.is_empty() {
                    let larger = isa.div(one, isa.add(one, e));
                    let sigmoid = isa.select(isa.lt(logit, zero), isa.mul(e, larger), larger);
                    write(isa, isa.mul(g, isa.sub(sigmoid, t)), gradient, at);
                }
                at += I::LANES;
            }
        }
    }
    total::<T, I>(isa, partial) - T::from_f64(beyond * std::f64::consts::LN_2)
}
