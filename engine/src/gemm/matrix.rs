//! Views of matrices in slices, with any strides, checked once so that the kernels need not be.
//!
//! Element `(i, j)` lies at `i * row_stride + j * col_stride`. A stride along a side of length 0 or 1 means nothing
//! and is stored as 1, as are both of a matrix without elements. Transposing swaps the sides and their strides.

use crate::base::Error;

/// A view that reaches past the end of its slice.
#[cold]
fn out_of_bounds(rows: usize, cols: usize, len: usize) -> Error {
    Error::shape(format!("a view of {rows} x {cols} with these strides reaches past its {len} elements"))
}

/// Strides of an output that could place two of its elements at one address.
#[cold]
fn overlap(row_stride: usize, col_stride: usize) -> Error {
    Error::shape(format!(
        "output strides {row_stride} and {col_stride} let elements overlap: one must span the other side"
    ))
}

/// A matrix to be read.
#[derive(Debug, Clone, Copy)]
pub struct MatrixRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// A matrix to be written; no two of its elements share an address.
#[derive(Debug)]
pub struct MatrixMut<'a, T> {
    data: &'a mut [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// The strides with those that mean nothing set to 1, once the last element is known to be inside.
fn checked(len: usize, rows: usize, cols: usize, strides: [usize; 2]) -> Result<[usize; 2], Error> {
    let [row, col] = strides;
    if rows == 0 || cols == 0 {
        return Ok([1, 1]);
    }
    let strides = [if rows > 1 { row } else { 1 }, if cols > 1 { col } else { 1 }];
    let last = (rows - 1).checked_mul(strides[0]).zip((cols - 1).checked_mul(strides[1]));
    match last.and_then(|(down, across)| down.checked_add(across)) {
        Some(last) if last < len => Ok(strides),
        _ => Err(out_of_bounds(rows, cols, len)),
    }
}

impl<'a, T> MatrixRef<'a, T> {
    /// A view of `data`; a stride may be 0, which repeats a row or a column.
    ///
    /// # Errors
    /// When an element lies outside `data`.
    pub fn new(data: &'a [T], rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Result<Self, Error> {
        let [row_stride, col_stride] = checked(data.len(), rows, cols, [row_stride, col_stride])?;
        Ok(Self { data, rows, cols, row_stride, col_stride })
    }

    /// Row after row without gaps.
    ///
    /// # Errors
    /// When `data` is too short.
    pub fn row_major(data: &'a [T], rows: usize, cols: usize) -> Result<Self, Error> {
        Self::new(data, rows, cols, cols, 1)
    }

    /// The transpose.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The first element, and the strides of rows and columns.
    pub(super) fn raw(&self) -> (*const T, usize, usize) {
        (self.data.as_ptr(), self.row_stride, self.col_stride)
    }
}

impl<'a, T> MatrixMut<'a, T> {
    /// A view of `data`.
    ///
    /// # Errors
    /// When an element lies outside `data`, or when neither stride spans the other side, so that elements could
    /// overlap.
    pub fn new(
        data: &'a mut [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Result<Self, Error> {
        let [row_stride, col_stride] = checked(data.len(), rows, cols, [row_stride, col_stride])?;
        if rows == 0 || cols == 0 {
            return Ok(Self { data, rows, cols, row_stride, col_stride });
        }
        if (rows > 1 && row_stride == 0) || (cols > 1 && col_stride == 0) {
            return Err(overlap(row_stride, col_stride));
        }
        // The products fit: `checked` has formed them.
        let apart = row_stride > (cols - 1) * col_stride || col_stride > (rows - 1) * row_stride;
        if rows > 1 && cols > 1 && !apart {
            return Err(overlap(row_stride, col_stride));
        }
        Ok(Self { data, rows, cols, row_stride, col_stride })
    }

    /// Row after row without gaps.
    ///
    /// # Errors
    /// When `data` is too short.
    pub fn row_major(data: &'a mut [T], rows: usize, cols: usize) -> Result<Self, Error> {
        Self::new(data, rows, cols, cols, 1)
    }

    /// The transpose.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            data: self.data,
        }
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The first element, and the strides of rows and columns.
    pub(super) fn raw(&mut self) -> (*mut T, usize, usize) {
        (self.data.as_mut_ptr(), self.row_stride, self.col_stride)
    }
}
