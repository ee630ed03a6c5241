//! The transpose of a matrix in a slice, for others in the crate that change the order of their data.

use super::float::GemmFloat;
use super::transpose::Transpose;
use crate::base::{Backend, Error};

/// Writes `to[j * to_row + i] = from[i * from_row + j]` for `rows` of i and `cols` of j.
///
/// # Errors
/// When a slice is too short for that.
pub(crate) fn transpose<T: GemmFloat>(
    backend: Backend,
    [rows, cols]: [usize; 2],
    (from, from_row): (&[T], usize),
    (to, to_row): (&mut [T], usize),
) -> Result<(), Error> {
    if rows == 0 || cols == 0 {
        return Ok(());
    }
    let end = |rows: usize, cols: usize, row: usize| (rows - 1).checked_mul(row)?.checked_add(cols);
    let inside = |end: Option<usize>, len: usize| end.is_some_and(|end| end <= len);
    if !inside(end(rows, cols, from_row), from.len()) || !inside(end(cols, rows, to_row), to.len()) {
        return Err(Error::shape(format!(
            "a transpose of {rows} x {cols}, rows {from_row} and {to_row} apart, reaches past its {} and {} elements",
            from.len(),
            to.len()
        )));
    }
    let (from, to) = (from.as_ptr(), to.as_mut_ptr());
    // SAFETY: the furthest elements lie in the slices, which do not overlap, since one is borrowed to be written.
    unsafe {
        T::gemm_kernels(backend).transpose(&Transpose { rows, cols, from, from_row, to, to_col: to_row });
    }
    Ok(())
}
