//! The convolution matrix: for one kernel and one size of image, the sparse matrix C with `convolution(x) = C x` and
//! `transposed convolution(y) = Cᵀ y`, images written as long vectors.
//!
//! A learner reads it, and the tests hold the fast passes against it; nothing else uses it.
#![forbid(unsafe_code)]

use super::geometry::{Geometry, Window, of_groups};
use crate::base::{Error, ErrorKind};
use crate::simd::Float;
use std::fmt;

/// Rows and elements that the matrix may have: it is read and tested against, and 2^26 of them take a gigabyte.
const MOST: usize = 1 << 26;

/// C, in compressed rows.
#[derive(Debug, Clone)]
pub struct ConvolutionMatrix<T> {
    geometry: Geometry,
    filters: usize,
    /// Where each row's elements begin, and where the last ends.
    starts: Vec<usize>,
    columns: Vec<usize>,
    values: Vec<T>,
}

impl<T: Float> ConvolutionMatrix<T> {
    /// The matrix of a convolution with `weight`, `[filters, channels / groups, kernel_rows, kernel_columns]`, on
    /// images of `[channels, height, width]`.
    ///
    /// # Errors
    /// Where the window does not fit the image, the groups do not divide filters and channels, the weight has another
    /// number of elements, or the matrix more than 2^26 rows and elements.
    pub fn new(
        window: Window,
        [channels, height, width]: [usize; 3],
        filters: usize,
        groups: usize,
        weight: &[T],
    ) -> Result<Self, Error> {
        let geometry = Geometry::new(window, channels, [height, width])?;
        let (seen, made) = (of_groups("input", channels, groups)?, of_groups("output", filters, groups)?);
        let [kernel_rows, kernel_columns] = window.kernel();
        let sizes = [seen, kernel_rows, kernel_columns];
        let each = sizes.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
        let wanted = each.and_then(|each| each.checked_mul(filters));
        let Some(each) = each.filter(|_| filters > 0 && wanted == Some(weight.len())) else {
            let found = weight.len();
            let message = format!(
                "the weight has {found} elements; it must have {filters} times {sizes:?} of them, at least one"
            );
            return Err(Error::shape(message));
        };
        let mut matrix = Self::with_room(geometry, filters, seen)?;
        for filter in 0..filters {
            let first = filter / made * seen;
            for position in 0..geometry.columns() {
                matrix.push_row(first, position, &weight[filter * each..][..each]);
            }
        }
        Ok(matrix)
    }

    /// No rows yet, and memory for all of them.
    fn with_room(geometry: Geometry, filters: usize, seen: usize) -> Result<Self, Error> {
        let rows = filters.checked_mul(geometry.columns());
        // Positions from which the elements of a kernel's rows, or columns, see a pixel. (No more than there are rows
        // and columns of the column matrix, which can be counted.)
        let seeing = |axis: usize| {
            (0..geometry.window().kernel()[axis]).map(|of_kernel| geometry.inside(axis, of_kernel).len()).sum::<usize>()
        };
        let elements = || filters.checked_mul(seen)?.checked_mul(seeing(0).checked_mul(seeing(1))?);
        let sizes = rows.filter(|&rows| rows <= MOST).and_then(|rows| Some((rows, elements()?)));
        let Some((rows, elements)) = sizes.filter(|(_, elements)| *elements <= MOST) else {
            let message = format!("the convolution matrix would have more than {MOST} rows or elements");
            return Err(Error::new(ErrorKind::OutOfRange, message));
        };
        let (mut starts, mut columns, mut values) = (Vec::new(), Vec::new(), Vec::new());
        reserve(&mut starts, rows + 1)?;
        reserve(&mut columns, elements)?;
        reserve(&mut values, elements)?;
        starts.push(0);
        Ok(Self { geometry, filters, starts, columns, values })
    }

    /// The row of a filter of these `weights`, whose channels begin at `first`, at one position.
    fn push_row(&mut self, first: usize, position: usize, weights: &[T]) {
        let [_, kernel_columns] = self.geometry.window().kernel();
        let ([height, width], [_, across]) = (self.geometry.image(), self.geometry.positions());
        let elements = self.geometry.window().kernel()[0] * kernel_columns;
        for (element, &value) in weights.iter().enumerate() {
            let (channel, place) = (element / elements, element % elements);
            let y = self.geometry.pixel(0, position / across, place / kernel_columns);
            let x = self.geometry.pixel(1, position % across, place % kernel_columns);
            if let (Some(y), Some(x)) = (y, x) {
                self.columns.push(((first + channel) * height + y) * width + x);
                self.values.push(value);
            }
        }
        self.starts.push(self.values.len());
    }

    /// Rows: elements of a convolution's result, `[filters, positions, positions]`.
    pub fn rows(&self) -> usize {
        self.filters * self.geometry.columns()
    }

    /// Columns: elements of the image.
    pub fn columns(&self) -> usize {
        self.geometry.image_elements()
    }

    /// The elements that are not left out: row, column, value. A weight of 0 counts.
    pub fn elements(&self) -> impl Iterator<Item = (usize, usize, T)> + '_ {
        let rows = self.starts.windows(2).enumerate();
        rows.flat_map(move |(row, ends)| (ends[0]..ends[1]).map(move |at| (row, self.columns[at], self.values[at])))
    }

    /// `C x`: the convolution.
    ///
    /// # Errors
    /// When `x` is not an image of this size, or there is no memory for the result.
    pub fn multiply(&self, x: &[T]) -> Result<Vec<T>, Error> {
        same("image", x.len(), self.columns())?;
        let mut y = zeros(self.rows())?;
        self.elements().for_each(|(row, column, value)| y[row] += value * x[column]);
        Ok(y)
    }

    /// `Cᵀ y`: the transposed convolution.
    ///
    /// # Errors
    /// When `y` is not a convolution's result of this size, or there is no memory for the image.
    pub fn multiply_transposed(&self, y: &[T]) -> Result<Vec<T>, Error> {
        same("result", y.len(), self.rows())?;
        let mut x = zeros(self.columns())?;
        self.elements().for_each(|(row, column, value)| x[column] += value * y[row]);
        Ok(x)
    }
}

/// Makes room for `len` in an empty vector.
fn reserve<E>(vector: &mut Vec<E>, len: usize) -> Result<(), Error> {
    let bytes = len.saturating_mul(size_of::<E>());
    vector.try_reserve_exact(len).map_err(|_| Error::out_of_memory(bytes))
}

fn zeros<T: Float>(len: usize) -> Result<Vec<T>, Error> {
    let mut vector = Vec::new();
    reserve(&mut vector, len)?;
    vector.resize(len, T::ZERO);
    Ok(vector)
}

fn same(what: &str, found: usize, wanted: usize) -> Result<(), Error> {
    if found == wanted { Ok(()) } else { Err(Error::shape(format!("the {what} has {found} elements, not {wanted}"))) }
}

/// A line per row, a dot where an element is left out: for small cases.
impl<T: Float + fmt::Display> fmt::Display for ConvolutionMatrix<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ends in self.starts.windows(2) {
            // In the order of the image already.
            let mut left = (ends[0]..ends[1]).map(|at| (self.columns[at], self.values[at])).peekable();
            for column in 0..self.columns() {
                let separator = if column == 0 { "" } else { " " };
                match left.next_if(|&(at, _)| at == column) {
                    Some((_, value)) => write!(f, "{separator}{value}")?,
                    None => write!(f, "{separator}.")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
