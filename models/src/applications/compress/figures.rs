//! What compression reaches: sizes, how near what comes back is, and what JPEG makes of the same images.

use super::jpeg::{Jpeg, Pictures};
use super::pack::{Compressed, compress, decompress};
use super::rows::Samples;
use super::steps::Rate;
use crate::Result;
use crate::data::{Dataset, ImageShape, Rows, load_for};
use crate::model::Session;
use serde::Serialize;

/// Images that JPEG is tried on, evenly apart.
const TRIED: usize = 4096;

/// Sizes and errors of compressed samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Samples.
    pub images: usize,
    /// The whole file.
    pub bytes: usize,
    /// The codes in it; the rest is the header.
    pub payload_bytes: usize,
    /// The file over the samples.
    pub bytes_per_image: f64,
    /// The codes over the samples.
    pub payload_bytes_per_image: f64,
    /// Bits of codes for each number, or entry, of a code.
    pub bits_per_code: f64,
    /// Bits of the file for each pixel; null of samples that are no images.
    pub bits_per_pixel: Option<f64>,
    /// A byte for each value, over the file.
    pub ratio: f64,
    /// `10 log10(range² / mse)` of the mean squared error over all samples, in dB; images as 8 bits, as JPEG's are. Null
    /// of samples whose values have no range in common, or some of them are missing.
    pub psnr: Option<f64>,
    /// The mean of each image's own PSNR; null as before, or where an image comes back exactly.
    pub mean_psnr: Option<f64>,
    /// JPEG of all images as one mosaic in as many bytes: its PSNR.
    pub jpeg_psnr: Option<f64>,
    /// And its size.
    pub jpeg_bytes_per_image: Option<f64>,
    /// The same with the quality.
    pub jpeg_mosaic: Option<Jpeg>,
    /// JPEG of each image by itself.
    pub jpeg_each: Option<Jpeg>,
    /// The step of the numbers, in deviations; null of a codebook's entries.
    pub step: Option<f64>,
}

/// What compressing a source gives, with the samples that it is of.
#[derive(Debug, Clone)]
pub struct CompressedSource {
    /// The file.
    pub compressed: Compressed,
    /// What it reaches.
    pub figures: Figures,
    /// The data, whose reader may have notes.
    pub dataset: Dataset,
    /// The rows that were compressed.
    pub rows: Vec<u32>,
}

/// Compresses what `data` names, of a source with a test part that, and measures it.
///
/// # Errors
/// A source that cannot be read; as for [`compress`].
pub fn compress_source(session: &mut Session, data: &str, rate: Option<Rate>) -> Result<CompressedSource> {
    let model = session.model();
    let (dataset, rows, _) = load_for(model.source(), data, &model.data().known())?;
    let compressed = compress(session, &dataset, &rows, rate)?;
    let figures = figures(session, &dataset, &rows, &compressed)?;
    Ok(CompressedSource { compressed, figures, dataset, rows })
}

/// Measures what [`compress`] made of rows of a dataset, by decompressing it.
///
/// # Errors
/// As for [`decompress`]; rows that are not those in the file.
pub fn figures(session: &mut Session, dataset: &Dataset, rows: &[u32], compressed: &Compressed) -> Result<Figures> {
    let features = session.model().data().features;
    let made = decompress(session, &compressed.bytes, "the compressed file")?;
    let samples = Samples::new(session, dataset, rows)?;
    let count = samples.len().max(1) as f64;
    let size = compressed.bytes.len();
    let image = session.model().data().image.or(dataset.image());
    let mut figures = Figures {
        images: samples.len(),
        bytes: size,
        payload_bytes: compressed.payload,
        bytes_per_image: size as f64 / count,
        payload_bytes_per_image: compressed.payload as f64 / count,
        bits_per_code: 8.0 * compressed.payload as f64 / (count * compressed.width.max(1) as f64),
        bits_per_pixel: image.map(|image| 8.0 * size as f64 / (count * (image.height * image.width) as f64)),
        ratio: count * features as f64 / size as f64,
        psnr: None,
        mean_psnr: None,
        jpeg_psnr: None,
        jpeg_bytes_per_image: None,
        jpeg_mosaic: None,
        jpeg_each: None,
        step: compressed.step,
    };
    let range = session.model().data().preprocessing.range().or(dataset.raw_range());
    let Some(range) = range.filter(|_| !dataset.has_missing()) else { return Ok(figures) };
    // What is no image is compared in the same way, as a line of values.
    let shape = image.unwrap_or(ImageShape { channels: 1, height: 1, width: features });
    let mut errors = Vec::new();
    for first in (0..samples.len()).step_by(TRIED) {
        let places: Vec<usize> = (first..samples.len().min(first + TRIED)).collect();
        let part = &made[first * features..(first + places.len()) * features];
        let back = Pictures::new(part.iter().map(|&value| f64::from(value)), shape, range)?;
        errors.extend(Pictures::new(samples.raw(&places)?.into_iter(), shape, range)?.errors(&back));
    }
    let psnr = |error: f64| 10.0 * (255.0 * 255.0 / error).log10();
    figures.psnr = Some(psnr(errors.iter().sum::<f64>() / count));
    figures.mean_psnr =
        Some(errors.iter().map(|&error| psnr(error)).sum::<f64>() / count).filter(|mean| mean.is_finite());
    if image.is_some() {
        let tried = Pictures::new(samples.raw(&samples.some(TRIED))?.into_iter(), shape, range)?;
        if tried.fit() {
            figures.jpeg_each = Some(tried.each(figures.bytes_per_image)?);
            figures.jpeg_mosaic = tried.mosaic(figures.bytes_per_image)?;
        }
    }
    figures.jpeg_psnr = figures.jpeg_mosaic.map(|jpeg| jpeg.psnr);
    figures.jpeg_bytes_per_image = figures.jpeg_mosaic.map(|jpeg| jpeg.bytes_per_image);
    Ok(figures)
}
