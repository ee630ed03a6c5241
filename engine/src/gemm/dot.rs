//! C by inner products, where A and B are both contiguous along k and M or N is small: nothing is packed.
//!
//! Tiles of 1 x 8 or 2 x 4 inner products, each with one vector of partial sums (lane `l` sums `k = l mod LANES`)
//! that is added up by halves at the end. This is another order than the tiles' one chain per element, so it is
//! chosen by the shape of the whole product, never by a thread's part. Memory-bound for M = 1.

use super::epilogue::Finish;
use crate::simd::{Backend, Float, Lanes};

/// `c[rows, cols] = finish(alpha * a[rows, depth] * b[cols, depth]^T)`. The kernel takes only one that is sound:
///
/// * `a` and `b` are valid for reading `rows` and `cols` rows of `depth` elements at the distances `a_row` and `b_col`.
/// * `c` is valid for reading and writing `rows` rows of `cols` elements at distance `c_row`, which nobody else uses
///   meanwhile.
/// * The biases of `finish` that are not null reach `cols` columns or `rows` rows.
pub(super) struct Dots<T> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) depth: usize,
    pub(super) alpha: T,
    pub(super) a: *const T,
    pub(super) a_row: usize,
    pub(super) b: *const T,
    pub(super) b_col: usize,
    pub(super) c: *mut T,
    pub(super) c_row: usize,
    pub(super) finish: Finish<T>,
    pub(super) backend: Backend,
}

/// # Safety
/// * `x` is sound.
#[inline(always)]
pub(super) unsafe fn dots<T: Float, I: Lanes<T>>(isa: I, x: &Dots<T>) {
    let mut row = 0;
    while row + 2 <= x.rows {
        // SAFETY: `x` is sound, and has these rows.
        unsafe { strip::<T, I, 2, 4>(isa, x, row) };
        row += 2;
    }
    if row < x.rows {
        // SAFETY: as above.
        unsafe { strip::<T, I, 1, 8>(isa, x, row) };
    }
    if x.finish.activation.is_function() {
        for row in 0..x.rows {
            // SAFETY: `x` is sound: C has `cols` adjacent elements in each row.
            let c = unsafe { std::slice::from_raw_parts_mut(x.c.add(row * x.c_row), x.cols) };
            x.finish.activation.finish(x.backend, c);
        }
    }
}

/// R rows against all columns, S at a time and then one by one.
///
/// # Safety
/// * `x` is sound, and has R rows from `row` on.
#[inline(always)]
unsafe fn strip<T: Float, I: Lanes<T>, const R: usize, const S: usize>(isa: I, x: &Dots<T>, row: usize) {
    let mut col = 0;
    while col + S <= x.cols {
        // SAFETY: the caller vouches for the rows; these columns are there.
        unsafe { products::<T, I, R, S>(isa, x, row, col) };
        col += S;
    }
    while col < x.cols {
        // SAFETY: as above.
        unsafe { products::<T, I, R, 1>(isa, x, row, col) };
        col += 1;
    }
}

/// R rows against S columns.
///
/// # Safety
/// * `x` is sound, and has R rows from `row` on and S columns from `col` on.
#[inline(always)]
#[allow(
    clippy::needless_range_loop,
    reason = "indices mirror the formula, and arrays of registers want constant bounds"
)]
unsafe fn products<T: Float, I: Lanes<T>, const R: usize, const S: usize>(isa: I, x: &Dots<T>, row: usize, col: usize) {
    let (a, b) = (x.a.wrapping_add(row * x.a_row), x.b.wrapping_add(col * x.b_col));
    let mut sums = [[isa.splat(T::ZERO); S]; R];
    let whole = x.depth / I::LANES * I::LANES;
    let left = x.depth - whole;
    // SAFETY: the caller vouches for R rows of A and S columns of B, `depth` elements each.
    unsafe {
        let mut p = 0;
        while p < whole {
            let factors: [I::V; R] = std::array::from_fn(|i| isa.load_at(a.add(i * x.a_row + p)));
            for j in 0..S {
                let column = isa.load_at(b.add(j * x.b_col + p));
                for i in 0..R {
                    sums[i][j] = isa.fma(factors[i], column, sums[i][j]);
                }
            }
            p += I::LANES;
        }
        if left > 0 {
            let factors: [I::V; R] = std::array::from_fn(|i| isa.load_head_at(a.add(i * x.a_row + p), left));
            for j in 0..S {
                let column = isa.load_head_at(b.add(j * x.b_col + p), left);
                for i in 0..R {
                    sums[i][j] = isa.fma(factors[i], column, sums[i][j]);
                }
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        for (j, &sum) in sums.iter().enumerate() {
            // SAFETY: the caller vouches for this row and column.
            unsafe { store(isa, x, row + i, col + j, isa.sum(sum)) };
        }
    }
}

/// One element: alpha, beta, bias and the cheap activations.
///
/// # Safety
/// * `x` is sound, and has this row and column.
#[inline(always)]
unsafe fn store<T: Float, I: Lanes<T>>(isa: I, x: &Dots<T>, row: usize, col: usize, sum: T) {
    let finish = &x.finish;
    // SAFETY: the caller vouches for the element, and in a sound `x` the biases reach as far.
    unsafe {
        let c = x.c.add(row * x.c_row + col);
        let mut value = x.alpha * sum;
        if finish.beta != T::ZERO {
            value += finish.beta * *c;
        }
        if !finish.column_bias.is_null() {
            value += *finish.column_bias.add(col);
        }
        if !finish.row_bias.is_null() {
            value += *finish.row_bias.add(row);
        }
        let [[value]] = finish.activation.in_registers(isa, [[isa.splat(value)]]);
        isa.store_head_at(value, c, 1);
    }
}
