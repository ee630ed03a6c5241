//! One tile: its sums from bias and C, the k-loop, activation and store. All of it is inlined into the entries of
//! `tile`, a function per number of rows.
//!
//! The k-loop has two forms, by what is contiguous in A. Starts and ends are straight lines of masked accesses: with a
//! branch in each, all tiles together took LLVM minutes.

use super::GemmFloat;
use super::pack::Turn;
use super::tile::{Block, Strip};
use crate::simd::{Float, Lanes};

/// Where a tile stands: its first row, the elements of A, and their distance (between rows or along k).
pub(super) struct Place<T> {
    pub(super) a: *const T,
    pub(super) stride: usize,
    pub(super) row: usize,
}

#[inline(always)]
pub(super) fn tile<T: GemmFloat, I: Lanes<T>, const MR: usize, const NV: usize, const DEPTH: bool>(
    isa: I,
    x: &Block<T>,
    strip: &Strip<T>,
    at: &Place<T>,
) {
    let (row, col) = if x.c_columns { (strip.col, at.row) } else { (at.row, strip.col) };
    let c = x.c.wrapping_add(row * x.c_row + col);
    // SAFETY: a `Block` is made by the driver alone, from views whose reach was checked, or from scratch memory that
    // it filled: all MR rows, `width` columns and `depth` steps of this tile are inside.
    unsafe {
        let full = strip.width == NV * I::LANES;
        let start = match full {
            true => start::<T, I, MR, NV, true>(isa, x, strip, at.row, c),
            false => start::<T, I, MR, NV, false>(isa, x, strip, at.row, c),
        };
        let sums = match DEPTH {
            true => along_rows(isa, x.depth, start, at, strip),
            false => along_columns(isa, x.depth, start, at, strip),
        };
        finish(isa, x, sums, c, strip.width);
    }
}

/// The sums of a tile.
type Sums<T, I, const MR: usize, const NV: usize> = [[<I as Lanes<T>>::V; NV]; MR];

/// Reads up to `left` elements, at most a vector. Without a branch where masks cost nothing: a tile has dozens of
/// these, and branches in each made this file take minutes to compile.
///
/// # Safety
/// * `from` is valid for reading `min(left, LANES)` elements.
#[inline(always)]
unsafe fn load_part<T: Float, I: Lanes<T>, const FULL: bool>(isa: I, from: *const T, left: usize) -> I::V {
    // SAFETY: the caller vouches for the elements.
    unsafe {
        if FULL || (size_of::<I::V>() == 16 && left >= I::LANES) {
            isa.load_at(from)
        } else {
            isa.load_head_at(from, left.min(I::LANES))
        }
    }
}

/// What the sums start from: bias + beta * C.
///
/// # Safety
/// * Row `i` of the tile, `c + i * c_row`, has `width` elements for all MR rows, `width > (NV - 1) * LANES`; all of
///   the tile's columns if `FULL`.
/// * The biases, where not null, reach as far as the block does.
#[inline(always)]
unsafe fn start<T: Float, I: Lanes<T>, const MR: usize, const NV: usize, const FULL: bool>(
    isa: I,
    x: &Block<T>,
    strip: &Strip<T>,
    row: usize,
    c: *const T,
) -> Sums<T, I, MR, NV> {
    let mut sums = [[isa.splat(T::ZERO); NV]; MR];
    let finish = &x.finish;
    // SAFETY: the caller vouches for C and the biases.
    unsafe {
        if !finish.column_bias.is_null() {
            for j in 0..NV {
                let from = finish.column_bias.add(strip.col + j * I::LANES);
                let bias = load_part::<T, I, FULL>(isa, from, strip.width - j * I::LANES);
                for sum in &mut sums {
                    sum[j] = bias;
                }
            }
        } else if !finish.row_bias.is_null() {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = [isa.splat(*finish.row_bias.add(row + i)); NV];
            }
        }
        if finish.beta == T::ZERO {
            return sums;
        }
        // 1 * C + 0 is C: one path for all.
        let beta = isa.splat(finish.beta);
        for (i, sum) in sums.iter_mut().enumerate() {
            for (j, sum) in sum.iter_mut().enumerate() {
                let from = c.add(i * x.c_row + j * I::LANES);
                let held = load_part::<T, I, FULL>(isa, from, strip.width - j * I::LANES);
                *sum = isa.fma(beta, held, *sum);
            }
        }
    }
    sums
}

/// The k-loop where the rows of a tile are adjacent in A: one pointer, constant displacements.
///
/// # Safety
/// * `at` and `strip` are valid for `depth` steps of MR rows and NV vectors.
#[inline(always)]
unsafe fn along_columns<T: Float, I: Lanes<T>, const MR: usize, const NV: usize>(
    isa: I,
    depth: usize,
    mut sums: Sums<T, I, MR, NV>,
    at: &Place<T>,
    strip: &Strip<T>,
) -> Sums<T, I, MR, NV> {
    let (mut a, mut b) = (at.a, strip.b);
    let (a_depth, b_depth) = (at.stride, strip.b_depth);
    for _ in 0..depth {
        // SAFETY: the caller vouches for all steps.
        unsafe {
            let mut column = [isa.splat(T::ZERO); NV];
            for (j, column) in column.iter_mut().enumerate() {
                *column = isa.load_at(b.add(j * I::LANES));
            }
            for (i, sum) in sums.iter_mut().enumerate() {
                let factor = isa.splat(*a.add(i));
                for (sum, column) in sum.iter_mut().zip(column) {
                    *sum = isa.fma(factor, column, *sum);
                }
            }
        }
        a = a.wrapping_add(a_depth);
        b = b.wrapping_add(b_depth);
    }
    sums
}

/// The k-loop where each row of A is contiguous: a base for every three rows (base, base + s, base + 2s are address
/// modes), so that 14 rows need five registers and a stride.
///
/// # Safety
/// * `at` and `strip` are valid for `depth` steps of MR rows and NV vectors.
#[inline(always)]
unsafe fn along_rows<T: Float, I: Lanes<T>, const MR: usize, const NV: usize>(
    isa: I,
    depth: usize,
    mut sums: Sums<T, I, MR, NV>,
    at: &Place<T>,
    strip: &Strip<T>,
) -> Sums<T, I, MR, NV> {
    let stride = at.stride;
    let mut bases = [at.a; 5];
    for (g, base) in bases.iter_mut().enumerate() {
        *base = at.a.wrapping_add(3 * g * stride);
    }
    let mut b = strip.b;
    for _ in 0..depth {
        // SAFETY: the caller vouches for all steps; a base past the last row is not read.
        unsafe {
            let mut column = [isa.splat(T::ZERO); NV];
            for (j, column) in column.iter_mut().enumerate() {
                *column = isa.load_at(b.add(j * I::LANES));
            }
            for (i, sum) in sums.iter_mut().enumerate() {
                let factor = isa.splat(*bases[i / 3].add(i % 3 * stride));
                for (sum, column) in sum.iter_mut().zip(column) {
                    *sum = isa.fma(factor, column, *sum);
                }
            }
        }
        for base in &mut bases {
            *base = base.wrapping_add(1);
        }
        b = b.wrapping_add(strip.b_depth);
    }
    sums
}

/// Applies the activation and stores.
///
/// # Safety
/// * Row `i` of the tile, `c + i * c_row`, has `width` elements for all MR rows, `width > (NV - 1) * LANES`.
#[inline(always)]
unsafe fn finish<T: GemmFloat, I: Lanes<T>, const MR: usize, const NV: usize>(
    isa: I,
    x: &Block<T>,
    mut sums: Sums<T, I, MR, NV>,
    c: *mut T,
    width: usize,
) {
    x.finish.activation.in_registers(isa, &mut sums);
    if x.c_columns {
        let mut rows = [isa.splat(T::ZERO); MAX_VECTORS];
        for (i, sums) in sums.iter().enumerate() {
            for (j, &sum) in sums.iter().enumerate() {
                rows[i * NV + j] = sum;
            }
        }
        turn_rows(x, rows.as_mut_ptr().cast(), [MR, width, NV * I::LANES], c);
        return;
    }
    // SAFETY: the caller vouches for C.
    unsafe {
        if width == NV * I::LANES {
            for (i, sum) in sums.iter().enumerate() {
                for (j, sum) in sum.iter().enumerate() {
                    isa.store_at(*sum, c.add(i * x.c_row + j * I::LANES));
                }
            }
        } else {
            for (i, sum) in sums.iter().enumerate() {
                for (j, sum) in sum.iter().enumerate() {
                    let to = c.add(i * x.c_row + j * I::LANES);
                    let left = width - j * I::LANES;
                    if size_of::<I::V>() == 16 && left >= I::LANES {
                        isa.store_at(*sum, to);
                    } else {
                        isa.store_head_at(*sum, to, left.min(I::LANES));
                    }
                }
            }
        }
        if x.finish.activation.is_function() {
            apply_to_rows(x, c, MR, width);
        }
    }
}

/// The most vectors in a tile.
const MAX_VECTORS: usize = 28;

/// Stores a tile of `[rows, cols]`, its rows at distance `row`, in a C of contiguous columns.
#[inline(never)]
fn turn_rows<T: GemmFloat>(x: &Block<T>, tile: *mut T, [rows, cols, row]: [usize; 3], c: *mut T) {
    if x.finish.activation.is_function() {
        for i in 0..rows {
            // SAFETY: `tile` is the caller's array of `rows` rows.
            let row = unsafe { std::slice::from_raw_parts_mut(tile.add(i * row), cols) };
            x.finish.activation.finish(x.backend, row);
        }
    }
    T::gemm_kernels(x.backend).turn(&Turn { rows, cols, from: tile, from_row: row, to: c, to_col: x.c_row });
}

/// Applies an activation that is a function to `rows` rows of C, which are in L1 still.
///
/// # Safety
/// * Row `i`, `c + i * c_row`, has `width` elements that may be written.
#[inline(never)]
unsafe fn apply_to_rows<T: Float>(x: &Block<T>, c: *mut T, rows: usize, width: usize) {
    for i in 0..rows {
        // SAFETY: the caller vouches for the rows.
        let row = unsafe { std::slice::from_raw_parts_mut(c.add(i * x.c_row), width) };
        x.finish.activation.finish(x.backend, row);
    }
}
