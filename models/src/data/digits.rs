//! The embedded default: 1,797 handwritten digits of 8x8 pixels with values 0 to 16, and their labels.
//!
//! Source: "Optical Recognition of Handwritten Digits", E. Alpaydin and C. Kaynak, UCI Machine Learning Repository
//! (1998), <https://doi.org/10.24432/C50P49>, under CC BY 4.0 (<https://creativecommons.org/licenses/by/4.0/>); the
//! rows are unchanged. See `models/data/README.md`. The set has no test part of its own: hold one out with
//! [`split`](super::split()). Kept as compressed CSV (57 KB) rather than a binary of ours, so that anyone can read it.

use std::io::Read;

use flate2::read::GzDecoder;

use super::memory::reserved;
use super::{Dataset, ImageShape, Samples};
use crate::error::{Error, Result};

/// 64 pixel columns, then the label; no header.
static PACKED: &[u8] = include_bytes!("../../data/digits.csv.gz");
const ROWS: usize = 1797;
const PIXELS: usize = 64;
/// More than the 264,712 bytes of text.
const TEXT_LIMIT: u64 = 1 << 20;

/// The embedded digits: samples `[1797, 64]` of u8 in 0 to 16, images `[1, 8, 8]`, labels 0 to 9.
///
/// # Errors
/// If memory runs out, or the program's own copy is damaged.
pub fn digits() -> Result<Dataset> {
    let mut text = String::new();
    GzDecoder::new(PACKED).take(TEXT_LIMIT).read_to_string(&mut text).map_err(|error| damaged(&error.to_string()))?;
    let mut samples = reserved(ROWS * PIXELS, "the embedded digits")?;
    let mut labels = reserved(ROWS, "the labels of the embedded digits")?;
    for (row, line) in text.lines().enumerate() {
        let mut fields = line.split(',').map(str::parse::<u8>);
        for field in fields.by_ref().take(PIXELS) {
            samples.push(field.map_err(|error| damaged(&format!("row {row}: {error}")))?);
        }
        match (fields.next(), fields.next()) {
            (Some(Ok(label)), None) => labels.push(u32::from(label)),
            _ => return Err(damaged(&format!("row {row} is not {PIXELS} pixels and a label"))),
        }
    }
    Dataset::new("digits", Samples::U8(samples), PIXELS)?
        .with_image(ImageShape { channels: 1, height: 8, width: 8 })?
        .with_range(0.0, 16.0)?
        .with_labels(labels)
}

fn damaged(reason: &str) -> Error {
    Error::data(format!("the embedded digits are damaged ({reason}); install the program again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_in_range() {
        let data = digits().unwrap();
        assert_eq!((data.len(), data.features(), data.classes()), (ROWS, PIXELS, 10));
        assert_eq!(data.raw_range(), Some((0.0, 16.0)));
        let Samples::U8(values) = data.samples() else { panic!("digits are bytes") };
        assert_eq!((values.iter().min(), values.iter().max()), (Some(&0), Some(&16)));
        assert_eq!(&values[..9], &[0, 0, 5, 13, 9, 1, 0, 0, 0]);
        assert_eq!(values.iter().map(|&value| u64::from(value)).sum::<u64>(), 561_718);
        assert_eq!(&data.labels().unwrap()[..11], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0]);
        assert_eq!(data.bytes(), ROWS * (PIXELS + 4));
    }
}
