//! One row of C from a B whose rows are contiguous: a row-major matrix-vector product.
//!
//! It reads each element of B once, 2 flops per element, so memory bounds it. Eight vectors of columns are summed at
//! a time, which is a tile of one row: the same chains, hence the same bits, as the tiles give.

use super::epilogue::Finish;
use crate::simd::{Backend, Float, Lanes};

/// `c[0, cols] = finish(alpha * a[0, depth] * b[depth, cols])`. The kernel takes only one that is sound:
///
/// * `a` is valid for reading `depth` elements at distance `a_depth`, `b` for as many rows of `cols` at `b_depth`.
/// * `c` is valid for reading and writing `cols` elements, which nobody else uses meanwhile.
/// * The biases of `finish` that are not null reach `cols` columns or one row.
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

/// # Safety
/// * `x` is sound.
#[inline(always)]
pub(super) unsafe fn row<T: Float, I: Lanes<T>>(isa: I, x: &Row<T>) {
    let mut col = 0;
    // SAFETY: `x` is sound, and each call is for columns that are left.
    unsafe {
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
    }
    if x.finish.activation.is_function() {
        // SAFETY: `x` is sound: C has `cols` adjacent elements.
        let c = unsafe { std::slice::from_raw_parts_mut(x.c, x.cols) };
        x.finish.activation.finish(x.backend, c);
    }
}

/// Vector `j` from `from` on, or the first `head` lanes of the only one.
///
/// # Safety
/// * `from` is valid for reading `j + 1` vectors, or `head` elements if `HEAD`.
#[inline(always)]
unsafe fn load<T: Float, I: Lanes<T>, const HEAD: bool>(isa: I, from: *const T, j: usize, head: usize) -> I::V {
    // SAFETY: the caller vouches for the elements.
    unsafe { if HEAD { isa.load_head_at(from, head) } else { isa.load_at(from.add(j * I::LANES)) } }
}

/// NV whole vectors of columns, or one with the first `head` lanes.
///
/// # Safety
/// * `x` is sound, and has that many columns from `col` on.
#[inline(always)]
unsafe fn columns<T: Float, I: Lanes<T>, const NV: usize, const HEAD: bool>(
    isa: I,
    x: &Row<T>,
    col: usize,
    head: usize,
) {
    let finish = &x.finish;
    let c = x.c.wrapping_add(col);
    let mut sums = [isa.splat(T::ZERO); NV];
    // SAFETY: the caller vouches for these columns of B, C and the bias; a bias per row has one element, and A `depth`
    // at its distance.
    unsafe {
        for (j, sum) in sums.iter_mut().enumerate() {
            if !finish.column_bias.is_null() {
                *sum = load::<T, I, HEAD>(isa, finish.column_bias.wrapping_add(col), j, head);
            } else if !finish.row_bias.is_null() {
                *sum = isa.splat(*finish.row_bias);
            }
            if finish.beta != T::ZERO {
                *sum = isa.fma(isa.splat(finish.beta), load::<T, I, HEAD>(isa, c, j, head), *sum);
            }
        }
        let (mut a, mut b) = (x.a, x.b.wrapping_add(col));
        for _ in 0..x.depth {
            let factor = isa.splat(x.alpha * *a);
            for (j, sum) in sums.iter_mut().enumerate() {
                *sum = isa.fma(factor, load::<T, I, HEAD>(isa, b, j, head), *sum);
            }
            a = a.wrapping_add(x.a_depth);
            b = b.wrapping_add(x.b_depth);
        }
        let [sums] = finish.activation.in_registers(isa, [sums]);
        for (j, sum) in sums.into_iter().enumerate() {
            if HEAD { isa.store_head_at(sum, c, head) } else { isa.store_at(sum, c.add(j * I::LANES)) }
        }
    }
}
