//! Patches of photographs, for sparse coding of natural images.
//!
//! A folder of JPEG and PNG files becomes rows of small grey patches as in the Stanford exercise "Sparse Autoencoder"
//! (UFLDL): whitened as Olshausen and Field do, cut at places that the seed decides, mean removed, squashed to
//! 0.1..0.9. Sizes are read first and places drawn from them, so that one photograph is in memory at a time; holding
//! all was rejected, because a folder may hold 4096 of 2^26 pixels.

use std::ops::Range;
use std::path::{Path, PathBuf};

use narrows_engine::random::{Philox, stream_id};

use super::memory::{filled, reserved};
use super::patches::{PatchOptions, Patches};
use super::whitening::{Plane, Whitening};
use super::{Dataset, ImageShape, Part, Samples, pictures};
use crate::error::{Error, Result};
use crate::files::read_limited;

/// The operation numbers of the streams that places are drawn from.
const PLACES: u32 = 0x00ff_0006;
const TEST_PLACES: u32 = 0x00ff_0008;
const MAX_FILES: usize = 1 << 12;
const MAX_FILE_BYTES: u64 = 1 << 28;

/// Cuts patches from the photographs of `folder`: `[count, size * size]`, f32 in 0.1..0.9, image shape
/// `[1, size, size]`, named after the folder. `None` if that is the test part and the options hold nothing out.
///
/// Photographs are the files ending in .jpg, .jpeg or .png (in any case, hidden ones aside), in the order of their
/// names; colours become grey by Rec. 601's luma, 0..1, transparency and EXIF orientation are ignored. Where a test
/// part is held out, each photograph is cut in two along its longer side, and the last part of it is the test part's
/// alone; one with no room for a patch on both sides is trained on whole. With `whiten` each part is filtered
/// (Olshausen and Field 1997: `R(f) = f exp(-(f/f0)^4)`, `f0` = 0.4 cycles per pixel) and divided by its standard
/// deviation. A patch comes from any photograph that is large enough with the same probability, from any place of its
/// part with the same probability; its mean is removed. Then, with σ the deviation of the values of all training
/// patches, `x = 0.5 + 0.4 v / 3σ`, cut at ±3σ (UFLDL, "Sparse Autoencoder", `normalizeData`); 0.5 where σ is 0.
///
/// The same files and options give the same patches (decoders may round differently on other processors), and a
/// greater `count` the same places first. A photograph that no patch falls on is not decoded.
///
/// # Errors
/// If `size` is not 1 to 64, `count` is 0, there are more than 2^28 values in all or a part would be empty; if the
/// folder cannot be listed, holds no photograph or more than 4096; if one cannot be read, is longer than 2^28 bytes, is
/// neither JPEG nor PNG, is damaged or cut short, or has more than 2^26 pixels (the message names the file); if none is
/// as large as a patch, or none as large as two where a test part is held out; if memory runs out.
pub fn photographs(folder: &Path, options: &PatchOptions, part: Part) -> Result<Option<Dataset>> {
    options.check()?;
    if part == Part::Test && options.tested() == 0 {
        return Ok(None);
    }
    let paths = list(folder, MAX_FILES)?;
    let photographs = paths.into_iter().map(Photograph::measure).collect::<Result<Vec<_>>>()?;
    let train = Regions::of(&photographs, options, Part::Train);
    if train.0.is_empty() {
        return Err(too_small(folder, photographs.len(), options.size, "a patch"));
    }
    let test = Regions::of(&photographs, options, Part::Test);
    if test.0.is_empty() && options.tested() > 0 {
        return Err(too_small(folder, photographs.len(), options.size, "two patches side by side, one to test on,"));
    }
    let (mut values, limit) = match (part, options.limit) {
        (Part::Train, Some(limit)) => (train.patches(&photographs, options, part)?, limit),
        (Part::Test, Some(limit)) => (test.patches(&photographs, options, part)?, limit),
        (Part::Train, None) => {
            let values = train.patches(&photographs, options, part)?;
            let limit = deviations(&values);
            (values, limit)
        }
        (Part::Test, None) => {
            let limit = deviations(&train.patches(&photographs, options, Part::Train)?);
            (test.patches(&photographs, options, part)?, limit)
        }
    };
    squash(&mut values, limit);
    let name = folder.file_name().map_or_else(|| folder.display().to_string(), |name| name.display().to_string());
    let size = options.size;
    // The range of pixels, 0 to 1: a scaler that goes by it leaves the values as they are.
    let data = Dataset::new(name, Samples::F32(values), size * size)?
        .with_image(ImageShape { channels: 1, height: size, width: size })?
        .with_range(0.0, 1.0)?;
    Ok(Some(data.with_patches(Patches { size, whiten: options.whiten, limit })))
}

fn too_small(folder: &Path, found: usize, size: usize, than: &str) -> Error {
    Error::data(format!(
        "{}: each of its {found} photographs is smaller than {than} of {size} x {size} pixels; add larger ones or cut \
         smaller patches",
        folder.display()
    ))
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
pub(super) fn is_photograph(path: &Path) -> bool {
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

/// What of a photograph a part is cut from: some of its rows and of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Region {
    /// Its number among the photographs.
    photograph: usize,
    rows: Range<usize>,
    columns: Range<usize>,
}

/// What a part is cut from, in the order of the photographs.
#[derive(Debug)]
struct Regions(Vec<Region>);

impl Regions {
    fn of(photographs: &[Photograph], options: &PatchOptions, part: Part) -> Self {
        let regions = photographs.iter().enumerate().filter_map(|(photograph, &Photograph { height, width, .. })| {
            let long = height.max(width);
            // A part that is there at all has room for a patch.
            let tested = match options.tested() {
                0 => 0,
                _ if long < 2 * options.size => 0,
                _ => ((long as f64 * options.held_out).round() as usize).clamp(options.size, long - options.size),
            };
            let along = if part == Part::Train { 0..long - tested } else { long - tested..long };
            let (rows, columns) = if height >= width { (along, 0..width) } else { (0..height, along) };
            let fits = rows.len().min(columns.len()) >= options.size;
            fits.then_some(Region { photograph, rows, columns })
        });
        Self(regions.collect())
    }

    /// The patches of a part, `[count, size * size]`, not squashed yet.
    fn patches(&self, photographs: &[Photograph], options: &PatchOptions, part: Part) -> Result<Vec<f32>> {
        let mut places = self.draw(options, part)?;
        places.sort_unstable_by_key(|place| (place.region, place.patch));
        let features = options.size * options.size;
        let mut values = filled(places.len() * features, 0.0, "the patches")?;
        let whitening = options.whiten.then(Whitening::new);
        for group in places.chunk_by(|a, b| a.region == b.region) {
            let Some(region) = group.first().and_then(|place| self.0.get(place.region as usize)) else { continue };
            let Some(photograph) = photographs.get(region.photograph) else { continue };
            // Before the filter, which would carry the pixels of one part into the other.
            let mut plane = photograph.grey()?.cropped(region.rows.clone(), region.columns.clone());
            if let Some(whitening) = &whitening {
                plane = whitening.apply(&plane)?;
            }
            cut(&plane, group, options.size, &mut values);
        }
        Ok(values)
    }

    /// The places of all patches of a part, in their order.
    fn draw(&self, options: &PatchOptions, part: Part) -> Result<Vec<Place>> {
        let (stream, count) = match part {
            Part::Train => (PLACES, options.count - options.tested()),
            Part::Test => (TEST_PLACES, options.tested()),
        };
        let mut random = Philox::new(options.seed, stream_id(0, stream));
        let mut below = |bound: usize| random.below(bound as u64) as u32;
        let mut places = reserved(count, "the places of the patches")?;
        for patch in 0..count as u32 {
            let region = below(self.0.len());
            let Region { rows, columns, .. } = &self.0[region as usize];
            let (row, column) = (below(rows.len() - options.size + 1), below(columns.len() - options.size + 1));
            places.push(Place { region, patch, row, column });
        }
        Ok(places)
    }
}

/// Where a patch lies: in which region, and its upper left pixel there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    region: u32,
    patch: u32,
    row: u32,
    column: u32,
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

/// Three deviations of values of mean 0.
fn deviations(values: &[f32]) -> f64 {
    let squares: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
    3.0 * (squares / values.len() as f64).sqrt()
}

/// Brings values of mean 0 to 0.1..0.9, what is beyond `limit` to the ends; all to 0.5 if that is 0.
fn squash(values: &mut [f32], limit: f64) {
    for value in values {
        let unit = if limit > 0.0 { (f64::from(*value) / limit).clamp(-1.0, 1.0) } else { 0.0 };
        *value = (0.5 + 0.4 * unit) as f32;
    }
}

#[cfg(test)]
#[path = "photographs_tests.rs"]
mod tests;
