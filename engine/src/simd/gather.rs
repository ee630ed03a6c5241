//! Batches: rows picked from raw data and scaled on the way into a plan's input, in one pass.
//!
//! The data keep their own type (bytes stay bytes); `x scale + shift` is applied feature by feature.
#![forbid(unsafe_code)]

use super::Float;
use crate::base::parallel::Halve;
use crate::base::{Context, Error};

/// Rows of raw data, all of `features` numbers.
#[derive(Debug, Clone, Copy)]
pub enum RawRows<'a, T> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// Numbers of the element type.
    Values(&'a [T]),
}

/// A slice seen as rows of `width` elements, to be shared row by row.
struct Rows<'a, T> {
    slice: &'a mut [T],
    width: usize,
}

impl<T: Send> Halve for Rows<'_, T> {
    fn len(&self) -> usize {
        self.slice.len() / self.width
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (a, b) = self.slice.split_at_mut(at * self.width);
        (Self { slice: a, width: self.width }, Self { slice: b, width: self.width })
    }
}

/// Writes `data[rows[i], j] * scale[j] + shift[j]` to `out[i, j]`; `scale` and `shift` give the number of features.
///
/// # Errors
/// A row beyond the data; lengths that do not fit each other.
pub fn gather<T: Float>(
    context: Context,
    data: RawRows<'_, T>,
    rows: &[u32],
    scale: &[T],
    shift: &[T],
    out: &mut [T],
) -> Result<(), Error> {
    let width = scale.len();
    let count = match data {
        RawRows::Bytes(bytes) => bytes.len(),
        RawRows::Values(values) => values.len(),
    } / width.max(1);
    if width == 0 || shift.len() != width || out.len() != rows.len() * width {
        return Err(Error::shape(format!(
            "gather: {} rows of {width} features into {} numbers, with {} shifts",
            rows.len(),
            out.len(),
            shift.len()
        )));
    }
    if let Some(row) = rows.iter().find(|&&row| row as usize >= count) {
        return Err(Error::out_of_range("gather: a row", row, format_args!("below {count}, the rows of the data")));
    }
    let kernels = T::elementwise(context.backend);
    let grain = (16_384 / width).max(1);
    context.split.gated(out.len(), 65_536).parts((rows, Rows { slice: out, width }), grain, &|(rows, out)| {
        for (&row, out) in rows.iter().zip(out.slice.chunks_exact_mut(width)) {
            let at = row as usize * width;
            match data {
                RawRows::Bytes(bytes) => kernels.scale_bytes(&bytes[at..at + width], scale, shift, out),
                RawRows::Values(values) => kernels.scale_values(&values[at..at + width], scale, shift, out),
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backend, Split};

    #[test]
    fn picks_and_scales() {
        let bytes: Vec<u8> = (0..60).collect();
        let values: Vec<f32> = bytes.iter().map(|&x| f32::from(x)).collect();
        let (scale, shift) = (vec![2.0f32; 20], vec![1.0f32; 20]);
        for backend in Backend::available() {
            for data in [RawRows::Bytes(&bytes), RawRows::Values(&values)] {
                let mut out = vec![0.0; 40];
                gather(Context { backend, split: Split::Serial }, data, &[2, 0], &scale, &shift, &mut out).unwrap();
                assert_eq!((out[0], out[19], out[20], out[39]), (81.0, 119.0, 1.0, 39.0));
                assert!(
                    gather(Context { backend, split: Split::Serial }, data, &[3], &scale, &shift, &mut out[..20])
                        .is_err()
                );
                assert!(
                    gather(Context { backend, split: Split::Serial }, data, &[1], &scale, &shift, &mut out).is_err()
                );
            }
        }
    }
}
