//! The optimisers' loops: parameters, gradient and moments in one pass over flat memory.
//!
//! Every kernel multiplies the gradient `g` by the clipping factor as it reads it, adds the L2 penalty's `w p`, and
//! updates moments and parameters `p` together: each number is read once and written once. All are bound by memory
//! (Adam: 28 bytes a parameter in `f32` for about 12 operations), so one body serves the variants where a
//! multiplication by zero does. An element's result does not depend on its position, so callers may split anywhere.
//! Only common lengths are touched. Formulas are PyTorch's.

use super::{Float, Lanes, kernel_table, read, write};

/// What all updates share: `g = clip gradient + weight_decay p`, then a step of length `rate`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Descent<T> {
    pub(crate) rate: T,
    pub(crate) clip: T,
    pub(crate) weight_decay: T,
}

/// `m = momentum m + g`, and the step along `m`, or `g + momentum m` after Nesterov.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MomentumStep<T> {
    pub(crate) descent: Descent<T>,
    pub(crate) momentum: T,
    pub(crate) nesterov: bool,
}

/// `m += (1 - beta1)(g - m)`, `v = beta2 v + (1 - beta2) g^2`, `p -= rate m / (sqrt(v) root_correction + epsilon)`.
///
/// `descent.rate` is `lr / (1 - beta1^t)` and `root_correction` is `1 / sqrt(1 - beta2^t)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamStep<T> {
    pub(crate) descent: Descent<T>,
    /// `1 - beta1`
    pub(crate) mix1: T,
    pub(crate) beta2: T,
    /// `1 - beta2`
    pub(crate) mix2: T,
    pub(crate) root_correction: T,
    pub(crate) epsilon: T,
    /// What the parameters are multiplied by first: `1 - lr weight_decay` in AdamW, else 1.
    pub(crate) keep: T,
}

/// `v = alpha v + (1 - alpha) g^2`, `d = g / (sqrt(v) + epsilon)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RmsPropStep<T> {
    pub(crate) descent: Descent<T>,
    pub(crate) alpha: T,
    /// `1 - alpha`
    pub(crate) mix: T,
    pub(crate) epsilon: T,
    pub(crate) momentum: T,
}

kernel_table! {
    /// The optimisers' kernels for one instruction set.
    pub struct Updates in updates_kernels;

    /// `p -= rate g`
    fn sgd(p: &mut [T], g: &[T], step: &Descent<T>) = sgd_pass;
    /// Gradient descent with momentum; see [`MomentumStep`].
    fn momentum(p: &mut [T], g: &[T], m: &mut [T], step: &MomentumStep<T>) = momentum_pass;
    /// Adam and AdamW; see [`AdamStep`].
    fn adam(p: &mut [T], g: &[T], m: &mut [T], v: &mut [T], step: &AdamStep<T>) = adam_pass;
    /// `p -= rate d`; see [`RmsPropStep`].
    fn rmsprop(p: &mut [T], g: &[T], v: &mut [T], step: &RmsPropStep<T>) = rmsprop_pass;
    /// `m = momentum m + d`, `p -= rate m`; see [`RmsPropStep`].
    fn rmsprop_momentum(p: &mut [T], g: &[T], v: &mut [T], m: &mut [T], step: &RmsPropStep<T>) = rmsprop_momentum_pass;
    /// The sum of squares, in `f64` and in an order that no backend changes.
    fn sum_squares(x: &[T]) -> f64 = sum_squares_pass;
}

/// `Descent` in vectors.
struct Splat<V> {
    rate: V,
    clip: V,
    weight_decay: V,
}

impl<T: Copy> Descent<T> {
    #[inline(always)]
    fn splat<I: Lanes<T>>(&self, isa: I) -> Splat<I::V> {
        Splat { rate: isa.splat(self.rate), clip: isa.splat(self.clip), weight_decay: isa.splat(self.weight_decay) }
    }
}

/// `clip g + weight_decay p`
#[inline(always)]
fn gradient<T, I: Lanes<T>>(isa: I, p: I::V, g: I::V, by: &Splat<I::V>) -> I::V {
    isa.fma(by.weight_decay, p, isa.mul(by.clip, g))
}

#[inline(always)]
fn sgd_pass<T: Float, I: Lanes<T>>(isa: I, p: &mut [T], g: &[T], step: &Descent<T>) {
    let len = p.len().min(g.len());
    let (p, g) = (&mut p[..len], &g[..len]);
    let by = step.splat(isa);
    let mut at = 0;
    while at < len {
        let old = read(isa, p, at);
        let slope = gradient(isa, old, read(isa, g, at), &by);
        write(isa, isa.fnma(by.rate, slope, old), p, at);
        at += I::LANES;
    }
}

#[inline(always)]
fn momentum_pass<T: Float, I: Lanes<T>>(isa: I, p: &mut [T], g: &[T], m: &mut [T], step: &MomentumStep<T>) {
    let len = p.len().min(g.len()).min(m.len());
    let (p, g, m) = (&mut p[..len], &g[..len], &mut m[..len]);
    let by = step.descent.splat(isa);
    let momentum = isa.splat(step.momentum);
    let mut at = 0;
    while at < len {
        let old = read(isa, p, at);
        let slope = gradient(isa, old, read(isa, g, at), &by);
        let speed = isa.fma(momentum, read(isa, m, at), slope);
        write(isa, speed, m, at);
        let along = if step.nesterov { isa.fma(momentum, speed, slope) } else { speed };
        write(isa, isa.fnma(by.rate, along, old), p, at);
        at += I::LANES;
    }
}

#[inline(always)]
fn adam_pass<T: Float, I: Lanes<T>>(isa: I, p: &mut [T], g: &[T], m: &mut [T], v: &mut [T], step: &AdamStep<T>) {
    let len = p.len().min(g.len()).min(m.len()).min(v.len());
    let (p, g, m, v) = (&mut p[..len], &g[..len], &mut m[..len], &mut v[..len]);
    let by = step.descent.splat(isa);
    let (mix1, beta2, mix2) = (isa.splat(step.mix1), isa.splat(step.beta2), isa.splat(step.mix2));
    let (correction, epsilon, keep) = (isa.splat(step.root_correction), isa.splat(step.epsilon), isa.splat(step.keep));
    let mut at = 0;
    while at < len {
        let old = read(isa, p, at);
        let slope = gradient(isa, old, read(isa, g, at), &by);
        let first = read(isa, m, at);
        let first = isa.fma(mix1, isa.sub(slope, first), first);
        write(isa, first, m, at);
        let second = isa.fma(isa.mul(mix2, slope), slope, isa.mul(beta2, read(isa, v, at)));
        write(isa, second, v, at);
        let width = isa.fma(isa.sqrt(second), correction, epsilon);
        let new = isa.fnma(by.rate, isa.div(first, width), isa.mul(keep, old));
        write(isa, new, p, at);
        at += I::LANES;
    }
}

/// `v` renewed and stored, and `d`.
#[inline(always)]
fn scaled_gradient<T: Float, I: Lanes<T>>(isa: I, slope: I::V, v: &mut [T], at: usize, step: &RmsPropStep<T>) -> I::V {
    let old = isa.mul(isa.splat(step.alpha), read(isa, v, at));
    let new = isa.fma(isa.mul(isa.splat(step.mix), slope), slope, old);
    write(isa, new, v, at);
    isa.div(slope, isa.add(isa.sqrt(new), isa.splat(step.epsilon)))
}

#[inline(always)]
fn rmsprop_pass<T: Float, I: Lanes<T>>(isa: I, p: &mut [T], g: &[T], v: &mut [T], step: &RmsPropStep<T>) {
    let len = p.len().min(g.len()).min(v.len());
    let (p, g, v) = (&mut p[..len], &g[..len], &mut v[..len]);
    let by = step.descent.splat(isa);
    let mut at = 0;
    while at < len {
        let old = read(isa, p, at);
        let slope = gradient(isa, old, read(isa, g, at), &by);
        let along = scaled_gradient(isa, slope, v, at, step);
        write(isa, isa.fnma(by.rate, along, old), p, at);
        at += I::LANES;
    }
}

#[inline(always)]
fn rmsprop_momentum_pass<T: Float, I: Lanes<T>>(
    isa: I,
    p: &mut [T],
    g: &[T],
    v: &mut [T],
    m: &mut [T],
    step: &RmsPropStep<T>,
) {
    let len = p.len().min(g.len()).min(v.len()).min(m.len());
    let (p, g, v, m) = (&mut p[..len], &g[..len], &mut v[..len], &mut m[..len]);
    let by = step.descent.splat(isa);
    let momentum = isa.splat(step.momentum);
    let mut at = 0;
    while at < len {
        let old = read(isa, p, at);
        let slope = gradient(isa, old, read(isa, g, at), &by);
        let scaled = scaled_gradient(isa, slope, v, at, step);
        let speed = isa.fma(momentum, read(isa, m, at), scaled);
        write(isa, speed, m, at);
        write(isa, isa.fnma(by.rate, speed, old), p, at);
        at += I::LANES;
    }
}

/// Sixteen running sums, added pairwise at the end. Squares of `f32` are exact in `f64`; the compiler makes vectors
/// of the inner loop under each entry's instructions, without changing the order.
#[inline(always)]
fn sum_squares_pass<T: Float, I: Lanes<T>>(_isa: I, x: &[T]) -> f64 {
    const SUMS: usize = 16;
    let mut sums = [0.0; SUMS];
    let mut whole = x.chunks_exact(SUMS);
    for chunk in &mut whole {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x.to_f64() * x.to_f64();
        }
    }
    for (sum, x) in sums.iter_mut().zip(whole.remainder()) {
        *sum += x.to_f64() * x.to_f64();
    }
    let mut half = SUMS / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
        half /= 2;
    }
    sums[0]
}
