//! Folders of images, each one sample: PNG, JPEG and WebP, sub-folders being classes.
//!
//! Images are grey if every pixel of every one is (files often hold grey pictures as colour ones), else `[3, H, W]`. They
//! stay bytes. All have one size, or are brought to one; what is transparent is laid over white, as a browser shows it.

use std::path::Path;

use super::resize::resized;
use super::tree::Tree;
use crate::data::memory::reserved;
use crate::data::pictures::{self, Picture};
use crate::data::{Dataset, ImageShape, Part, Samples};
use crate::error::{Error, Result};
use crate::files::read_limited;

const MAX_FILE_BYTES: u64 = 1 << 28;
/// The longest side that pictures are brought to.
const MAX_SIDE: usize = 1 << 13;

/// How the images of a folder are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImageOptions {
    /// Height and width to bring every picture to, by averages over areas where it shrinks and linearly where it grows.
    pub resize: Option<(usize, usize)>,
    /// 1 makes all grey (Rec. 601's luma), 3 keeps grey ones as colours; what a model was trained on. `None` looks.
    pub channels: Option<usize>,
}

impl ImageOptions {
    fn check(&self) -> Result<()> {
        if let Some((height, width)) = self.resize
            && !((1..=MAX_SIDE).contains(&height) && (1..=MAX_SIDE).contains(&width))
        {
            return Err(Error::usage(format!(
                "cannot resize to {height}x{width}; give sides of 1 to {MAX_SIDE} pixels"
            )));
        }
        match self.channels {
            None | Some(1 | 3) => Ok(()),
            Some(other) => Err(Error::usage(format!("images have 1 or 3 channels, not {other}"))),
        }
    }
}

/// Reads one part of a folder of images: `[N, C * H * W]` bytes, image shape `[1, H, W]` or `[3, H, W]`, named after the
/// folder. Each sub-folder is a class, in the order of their names; a flat folder has no labels. Where the sub-folders
/// are called `train` and `test` (and `val`, which is left aside), they are the parts; else `None` for a test part.
/// Files ending in .png, .jpg, .jpeg and .webp are pictures, hidden ones aside.
///
/// # Errors
/// A folder that cannot be listed or holds no picture; a picture that cannot be read, is damaged, animated or larger
/// than 2^26 pixels (the message names it); pictures of different sizes without `resize` (it names the first two); options
/// that make no sense; no memory.
pub fn read_images(folder: &Path, options: &ImageOptions, part: Part) -> Result<Option<Dataset>> {
    options.check()?;
    let Some(tree) = Tree::of(folder, part)? else { return Ok(None) };
    let mut images = Images::new(*options);
    for (path, _) in &tree.pictures {
        let picture = pictures::decode(path, &read_limited(path, MAX_FILE_BYTES)?)?;
        images.push(path, &picture)?;
    }
    let name = folder.file_name().map_or_else(|| folder.display().to_string(), |name| name.display().to_string());
    let mut data = images.dataset(&folder.display().to_string())?.with_name(name);
    if !tree.classes.is_empty() {
        let mut labels = reserved(tree.pictures.len(), "labels")?;
        labels.extend(tree.pictures.iter().map(|(_, class)| *class));
        data = data.with_labels(labels)?.with_class_names(tree.classes)?;
    }
    Ok(Some(tree.aside.into_iter().fold(data, Dataset::with_note)))
}

/// Whether a folder of images has a test part, from the names in it.
///
/// # Errors
/// A folder that cannot be listed.
pub fn images_have_test(folder: &Path) -> Result<bool> {
    Tree::has_test(folder)
}

/// One picture, from a file's bytes, as a data set of one image; messages call it `origin`.
///
/// # Errors
/// As for [`read_images`].
pub fn parse_picture(bytes: &[u8], origin: &str) -> Result<Dataset> {
    let path = Path::new(origin);
    let mut images = Images::new(ImageOptions::default());
    images.push(path, &pictures::decode(path, bytes)?)?;
    images.dataset(origin)
}

/// Images that come one by one.
struct Images {
    options: ImageOptions,
    /// The size of all, `[height, width]`, and the file that had it first.
    size: Option<([usize; 2], String)>,
    colour: bool,
    /// `[N, C, H, W]`, C being 3 if `colour`.
    values: Vec<u8>,
    transparent: usize,
    resized: usize,
}

impl Images {
    fn new(options: ImageOptions) -> Self {
        let colour = options.channels == Some(3);
        Self { options, size: None, colour, values: Vec::new(), transparent: 0, resized: 0 }
    }

    fn push(&mut self, path: &Path, picture: &Picture) -> Result<()> {
        let own = [picture.height, picture.width];
        let size = self.options.resize.map_or(own, |(height, width)| [height, width]);
        match &self.size {
            Some((first, name)) if *first != size => {
                return Err(Error::data(format!(
                    "{name} has {} x {} pixels (height, width), {} has {} x {}; bring all to one size with --resize HxW, \
                     such as --resize {}x{}",
                    first[0],
                    first[1],
                    path.display(),
                    size[0],
                    size[1],
                    first[0],
                    first[1]
                )));
            }
            Some(_) => {}
            None => self.size = Some((size, path.display().to_string())),
        }
        self.transparent += usize::from(picture.is_transparent());
        self.resized += usize::from(own != size);
        let is_grey = |[red, green, blue]: [u8; 3]| red == green && green == blue;
        if !self.colour && self.options.channels.is_none() && !picture.over_white().all(is_grey) {
            self.become_colour(size)?;
        }
        let planes = if self.colour { 3 } else { 1 };
        for plane in 0..planes {
            let byte = |pixel: [u8; 3]| match self.colour {
                true => pixel[plane],
                false if is_grey(pixel) => pixel[0],
                false => luma(pixel),
            };
            let mut values = reserved(own[0] * own[1], "a picture")?;
            values.extend(picture.over_white().map(byte));
            if own != size {
                values = resized(&values, own, size)?;
            }
            self.room(values.len())?;
            self.values.extend_from_slice(&values);
        }
        Ok(())
    }

    /// Makes the grey images so far colour ones.
    fn become_colour(&mut self, [height, width]: [usize; 2]) -> Result<()> {
        self.colour = true;
        let mut values = reserved(self.values.len().saturating_mul(3), "images in colour")?;
        for image in self.values.chunks_exact(height * width) {
            (0..3).for_each(|_| values.extend_from_slice(image));
        }
        self.values = values;
        Ok(())
    }

    /// Room for more, twice as much as there is if there is not enough.
    fn room(&mut self, more: usize) -> Result<()> {
        let bytes = self.values.len().saturating_add(more);
        self.values.try_reserve(more).map_err(|_| {
            Error::data(format!("not enough memory for images: {bytes} bytes; use less data or a larger machine"))
        })
    }

    fn dataset(self, origin: &str) -> Result<Dataset> {
        let [height, width] = self.size.map_or([0; 2], |(size, _)| size);
        let shape = ImageShape { channels: if self.colour { 3 } else { 1 }, height, width };
        let data = Dataset::new(origin, Samples::U8(self.values), shape.features().unwrap_or(0))?.with_image(shape)?;
        let count = data.len();
        let mut notes = Vec::new();
        if self.transparent > 0 {
            notes.push(format!(
                "{origin}: {} of {count} pictures are transparent, and were laid over white",
                self.transparent
            ));
        }
        if self.resized > 0 {
            notes.push(format!(
                "{origin}: {} of {count} pictures were brought to {height} x {width} pixels",
                self.resized
            ));
        }
        Ok(notes.into_iter().fold(data, Dataset::with_note))
    }
}

/// Rec. 601's luma.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    (0.299 * f32::from(red) + 0.587 * f32::from(green) + 0.114 * f32::from(blue)).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
