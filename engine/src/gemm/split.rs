//! A product on many threads: C is cut into parts, each a product of its own, joined by work stealing.
//!
//! The longer side is halved at a multiple of the tile until there are about two parts a thread, so that a slow
//! core does not keep the others waiting. A product of many rows packs B once for all (`packed::shared`); in others each
//! part packs what it needs for itself, and nobody waits. K is never split among threads, so the bits do not depend on the number of threads.

use super::GemmFloat;
use super::driver::{Family, Task, serial};
use crate::base::parallel::Split;
use std::marker::PhantomData;

/// Multiply-adds below which waking a thread costs more than it saves.
const WORTH_SPLITTING: usize = 200_000;
/// Parts are not made smaller than this.
const PART: usize = 100_000;

/// Computes a product, on more threads where that pays.
pub(super) fn run<T: GemmFloat>(split: Split, x: Task<T>) {
    let work = work(&x);
    let threads = threads(split, work);
    if threads < 2 {
        return serial(&x);
    }
    let parts = (2 * threads).min(work / PART).max(1).next_power_of_two();
    halve(split, x, parts);
}

/// Multiply-adds.
pub(super) fn work<T>(x: &Task<T>) -> usize {
    x.m.saturating_mul(x.n).saturating_mul(x.k.max(1))
}

/// How many threads that many multiply-adds are worth.
pub(super) fn threads(split: Split, work: usize) -> usize {
    if work < WORTH_SPLITTING { 1 } else { split.threads() }
}

fn halve<T: GemmFloat>(split: Split, x: Task<T>, parts: usize) {
    let tiling = x.kernels.tiling(PhantomData);
    let [grain_m, grain_n] = match x.family {
        Family::Row => [1, 8 * tiling.lanes],
        Family::Dots => [tiling.rows, tiling.cols],
        Family::Tiles => [x.shape.rows, x.shape.cols],
    };
    let cut = |len: usize, grain: usize| {
        let middle = (len + grain) / (2 * grain) * grain;
        (parts > 1 && 0 < middle && middle < len).then_some(middle)
    };
    // A packed B is there for all: only A is packed by each part, and that once if the parts are rows.
    let by_m = cut(x.m, grain_m);
    let by_n = if x.b.panel > 0 && by_m.is_some() { None } else { cut(x.n, grain_n) };
    match (by_n, by_m) {
        (Some(at), by_m) if x.n >= x.m || by_m.is_none() => {
            let (left, right) = (x.part(0, x.m, 0, at), x.part(0, x.m, at, x.n - at));
            split.join(move || halve(split, left, parts / 2), move || halve(split, right, parts / 2));
        }
        (_, Some(at)) => {
            let (upper, lower) = (x.part(0, at, 0, x.n), x.part(at, x.m - at, 0, x.n));
            split.join(move || halve(split, upper, parts / 2), move || halve(split, lower, parts / 2));
        }
        _ => serial(&x),
    }
}
