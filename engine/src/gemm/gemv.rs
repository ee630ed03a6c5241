//! One row of C from a B whose rows are contiguous: a row-major matrix-vector product.
//!
//! It reads each element of B once, 2 flops per element, so memory bounds it. Eight vectors of columns are summed at
//! a time, which is a tile of one row: the same chains, hence the same bits, as the tiles of `tile.rs` give.

use super::epilogue::Finish;
use crate::simd::{Backend, Float, Lanes};

/// `c[0, cols] = finish(a[0, depth] * b[depth, cols])`
pub(super) struct Row<T> {
    pub(super) cols: usize,
    pub(super) depth: usize,
    pub(super) a: *const T,
    pub(super) a_depth: usize,
    pub(super) b: *const T,
    pub(super) b_depth: usize,
    pub(super) alpha: T,
    pub(super) c: *mut T,
    pub(super) finish: Finish<T>,
    pub(super) backend: Backend,
}

#[inline(always)]
pub(super) fn row<T: Float, I: Lanes<T>>(isa: I, x: &Row<T>) {
    let mut col = 0;
    while x.cols - col >= 8 * I::LANES {
        columns::<T, I, 8, false>(isa, x, col, 0);
        col += 8 * I::LANES;
    }
    while x.cols - col >= 2 * I::LANES {
        columns::<T, I, 2, false>(isa, x, col, 0);
        col += 2 * I::LANES;
    }
    while x.cols - col >= I::LANES {
        columns::<T, I, 1, false>(isa, x, col, 0);
        col += I::LANES;
    }
    if col < x.cols {
        columns::<T, I, 1, true>(isa, x, col, x.cols - col);
    }
    if x.finish.activation.is_function() {
        // SAFETY: a `Row` is made by the driver from checked views: C has `cols` adjacent elements.
        let c = unsafe { std::slice::from_raw_parts_mut(x.c, x.cols) };
        x.finish.activation.finish(x.backend, c);
    }
}

/// NV whole vectors of columns, or one with the first `head` lanes.
#[inline(always)]
fn columns<T: Float, I: Lanes<T>, const NV: usize, const HEAD: bool>(isa: I, x: &Row<T>, col: usize, head: usize) {
    // SAFETY: whatever `load` and `store` are given below has NV vectors, or `head` elements, from there on.
    let load = |from: *const T, j: usize| unsafe {
        if HEAD { isa.load_head_at(from, head) } else { isa.load_at(from.add(j * I::LANES)) }
    };
    let finish = &x.finish;
    let c = x.c.wrapping_add(col);
    let mut sums = [isa.splat(T::ZERO); NV];
    for (j, sum) in sums.iter_mut().enumerate() {
        if !finish.column_bias.is_null() {
            *sum = load(finish.column_bias.wrapping_add(col), j);
        } else if !finish.row_bias.is_null() {
            // SAFETY: a bias per row has one element here.
            *sum = isa.splat(unsafe { *finish.row_bias });
        }
        if finish.beta != T::ZERO {
            *sum = isa.fma(isa.splat(finish.beta), load(c, j), *sum);
        }
    }
    let (mut a, mut b) = (x.a, x.b.wrapping_add(col));
    for _ in 0..x.depth {
        // SAFETY: the driver made `x` from checked views: `depth` elements of A at this stride.
        let factor = isa.splat(x.alpha * unsafe { *a });
        for (j, sum) in sums.iter_mut().enumerate() {
            *sum = isa.fma(factor, load(b, j), *sum);
        }
        a = a.wrapping_add(x.a_depth);
        b = b.wrapping_add(x.b_depth);
    }
    finish.activation.in_registers(isa, std::slice::from_mut(&mut sums));
    for (j, &sum) in sums.iter().enumerate() {
        // SAFETY: as for `load`; C may be written.
        unsafe { if HEAD { isa.store_head_at(sum, c, head) } else { isa.store_at(sum, c.add(j * I::LANES)) } }
    }
}
