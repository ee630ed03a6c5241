//! The convolution matrix: for one kernel and one size of image, the sparse matrix C with `convolution(x) = C x` and
//! `transposed convolution(y) = Cᵀ y`, images written as long vectors.
//!
//! A learner reads it, and the tests hold the fast passes against it; nothing else uses it.
#![forbid(unsafe_code)]

use super::geometry::{Geometry, GeometryError, Window};
use crate::Error;
use crate::simd::Float;
use std::fmt;

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
    /// The matrix of a convolution with `weight`, `[filters, channels / groups, kernel_rows, kernel_columns]`, on images
    /// of `[channels, height, width]`.
    ///
    /// # Errors
    /// Where the window does not fit the image, the groups do not divide filters and channels, or the weight has another
    /// number of elements.
    pub fn new(
        window: Window,
        [channels, height, width]: [usize; 3],
        filters: usize,
        groups: usize,
        weight: &[T],
    ) -> Result<Self, Error> {
        let error = |error: GeometryError| Error::shape(error.to_string());
        let geometry = Geometry::new(window, channels, [height, width]).map_err(error)?;
        for (what, channels) in [("input", channels), ("output", filters)] {
            if groups == 0 || !channels.is_multiple_of(groups) {
                return Err(error(GeometryError::Groups { what, channels, groups }));
            }
        }
        let (seen, [kernel_rows, kernel_columns]) = (channels / groups, window.kernel);
        let sizes = [seen, kernel_rows, kernel_columns];
        let wanted = sizes.iter().try_fold(filters, |n, &size| n.checked_mul(size));
        let wanted = wanted.filter(|&wanted| wanted == weight.len()).ok_or_else(|| {
            let found = weight.len();
            Error::shape(format!("the weight has {found} elements; it must have {filters} times {sizes:?} of them"))
        })?;
        // Row by row, with room for all that a row may hold.
        let rows = filters.checked_mul(geometry.columns()).and_then(|rows| rows.checked_add(1));
        let all = rows.and_then(|rows| rows.checked_mul(wanted.checked_div(filters)?));
        let (mut starts, mut columns, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let reserved = rows.zip(all).is_some_and(|(rows, all)| {
            let room = starts.try_reserve_exact(rows).and_then(|()| columns.try_reserve_exact(all));
            room.and_then(|()| values.try_reserve_exact(all)).is_ok()
        });
        if !reserved {
            return Err(Error::new(crate::ErrorKind::OutOfMemory, "no memory for so large a convolution matrix"));
        }
        starts.push(0);
        let mut matrix = Self { geometry, filters, starts, columns, values };
        for filter in 0..filters {
            let first = filter / (filters / groups) * seen;
            for position in 0..geometry.columns() {
                let (y, x) = (position / geometry.positions[1], position % geometry.positions[1]);
                for (element, &value) in weight[filter * wanted / filters..][..wanted / filters].iter().enumerate() {
                    let (channel, place) =
                        (element / (kernel_rows * kernel_columns), element % (kernel_rows * kernel_columns));
                    let (i, j) = (place / kernel_columns, place % kernel_columns);
                    if let (Some(y), Some(x)) = (geometry.pixel(0, y, i), geometry.pixel(1, x, j)) {
                        matrix.columns.push(((first + channel) * height + y) * width + x);
                        matrix.values.push(value);
                    }
                }
                matrix.starts.push(matrix.values.len());
            }
        }
        Ok(matrix)
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
    /// When `x` is not an image of this size.
    pub fn multiply(&self, x: &[T]) -> Result<Vec<T>, Error> {
        same("image", x.len(), self.columns())?;
        let mut y = vec![T::ZERO; self.rows()];
        self.elements().for_each(|(row, column, value)| y[row] += value * x[column]);
        Ok(y)
    }

    /// `Cᵀ y`: the transposed convolution.
    ///
    /// # Errors
    /// When `y` is not a convolution's result of this size.
    pub fn multiply_transposed(&self, y: &[T]) -> Result<Vec<T>, Error> {
        same("result", y.len(), self.rows())?;
        let mut x = vec![T::ZERO; self.columns()];
        self.elements().for_each(|(row, column, value)| x[column] += value * y[row]);
        Ok(x)
    }
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
