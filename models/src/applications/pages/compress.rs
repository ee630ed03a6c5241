//! What compression leaves of samples, beside JPEG of as many bytes.

use super::origin::{Origin, number, some};
use crate::Result;
use crate::applications::compress::{CompressedSource, Figures, decompress};
use crate::applications::picture::{SHOWN, layers_png};
use crate::data::{Rows, reserved};
use crate::figure::grouped;
use crate::model::Session;
use crate::report::page::{Figure, Page, Section};

/// The page of `compress`.
///
/// # Errors
/// As for [`decompress`]; samples that cannot be drawn.
pub fn compress(session: &mut Session, source: &CompressedSource, origin: &Origin) -> Result<Page> {
    let CompressedSource { compressed, figures, dataset, rows } = source;
    let (features, count) = (dataset.features(), rows.len().min(SHOWN));
    let made = decompress(session, &compressed.bytes, "the compressed file")?;
    let places: Vec<usize> = (0..count).map(|at| at * rows.len() / count.max(1)).collect();
    let shown: Vec<u32> = places.iter().map(|&place| rows[place]).collect();
    let mut raw = reserved(count.saturating_mul(features), "samples")?;
    raw.resize(count * features, 0.0);
    dataset.read(&shown, &mut raw)?;
    let originals: Vec<f32> = raw.iter().map(|&x: &f64| x as f32).collect();
    let back: Vec<f32> =
        places.iter().flat_map(|place| &made[place * features..(place + 1) * features]).copied().collect();
    let model = session.model();
    let png = layers_png(model, dataset.raw_range(), &[&originals, &back])?;
    let picture = Section::new("What comes back").picture(
        png,
        "Samples, each above what is left of it",
        "Some of the samples, evenly apart; below each what is read back from the file.",
    );
    let of = format!("{} samples of {}", grouped(rows.len()), dataset.name());
    let page = origin.page("Compression", model, &of).section(reached(figures, dataset.notes()));
    Ok(page.section(picture).section(beside(figures)).section(origin.section(model)))
}

fn reached(figures: &Figures, notes: &[String]) -> Section {
    let size = |name: &str, bytes: usize, meaning: &str| {
        Figure::new(name, format!("{} bytes", grouped(bytes))).exact(bytes.to_string()).meaning(meaning)
    };
    let mut all = vec![
        size("file", figures.bytes, "The whole file."),
        size("codes", figures.payload_bytes, "The codes in it; the rest says what they mean."),
        number("a sample", figures.bytes_per_image, " bytes", "The file over the samples."),
        number("ratio", figures.ratio, "", "A byte for each value, over the file."),
        number("bits of a number", figures.bits_per_code, "", "Bits for each number, or entry, of a code."),
    ];
    all.extend(some("bits of a pixel", figures.bits_per_pixel, "", "Bits of the file for each pixel."));
    all.extend(some("step", figures.step, "", "The step of quantisation, in deviations of a number of the code."));
    all.extend(some("PSNR", figures.psnr, " dB", "Of the mean squared error over all samples; more is better."));
    all.extend(some("mean PSNR", figures.mean_psnr, " dB", "The mean of each image's own."));
    notes.iter().fold(Section::new("What it reached").figures(all), |section, note| section.text(note))
}

fn beside(figures: &Figures) -> Section {
    let jpegs = [
        ("one mosaic", figures.jpeg_mosaic, "All images as one picture, in as many bytes."),
        ("a file each", figures.jpeg_each, "Each image by itself, the nearest that JPEG comes to as many bytes."),
    ];
    let mut all = Vec::new();
    for (name, jpeg, meaning) in jpegs {
        let Some(jpeg) = jpeg else { continue };
        all.push(number(&format!("PSNR, {name}"), jpeg.psnr, " dB", meaning));
        let meaning = format!("At quality {}.", jpeg.quality);
        all.push(number(&format!("an image, {name}"), jpeg.bytes_per_image, " bytes", meaning));
    }
    let section = Section::new("JPEG of the same images");
    if all.is_empty() { section } else { section.figures(all) }
}
