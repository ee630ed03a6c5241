//! `im2col`: what every position of a window sees, as the columns of a matrix; and its transpose, `col2im`.
//!
//! The matrix is `[channels kernel_rows kernel_columns, positions]`, row-major: row `(c, i, j)` is channel `c` of the
//! image shifted by element `(i, j)` of the kernel, with zeros where that leaves the image. So a row of it is copied from
//! rows of the image, and a product with it lands in `[filters, height, width]` order.

use super::geometry::Geometry;
use crate::Error;
use crate::simd::Float;
use std::ops::Range;

/// Writes the column matrix of `image`, `[channels, height, width]`, to `columns`,
/// `[geometry.rows(), geometry.columns()]`.
///
/// # Errors
/// When a slice has another length than the geometry says.
pub fn im2col<T: Float>(geometry: &Geometry, image: &[T], columns: &mut [T]) -> Result<(), Error> {
    check(geometry, image.len(), columns.len())?;
    gather(geometry, image, 0..geometry.positions[0], columns);
    Ok(())
}

/// Adds to each element of `image` all elements of `columns` that [`im2col`] would have copied from it.
///
/// # Errors
/// When a slice has another length than the geometry says.
pub fn col2im<T: Float>(geometry: &Geometry, columns: &[T], image: &mut [T]) -> Result<(), Error> {
    check(geometry, image.len(), columns.len())?;
    scatter(geometry, columns, 0..geometry.positions[0], image);
    Ok(())
}

fn check(geometry: &Geometry, image: usize, columns: usize) -> Result<(), Error> {
    let wanted = [geometry.image_elements(), geometry.rows() * geometry.columns()];
    for (what, wanted, found) in [("image", wanted[0], image), ("column matrix", wanted[1], columns)] {
        if wanted != found {
            return Err(Error::new(format!("the {what} has {found} elements; this geometry has {wanted}")));
        }
    }
    Ok(())
}

/// The part of the column matrix that belongs to the rows `strip` of positions.
pub(crate) fn gather<T: Float>(geometry: &Geometry, image: &[T], strip: Range<usize>, columns: &mut [T]) {
    let width = geometry.positions[1];
    let len = strip.len() * width;
    walk(geometry, strip, |row, line, pixels, positions| {
        let to = &mut columns[row * len + line * width..][..width];
        let Some(pixels) = pixels else {
            to.fill(T::ZERO);
            return;
        };
        to[..positions.start].fill(T::ZERO);
        to[positions.end..].fill(T::ZERO);
        let to = &mut to[positions];
        match geometry.window.stride[1] {
            1 => to.copy_from_slice(&image[pixels..pixels + to.len()]),
            stride => to.iter_mut().zip(image[pixels..].iter().step_by(stride)).for_each(|(to, from)| *to = *from),
        }
    });
}

/// Adds the part of the column matrix that belongs to the rows `strip` of positions.
pub(crate) fn scatter<T: Float>(geometry: &Geometry, columns: &[T], strip: Range<usize>, image: &mut [T]) {
    let width = geometry.positions[1];
    let len = strip.len() * width;
    walk(geometry, strip, |row, line, pixels, positions| {
        let Some(pixels) = pixels else { return };
        let from = &columns[row * len + line * width..][..width][positions];
        let to = image[pixels..].iter_mut().step_by(geometry.window.stride[1]);
        to.zip(from).for_each(|(to, from)| *to = *to + *from);
    });
}

/// Calls `visit` for every row of the column matrix and every row of positions in `strip`, with the row's number, that
/// of the row of positions within the strip, the first pixel that is seen (none where the kernel's row lies in the
/// padding) and the positions in that row which see a pixel.
fn walk(geometry: &Geometry, strip: Range<usize>, mut visit: impl FnMut(usize, usize, Option<usize>, Range<usize>)) {
    let [kernel_rows, kernel_columns] = geometry.window.kernel;
    let [height, width] = geometry.image;
    let mut row = 0;
    for channel in 0..geometry.channels {
        for i in 0..kernel_rows {
            for j in 0..kernel_columns {
                let positions = geometry.inside(1, j);
                let first = geometry.pixel(1, positions.start, j);
                for (line, position) in strip.clone().enumerate() {
                    let start = geometry.pixel(0, position, i).zip(first.filter(|_| !positions.is_empty()));
                    let pixels = start.map(|(y, x)| (channel * height + y) * width + x);
                    visit(row, line, pixels, positions.clone());
                }
                row += 1;
            }
        }
    }
}
