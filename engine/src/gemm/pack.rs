//! Copies of blocks of A and B in the order in which the tiles read them.
//!
//! * A keeps its orientation, so packing it is copying: rows contiguous along k (`Depth`: `to[i * to_row + p]`), or
//!   per row panel the columns of it (`Panels`: `to[p * rows + i]`). alpha is multiplied in here.
//! * B becomes panels of NR columns, `to[panel][p * NR + j]`, the last filled up with zeros (where a side is
//!   contiguous; what lies there is in lanes that nobody stores). From a B contiguous along k (the weights of a
//!   linear layer) that is a transpose, made of squares in registers.

use super::block::Order;
use super::tiling::RowPanels;
use super::transpose::by_elements;
use crate::simd::{Float, Lanes};

/// `rows x depth` of A. The kernel takes only one that is sound:
///
/// * `from` is valid for reading `rows` rows of `depth` elements at the strides `row` and `col`.
/// * `to` is valid for writing as many, in this `order`, and for a vector beyond; it overlaps none of those.
/// * Where the order is `Depth`, `to_row` is no less than `depth`.
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
    /// For `Depth`, the distance between rows.
    pub(super) to_row: usize,
}

/// `depth x cols` of B. The kernel takes only one that is sound:
///
/// * `from` is valid for reading `depth` rows of `cols` elements at the strides `row` and `col`.
/// * `panel` is a multiple of the lanes.
/// * `to` is valid for writing `cols`, up to whole panels, times `depth` elements, and overlaps none of those.
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

/// # Safety
/// * `x` is sound.
#[inline(always)]
pub(super) unsafe fn pack_a<T: Float, I: Lanes<T>>(isa: I, x: &PackA<T>) {
    if x.order == Order::Depth {
        for i in 0..x.rows {
            let from = x.from.wrapping_add(i * x.row);
            // SAFETY: `x` is sound: a row has `depth` elements, and what is written beyond them belongs to the next
            // row, not written yet, or to the vector to spare.
            unsafe { copy(isa, from, x.col, x.to.add(i * x.to_row), x.depth, x.alpha) };
        }
        return;
    }
    for (row, count) in RowPanels::new(x.rows, x.max_rows).each() {
        let from = x.from.wrapping_add(row * x.row);
        let to = x.to.wrapping_add(row * x.depth);
        for p in 0..x.depth {
            // SAFETY: likewise, for `count` elements of a column.
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

/// # Safety
/// * `x` is sound.
#[inline(always)]
pub(super) unsafe fn pack_b<T: Float, I: Lanes<T>>(isa: I, x: &PackB<T>) {
    let nr = x.panel;
    let mut col = 0;
    while col < x.cols {
        let width = (x.cols - col).min(nr);
        let from = x.from.wrapping_add(col * x.col);
        let to = x.to.wrapping_add(col * x.depth);
        // SAFETY: `x` is sound, and this is one of its panels.
        unsafe {
            match (x.col, x.row) {
                (1, _) => panel_of_rows(isa, [x.depth, width], from, x.row, to, nr),
                (_, 1) => panel_of_columns(isa, [x.depth, width], from, x.col, to, nr),
                _ => by_elements([x.depth, width], from, [x.row, x.col], to, nr),
            }
        }
        col += nr;
    }
}

/// A panel from contiguous rows.
///
/// # Safety
/// * `from` is valid for reading `depth` rows of `width`, `to` for writing `depth` rows of `nr`, a multiple of the
///   lanes.
/// * They do not overlap.
#[inline(always)]
unsafe fn panel_of_rows<T: Float, I: Lanes<T>>(
    isa: I,
    [depth, width]: [usize; 2],
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
/// * `from` is valid for reading `width` columns of `depth`, `to` for writing `depth` rows of `nr`.
/// * They do not overlap.
#[inline(always)]
unsafe fn panel_of_columns<T: Float, I: Lanes<T>>(
    isa: I,
    [depth, width]: [usize; 2],
    from: *const T,
    stride: usize,
    to: *mut T,
    nr: usize,
) {
    let side = I::SQUARE;
    let (whole_cols, whole_depth) = (width / side * side, depth / side * side);
    // SAFETY: the caller vouches for the memory; squares stay inside `width` and `depth`.
    unsafe {
        for j in (0..whole_cols).step_by(side) {
            for p in (0..whole_depth).step_by(side) {
                isa.transpose_at(from.add(j * stride + p), stride, to.add(p * nr + j), nr);
            }
        }
        let rest = depth - whole_depth;
        by_elements([rest, whole_cols], from.add(whole_depth), [1, stride], to.add(whole_depth * nr), nr);
        let edge = from.wrapping_add(whole_cols * stride);
        by_elements([depth, width - whole_cols], edge, [1, stride], to.add(whole_cols), nr);
        for p in 0..depth {
            for j in width..nr {
                *to.add(p * nr + j) = T::ZERO;
            }
        }
    }
}
