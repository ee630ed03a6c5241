//! One picture out of a file as a raw sample of images of a known shape.

use std::path::Path;

use super::ImageShape;
use super::memory::reserved;
use super::pictures::decode;
use crate::error::{Error, Result};
use crate::files::read_limited;

/// No picture's file is longer.
const LARGEST_FILE: u64 = 1 << 30;

/// Reads a PNG or JPEG file as a sample of `shape`, `[C, H, W]`; `range` is what black and white are in raw numbers. Of
/// colours, grey images take the luma (ITU-R BT.601).
///
/// # Errors
/// A file that cannot be read or is no such picture; another size; images of other than 1 or 3 channels.
pub fn read_picture(path: &Path, shape: ImageShape, range: (f64, f64)) -> Result<Vec<f64>> {
    let picture = decode(path, &read_limited(path, LARGEST_FILE)?)?;
    let (height, width) = (picture.height, picture.width);
    if (height, width) != (shape.height, shape.width) || !matches!(shape.channels, 1 | 3) {
        return Err(Error::data(format!(
            "{} has {height} x {width} pixels; the model takes images of {shape}: give one of that size",
            path.display()
        )));
    }
    let mut sample = reserved(height * width * shape.channels, "a picture")?;
    let raw = |byte: f64| range.0 + (range.1 - range.0) * byte / 255.0;
    match shape.channels {
        1 => sample.extend(picture.pixels().map(|[r, g, b]| match r == g && g == b {
            true => raw(r.into()),
            false => raw(0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b)),
        })),
        _ => (0..3).for_each(|plane| sample.extend(picture.pixels().map(|pixel| raw(pixel[plane].into())))),
    }
    Ok(sample)
}
