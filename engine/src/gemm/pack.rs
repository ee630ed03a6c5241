//! Copies of blocks of A and B in the order in which the tiles read them.
//!
//! * A keeps its orientation, so packing it is copying: rows contiguous along k (`Depth`: `to[i * to_row + p]`), or
//!   per row panel the columns of it (`Panels`: `to[p * rows + i]`). alpha is multiplied in here.
//! * B becomes panels of NR columns, `to[panel][p * NR + j]`, the last filled up with zeros (where a side is contiguous; what lies there is in lanes that nobody stores). From a B contiguous along
//!   k (the weights of a linear layer) that is a transpose, made of 8 x 8 (f32) or 4 x 4 (f64) blocks in registers
//!   where there is AVX: an element at a time would cost a quarter of a product with M = 128.

use super::GemmFloat;
use super::tile::{Order, row_panels};
use crate::simd::{Float, Lanes};

/// `rows x depth` of A.
pub(super) struct PackA<T> {
    pub(super) rows: usize,
    pub(super) depth: usize,
    /// The most rows in a panel.
    pub(super) max_rows: usize,
    pub(super) alpha: T,
    pub(super) from: *const T,
    pub(super) row: usize,
    pub(super) col: usize,
    pub(super) to: *mut T,
    /// `Depth` or `Panels`.
    pub(super) order: Order,
    /// For `Depth`, the distance between rows. One vector more than the last row may be written.
    pub(super) to_row: usize,
}

/// `depth x cols` of B.
pub(super) struct PackB<T> {
    pub(super) depth: usize,
    pub(super) cols: usize,
    pub(super) from: *const T,
    pub(super) row: usize,
    pub(super) col: usize,
    /// Columns of a panel: whole vectors.
    pub(super) panel: usize,
    pub(super) to: *mut T,
}

#[inline(always)]
pub(super) fn pack_a<T: Float, I: Lanes<T>>(isa: I, x: &PackA<T>) {
    if x.order == Order::Depth {
        for i in 0..x.rows {
            let from = x.from.wrapping_add(i * x.row);
            // SAFETY: `depth` elements of a checked view, into scratch memory with a vector to spare.
            unsafe { copy(isa, from, x.col, x.to.add(i * x.to_row), x.depth, x.alpha) };
        }
        return;
    }
    for (row, count) in row_panels(x.rows, x.max_rows) {
        let from = x.from.wrapping_add(row * x.row);
        let to = x.to.wrapping_add(row * x.depth);
        for p in 0..x.depth {
            // SAFETY: `count` elements of a checked view, into scratch memory with a vector to spare.
            unsafe { copy(isa, from.wrapping_add(p * x.col), x.row, to.add(p * count), count, x.alpha) };
        }
    }
}

/// `to[i] = factor * from[i * stride]`; up to a vector beyond the end is overwritten too.
///
/// # Safety
/// * `from` is valid for `count` reads at that stride, `to` for writing `count` elements and one vector more.
#[inline(always)]
unsafe fn copy<T: Float, I: Lanes<T>>(isa: I, from: *const T, stride: usize, to: *mut T, count: usize, factor: T) {
    // SAFETY: the caller vouches for all of it.
    unsafe {
        if stride != 1 {
            for i in 0..count {
                *to.add(i) = factor * *from.add(i * stride);
            }
            return;
        }
        let factors = isa.splat(factor);
        let mut i = 0;
        while i + I::LANES <= count {
            isa.store_at(isa.mul(factors, isa.load_at(from.add(i))), to.add(i));
            i += I::LANES;
        }
        if i < count {
            isa.store_at(isa.mul(factors, isa.load_head_at(from.add(i), count - i)), to.add(i));
        }
    }
}

#[inline(always)]
pub(super) fn pack_b<T: GemmFloat, I: Lanes<T>>(isa: I, x: &PackB<T>) {
    let nr = x.panel;
    let mut col = 0;
    while col < x.cols {
        let width = (x.cols - col).min(nr);
        let from = x.from.wrapping_add(col * x.col);
        let to = x.to.wrapping_add(col * x.depth);
        // SAFETY: the driver gives a checked view and scratch memory for whole panels.
        unsafe {
            match (x.col, x.row) {
                (1, _) => panel_of_rows(isa, x.depth, width, from, x.row, to, nr),
                (_, 1) => panel_of_columns(isa, x.depth, width, from, x.col, to, nr),
                _ => panel_element_wise(x.depth, width, from, [x.row, x.col], to, nr),
            }
        }
        col += nr;
    }
}

/// A panel from contiguous rows.
///
/// # Safety
/// * `from` is valid for `depth` rows of `width`, `to` for `depth` rows of `nr`, a multiple of the lanes.
#[inline(always)]
unsafe fn panel_of_rows<T: Float, I: Lanes<T>>(
    isa: I,
    depth: usize,
    width: usize,
    from: *const T,
    stride: usize,
    to: *mut T,
    nr: usize,
) {
    let lanes = I::LANES;
    let whole = width / lanes * lanes;
    for p in 0..depth {
        // SAFETY: the caller vouches for the rows; only `width` elements of one are read.
        unsafe {
            let (from, to) = (from.add(p * stride), to.add(p * nr));
            let mut j = 0;
            while j < whole {
                isa.store_at(isa.load_at(from.add(j)), to.add(j));
                j += lanes;
            }
            if j < width {
                isa.store_at(isa.load_head_at(from.add(j), width - j), to.add(j));
                j += lanes;
            }
            while j < nr {
                isa.store_at(isa.splat(T::ZERO), to.add(j));
                j += lanes;
            }
        }
    }
}

/// A panel from contiguous columns: transposed in squares, the rest an element at a time.
///
/// # Safety
/// * `from` is valid for `width` columns of `depth`, `to` for `depth` rows of `nr`.
#[inline(always)]
unsafe fn panel_of_columns<T: GemmFloat, I: Lanes<T>>(
    _: I,
    depth: usize,
    width: usize,
    from: *const T,
    stride: usize,
    to: *mut T,
    nr: usize,
) {
    let side = if size_of::<I::V>() >= 32 { 32 / size_of::<T>() } else { 4 };
    let (whole_cols, whole_depth) = (width / side * side, depth / side * side);
    // SAFETY: the caller vouches for the memory; squares stay inside `width` and `depth`, and 32-byte vectors are
    // only found in entries that have AVX.
    unsafe {
        for j in (0..whole_cols).step_by(side) {
            for p in (0..whole_depth).step_by(side) {
                let (from, to) = (from.add(j * stride + p), to.add(p * nr + j));
                if size_of::<I::V>() >= 32 {
                    T::transpose_avx(from, stride, to, nr);
                } else {
                    panel_element_wise(4, 4, from, [1, stride], to, nr);
                }
            }
        }
        let rest = depth - whole_depth;
        panel_element_wise(rest, whole_cols, from.add(whole_depth), [1, stride], to.add(whole_depth * nr), nr);
        let edge = from.wrapping_add(whole_cols * stride);
        panel_element_wise(depth, width - whole_cols, edge, [1, stride], to.add(whole_cols), nr);
        for p in 0..depth {
            for j in width..nr {
                *to.add(p * nr + j) = T::ZERO;
            }
        }
    }
}

/// `to[p * nr + j] = from[p * strides[0] + j * strides[1]]`; what lies beyond `width` stays as it is.
///
/// # Safety
/// * `from` is valid for `depth x width` reads at those strides, `to` for as many writes at stride `nr`.
#[inline(always)]
unsafe fn panel_element_wise<T: Float>(
    depth: usize,
    width: usize,
    from: *const T,
    strides: [usize; 2],
    to: *mut T,
    nr: usize,
) {
    for p in 0..depth {
        for j in 0..width {
            // SAFETY: the caller vouches for both.
            unsafe { *to.add(p * nr + j) = *from.add(p * strides[0] + j * strides[1]) };
        }
    }
}

/// A tile, `rows x cols` with `from_row` elements from row to row, for a C whose columns are contiguous.
pub(super) struct Turn<T> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) from: *const T,
    pub(super) from_row: usize,
    pub(super) to: *mut T,
    pub(super) to_col: usize,
}

#[inline(always)]
pub(super) fn turn<T: GemmFloat, I: Lanes<T>>(_: I, x: &Turn<T>) {
    let side = if size_of::<I::V>() >= 32 { 32 / size_of::<T>() } else { usize::MAX };
    for j in (0..x.cols).step_by(side) {
        let cols = side.min(x.cols - j);
        for i in (0..x.rows).step_by(side) {
            let rows = side.min(x.rows - i);
            // SAFETY: the tile and C have `rows x cols` elements; 32-byte vectors are only found in entries that
            // have AVX.
            unsafe {
                let (from, to) = (x.from.add(i * x.from_row + j), x.to.add(j * x.to_col + i));
                if rows == side && cols == side {
                    T::transpose_avx(from, x.from_row, to, x.to_col);
                } else {
                    panel_element_wise(cols, rows, from, [1, x.from_row], to, x.to_col);
                }
            }
        }
    }
}

/// Writes the transpose of an 8 x 8 square: three rounds of exchanges, of neighbours, pairs and halves.
///
/// # Safety
/// * The processor has AVX; both squares are valid, `from` for reading and `to` for writing.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn transpose_8x8(from: *const f32, stride: usize, to: *mut f32, to_stride: usize) {
    use std::arch::x86_64::*;
    // SAFETY: the caller vouches for AVX and for the squares.
    unsafe {
        // Row i beside row i + 4, so that the exchange of halves is done by the loads.
        let pair = |i: usize, at: usize| {
            let low = _mm256_castps128_ps256(_mm_loadu_ps(from.add(i * stride + at)));
            _mm256_insertf128_ps::<1>(low, _mm_loadu_ps(from.add((i + 4) * stride + at)))
        };
        for at in [0, 4] {
            let rows = [pair(0, at), pair(1, at), pair(2, at), pair(3, at)];
            let (low01, high01) = (_mm256_unpacklo_ps(rows[0], rows[1]), _mm256_unpackhi_ps(rows[0], rows[1]));
            let (low23, high23) = (_mm256_unpacklo_ps(rows[2], rows[3]), _mm256_unpackhi_ps(rows[2], rows[3]));
            let to = to.add(at * to_stride);
            _mm256_storeu_ps(to, _mm256_shuffle_ps::<0x44>(low01, low23));
            _mm256_storeu_ps(to.add(to_stride), _mm256_shuffle_ps::<0xee>(low01, low23));
            _mm256_storeu_ps(to.add(2 * to_stride), _mm256_shuffle_ps::<0x44>(high01, high23));
            _mm256_storeu_ps(to.add(3 * to_stride), _mm256_shuffle_ps::<0xee>(high01, high23));
        }
    }
}

/// Writes the transpose of a 4 x 4 square, likewise.
///
/// # Safety
/// * The processor has AVX; both squares are valid, `from` for reading and `to` for writing.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn transpose_4x4(from: *const f64, stride: usize, to: *mut f64, to_stride: usize) {
    use std::arch::x86_64::*;
    // SAFETY: the caller vouches for AVX and for the squares.
    unsafe {
        let pair = |i: usize, at: usize| {
            let low = _mm256_castpd128_pd256(_mm_loadu_pd(from.add(i * stride + at)));
            _mm256_insertf128_pd::<1>(low, _mm_loadu_pd(from.add((i + 2) * stride + at)))
        };
        for at in [0, 2] {
            let rows = [pair(0, at), pair(1, at)];
            let to = to.add(at * to_stride);
            _mm256_storeu_pd(to, _mm256_unpacklo_pd(rows[0], rows[1]));
            _mm256_storeu_pd(to.add(to_stride), _mm256_unpackhi_pd(rows[0], rows[1]));
        }
    }
}
