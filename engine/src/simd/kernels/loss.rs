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

/// Factors of the logarithm that are multiplied before it is taken: each lies in 1..=2, so 64 of them stay below 2^64.
const FACTORS: usize = 64;

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
    // The sum of logarithms is the logarithm of the product: one logarithm for 64 elements instead of each.
    let (mut linear, mut logarithms, mut product) = (zero, zero, one);
    let mut factors = 0;
    let mut at = 0;
    while at < len {
        let (logit, t) = (read(isa, z, at), read(isa, target, at));
        // e = e^-|z|; 1 + e is the factor, and the sigmoid comes of both.
        let e = T::exp(isa, isa.neg(isa.abs(logit)));
        let factor = isa.add(one, e);
        product = isa.mul(product, factor);
        linear = isa.add(linear, isa.fnma(logit, t, isa.max(zero, logit)));
        factors += 1;
        if factors == FACTORS {
            logarithms = isa.add(logarithms, T::ln(isa, product));
            product = one;
            factors = 0;
        }
        if !gradient.is_empty() {
            let numerator = isa.select(isa.lt(logit, zero), e, one);
            write(isa, isa.mul(g, isa.sub(isa.div(numerator, factor), t)), gradient, at);
        }
        at += I::LANES;
    }
    logarithms = isa.add(logarithms, T::ln(isa, product));
    isa.sum(isa.add(linear, logarithms)) - T::from_f64(beyond * std::f64::consts::LN_2)
}
