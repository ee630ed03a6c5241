//! Prefetching: what the next block of a product will read is asked for a little with every tile of this one.
//!
//! Measured on Zen 4, one thread, 2026-11-24: 128x784x1000 112 instead of 95 GFLOP/s, 100352x32x144 83 instead of 50.
//! Half the lines, or other hints than L2, lose the gain.

use std::cell::Cell;

/// Memory that the next block will read, asked for a little with every tile of this one: the hardware foresees neither
/// where a block's rows end nor where the next block begins, and packing would wait for every line of it.
pub(super) struct Ahead<T> {
    next: Cell<*const T>,
    /// Bytes left in this run, and runs left after it.
    left: Cell<usize>,
    runs: Cell<usize>,
    run: usize,
    /// Elements from run to run.
    stride: usize,
    per_tile: usize,
}

/// Bytes of a cache line.
const LINE: usize = 64;

impl<T> Ahead<T> {
    /// Nothing.
    pub(super) fn none() -> Self {
        Self::new(std::ptr::null(), 0, 0, 0, 1)
    }

    /// `runs` runs of `len` elements at distance `stride`, in the course of `tiles` tiles.
    pub(super) fn new(from: *const T, runs: usize, len: usize, stride: usize, tiles: usize) -> Self {
        // Adjacent runs are one.
        let (runs, len) = if len == stride { (runs.min(1), runs * len) } else { (runs, len) };
        let run = if runs == 0 { 0 } else { len * size_of::<T>() };
        let per_tile = (runs * run.div_ceil(LINE)).div_ceil(tiles.max(1));
        Self { next: Cell::new(from), left: Cell::new(run), runs: Cell::new(runs), run, stride, per_tile }
    }

    /// A tile's share.
    #[inline(always)]
    pub(super) fn ask(&self) {
        let mut wanted = self.per_tile;
        while wanted > 0 && self.left.get() > 0 {
            let (next, left) = (self.next.get(), self.left.get());
            let lines = wanted.min(left.div_ceil(LINE));
            #[cfg(target_arch = "x86_64")]
            for line in 0..lines {
                use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
                // SAFETY: prefetching reads nothing and may be given any address.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(next.wrapping_byte_add(self.run - left + line * LINE).cast()) };
            }
            wanted -= lines;
            if left > lines * LINE {
                self.left.set(left - lines * LINE);
            } else {
                self.runs.set(self.runs.get() - 1);
                self.left.set(if self.runs.get() > 0 { self.run } else { 0 });
                self.next.set(next.wrapping_add(self.stride));
            }
        }
    }
}
