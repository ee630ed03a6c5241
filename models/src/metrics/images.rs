//! How near a picture comes to another: PSNR, which restates the squared error, and SSIM, which compares structure.
//!
//! SSIM (Z. Wang, A. C. Bovik, H. R. Sheikh & E. P. Simoncelli, "Image Quality Assessment: From Error Visibility to
//! Structural Similarity", IEEE Trans. Image Processing 13(4), 2004) compares means, variances and covariance under a
//! sliding Gaussian window. The window is a product of two lines, so four fields (x, y, x² + y², xy) are filtered down
//! the columns and then along the rows, a row of windows at a time: 8HW(11 + 11) flops an image instead of 8HW·121.
//! All of it is in f64: variances come as differences of means of squares.

use crate::data::{ImageShape, reserved};
use crate::{Error, Result};

/// The side of the window, its deviation in pixels, and the constants of the paper.
const SIDE: usize = 11;
const SIGMA: f64 = 1.5;
const K1: f64 = 0.01;
const K2: f64 = 0.03;
/// The fields: x, y, x² + y² and xy.
const FIELDS: usize = 4;

/// The peak signal-to-noise ratio `10 log10(range² / mse)` in decibels, of the mean squared error per value and the
/// range of the values (1 for pixels in 0 to 1). Infinite where the error is 0, which JSON writes as null.
pub fn psnr(mse: f64, range: f64) -> f64 {
    10.0 * (range * range / mse).log10()
}

/// The structural similarity of two images `[C, H, W]`; see [`Ssim`], which does many without new memory.
///
/// # Errors
/// As for [`Ssim::new`] and [`Ssim::measure`].
pub fn ssim(original: &[f32], other: &[f32], image: ImageShape, range: f64) -> Result<f64> {
    Ssim::new(image, range)?.measure(original, other)
}

/// The structural similarity of pairs of images of one shape, with the memory it works in.
///
/// The mean over all windows that lie inside the image (as in the paper's own code, nothing is padded), each channel by
/// itself, then over channels. 1 for equal images, below 1 for others, negative where structure is inverted. Weights
/// add up to 1 and moments are the population's.
///
/// The window is 11 x 11 with a deviation of 1.5 pixels. A side of the image that is shorter than 11 cuts the window to
/// the largest odd length that fits, on that side alone: 7 x 7 in the 8x8 digits, 1 x 11 in a line of 100 numbers. Such
/// figures compare with others of the same shape only.
#[derive(Debug, Clone)]
pub struct Ssim {
    image: ImageShape,
    c1: f64,
    c2: f64,
    /// Weights down the columns and along the rows.
    down: Vec<f64>,
    along: Vec<f64>,
    /// The fields of one channel, each `[H, W]`.
    fields: [Vec<f64>; FIELDS],
    /// Each field filtered down the columns at one row of windows, `[W]`.
    filtered: [Vec<f64>; FIELDS],
    /// The moments of each window of that row.
    moments: [Vec<f64>; FIELDS],
}

impl Ssim {
    /// Prepares for images of shape `image` whose values span `range` (1 for pixels in 0 to 1, the paper's L).
    ///
    /// # Errors
    /// A shape without pixels; a range that is not a positive number of ordinary size; no memory.
    pub fn new(image: ImageShape, range: f64) -> Result<Self> {
        if image.features().is_none() {
            return Err(Error::data(format!(
                "SSIM of images of {image}: they have no pixels; give every side at least 1"
            )));
        }
        if !(1e-30..=1e30).contains(&range) {
            return Err(Error::usage(format!(
                "SSIM: the range of values is {range}; give max - min, such as 1 or 255"
            )));
        }
        let (down, along) = (window(image.height), window(image.width));
        let count = image.width + 1 - along.len();
        let buffers =
            |len: usize| -> Result<[Vec<f64>; FIELDS]> { Ok([zeros(len)?, zeros(len)?, zeros(len)?, zeros(len)?]) };
        Ok(Self {
            image,
            c1: (K1 * range).powi(2),
            c2: (K2 * range).powi(2),
            fields: buffers(image.height * image.width)?,
            filtered: buffers(image.width)?,
            moments: buffers(count)?,
            down,
            along,
        })
    }

    /// The similarity of two images `[C, H, W]`; not a number where a pixel is none.
    ///
    /// # Errors
    /// An image that does not have as many values as the shape.
    pub fn measure(&mut self, original: &[f32], other: &[f32]) -> Result<f64> {
        let plane = self.image.height * self.image.width;
        let features = plane * self.image.channels;
        if original.len() != features || other.len() != features {
            return Err(Error::data(format!(
                "SSIM: {} and {} values are not two images of {}; give one image each",
                original.len(),
                other.len(),
                self.image
            )));
        }
        let mut sum = 0.0;
        for (x, y) in original.chunks_exact(plane).zip(other.chunks_exact(plane)) {
            self.fill_fields(x, y);
            for top in 0..=self.image.height - self.down.len() {
                sum += self.row_of_windows(top);
            }
        }
        let windows = (self.image.height + 1 - self.down.len()) * self.moments[0].len() * self.image.channels;
        Ok(sum / windows as f64)
    }

    fn fill_fields(&mut self, x: &[f32], y: &[f32]) {
        let [xs, ys, squares, products] = &mut self.fields;
        let fields = xs.iter_mut().zip(ys).zip(squares.iter_mut().zip(products));
        for (((x_to, y_to), (squares, products)), (&x, &y)) in fields.zip(x.iter().zip(y)) {
            let (x, y) = (f64::from(x), f64::from(y));
            (*x_to, *y_to, *squares, *products) = (x, y, x * x + y * y, x * y);
        }
    }

    /// The similarities of the windows whose first row is `top`, added up.
    fn row_of_windows(&mut self, top: usize) -> f64 {
        let width = self.image.width;
        for ((field, filtered), moments) in self.fields.iter().zip(&mut self.filtered).zip(&mut self.moments) {
            filtered.fill(0.0);
            for (&weight, row) in self.down.iter().zip(field[top * width..].chunks_exact(width)) {
                add(weight, row, filtered);
            }
            moments.fill(0.0);
            for (first, &weight) in self.along.iter().enumerate() {
                add(weight, &filtered[first..], moments);
            }
        }
        let (c1, c2) = (self.c1, self.c2);
        let [means_x, means_y, squares, products] = &self.moments;
        let moments = means_x.iter().zip(means_y).zip(squares.iter().zip(products));
        let similarity = |((&x, &y), (&squares, &product)): ((&f64, &f64), (&f64, &f64))| {
            let (of_means, both) = (x * y, x * x + y * y);
            let (covariance, variances) = (product - of_means, squares - both);
            (2.0 * of_means + c1) * (2.0 * covariance + c2) / ((both + c1) * (variances + c2))
        };
        moments.map(similarity).sum()
    }
}

/// `to += weight * from`, over the length of `to`.
fn add(weight: f64, from: &[f64], to: &mut [f64]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to += weight * from);
}

/// One side of the window for an image with a side of `len`: Gaussian weights that add up to 1.
fn window(len: usize) -> Vec<f64> {
    let side = if len >= SIDE { SIDE } else { len - usize::from(len.is_multiple_of(2)) };
    let middle = (side / 2) as f64;
    let weights: Vec<f64> = (0..side).map(|at| (-(at as f64 - middle).powi(2) / (2.0 * SIGMA * SIGMA)).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

fn zeros(len: usize) -> Result<Vec<f64>> {
    let mut buffer = reserved(len, "the structural similarity of images")?;
    buffer.resize(len, 0.0);
    Ok(buffer)
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
