//! Losses together with their gradients: the target is read once, and e^-|z| serves both.
//!
//! Lanes beyond the end add nothing: for the squared error they read as zeros, for the cross-entropy as a logit and a
//! target whose loss is 0.
#![forbid(unsafe_code)]

use super::arithmetic::total;
use super::{Elementary, Lanes, read, write};

/// The common length; an empty gradient is one that nobody wants.
#[inline(always)]
fn common<T>(x: &[T], target: &[T], gradient: &[T]) -> usize {
    let len = x.len().min(target.len());
    if gradient.is_empty() { len } else { len.min(gradient.len()) }
}

#[inline(always)]
pub(super) fn squared_error<T: Elementary, I: Lanes<T>>(isa: I, x: &[T], target: &[T], gradient: &mut [T], g: T) -> T {
    let len = common(x, target, gradient);
    let (x, target) = (&x[..len], &target[..len]);
    let written = len.min(gradient.len());
    let gradient = &mut gradient[..written];
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

/// The last vector, whose lanes beyond the end hold `beyond`.
#[inline(always)]
fn padded<T: Elementary, I: Lanes<T>>(isa: I, rest: &[T], beyond: T) -> I::V {
    let mut whole = [beyond; 16];
    let count = rest.len().min(I::LANES);
    whole[..count].copy_from_slice(&rest[..count]);
    read(isa, &whole, 0)
}

#[inline(always)]
pub(super) fn binary_cross_entropy<T: Elementary, I: Lanes<T>>(
    isa: I,
    z: &[T],
    target: &[T],
    gradient: &mut [T],
    g: T,
) -> T {
    let len = common(z, target, gradient);
    let (z, target) = (&z[..len], &target[..len]);
    let written = len.min(gradient.len());
    let gradient = &mut gradient[..written];
    let (zero, one, g) = (isa.splat(T::ZERO), isa.splat(T::ONE), isa.splat(g));
    // Where e^-z is 0 and t is 1, the loss is exactly 0.
    let certain = T::from_f64(if size_of::<T>() == 4 { 200.0 } else { 1000.0 });
    // Below it e - e^2/2 + e^3/3 - e^4/4 is ln(1 + e) but for a rounding.
    let few = isa.splat(T::from_f64(if size_of::<T>() == 4 { 0.03 } else { 1e-4 }));
    let [half, third, quarter] = [0.5, 1.0 / 3.0, 0.25].map(|c| isa.splat(T::from_f64(c)));
    // The sum of logarithms is the logarithm of the product: one logarithm for 64 elements instead of each.
    let (mut linear, mut logarithms, mut product) = (zero, zero, one);
    let mut factors = 0;
    let mut at = 0;
    while at < len {
        let (logit, t) = if len - at >= I::LANES {
            (read(isa, z, at), read(isa, target, at))
        } else {
            (padded(isa, &z[at..], certain), padded(isa, &target[at..], T::ONE))
        };
        let negative = isa.lt(logit, zero);
        // e = e^-|z|; 1 + e is the factor, and the sigmoid comes of both.
        let magnitude = isa.abs(logit);
        let e = T::exp(isa, isa.neg(magnitude));
        let factor = isa.add(one, e);
        // A small e would drown in the rounding of the product, so its logarithm is taken as a series; of a larger
        // one comes what 1 + e has lost of it, to first order.
        let small = isa.lt(e, few);
        let series = isa.fnma(isa.fnma(isa.fnma(quarter, e, third), e, half), e, one);
        let lost = isa.sub(e, isa.sub(factor, one));
        product = isa.mul(product, isa.select(small, one, factor));
        // max(z, 0) - z t without cancellation.
        let error = isa.select(negative, t, isa.sub(one, t));
        linear = isa.add(linear, isa.fma(magnitude, error, isa.select(small, isa.mul(e, series), lost)));
        factors += 1;
        if factors == FACTORS {
            logarithms = isa.add(logarithms, T::ln(isa, product));
            product = one;
            factors = 0;
        }
        if !gradient.is_empty() {
            let numerator = isa.select(negative, e, one);
            write(isa, isa.mul(g, isa.sub(isa.div(numerator, factor), t)), gradient, at);
        }
        at += I::LANES;
    }
    logarithms = isa.add(logarithms, T::ln(isa, product));
    isa.sum(isa.add(linear, logarithms))
}
