//! The trained ranges of flat buffers as a vector space: sums over them, and scaled copies from one to another.
//!
//! Called by the two-loop recursion and the line search for every pass over memory. Sums run in `f64` over a tree of
//! fixed chunks: the same bits at any number of threads. Rejected: the kernels' `dot`, which sums in `f32` and is
//! hardly faster beyond the caches (4M numbers: 1.46 against 1.54 ms; AMD EPYC with AVX-512, one thread, other work
//! beside it, 2026-11-24).

use crate::base::Split;
use crate::simd::kernels::Elementwise;
use crate::simd::{Float, InOut};
use std::ops::Range;

/// Elements summed at a time.
const CHUNK: usize = 4096;
/// Below so many elements threads cost more than they save.
const GATE: usize = 1 << 16;
/// Elements that one thread takes at least.
const GRAIN: usize = 16_384;

/// The trained elements of flat buffers as a vector space; what lies between the ranges is neither read nor written.
#[derive(Clone, Copy)]
pub(super) struct Space<'a, T: 'static> {
    pub(super) split: Split,
    pub(super) kernels: &'static Elementwise<T>,
    pub(super) ranges: &'a [Range<usize>],
}

impl<T: Float> Space<'_, T> {
    /// `Σ a b`
    pub(super) fn dot(self, a: &[T], b: &[T]) -> f64 {
        self.reduce(a, b, Reduction { leaf: |a, b| sum_of(a, b, |a, b| a * b), join: |a, b| a + b })
    }

    /// `Σ |a|`
    pub(super) fn sum_abs(self, a: &[T]) -> f64 {
        self.reduce(a, a, Reduction { leaf: |a, _| sum_of(a, a, |a, _| a.abs()), join: |a, b| a + b })
    }

    /// `max |a|`; NaN where there is one.
    pub(super) fn largest(self, a: &[T]) -> f64 {
        self.reduce(
            a,
            a,
            Reduction { leaf: |a, _| a.iter().fold(0.0, |m, x| larger(m, x.to_f64().abs())), join: larger },
        )
    }

    fn reduce(self, a: &[T], b: &[T], of: Reduction<T>) -> f64 {
        let parts = self.ranges.iter().map(|range| (&a[range.clone()], &b[range.clone()]));
        parts.map(|(a, b)| of.tree(self.split, a, b)).fold(0.0, of.join)
    }

    pub(super) fn equal(self, a: &[T], b: &[T]) -> bool {
        self.ranges.iter().all(|range| a[range.clone()] == b[range.clone()])
    }

    /// `to = factor from`, or `to += factor from`. By 1 it copies, by -1 it subtracts, both without rounding more.
    pub(super) fn scaled(self, factor: f64, from: &[T], to: &mut [T], add: bool) {
        let factor = T::from_f64(factor);
        for range in self.ranges {
            let pair = InOut::pair(&from[range.clone()], &mut to[range.clone()]);
            let split = self.split.gated(pair.len(), GATE);
            split.parts(pair, GRAIN, &|io| self.kernels.scale_into(io, factor, add));
        }
    }

    /// `x = factor x`
    pub(super) fn scale(self, factor: f64, x: &mut [T]) {
        let factor = T::from_f64(factor);
        for range in self.ranges {
            let both = InOut::same(&mut x[range.clone()]);
            let split = self.split.gated(both.len(), GATE);
            split.parts(both, GRAIN, &|io| self.kernels.scale_into(io, factor, false));
        }
    }
}

/// A reduction: of a chunk, and of two results.
#[derive(Clone, Copy)]
struct Reduction<T> {
    leaf: fn(&[T], &[T]) -> f64,
    join: fn(f64, f64) -> f64,
}

impl<T: Float> Reduction<T> {
    /// A binary tree over chunks, whose shape depends on the length alone.
    fn tree(self, split: Split, a: &[T], b: &[T]) -> f64 {
        if a.len() <= CHUNK {
            return (self.leaf)(a, b);
        }
        let middle = (a.len() / 2).next_multiple_of(CHUNK);
        let ((a, a_rest), (b, b_rest)) = (a.split_at(middle), b.split_at(middle));
        let (mut left, mut right) = (0.0, 0.0);
        let gated = split.gated(a.len() + a_rest.len(), GATE);
        gated.join(|| left = self.tree(split, a, b), || right = self.tree(split, a_rest, b_rest));
        (self.join)(left, right)
    }
}

/// `Σ f(a, b)` in eight partial sums, which the compiler makes vectors of.
#[inline(always)]
fn sum_of<T: Float>(a: &[T], b: &[T], f: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0; 8];
    let (eights_a, eights_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = eights_a.remainder().iter().zip(eights_b.remainder()).map(|(a, b)| f(a.to_f64(), b.to_f64()));
    let rest: f64 = rest.sum();
    for (a, b) in eights_a.zip(eights_b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += f(a.to_f64(), b.to_f64());
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// The larger number, or NaN if one is.
fn larger(a: f64, b: f64) -> f64 {
    if b > a || b.is_nan() { b } else { a }
}
