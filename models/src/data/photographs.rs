//! Patches of photographs, for sparse coding of natural images.
//!
//! A folder of JPEG and PNG files becomes rows of small grey patches as in the Stanford exercise "Sparse Autoencoder"
//! (UFLDL): whitened as Olshausen and Field do, cut at places that the seed decides, mean removed, squashed to
//! 0.1..0.9. Sizes are read first and places drawn from them, so that one photograph is in memory at a time; holding
//! all was rejected, because a folder may hold 4096 of 2^26 pixels.

use std::path::{Path, PathBuf};

use narrows_engine::random::{Philox, stream_id};

use super::whitening::{Plane, Whitening};
use super::{Dataset, ImageShape, Samples, pictures, reserved};
use crate::error::{Error, Result};
use crate::files::read_limited;

/// The operation number of the stream that places are drawn from.
const PLACES: u32 = 0x00ff_0006;
/// The greatest number of rows and of columns of a patch.
const MAX_SIZE: usize = 64;
/// The greatest number of values over all patches: 1 GiB of them.
const MAX_VALUES: usize = 1 << 28;
const MAX_FILES: usize = 1 << 12;
const MAX_FILE_BYTES: u64 = 1 << 28;

/// Which patches to cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatchOptions {
    /// Rows and columns of a patch, 1 to 64; 8 in the exercise.
    pub size: usize,
    /// How many patches; 10,000 in the exercise.
    pub count: usize,
    /// Whether to whiten each photograph first. Without that neighbouring pixels are nearly equal.
    pub whiten: bool,
    /// Decides the places.
    pub seed: u64,
}

impl Default for PatchOptions {
    /// The exercise's: 10,000 whitened patches of 8 by 8.
    fn default() -> Self {
        Self { size: 8, count: 10_000, whiten: true, seed: 0 }
    }
}

impl PatchOptions {
    fn check(&self) -> Result<()> {
        let Self { size, count, .. } = *self;
        if !(1..=MAX_SIZE).contains(&size) {
            return Err(Error::usage(format!("patches of {size} x {size} pixels; give a size of 1 to {MAX_SIZE}")));
        }
        if count == 0 {
            return Err(Error::usage("0 patches are no data; give a number of at least 1"));
        }
        if count > MAX_VALUES / (size * size) {
            return Err(Error::usage(format!(
                "{count} patches of {size} x {size} pixels are over the limit of {}; ask for fewer",
                MAX_VALUES / (size * size)
            )));
        }
        Ok(())
    }
}

/// Cuts patches from the photographs of `folder`: `[count, size * size]`, f32 in 0.1..0.9, image shape
/// `[1, size, size]`, named after the folder.
///
/// Photographs are the files ending in .jpg, .jpeg or .png (in any case, hidden ones aside), in the order of their
/// names; colours become grey by Rec. 601's luma, 0..1, transparency and EXIF orientation are ignored. With `whiten`
/// each is filtered (Olshausen and Field 1997: `R(f) = f exp(-(f/f0)^4)`, `f0` = 0.4 cycles per pixel) and divided by
/// its standard deviation. A patch comes from any photograph that is large enough with the same probability, from any
/// place of it with the same probability; its mean is removed. Then, with σ the deviation of the values of all patches,
/// `x = 0.5 + 0.4 v / 3σ`, cut at ±3σ (UFLDL, "Sparse Autoencoder", `normalizeData`); 0.5 where σ is 0.
///
/// The same files and options give the same patches (decoders may round differently on other processors), and a
/// greater `count` the same places first. A photograph that no patch falls on is not decoded.
///
/// # Errors
/// If `size` is not 1 to 64, `count` is 0 or there are more than 2^28 values in all; if the folder cannot be listed,
/// holds no photograph or more than 4096; if one cannot be read, is longer than 2^28 bytes, is neither JPEG nor PNG, is
/// damaged or cut short, or has more than 2^26 pixels (the message names the file); if none is as large as a patch; if
/// memory runs out.
pub fn photographs(folder: &Path, options: &PatchOptions) -> Result<Dataset> {
    options.check()?;
    let paths = list(folder, MAX_FILES)?;
    let found = paths.len();
    let mut usable = Vec::new();
    for path in paths {
        let photograph = Photograph::measure(path)?;
        usable.extend((photograph.width.min(photograph.height) >= options.size).then_some(photograph));
    }
    if usable.is_empty() {
        return Err(Error::data(format!(
            "{}: each of its {found} photographs is smaller than a patch of {size} x {size} pixels; add larger ones \
             or cut smaller patches",
            folder.display(),
            size = options.size
        )));
    }
    let mut places = draw(&usable, options)?;
    places.sort_unstable_by_key(|place| (place.photograph, place.patch));
    let features = options.size * options.size;
    let mut values = reserved(options.count * features, "the patches")?;
    values.resize(options.count * features, 0.0);
    let whitening = options.whiten.then(Whitening::new);
    for group in places.chunk_by(|a, b| a.photograph == b.photograph) {
        let Some(photograph) = group.first().and_then(|place| usable.get(place.photograph as usize)) else { continue };
        let mut plane = photograph.grey()?;
        if let Some(whitening) = &whitening {
            plane = whitening.apply(&plane)?;
        }
        cut(&plane, group, options.size, &mut values);
    }
    squash(&mut values);
    let name = folder.file_name().map_or_else(|| folder.display().to_string(), |name| name.display().to_string());
    // The range of pixels, 0 to 1: a scaler that goes by it leaves the values as they are.
    Dataset::new(name, Samples::F32(values), features)?
        .with_image(ImageShape { channels: 1, height: options.size, width: options.size })?
        .with_range(0.0, 1.0)
}

/// Whether the folder holds photographs, by the endings of its files; opens none.
///
/// # Errors
/// If the folder cannot be listed.
pub fn holds_photographs(folder: &Path) -> Result<bool> {
    in_folder(folder)?.next().map_or(Ok(false), |first| first.map(|_| true))
}

/// The photographs of a folder, at most `limit`, by name.
fn list(folder: &Path, limit: usize) -> Result<Vec<PathBuf>> {
    let mut paths = in_folder(folder)?.take(limit + 1).collect::<Result<Vec<_>>>()?;
    if paths.is_empty() {
        return Err(Error::data(format!(
            "{} holds no photographs; put files ending in .jpg, .jpeg or .png there",
            folder.display()
        )));
    }
    if paths.len() > limit {
        return Err(Error::data(format!(
            "{} holds more than {limit} photographs; divide it over several folders",
            folder.display()
        )));
    }
    paths.sort_unstable();
    Ok(paths)
}

fn in_folder(folder: &Path) -> Result<impl Iterator<Item = Result<PathBuf>>> {
    let unreadable = |error| Error::io("read the folder", folder, error);
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    Ok(entries.filter_map(move |entry| match entry {
        Ok(entry) => {
            let path = entry.path();
            (is_photograph(&path) && path.is_file()).then_some(Ok(path))
        }
        Err(error) => Some(Err(unreadable(error))),
    }))
}

/// Goes by the name. Hidden files are what other systems put beside photographs (`._a.jpg`).
fn is_photograph(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let ending = path.extension().unwrap_or_default();
    !hidden && ["jpg", "jpeg", "png"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// A file and what its header says, in pixels.
#[derive(Debug)]
struct Photograph {
    path: PathBuf,
    height: usize,
    width: usize,
}

impl Photograph {
    /// Reads the header only.
    fn measure(path: PathBuf) -> Result<Self> {
        let bytes = read_limited(&path, MAX_FILE_BYTES)?;
        let [height, width] = pictures::measure(&path, &bytes)?;
        Ok(Self { path, height, width })
    }

    /// Decodes to grey, `[height, width]`, 0..1.
    fn grey(&self) -> Result<Plane> {
        let bytes = read_limited(&self.path, MAX_FILE_BYTES)?;
        let picture = pictures::decode(&self.path, &bytes)?;
        if (picture.width, picture.height) != (self.width, self.height) {
            return Err(Error::data(format!("{} changed while it was read; start again", self.path.display())));
        }
        let mut values = reserved(self.width * self.height, "a photograph")?;
        values.extend(picture.pixels().map(luma));
        Ok(Plane { values, height: self.height, width: self.width })
    }
}

/// Rec. 601's luma of 8-bit red, green and blue, 0..1.
fn luma([red, green, blue]: [u8; 3]) -> f32 {
    (0.299 * f32::from(red) + 0.587 * f32::from(green) + 0.114 * f32::from(blue)) / 255.0
}

/// Where a patch lies: in which photograph, and its upper left pixel there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    photograph: u32,
    patch: u32,
    row: u32,
    column: u32,
}

/// The places of all patches, in their order. All photographs must be at least as large as a patch.
fn draw(photographs: &[Photograph], options: &PatchOptions) -> Result<Vec<Place>> {
    let mut random = Philox::new(options.seed, stream_id(0, PLACES));
    let mut below = |bound: usize| random.below(bound as u64) as u32;
    let mut places = reserved(options.count, "the places of the patches")?;
    for patch in 0..options.count as u32 {
        let photograph = below(photographs.len());
        let Photograph { height, width, .. } = photographs[photograph as usize];
        let (row, column) = (below(height - options.size + 1), below(width - options.size + 1));
        places.push(Place { photograph, patch, row, column });
    }
    Ok(places)
}

/// Copies the patches at `places` of `plane`, less their means, to their rows of `values`, `[count, size * size]`.
fn cut(plane: &Plane, places: &[Place], size: usize, values: &mut [f32]) {
    for place in places {
        let start = place.patch as usize * size * size;
        let patch = &mut values[start..start + size * size];
        let rows = plane.values.chunks_exact(plane.width).skip(place.row as usize);
        for (to, from) in patch.chunks_exact_mut(size).zip(rows) {
            to.copy_from_slice(&from[place.column as usize..][..size]);
        }
        let mean = patch.iter().copied().map(f64::from).sum::<f64>() / patch.len() as f64;
        patch.iter_mut().for_each(|value| *value = (f64::from(*value) - mean) as f32);
    }
}

/// Brings values of mean 0 to 0.1..0.9, what is beyond three deviations to the ends; all equal ones to 0.5.
fn squash(values: &mut [f32]) {
    let squares: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
    let limit = 3.0 * (squares / values.len() as f64).sqrt();
    for value in values {
        let unit = if limit > 0.0 { (f64::from(*value) / limit).clamp(-1.0, 1.0) } else { 0.0 };
        *value = (0.5 + 0.4 * unit) as f32;
    }
}

#[cfg(test)]
#[path = "photographs_tests.rs"]
mod tests;
