//! The order of an array's elements: Fortran's, and channels last, brought to rows of `[C, H, W]`.

use crate::data::Samples;
use crate::data::memory::{filled, reserved};
use crate::error::Result;

/// Rows that are moved together, so that a line of memory is written whole.
const ROWS: usize = 64;

/// Elements of which the first dimension varies fastest, brought to the order of C. Their number is the product of
/// `shape`.
pub(super) fn from_fortran(samples: Samples, shape: &[usize]) -> Result<Samples> {
    // One dimension, or one that is not 1, has the same order in both.
    if shape.iter().filter(|&&size| size != 1).count() < 2 {
        return Ok(samples);
    }
    Ok(match samples {
        Samples::U8(values) => Samples::U8(reordered(&values, shape)?),
        Samples::F32(values) => Samples::F32(reordered(&values, shape)?),
        Samples::F64(values) => Samples::F64(reordered(&values, shape)?),
        other => other,
    })
}

fn reordered<T: Copy + Default>(values: &[T], shape: &[usize]) -> Result<Vec<T>> {
    let mut out = filled(values.len(), T::default(), "an array in Fortran's order")?;
    let [rows, rest @ ..] = shape else { return Ok(out) };
    if values.is_empty() {
        return Ok(out);
    }
    let places = places(rest, values.len() / rows)?;
    for (block, rows_out) in out.chunks_mut(ROWS.saturating_mul(places.len())).enumerate() {
        for (column, &place) in values.chunks_exact(*rows).zip(&places) {
            let from = column.get(block * ROWS..).unwrap_or_default();
            rows_out.chunks_exact_mut(places.len()).zip(from).for_each(|(row, &value)| row[place] = value);
        }
    }
    Ok(out)
}

/// Of every element of `sizes` in Fortran's order its place in C's; `count` is their product.
fn places(sizes: &[usize], count: usize) -> Result<Vec<usize>> {
    let mut strides = vec![1; sizes.len()];
    for at in (1..sizes.len()).rev() {
        strides[at - 1] = strides[at] * sizes[at];
    }
    let mut places = reserved(count, "the order of an array")?;
    let (mut index, mut place) = (vec![0; sizes.len()], 0);
    for _ in 0..count {
        places.push(place);
        for (at, size) in sizes.iter().enumerate() {
            index[at] += 1;
            place += strides[at];
            if index[at] < *size {
                break;
            }
            place -= strides[at] * size;
            index[at] = 0;
        }
    }
    Ok(places)
}

/// Pixels of `channels` values each, brought to planes.
pub(super) fn channels_first(samples: &mut Samples, pixels: usize, channels: usize) -> Result<()> {
    match samples {
        Samples::U8(values) => planes(values, pixels, channels),
        Samples::F32(values) => planes(values, pixels, channels),
        Samples::F64(values) => planes(values, pixels, channels),
        Samples::File(_) => Ok(()),
    }
}

fn planes<T: Copy>(values: &mut [T], pixels: usize, channels: usize) -> Result<()> {
    let row = pixels.saturating_mul(channels);
    if channels < 2 || row == 0 {
        return Ok(());
    }
    let mut scratch = reserved(row, "an image")?;
    for image in values.chunks_exact_mut(row) {
        scratch.clear();
        (0..channels).for_each(|channel| scratch.extend(image.iter().skip(channel).step_by(channels)));
        image.copy_from_slice(&scratch);
    }
    Ok(())
}
