//! The transpose of a matrix with contiguous rows, in squares that fit the registers.

use crate::simd::{Float, Lanes};

/// `to[j * to_col + i] = from[i * from_row + j]` for `rows` of i and `cols` of j. The kernel takes only one that is
/// sound:
///
/// * `from` is valid for reading `rows` rows of `cols` elements at distance `from_row`.
/// * `to` is valid for writing `cols` rows of `rows` elements at distance `to_col`, and overlaps none of those.
pub(super) struct Transpose<T> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) from: *const T,
    pub(super) from_row: usize,
    pub(super) to: *mut T,
    pub(super) to_col: usize,
}

/// # Safety
/// * `x` is sound.
#[inline(always)]
pub(super) unsafe fn transpose<T: Float, I: Lanes<T>>(isa: I, x: &Transpose<T>) {
    let side = I::SQUARE;
    for j in (0..x.cols).step_by(side) {
        let cols = side.min(x.cols - j);
        for i in (0..x.rows).step_by(side) {
            let rows = side.min(x.rows - i);
            // SAFETY: `x` is sound, and this square or part of one lies inside `rows x cols`.
            unsafe {
                let (from, to) = (x.from.add(i * x.from_row + j), x.to.add(j * x.to_col + i));
                if rows == side && cols == side {
                    isa.transpose_at(from, x.from_row, to, x.to_col);
                } else {
                    by_elements([cols, rows], from, [1, x.from_row], to, x.to_col);
                }
            }
        }
    }
}

/// `to[p * to_row + j] = from[p * strides[0] + j * strides[1]]` for `sides[0]` of p and `sides[1]` of j.
///
/// # Safety
/// * `from` is valid for reading that many elements at those strides, `to` for writing as many, and they do not
///   overlap.
#[inline(always)]
pub(super) unsafe fn by_elements<T: Copy>(
    sides: [usize; 2],
    from: *const T,
    strides: [usize; 2],
    to: *mut T,
    to_row: usize,
) {
    for p in 0..sides[0] {
        for j in 0..sides[1] {
            // SAFETY: the caller vouches for both.
            unsafe { *to.add(p * to_row + j) = *from.add(p * strides[0] + j * strides[1]) };
        }
    }
}
