//! What JPEG makes of the same images in as many bytes.
//!
//! Two ways: each image a file of its own, of which a small one is mostly header (a JPEG of 8 x 8 pixels takes some 200
//! bytes), and all images beside each other as one mosaic, which shares the header and is the fair rival of a file that
//! shares its tables. Huffman tables are optimised for the file, colours subsampled as the encoder does by itself.

use crate::data::{ImageShape, reserved};
use crate::{Error, Result};
use jpeg_encoder::{ColorType, Encoder};
use serde::Serialize;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// What JPEG reaches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Jpeg {
    /// The quality, 1 to 100, whose size is nearest.
    pub quality: u8,
    /// Bytes of an image, on average.
    pub bytes_per_image: f64,
    /// `10 log10(255² / mse)` of the mean squared error over all images, in dB.
    pub psnr: f64,
}

/// Height, width and channels.
type Sizes = (usize, usize, usize);

/// Images of 8 bits, `[N, H, W, C]`.
pub(super) struct Pictures {
    pixels: Vec<u8>,
    image: ImageShape,
    count: usize,
}

impl Pictures {
    /// From values `[N, C, H, W]` between the ends of `range`, if JPEG can take such images.
    pub(super) fn new(
        values: impl ExactSizeIterator<Item = f64>,
        image: ImageShape,
        range: (f64, f64),
    ) -> Result<Self> {
        let features = image.features().unwrap_or(1);
        let count = values.len() / features;
        let mut pixels = reserved(values.len(), "pictures")?;
        pixels.resize(values.len(), 0);
        let plane = image.height * image.width;
        for (at, value) in values.enumerate() {
            let (sample, inside) = (at / features, at % features);
            let place = sample * features + inside % plane * image.channels + inside / plane;
            if let Some(pixel) = pixels.get_mut(place) {
                *pixel = (255.0 * (value - range.0) / (range.1 - range.0)).round().clamp(0.0, 255.0) as u8;
            }
        }
        Ok(Self { pixels, image, count })
    }

    /// The mean squared difference from others, of pixels, for each image.
    pub(super) fn errors(&self, others: &Self) -> Vec<f64> {
        let features = self.image.features().unwrap_or(1);
        let images = self.pixels.chunks_exact(features).zip(others.pixels.chunks_exact(features));
        images.map(|(a, b)| difference(a, b) / features as f64).collect()
    }

    /// Whether JPEG takes them: grey or colour, and not too large.
    pub(super) fn fit(&self) -> bool {
        let ImageShape { channels, height, width } = self.image;
        matches!(channels, 1 | 3) && height < 1 << 16 && width < 1 << 16 && self.count > 0
    }

    /// JPEG of each image by itself, of about `bytes` on average.
    pub(super) fn each(&self, bytes: f64) -> Result<Jpeg> {
        let features = self.image.features().unwrap_or(1);
        let ImageShape { channels, height, width } = self.image;
        let all = |quality: u8| -> Result<(usize, f64)> {
            let (mut size, mut error) = (0, 0.0);
            for image in self.pixels.chunks_exact(features) {
                let file = encoded(image, (height, width, channels), quality)?;
                size += file.len();
                error += difference(image, &decoded(&file)?);
            }
            Ok((size, error))
        };
        self.nearest(bytes, all)
    }

    /// JPEG of all images as one, of about `bytes` each; `None` if that would be too large a picture.
    pub(super) fn mosaic(&self, bytes: f64) -> Result<Option<Jpeg>> {
        let Some((picture, sizes)) = self.beside()? else { return Ok(None) };
        // What lies beyond the last image is black, and as good as exact.
        let whole = |quality: u8| -> Result<(usize, f64)> {
            let file = encoded(&picture, sizes, quality)?;
            Ok((file.len(), difference(&picture, &decoded(&file)?)))
        };
        self.nearest(bytes, whole).map(Some)
    }

    /// All images beside and below each other without gaps, nearly a square, with height, width and channels.
    fn beside(&self) -> Result<Option<(Vec<u8>, Sizes)>> {
        let ImageShape { channels, height, width } = self.image;
        let columns = ((self.count * height) as f64 / width as f64).sqrt().ceil().max(1.0) as usize;
        let columns = columns.min(self.count);
        let (tall, wide) = (self.count.div_ceil(columns) * height, columns * width);
        if tall >= 1 << 16 || wide >= 1 << 16 {
            return Ok(None);
        }
        let mut picture = reserved(tall * wide * channels, "a mosaic")?;
        picture.resize(tall * wide * channels, 0);
        let (line, features) = (width * channels, height * width * channels);
        for (at, image) in self.pixels.chunks_exact(features).enumerate() {
            let (top, left) = (at / columns * height, at % columns * width);
            for (y, row) in image.chunks_exact(line).enumerate() {
                let start = ((top + y) * wide + left) * channels;
                picture[start..start + line].copy_from_slice(row);
            }
        }
        Ok(Some((picture, (tall, wide, channels))))
    }

    /// The quality whose size is nearest to so many bytes an image; `at` gives size and squared error of all.
    fn nearest(&self, bytes: f64, at: impl Fn(u8) -> Result<(usize, f64)>) -> Result<Jpeg> {
        let (count, values) = (self.count as f64, self.pixels.len() as f64);
        let measured = |quality: u8| -> Result<Jpeg> {
            let (size, error) = at(quality)?;
            let psnr = 10.0 * (255.0 * 255.0 * values / error).log10();
            Ok(Jpeg { quality, bytes_per_image: size as f64 / count, psnr })
        };
        let (mut low, mut high) = (measured(1)?, None);
        let mut end = 101;
        while low.quality + 1 < end && low.bytes_per_image < bytes {
            let middle = measured(low.quality + (end - low.quality) / 2)?;
            if middle.bytes_per_image < bytes {
                low = middle;
            } else {
                end = middle.quality;
                high = Some(middle);
            }
        }
        let off = |found: &Jpeg| (found.bytes_per_image - bytes).abs();
        Ok(high.filter(|high| off(high) < off(&low)).unwrap_or(low))
    }
}

/// The sum of squared differences.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum::<u64>() as f64
}

fn encoded(pixels: &[u8], (height, width, channels): Sizes, quality: u8) -> Result<Vec<u8>> {
    let failed = |why: &dyn std::fmt::Display| Error::data(format!("cannot make a JPEG of {width} x {height}: {why}"));
    let colours = if channels == 3 { ColorType::Rgb } else { ColorType::Luma };
    let (width_, height_) =
        (u16::try_from(width).map_err(|e| failed(&e))?, u16::try_from(height).map_err(|e| failed(&e))?);
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality);
    encoder.set_optimized_huffman_tables(true);
    encoder.encode(pixels, width_, height_, colours).map_err(|error| failed(&error))?;
    Ok(file)
}

fn decoded(file: &[u8]) -> Result<Vec<u8>> {
    let failed = |error: &dyn std::fmt::Debug| Error::data(format!("cannot read a JPEG again: {error:?}"));
    let options = DecoderOptions::default().set_max_width(1 << 16).set_max_height(1 << 16);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(|error| failed(&error))?;
    let colours = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => ColorSpace::Luma,
        _ => ColorSpace::RGB,
    };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(colours));
    decoder.decode().map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures(channels: usize) -> Pictures {
        let image = ImageShape { channels, height: 12, width: 10 };
        let count = 9 * image.features().unwrap();
        let values: Vec<f64> = (0..count).map(|at| (at as f64 / 17.0).sin() + (at % 10) as f64 * 0.05).collect();
        Pictures::new(values.into_iter(), image, (-1.0, 1.5)).unwrap()
    }

    #[test]
    fn the_nearest_quality_is_found_and_more_bytes_are_better() {
        for channels in [1, 3] {
            let pictures = pictures(channels);
            assert!(pictures.fit());
            let (small, large) = (pictures.mosaic(1.0).unwrap().unwrap(), pictures.mosaic(1e9).unwrap().unwrap());
            assert_eq!((small.quality, large.quality), (1, 100));
            assert!(small.psnr < large.psnr && small.bytes_per_image < large.bytes_per_image);
            let bytes = 0.5 * (small.bytes_per_image + large.bytes_per_image);
            let middle = pictures.mosaic(bytes).unwrap().unwrap();
            assert!((small.psnr..large.psnr).contains(&middle.psnr));
            let (mosaic, sizes) = pictures.beside().unwrap().unwrap();
            let near = |at: u8| (encoded(&mosaic, sizes, at).unwrap().len() as f64 / 9.0 - bytes).abs();
            assert!(near(middle.quality) <= near(middle.quality - 1).min(near(middle.quality + 1)));
            // A file of its own for each image is mostly header.
            assert!(pictures.each(1.0).unwrap().bytes_per_image > small.bytes_per_image);
        }
    }

    #[test]
    fn planes_become_pixels() {
        let image = ImageShape { channels: 3, height: 1, width: 2 };
        let pictures = Pictures::new([0.0, 1.0, 2.0, 3.0, 4.0, 99.0].into_iter(), image, (0.0, 5.0)).unwrap();
        assert_eq!(pictures.pixels, [0, 102, 204, 51, 153, 255]);
    }
}
