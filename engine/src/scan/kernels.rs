//! The loops over vectors: cheap distances to many rows, which of them a limit does not rule out, and exact ones.
//!
//! Cheap distances are in the element type and differ between backends in their last bits. Exact ones are sums of eight
//! chains in `f64`, never fused, so that every backend gives the same bits. The filter costs a load, two comparisons
//! and a branch for a vector that is ruled out.
#![allow(dead_code, reason = "a table has entries for both element types; scans are of f32 alone")]

use crate::simd::{Lanes, Number, kernel_table, read};
use std::marker::PhantomData;

kernel_table! {
    /// The kernels of scans.
    pub(super) struct ScanTable in entries;
    /// `‖query - row‖²` for each of `rows`. 3 flops an element; bound by memory.
    fn squared_distances(query: &[T], rows: &[T], out: &mut [T]) = squared_distances;
    /// `- query·row / ‖row‖` for each of `rows`; NaN where that is not accurate. 4 flops an element; bound by memory.
    fn negative_cosines(query: &[T], rows: &[T], out: &mut [T]) = negative_cosines;
    /// Writes the places of the elements of `x` that are at most `limit`, infinite or NaN; says how many.
    fn not_above(x: &[T], limit: T, found: &mut [u32]) -> usize = not_above;
    /// `Σ (a - b)²`
    fn exact_squared_distance(a: &[T], b: &[T]) -> f64 = exact_squared_distance;
    /// `Σ (a p - b q)²`
    fn exact_scaled_distance(a: &[T], p: f64, b: &[T], q: f64) -> f64 = exact_scaled_distance;
    /// `Σ a²`
    fn exact_squared_norm(a: &[T]) -> f64 = exact_squared_norm;
    /// How many bits of `query` and each of `rows` differ.
    fn differing_bits(of: PhantomData<T>, query: &[u64], rows: &[u64], out: &mut [u32]) = differing_bits;
}

#[inline(always)]
fn squared_distances<T: Number, I: Lanes<T>>(isa: I, query: &[T], rows: &[T], out: &mut [T]) {
    let width = query.len().max(1);
    for (row, out) in rows.chunks_exact(width).zip(out) {
        let mut sums = [isa.splat(T::ZERO); 4];
        let mut at = 0;
        while at < width {
            for sum in &mut sums {
                // Past the end both are zeros.
                let difference = isa.sub(read(isa, query, at), read(isa, row, at));
                *sum = isa.fma(difference, difference, *sum);
                at += I::LANES;
                if at >= width {
                    break;
                }
            }
        }
        *out = isa.sum(isa.add(isa.add(sums[0], sums[1]), isa.add(sums[2], sums[3])));
    }
}

/// The squared lengths between which those in `f32` neither overflow nor lose digits.
const GOOD_NORMS: [f64; 2] = [1e-30, 1e37];

#[inline(always)]
fn negative_cosines<T: Number, I: Lanes<T>>(isa: I, query: &[T], rows: &[T], out: &mut [T]) {
    let width = query.len().max(1);
    for (row, out) in rows.chunks_exact(width).zip(out) {
        let (mut dots, mut norms) = ([isa.splat(T::ZERO); 2], [isa.splat(T::ZERO); 2]);
        let mut at = 0;
        while at < width {
            for (dot, norm) in dots.iter_mut().zip(&mut norms) {
                let x = read(isa, row, at);
                *dot = isa.fma(read(isa, query, at), x, *dot);
                *norm = isa.fma(x, x, *norm);
                at += I::LANES;
                if at >= width {
                    break;
                }
            }
        }
        let dot = isa.sum(isa.add(dots[0], dots[1])).to_f64();
        let norm = isa.sum(isa.add(norms[0], norms[1])).to_f64();
        let good = GOOD_NORMS[0] < norm && norm < GOOD_NORMS[1];
        *out = T::from_f64(if good { -dot / norm.sqrt() } else { f64::NAN });
    }
}

#[inline(always)]
fn not_above<T: Number, I: Lanes<T>>(isa: I, x: &[T], limit: T, found: &mut [u32]) -> usize {
    let (limit, infinity) = (isa.splat(limit), isa.splat(T::from_f64(f64::INFINITY)));
    let mut count = 0;
    let mut at = 0;
    while at < x.len() {
        let v = read(isa, x, at);
        let above = isa.bits(isa.lt(limit, v)) & isa.bits(isa.lt(v, infinity));
        let lanes = I::LANES.min(x.len() - at);
        let mut left = !above & ((1 << lanes) - 1);
        while left != 0 {
            if let Some(place) = found.get_mut(count) {
                *place = at as u32 + left.trailing_zeros();
                count += 1;
            }
            left &= left - 1;
        }
        at += I::LANES;
    }
    count
}

/// Sums of eight chains, `term(a, b)` of each pair, and then of halves.
macro_rules! chains {
    ($a:expr, $b:expr, |$x:ident, $y:ident| $term:expr) => {{
        let mut sums = [0.0f64; 8];
        let ((a, a_rest), (b, b_rest)) = ($a.as_chunks::<8>(), $b.as_chunks::<8>());
        for (a, b) in a.iter().zip(b) {
            for i in 0..8 {
                let ($x, $y) = (a[i].to_f64(), b[i].to_f64());
                sums[i] += $term;
            }
        }
        for (sum, (a, b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
            let ($x, $y) = (a.to_f64(), b.to_f64());
            *sum += $term;
        }
        let [a, b, c, d, e, f, g, h] = sums;
        ((a + e) + (b + f)) + ((c + g) + (d + h))
    }};
}

#[inline(always)]
fn exact_squared_distance<T: Number, I: Lanes<T>>(_: I, a: &[T], b: &[T]) -> f64 {
    chains!(a, b, |x, y| (x - y) * (x - y))
}

#[inline(always)]
fn exact_scaled_distance<T: Number, I: Lanes<T>>(_: I, a: &[T], p: f64, b: &[T], q: f64) -> f64 {
    chains!(a, b, |x, y| (x * p - y * q) * (x * p - y * q))
}

#[inline(always)]
fn exact_squared_norm<T: Number, I: Lanes<T>>(_: I, a: &[T]) -> f64 {
    chains!(a, a, |x, y| x * y)
}

/// The compiler makes vectors of a loop whose length it knows, across rows or along them; hence the usual ones apart.
#[inline(always)]
fn differing_bits<T: Number, I: Lanes<T>>(_: I, _: PhantomData<T>, query: &[u64], rows: &[u64], out: &mut [u32]) {
    match query.len() {
        0 => {}
        1 => differing::<1>(query, rows, out),
        2 => differing::<2>(query, rows, out),
        4 => differing::<4>(query, rows, out),
        8 => differing::<8>(query, rows, out),
        words => {
            for (row, out) in rows.chunks_exact(words).zip(out) {
                *out = row.iter().zip(query).map(|(a, b)| (a ^ b).count_ones()).sum();
            }
        }
    }
}

#[inline(always)]
fn differing<const WORDS: usize>(query: &[u64], rows: &[u64], out: &mut [u32]) {
    let Some(query) = query.first_chunk::<WORDS>() else { return };
    for (row, out) in rows.as_chunks::<WORDS>().0.iter().zip(out) {
        let mut count = 0;
        for (a, b) in row.iter().zip(query) {
            count += (a ^ b).count_ones();
        }
        *out = count;
    }
}
