//! Pixels in the lanes: a vector holds neighbouring positions of a row, the weights are broadcast.
//!
//! `convolve_pixels` is a convolution; its weight's gradient stands in `pixel_gradients`. Neither stores a column
//! matrix: the padded image is read at the offset of each element of the kernel. A tile is some filters by some
//! vectors of positions (or by some elements of the kernel) and stays in registers for the whole inner loop. Positions
//! of one row only share a vector, so results land in `[filters, height, width]` order by plain or masked stores, and
//! no position that does not exist is computed but in the last vector of a row.
//!
//! Bound by multiply-adds for four filters and more, by loads below: a vector that is not aligned crosses a line of L1
//! and counts twice. Tried before: strips of the column matrix and a product (Zen 4, 2026-11-24, two threads, a step
//! of the 16-8-8 network with batch 128: 18.4 ms; with these 3.8, step by step in
//! `benches/results/2026-11-24-zen4-conv.md`).

use crate::gemm::Applied;
use crate::simd::{Float, Lanes};

/// The positions of a window in a padded image: row `r`, column `c` is element `r * pitch + c` plus an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) pitch: usize,
}

/// A convolution of one image, all pointers raw: see [`convolve_pixels`] for what must be valid.
pub(super) struct ConvolvePixels<T> {
    pub(super) field: Field,
    pub(super) source: *const T,
    /// For each element of the kernel (and channel), where it sees position 0.
    pub(super) offsets: *const usize,
    pub(super) taps: usize,
    /// Panels of 8, 4, 2, 1 filters (as many 8s as fit, if there are registers for them), each `[taps, filters]`.
    pub(super) weight: *const T,
    pub(super) filters: usize,
    /// A number for each filter, or null.
    pub(super) bias: *const T,
    /// As far as it is applied in registers; the rest is the caller's.
    pub(super) activation: Applied<T>,
    pub(super) target: *mut T,
    pub(super) target_plane: usize,
    pub(super) target_row: usize,
    pub(super) accumulate: bool,
}

/// Filters in the panels that `filters` are dealt into.
#[inline(always)]
pub(super) fn panel(left: usize, wide: bool) -> usize {
    match left {
        8.. if wide => 8,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

/// Whether there are 32 registers; every set has at least 16.
#[inline(always)]
pub(super) fn is_wide<T, I: Lanes<T>>() -> bool {
    I::REGISTERS >= 32
}

/// Every filter at every position.
///
/// # Safety
/// * `field` has a row and a column; `offsets` is valid for `taps` numbers.
/// * `source` is valid for reading, from every offset plus every position, up to whole vectors at the end of each row.
/// * `weight` is valid for `filters * taps` numbers; `bias` is null or valid for `filters`.
/// * `target` is valid for reading and writing every position of every filter, at the distances that are given, and
///   nobody else uses it.
#[inline(always)]
pub(super) unsafe fn convolve_pixels<T: Float, I: Lanes<T>>(isa: I, x: &ConvolvePixels<T>) {
    let mut first = 0;
    while first < x.filters {
        let filters = panel(x.filters - first, is_wide::<T, I>());
        // SAFETY: passed on to the caller; the panels are all filters.
        unsafe {
            match filters {
                8 if is_wide::<T, I>() => run::<T, I, 8, 3, 2>(isa, x, first),
                4 if is_wide::<T, I>() => run::<T, I, 4, 6, 3>(isa, x, first),
                4 => run::<T, I, 4, 3, 2>(isa, x, first),
                2 => run::<T, I, 2, 6, 2>(isa, x, first),
                _ => run::<T, I, 1, 8, 4>(isa, x, first),
            }
        }
        first += filters;
    }
}

/// One panel of filters over all positions: tiles of `MANY`, then of `FEW` vectors, then of one.
///
/// # Safety
/// * As for [`convolve_pixels`], with `MR` filters from `first` on.
#[inline(always)]
unsafe fn run<T: Float, I: Lanes<T>, const MR: usize, const MANY: usize, const FEW: usize>(
    isa: I,
    x: &ConvolvePixels<T>,
    first: usize,
) {
    let vectors = x.field.rows * x.field.width.div_ceil(I::LANES);
    let mut cursor = Cursor { row: 0, column: 0 };
    let mut left = vectors;
    // Rather two tiles of two than one of three and one of one, whose few sums wait for each other.
    while left >= MANY && !(MANY == 3 && left == 4) {
        // SAFETY: passed on to the caller; as many vectors of positions are left.
        unsafe { tile::<T, I, MR, MANY>(isa, x, first, &mut cursor) };
        left -= MANY;
    }
    while left >= FEW {
        // SAFETY: passed on to the caller; as many vectors of positions are left.
        unsafe { tile::<T, I, MR, FEW>(isa, x, first, &mut cursor) };
        left -= FEW;
    }
    while left > 0 {
        // SAFETY: passed on to the caller; as many vectors of positions are left.
        unsafe { tile::<T, I, MR, 1>(isa, x, first, &mut cursor) };
        left -= 1;
    }
}

/// Where the next vector of positions begins.
struct Cursor {
    row: usize,
    column: usize,
}

/// `MR` filters by `NV` vectors of positions, from the cursor on, which it moves.
///
/// # Safety
/// * As for [`convolve_pixels`], with `MR` filters from `first` on and `NV` vectors of positions from the cursor on.
#[inline(always)]
unsafe fn tile<T: Float, I: Lanes<T>, const MR: usize, const NV: usize>(
    isa: I,
    x: &ConvolvePixels<T>,
    first: usize,
    cursor: &mut Cursor,
) {
    let mut from = [x.source; NV];
    let mut to = [x.target; NV];
    let mut lanes = [0; NV];
    let target = x.target.wrapping_add(first * x.target_plane);
    for v in 0..NV {
        from[v] = x.source.wrapping_add(cursor.row * x.field.pitch + cursor.column);
        to[v] = target.wrapping_add(cursor.row * x.target_row + cursor.column);
        lanes[v] = (x.field.width - cursor.column).min(I::LANES);
        // Past the end of a row stands the next one, which is written later: only the end of a plane needs a mask.
        let after = (x.field.rows - 1 - cursor.row) * x.target_row + x.field.width - cursor.column;
        if after >= I::LANES && x.target_row == x.field.width && !x.accumulate {
            lanes[v] = I::LANES;
        }
        cursor.column += I::LANES;
        if cursor.column >= x.field.width {
            cursor.column = 0;
            cursor.row += 1;
        }
    }
    let zero = isa.splat(T::ZERO);
    let mut sums = [[zero; NV]; MR];
    // SAFETY: every offset plus every position plus a vector lies in the source, there are weights and biases for all
    // filters, and the target has all filters' positions, says the caller.
    unsafe {
        if !x.bias.is_null() {
            for (m, sums) in sums.iter_mut().enumerate() {
                *sums = [isa.splat(*x.bias.add(first + m)); NV];
            }
        }
        let mut weight = x.weight.add(first * x.taps);
        for tap in 0..x.taps {
            let offset = *x.offsets.add(tap);
            if MR >= NV {
                let mut pixels = [zero; NV];
                for v in 0..NV {
                    pixels[v] = isa.load_at(from[v].add(offset));
                }
                for (m, sums) in sums.iter_mut().enumerate() {
                    let factor = isa.splat(*weight.add(m));
                    for v in 0..NV {
                        sums[v] = isa.fma(factor, pixels[v], sums[v]);
                    }
                }
            } else {
                let mut factors = [zero; MR];
                for (m, factor) in factors.iter_mut().enumerate() {
                    *factor = isa.splat(*weight.add(m));
                }
                for v in 0..NV {
                    let pixels = isa.load_at(from[v].add(offset));
                    for m in 0..MR {
                        sums[m][v] = isa.fma(factors[m], pixels, sums[m][v]);
                    }
                }
            }
            weight = weight.add(MR);
        }
        let sums = x.activation.in_registers(isa, sums);
        for (m, sums) in sums.into_iter().enumerate() {
            for v in 0..NV {
                let at = to[v].add(m * x.target_plane);
                put(isa, sums[v], at, lanes[v], x.accumulate);
            }
        }
    }
}

/// Stores the first `lanes` elements, or adds them to what is there.
///
/// # Safety
/// * `to` is valid for reading and writing `lanes` elements, at most a vector.
#[inline(always)]
unsafe fn put<T: Float, I: Lanes<T>>(isa: I, sum: I::V, to: *mut T, lanes: usize, accumulate: bool) {
    // SAFETY: passed on to the caller.
    unsafe {
        if lanes == I::LANES {
            let sum = if accumulate { isa.add(isa.load_at(to), sum) } else { sum };
            isa.store_at(sum, to);
        } else {
            let sum = if accumulate { isa.add(isa.load_head_at(to, lanes), sum) } else { sum };
            isa.store_head_at(sum, to, lanes);
        }
    }
}
