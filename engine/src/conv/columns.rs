//! `im2col`: what every position of a window sees, as the columns of a matrix; and its transpose, `col2im`.
//!
//! The matrix is `[channels kernel_rows kernel_columns, positions]`, row-major: row `(c, i, j)` is channel `c` of the
//! image shifted by element `(i, j)` of the kernel, with zeros where that leaves the image. So a row of it is copied
//! from rows of the image, and a product with it lands in `[filters, height, width]` order.
#![forbid(unsafe_code)]

use super::geometry::Geometry;
use crate::base::{Backend, Error};
use crate::simd::kernels::Elementwise;
use crate::simd::{Float, InOut};
use std::ops::Range;

/// Writes the column matrix of `image`, `[channels, height, width]`, to `columns`,
/// `[geometry.rows(), geometry.columns()]`.
///
/// # Errors
/// When a slice has another length than the geometry says.
pub fn im2col<T: Float>(geometry: &Geometry, image: &[T], columns: &mut [T]) -> Result<(), Error> {
    check(geometry, image.len(), columns.len())?;
    fill_strip(geometry, image, 0..geometry.positions()[0], columns);
    Ok(())
}

/// Adds to each element of `image` all elements of `columns` that [`im2col`] would have copied from it.
///
/// # Errors
/// When a slice has another length than the geometry says, or there is no memory for a copy of `columns`.
pub fn col2im<T: Float>(geometry: &Geometry, columns: &[T], image: &mut [T]) -> Result<(), Error> {
    check(geometry, image.len(), columns.len())?;
    let mut copy = Vec::new();
    copy.try_reserve_exact(columns.len()).map_err(|_| Error::out_of_memory(size_of_val(columns)))?;
    copy.extend_from_slice(columns);
    add_strip(T::elementwise(Backend::current()), geometry, &mut copy, 0..geometry.positions()[0], image);
    Ok(())
}

fn check(geometry: &Geometry, image: usize, columns: usize) -> Result<(), Error> {
    let wanted = [geometry.image_elements(), geometry.rows() * geometry.columns()];
    for (what, wanted, found) in [("image", wanted[0], image), ("column matrix", wanted[1], columns)] {
        if wanted != found {
            return Err(Error::shape(format!("the {what} has {found} elements; this geometry has {wanted}")));
        }
    }
    Ok(())
}

/// The part of the column matrix that belongs to the rows `strip` of positions.
pub(super) fn fill_strip<T: Float>(geometry: &Geometry, image: &[T], strip: Range<usize>, columns: &mut [T]) {
    let width = geometry.positions()[1];
    let len = strip.len() * width;
    let stride = geometry.window().strides()[1];
    walk(geometry, &strip, |run| {
        let to = &mut columns[run.row * len..][..len];
        let (before, rest) = to.split_at_mut(run.lines.start * width);
        let (to, after) = rest.split_at_mut(run.lines.len() * width);
        before.fill(T::ZERO);
        after.fill(T::ZERO);
        if let Some((at, pixels)) = run.shifted(geometry) {
            // Every line at once, and then zeros where a line's end has met the next one's start.
            to[..at.start].fill(T::ZERO);
            to[at.end..].fill(T::ZERO);
            to[at].copy_from_slice(&image[pixels]);
            run.clear_edges(to, width);
            return;
        }
        for (line, to) in to.chunks_exact_mut(width).enumerate() {
            to[..run.positions.start].fill(T::ZERO);
            to[run.positions.end..].fill(T::ZERO);
            let to = &mut to[run.positions.clone()];
            let from = &image[run.pixel(geometry, line)..];
            match stride {
                1 => to.copy_from_slice(&from[..to.len()]),
                _ => to.iter_mut().zip(from.iter().step_by(stride)).for_each(|(to, from)| *to = *from),
            }
        }
    });
}

/// Adds the part of the column matrix that belongs to the rows `strip` of positions. Elements that stand for padding
/// are overwritten.
pub(super) fn add_strip<T: Float>(
    kernels: &Elementwise<T>,
    geometry: &Geometry,
    columns: &mut [T],
    strip: Range<usize>,
    image: &mut [T],
) {
    let width = geometry.positions()[1];
    let len = strip.len() * width;
    let stride = geometry.window().strides()[1];
    walk(geometry, &strip, |run| {
        let from = &mut columns[run.row * len..][..len][run.lines.start * width..run.lines.end * width];
        if let Some((at, pixels)) = run.shifted(geometry) {
            run.clear_edges(from, width);
            kernels.scale_into(InOut::pair(&from[at], &mut image[pixels]), T::ONE, true);
            return;
        }
        for (line, from) in from.chunks_exact(width).enumerate() {
            let from = &from[run.positions.clone()];
            let to = &mut image[run.pixel(geometry, line)..];
            match stride {
                1 => kernels.scale_into(InOut::pair(from, &mut to[..from.len()]), T::ONE, true),
                _ => to.iter_mut().step_by(stride).zip(from).for_each(|(to, from)| *to += *from),
            }
        }
    });
}

/// A row of the column matrix, within a strip of positions.
struct Run {
    row: usize,
    /// The lines of the strip whose part of the kernel lies in the image.
    lines: Range<usize>,
    /// The positions in a line that see a pixel, at least one.
    positions: Range<usize>,
    /// The plane that is seen, the row of pixels that the first line sees, and the first pixel in it.
    channel: usize,
    top: usize,
    left: usize,
}

impl Run {
    /// The first pixel that a line sees.
    fn pixel(&self, geometry: &Geometry, line: usize) -> usize {
        let [height, width] = geometry.image();
        (self.channel * height + self.top + line * geometry.window().strides()[0]) * width + self.left
    }

    /// Where lines are as long as rows of pixels and neighbours see neighbours: all lines as one run of elements, and
    /// the pixels they see, shifted; without what would lie outside the plane.
    fn shifted(&self, geometry: &Geometry) -> Option<(Range<usize>, Range<usize>)> {
        let [height, width] = geometry.image();
        if geometry.window().strides() != [1, 1] || geometry.positions()[1] != width || self.lines.is_empty() {
            return None;
        }
        let plane = self.channel * height * width;
        // Element `positions.start` sees pixel `left` of row `top`.
        let (seen, first) = (plane + self.top * width + self.left, self.positions.start);
        let skipped = first.saturating_sub(seen - plane);
        let len = (self.lines.len() * width - skipped).min(plane + height * width - (seen + skipped - first));
        let start = seen + skipped - first;
        Some((skipped..skipped + len, start..start + len))
    }

    /// Zeros in every line where no pixel is seen.
    fn clear_edges<T: Float>(&self, lines: &mut [T], width: usize) {
        if self.positions == (0..width) {
            return;
        }
        // Column by column: a line's end is an element or two, for which filling would be a call.
        for edge in (0..self.positions.start).chain(self.positions.end..width) {
            for element in lines[edge..].iter_mut().step_by(width) {
                *element = T::ZERO;
            }
        }
    }
}

/// Calls `visit` for every row of the column matrix. Rows that see no pixel of the strip have no lines.
fn walk(geometry: &Geometry, strip: &Range<usize>, mut visit: impl FnMut(&Run)) {
    let [kernel_rows, kernel_columns] = geometry.window().kernel();
    for i in 0..kernel_rows {
        let down = geometry.inside(0, i);
        let lines = down.start.clamp(strip.start, strip.end)..down.end.clamp(strip.start, strip.end);
        let top = geometry.pixel(0, lines.start, i).unwrap_or(0);
        let lines = lines.start - strip.start..lines.end.max(lines.start) - strip.start;
        for j in 0..kernel_columns {
            let positions = geometry.inside(1, j);
            let left = geometry.pixel(1, positions.start, j).unwrap_or(0);
            let lines = if positions.is_empty() { 0..0 } else { lines.clone() };
            for channel in 0..geometry.channels() {
                let row = (channel * kernel_rows + i) * kernel_columns + j;
                visit(&Run { row, lines: lines.clone(), positions: positions.clone(), channel, top, left });
            }
        }
    }
}
