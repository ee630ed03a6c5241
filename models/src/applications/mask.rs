//! What is hidden of an image: a picture, or a few words.
//!
//! In a picture white is known and black is missing: pixels below half of white are hidden. All channels of a pixel are
//! hidden together.

use crate::data::ImageShape;
use crate::files::read_limited;
use crate::{Error, Result};
use narrows_engine::random::{fill_uniform, stream_id};
use std::io::Cursor;
use std::path::Path;

/// The operation number of the streams that pixels are drawn from.
const HIDE: u32 = 0x00ff_0011;
/// The most bytes of a picture, as a file and as pixels.
const LARGEST: usize = 1 << 28;
/// What may be said.
const SPECS: &str = "give a .png (white known, black missing), square:SIDE, left, right, top, bottom, rows:A-B, columns:A-B or random:SHARE";

/// The hidden pixels of images of one shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    pixels: usize,
    hidden: Hidden,
}

#[derive(Debug, Clone, PartialEq)]
enum Hidden {
    /// The same of every image, `[H, W]`.
    Same(Vec<bool>),
    /// Each pixel by this probability, anew in each image.
    Random(f32),
}

impl Mask {
    /// Reads what hides pixels of images: the name of a picture of their height and width that ends in .png, or
    /// `square:SIDE` (in the middle), `left`, `right`, `top`, `bottom` (halves), `rows:A-B`, `columns:A-B` (from 0, both
    /// ends hidden) or `random:SHARE` (each pixel with that probability).
    ///
    /// # Errors
    /// Words that say none of these; a picture that cannot be read, or of another shape; what hides all or nothing.
    pub fn parse(spec: &str, image: ImageShape) -> Result<Self> {
        let (height, width) = (image.height, image.width);
        let unknown = || Error::usage(format!("unknown mask `{spec}`; {SPECS}"));
        let of = |hides: &dyn Fn(usize, usize) -> bool| Self::same(spec, image, |at| hides(at / width, at % width));
        let (word, value) = spec.split_once(':').unwrap_or((spec, ""));
        match (word, value) {
            _ if spec.to_ascii_lowercase().ends_with(".png") => Self::read(Path::new(spec), image),
            ("left", "") => of(&|_, x| x < width / 2),
            ("right", "") => of(&|_, x| x >= width - width / 2),
            ("top", "") => of(&|y, _| y < height / 2),
            ("bottom", "") => of(&|y, _| y >= height - height / 2),
            ("square", _) => {
                let side: usize = value.parse().map_err(|_| unknown())?;
                if side > height.min(width) {
                    let most = height.min(width);
                    return Err(Error::usage(format!(
                        "mask `{spec}`: images of {image} hold a square of {most} at most"
                    )));
                }
                let (top, left) = ((height - side) / 2, (width - side) / 2);
                of(&|y, x| (top..top + side).contains(&y) && (left..left + side).contains(&x))
            }
            ("rows" | "columns", _) => {
                let (first, last) = value.split_once('-').ok_or_else(unknown)?;
                let ends = first.parse().ok().zip(last.parse().ok());
                let (first, last): (usize, usize) = ends.ok_or_else(unknown)?;
                let count = if word == "rows" { height } else { width };
                if first > last || last >= count {
                    return Err(Error::usage(format!(
                        "mask `{spec}`: images of {image} have {word} 0 to {}; give the first and the last of some",
                        count - 1
                    )));
                }
                of(&|y, x| (first..=last).contains(if word == "rows" { &y } else { &x }))
            }
            ("random", _) => {
                let share: f32 = value.parse().map_err(|_| unknown())?;
                if !(share > 0.0 && share < 1.0) {
                    return Err(Error::usage(format!("mask `{spec}`: give a share above 0 and below 1")));
                }
                Ok(Self { pixels: height * width, hidden: Hidden::Random(share) })
            }
            _ => Err(unknown()),
        }
    }

    /// A picture of as many rows and columns as the images: white is known, black is missing.
    ///
    /// # Errors
    /// As for [`Self::parse`].
    pub fn read(path: &Path, image: ImageShape) -> Result<Self> {
        let bytes = read_limited(path, LARGEST as u64)?;
        let name = path.display();
        let damaged = |error: &dyn std::fmt::Display| Error::data(format!("cannot use the mask {name}: {error}"));
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: LARGEST });
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
        let mut reader = decoder.read_info().map_err(|error| damaged(&error))?;
        let (rows, columns) = (reader.info().height as usize, reader.info().width as usize);
        if (rows, columns) != (image.height, image.width) {
            return Err(Error::data(format!(
                "the mask {name} has {rows} rows and {columns} columns, the images have {} and {}; give one of that size",
                image.height, image.width
            )));
        }
        let size = reader.output_buffer_size().filter(|&size| size <= LARGEST);
        let mut pixels = vec![0; size.ok_or_else(|| damaged(&"it is too large"))?];
        let info = reader.next_frame(&mut pixels).map_err(|error| damaged(&error))?;
        let samples = info.color_type.samples();
        // Without transparency: grey or the mean of the colours.
        let colours = if samples > 2 { 3 } else { 1 };
        let brightness = |at: usize| -> u32 {
            let pixel = pixels.get(at * samples..at * samples + colours).unwrap_or_default();
            pixel.iter().map(|&x| u32::from(x)).sum()
        };
        Self::same(&name.to_string(), image, |at| brightness(at) < 128 * colours as u32)
    }

    fn same(name: &str, image: ImageShape, hides: impl Fn(usize) -> bool) -> Result<Self> {
        let pixels = image.height * image.width;
        let hidden: Vec<bool> = (0..pixels).map(hides).collect();
        match hidden.iter().filter(|hidden| **hidden).count() {
            0 => Err(Error::usage(format!("the mask {name} hides nothing; white is known, black is missing"))),
            count if count == pixels => {
                Err(Error::usage(format!("the mask {name} hides everything; white is known, black is missing")))
            }
            _ => Ok(Self { pixels, hidden: Hidden::Same(hidden) }),
        }
    }

    /// The hidden pixels `[H, W]` of the image in row `row` of its source, under `seed`.
    pub fn of(&self, row: u32, seed: u64) -> Vec<bool> {
        match &self.hidden {
            Hidden::Same(hidden) => hidden.clone(),
            Hidden::Random(share) => {
                let mut draws = vec![0.0f32; self.pixels];
                fill_uniform(seed, stream_id(u64::from(row), HIDE), 0, 0.0, 1.0, &mut draws);
                draws.iter().map(|draw| draw < share).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 1, height: 4, width: 6 };

    fn hidden(spec: &str) -> Vec<usize> {
        let mask = Mask::parse(spec, SHAPE).unwrap().of(0, 0);
        (0..24).filter(|&at| mask[at]).collect()
    }

    #[test]
    fn words_hide_what_they_say() {
        assert_eq!(hidden("square:2"), [8, 9, 14, 15]);
        assert_eq!(hidden("top"), (0..12).collect::<Vec<_>>());
        assert_eq!(hidden("bottom"), (12..24).collect::<Vec<_>>());
        assert_eq!(hidden("rows:1-1"), (6..12).collect::<Vec<_>>());
        assert_eq!(hidden("columns:5-5"), [5, 11, 17, 23]);
        assert_eq!((hidden("left").len(), hidden("right").len()), (12, 12));
        let random = Mask::parse("random:0.5", SHAPE).unwrap();
        assert!(random.of(3, 1) == random.of(3, 1) && random.of(3, 1) != random.of(4, 1));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |spec: &str| Mask::parse(spec, SHAPE).unwrap_err().to_string();
        assert!(refused("middle").contains("square:SIDE"));
        assert!(refused("square:5").contains("[1, 4, 6]") && refused("square:0").contains("hides nothing"));
        assert!(refused("rows:2-4").contains("0 to 3") && refused("rows:0-3").contains("everything"));
        assert!(refused("random:1").contains("share") && refused("random:x").contains("unknown mask"));
        assert!(refused("nowhere.png").contains("nowhere.png"));
    }

    #[test]
    fn of_a_picture_black_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let file = |width: u32, pixels: &[u8]| {
            let path = folder.path().join("mask.png");
            let mut encoder = png::Encoder::new(std::fs::File::create(&path).unwrap(), width, 4);
            encoder.set_color(png::ColorType::Grayscale);
            encoder.write_header().unwrap().write_image_data(pixels).unwrap();
            path.display().to_string()
        };
        let mut pixels = [255; 24];
        (pixels[3], pixels[4]) = (0, 128);
        assert_eq!(hidden(&file(6, &pixels)), [3]);
        let refused = Mask::parse(&file(5, &pixels[..20]), SHAPE).unwrap_err().to_string();
        assert!(refused.contains("4 rows and 5 columns, the images have 4 and 6"), "{refused}");
    }
}
