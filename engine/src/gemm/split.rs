//! A product on many threads: C is cut into parts, each a product of its own, joined by work stealing.
//!
//! The longer side is halved at a multiple of the tile until there are about two parts a thread, so that a slow
//! core does not keep the others waiting. A product of many rows packs B once for all (`shared`); in others each part
//! packs what it needs for itself, and nobody waits. K is never split among threads, so the bits do not depend on
//! their number.

use super::driver::serial;
use super::task::{Family, Task};
use crate::base::Split;
use crate::simd::Float;
use std::marker::PhantomData;

/// Multiply-adds below which waking a thread costs more than it saves.
const WORTH_SPLITTING: usize = 200_000;
/// Parts are not made smaller than this.
const PART: usize = 100_000;

/// Computes a product, on more threads where that pays.
///
/// # Safety
/// * `x` is sound.
pub(super) unsafe fn run<T: Float>(split: Split, x: Task<T>) {
    let work = x.work();
    let threads = threads(split, work);
    // SAFETY: the caller vouches for `x`.
    unsafe {
        if threads < 2 {
            return serial(&x);
        }
        let parts = (2 * threads).min(work / PART).max(1).next_power_of_two();
        halve(split, x, parts);
    }
}

/// How many threads that many multiply-adds are worth.
pub(super) fn threads(split: Split, work: usize) -> usize {
    if work < WORTH_SPLITTING { 1 } else { split.threads() }
}

/// # Safety
/// * `x` is sound.
unsafe fn halve<T: Float>(split: Split, x: Task<T>, parts: usize) {
    let tiling = x.kernels.tiling(PhantomData);
    let [grain_m, grain_n] = match x.family {
        Family::Row => [1, 8 * tiling.lanes],
        Family::Dots => [tiling.rows, tiling.cols],
        Family::Tiles => [x.shape.rows(), x.shape.cols()],
    };
    let cut = |len: usize, grain: usize| {
        let middle = (len + grain) / (2 * grain) * grain;
        (parts > 1 && 0 < middle && middle < len).then_some(middle)
    };
    // A packed B is there for all: only A is packed by each part, and that once if the parts are rows.
    let by_m = cut(x.m, grain_m);
    let by_n = if x.b.panel > 0 && by_m.is_some() { None } else { cut(x.n, grain_n) };
    let [first, second] = match (by_n, by_m) {
        (Some(at), by_m) if x.n >= x.m || by_m.is_none() => [x.part(0, x.m, 0, at), x.part(0, x.m, at, x.n - at)],
        (_, Some(at)) => [x.part(0, at, 0, x.n), x.part(at, x.m - at, 0, x.n)],
        // SAFETY: the caller vouches for `x`.
        _ => return unsafe { serial(&x) },
    };
    // SAFETY: these are disjoint parts of a sound task.
    split.join(move || unsafe { halve(split, first, parts / 2) }, move || unsafe { halve(split, second, parts / 2) });
}
