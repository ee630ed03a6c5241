//! One tile, MR x NV vectors of C in registers: its sums from bias and C, the k-loop, activation and store. All of it
//! is inlined into the entries of `kernels`, a function per number of rows.
//!
//! The k-loop has two forms, by what is contiguous in A. What is not whole vectors goes through memory (`edge`).

use super::block::{Block, Order, Strip};
use super::edge::Edge;
use super::tiling::most_rows;
use super::transpose::Transpose;
use crate::simd::{Float, Lanes};

/// Row panels of `MR` rows against one panel of B. Tiles that do not fit the registers are in no tiling, so they are
/// never asked for, and left out of the code.
///
/// # Safety
/// * `x` is sound, and `strip` is one of its panels, of NV vectors or part of the last.
/// * `panels` of MR rows lie in `x` from row `first` on.
#[inline(always)]
pub(super) unsafe fn sweep<T: Float, I: Lanes<T>, const MR: usize, const NV: usize>(
    isa: I,
    x: &Block<T>,
    strip: &Strip<T>,
    first: usize,
    panels: usize,
) {
    if const { MR > most_rows::<T, I>(NV) } {
        return;
    }
    for panel in 0..panels {
        let row = first + panel * MR;
        let stride = match x.order {
            Order::Depth => x.a_row,
            Order::Rows(stride) => stride,
            Order::Panels => MR,
        };
        if x.fetch_c {
            prefetch_next::<T, NV>(x, strip, row + MR);
        }
        x.ahead.ask();
        let at = Place { a: x.a.wrapping_add(row * x.a_row), stride, row };
        // SAFETY: the caller vouches for the block and for these rows.
        unsafe { tile::<T, I, MR, NV>(isa, x, strip, &at) };
    }
}

/// Asks for the rows of C that the next tile reads or overwrites, which the hardware does not foresee.
#[inline(always)]
fn prefetch_next<T: Float, const NV: usize>(x: &Block<T>, strip: &Strip<T>, row: usize) {
    #[cfg(target_arch = "x86_64")]
    for i in row..(row + x.max_rows).min(x.rows) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let line = 64 / size_of::<T>();
        let c = x.c.wrapping_add(i * x.c_row + strip.col);
        // SAFETY: prefetching reads nothing and may be given any address.
        unsafe {
            for j in 0..NV {
                _mm_prefetch::<_MM_HINT_T0>(c.wrapping_add((j * line).min(strip.width - 1)).cast());
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (x, strip, row);
}

/// Where a tile stands: its first row, the elements of A, and their distance (between rows or along k).
struct Place<T> {
    a: *const T,
    stride: usize,
    row: usize,
}

/// # Safety
/// * `x` is sound, and `strip` is one of its panels, of NV vectors or part of the last.
/// * MR rows of `x` start at `at.row`, and their elements of A at `at.a`, as `at.stride` and the order say.
#[inline(always)]
unsafe fn tile<T: Float, I: Lanes<T>, const MR: usize, const NV: usize>(
    isa: I,
    x: &Block<T>,
    strip: &Strip<T>,
    at: &Place<T>,
) {
    let (row, col) = if x.c_columns { (strip.col, at.row) } else { (at.row, strip.col) };
    let c = x.c.wrapping_add(row * x.c_row + col);
    // SAFETY: the caller vouches for MR rows, `width` columns and `depth` steps of a sound block.
    unsafe {
        let start = match strip.width == NV * I::LANES {
            true => start::<T, I, MR, NV>(isa, x, strip, at.row, c),
            false => {
                let mut tile = [[isa.splat(T::ZERO); NV]; MR];
                (x.entries.start_edge)(&edge(x, strip, at.row, (tile.as_mut_ptr().cast(), [MR, NV]), c));
                tile
            }
        };
        let sums = match x.order {
            Order::Depth => along_rows(isa, x.depth, start, at, strip),
            _ => along_columns(isa, x.depth, start, at, strip),
        };
        finish(isa, x, strip, at.row, sums, c);
    }
}

/// The sums of a tile.
type Sums<T, I, const MR: usize, const NV: usize> = [[<I as Lanes<T>>::V; NV]; MR];

/// What the sums of a tile of whole vectors start from: bias + beta * C.
///
/// # Safety
/// * Row `i` of the tile, `c + i * c_row`, has NV whole vectors for all MR rows.
/// * The biases, where not null, reach as far as the block does.
#[inline(always)]
unsafe fn start<T: Float, I: Lanes<T>, const MR: usize, const NV: usize>(
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
                let bias = isa.load_at(finish.column_bias.add(strip.col + j * I::LANES));
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
                *sum = isa.fma(beta, isa.load_at(c.add(i * x.c_row + j * I::LANES)), *sum);
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
unsafe fn finish<T: Float, I: Lanes<T>, const MR: usize, const NV: usize>(
    isa: I,
    x: &Block<T>,
    strip: &Strip<T>,
    row: usize,
    sums: Sums<T, I, MR, NV>,
    c: *mut T,
) {
    let sums = x.finish.activation.in_registers(isa, sums);
    // SAFETY: the caller vouches for C; the tile is MR rows of NV whole vectors, one after the other.
    unsafe {
        if x.c_columns || strip.width != NV * I::LANES {
            let mut tile = sums;
            return store_from_memory(&edge(x, strip, row, (tile.as_mut_ptr().cast(), [MR, NV]), c), x, NV * I::LANES);
        }
        for (i, sum) in sums.iter().enumerate() {
            for (j, sum) in sum.iter().enumerate() {
                isa.store_at(*sum, c.add(i * x.c_row + j * I::LANES));
            }
        }
        if x.finish.activation.is_function() {
            apply_to_rows(x, c, MR, strip.width);
        }
    }
}

/// A tile in memory, and its part of C.
#[inline(always)]
fn edge<'a, T>(
    x: &'a Block<T>,
    strip: &Strip<T>,
    row: usize,
    (tile, [rows, vectors]): (*mut T, [usize; 2]),
    c: *mut T,
) -> Edge<'a, T> {
    Edge { tile, rows, vectors, width: strip.width, c, c_row: x.c_row, row, col: strip.col, finish: &x.finish }
}

/// Stores a tile at the edge of C, or in a C of contiguous columns; `columns` are those of its whole vectors.
///
/// # Safety
/// * `edge` is sound (its C by columns, if `c_columns`), and `x` too.
#[inline(never)]
unsafe fn store_from_memory<T: Float>(edge: &Edge<T>, x: &Block<T>, columns: usize) {
    // SAFETY: the caller vouches for the tile and for C, and a sound block's kernels are for this processor.
    unsafe {
        if x.c_columns {
            store_transposed(x, edge.tile, [edge.rows, edge.width, columns], edge.c);
        } else {
            (x.entries.store_edge)(edge);
            if x.finish.activation.is_function() {
                apply_to_rows(x, edge.c, edge.rows, edge.width);
            }
        }
    }
}

/// Stores a tile of `[rows, cols]`, its rows at distance `row`, in a C of contiguous columns.
///
/// # Safety
/// * `tile` is valid for reading and writing `rows` rows of `cols` elements at that distance.
/// * `c` is valid for writing `cols` columns of `rows` elements at distance `c_row`, and overlaps none of those.
/// * `x` is sound.
unsafe fn store_transposed<T: Float>(x: &Block<T>, tile: *mut T, [rows, cols, row]: [usize; 3], c: *mut T) {
    if x.finish.activation.is_function() {
        for i in 0..rows {
            // SAFETY: the caller vouches for the rows of the tile.
            let row = unsafe { std::slice::from_raw_parts_mut(tile.add(i * row), cols) };
            x.finish.activation.finish(x.backend, row);
        }
    }
    // SAFETY: the caller vouches for both places, and a sound block's kernel is one for this processor.
    unsafe { (x.entries.transpose)(&Transpose { rows, cols, from: tile, from_row: row, to: c, to_col: x.c_row }) };
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
