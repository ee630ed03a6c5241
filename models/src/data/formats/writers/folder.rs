//! A folder of PNG files, one a row, in a sub-folder a class if rows have labels.
//!
//! A picture's number is its row's, from 0, so that it can be found again among its source. Names of classes come out of
//! files: what could lead out of the folder is replaced.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use super::header::{Header, RowWriter};
use crate::data::ImageShape;
use crate::error::{Error, Result};
use crate::files::AtomicFolder;

/// The longest name of a class's folder, in letters.
const LONGEST: usize = 80;

pub(super) struct Folder {
    folder: AtomicFolder,
    header: Header,
    image: ImageShape,
    rows: usize,
    /// The folders of the classes so far.
    classes: BTreeMap<u32, PathBuf>,
}

impl Folder {
    pub(super) fn create(path: &Path, header: Header) -> Result<Self> {
        let image = header.image.ok_or_else(|| {
            Error::usage(format!(
                "cannot write {}: rows that are no images do not become PNG files; name a file ending in .csv",
                path.display()
            ))
        })?;
        let sides = [image.height, image.width].map(u32::try_from);
        if !matches!(image.channels, 1 | 3) || sides.iter().any(std::result::Result::is_err) {
            return Err(Error::data(format!(
                "cannot write {}: images of {image} do not become PNG files, which have 1 or 3 channels; name a file \
                 ending in .npy",
                path.display()
            )));
        }
        Ok(Self { folder: AtomicFolder::create(path)?, header, image, rows: 0, classes: BTreeMap::new() })
    }

    /// The folder of a class, made if it is not there.
    fn class(&mut self, label: u32) -> Result<PathBuf> {
        if let Some(folder) = self.classes.get(&label) {
            return Ok(folder.clone());
        }
        let name = safe(&self.header.class(label), label);
        let mut folder = self.folder.path().join(&name);
        // Two names may have become one, or differ in case only.
        if folder.exists() {
            folder = self.folder.path().join(format!("{name}_{label}"));
        }
        std::fs::create_dir(&folder).map_err(|error| self.failed(error))?;
        self.classes.insert(label, folder.clone());
        Ok(folder)
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::io("write", self.folder.target(), error)
    }

    /// `[C, H, W]` as bytes, pixel after pixel.
    fn pixels(&self, row: &[f64], out: &mut Vec<u8>) {
        let (black, white) = self.header.range.unwrap_or((0.0, 255.0));
        let plane = self.image.height * self.image.width;
        out.clear();
        for at in 0..plane {
            let channels = row.iter().skip(at).step_by(plane.max(1));
            // What is beyond a byte becomes its end, and NaN black.
            out.extend(channels.map(|value| (255.0 * (value - black) / (white - black)).round() as u8));
        }
    }

    fn picture(&self, path: &Path, pixels: &[u8]) -> std::result::Result<(), png::EncodingError> {
        let file = BufWriter::new(File::create(path)?);
        let mut encoder = png::Encoder::new(file, self.image.width as u32, self.image.height as u32);
        encoder.set_color(if self.image.channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(pixels)?;
        writer.finish()
    }
}

impl RowWriter for Folder {
    fn write(&mut self, values: &[f64], labels: Option<&[u32]>) -> Result<()> {
        self.header.rows(values, labels)?;
        let mut labels = labels.unwrap_or_default().iter();
        let mut pixels = Vec::new();
        for row in values.chunks_exact(self.header.features()) {
            let folder = match labels.next() {
                Some(&label) => self.class(label)?,
                None => self.folder.path().to_owned(),
            };
            self.pixels(row, &mut pixels);
            let path = folder.join(format!("{:05}.png", self.rows));
            self.picture(&path, &pixels).map_err(|error| self.failed(error.into()))?;
            self.rows += 1;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.folder.finish()
    }
}

/// A class's name as that of a folder: letters, digits, `-`, `_`, `.` within and single spaces within.
fn safe(name: &str, label: u32) -> String {
    let letter = |letter: char| {
        if letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | ' ') { letter } else { '_' }
    };
    let name: String = name.chars().map(letter).take(LONGEST).collect();
    let name = name.trim_matches(['.', ' ']);
    if name.is_empty() { label.to_string() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn names_of_classes_stay_in_the_folder() {
        assert_eq!(safe("../../etc/passwd", 1), "_.._etc_passwd");
        assert_eq!(safe("/", 2), "_");
        assert_eq!((safe("..", 3), safe("", 4)), ("3".into(), "4".into()));
        assert_eq!(safe("größe 1.5", 5), "größe 1.5");
        assert_eq!(safe(&"x".repeat(500), 6).len(), 80);
    }
}
