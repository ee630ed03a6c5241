//! The edges of C: tiles whose last vector is not whole, which start from, and end in, part of their columns.
//!
//! They are rare, and masked accesses, dozens in each of some hundred tiles, were a fifth of what the compiler was
//! given for the whole engine; so the sums of such a tile go through memory here, in one kernel for tiles of every
//! size.

use super::epilogue::Finish;
use crate::simd::{Float, Lanes};

/// A tile in memory and its part of C. Kernels take only one that is sound:
///
/// * `tile` is valid for reading and writing `rows` rows of `vectors` whole vectors, one after the other.
/// * Where it is stored, or `beta` is not 0: `c` is valid for reading and writing `rows` rows of `width` elements at
///   distance `c_row`, and overlaps none of those; `width` is more than all vectors but the last hold.
/// * The biases of `finish` that are not null reach `width` columns from `col` on, or `rows` rows from `row` on.
pub(super) struct Edge<'a, T> {
    pub(super) tile: *mut T,
    pub(super) rows: usize,
    pub(super) vectors: usize,
    pub(super) width: usize,
    pub(super) c: *mut T,
    pub(super) c_row: usize,
    pub(super) row: usize,
    pub(super) col: usize,
    pub(super) finish: &'a Finish<T>,
}

impl<T> Edge<'_, T> {
    /// For each vector of the tile: its row, its first column, how many of its columns there are, and its place.
    #[inline(always)]
    fn vectors(&self, lanes: usize) -> impl Iterator<Item = (usize, usize, usize, *mut T)> {
        let Self { tile, rows, vectors, width, .. } = *self;
        (0..rows * vectors).map(move |at| {
            let (row, col) = (at / vectors, at % vectors * lanes);
            (row, col, (width - col).min(lanes), tile.wrapping_add(at * lanes))
        })
    }
}

/// Puts what the sums start from, bias + beta * C, in the tile.
///
/// # Safety
/// * `x` is sound.
#[inline(always)]
pub(super) unsafe fn start_edge<T: Float, I: Lanes<T>>(isa: I, x: &Edge<T>) {
    let Finish { beta, column_bias, row_bias, .. } = *x.finish;
    for (row, col, count, to) in x.vectors(I::LANES) {
        // SAFETY: `x` is sound: the biases and C reach this row and `count` columns from `col` on.
        unsafe {
            let mut sum = isa.splat(T::ZERO);
            if !column_bias.is_null() {
                sum = isa.load_head_at(column_bias.add(x.col + col), count);
            } else if !row_bias.is_null() {
                sum = isa.splat(*row_bias.add(x.row + row));
            }
            if beta != T::ZERO {
                sum = isa.fma(isa.splat(beta), isa.load_head_at(x.c.add(row * x.c_row + col), count), sum);
            }
            isa.store_at(sum, to);
        }
    }
}

/// Stores the tile's part of C.
///
/// # Safety
/// * `x` is sound.
#[inline(always)]
pub(super) unsafe fn store_edge<T: Float, I: Lanes<T>>(isa: I, x: &Edge<T>) {
    for (row, col, count, from) in x.vectors(I::LANES) {
        // SAFETY: `x` is sound: C has `count` columns from `col` on in this row.
        unsafe { isa.store_head_at(isa.load_at(from), x.c.add(row * x.c_row + col), count) };
    }
}
