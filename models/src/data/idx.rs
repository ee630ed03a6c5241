//! The IDX format of MNIST and its relatives: a big-endian header `0, 0, type, ndim`, `ndim` sizes of 32 bits,
//! elements.
//!
//! [`parse`], [`parse_images`] and [`parse_labels`] are pure functions over any `Read`, and so are the fuzzing
//! targets; [`read_images`] and [`read_labels`] open a file and unpack it on the way if its content (not its name:
//! browsers unpack and keep the `.gz`) is gzip. Bytes are unpacked straight into their final buffer. A header alone
//! never makes memory grow: the first reservation follows the bytes expected from the stream, later ones double what
//! has arrived, and the last ends at the exact size, so peak memory is the data's own bytes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::gzip::{MAGIC, Members};
use super::incoming::{CHUNK, Incoming};
use super::memory::reserved;
use super::{Dataset, ImageShape, MAX_CLASSES, Samples};
use crate::error::{Error, Result};

/// The most elements an array may have: 2^31.
pub const MAX_ELEMENTS: u64 = 1 << 31;
/// The most dimensions an array may have.
pub const MAX_DIMENSIONS: usize = 8;
/// Images pack to a fifth or so; what packs tighter than this is unpacked with a few reallocations.
const USUAL_PACKING: u64 = 16;

/// An IDX array: its sizes, outermost first, and its elements in row-major order, nothing rounded: unsigned bytes stay
/// bytes, signed bytes and integers of 16 bits become f32, integers of 32 bits and doubles f64.
#[derive(Debug, Clone, PartialEq)]
pub struct IdxArray {
    /// The size of each dimension; their product is the number of elements.
    pub dims: Vec<usize>,
    /// The elements.
    pub elements: Samples,
}

/// Reads one IDX array, which must be all there is in `reader`. Messages call it `name`. `expected_bytes` is about how
/// many bytes `reader` will deliver, 0 if unknown: only the first reservation depends on it.
///
/// # Errors
/// If the stream does not begin as IDX does, has an unknown element type, 0 or more than [`MAX_DIMENSIONS`] dimensions
/// or more than [`MAX_ELEMENTS`] elements; if it ends early or goes on after the last element; if reading or unpacking
/// fails; if memory runs out.
pub fn parse(reader: impl Read, name: &str, expected_bytes: u64) -> Result<IdxArray> {
    let mut stream = Incoming::new(reader, name, 4);
    let (dims, code, count) = header(&mut stream)?;
    let elements = match code {
        0x08 => Samples::U8(stream.bytes(count, expected_bytes)?),
        0x09 => Samples::F32(stream.numbers(count, expected_bytes, |b| f32::from(i8::from_be_bytes(b)))?),
        0x0b => Samples::F32(stream.numbers(count, expected_bytes, |b| f32::from(i16::from_be_bytes(b)))?),
        0x0c => Samples::F64(stream.numbers(count, expected_bytes, |b| f64::from(i32::from_be_bytes(b)))?),
        0x0d => Samples::F32(stream.numbers(count, expected_bytes, f32::from_be_bytes)?),
        0x0e => Samples::F64(stream.numbers(count, expected_bytes, f64::from_be_bytes)?),
        _ => return Err(unknown_type(name, code)),
    };
    stream.finish()?;
    Ok(IdxArray { dims, elements })
}

/// Reads an IDX array of samples: `[N, F]` feature vectors, `[N, H, W]` grey images or `[N, C, H, W]` images. For
/// `name` and `expected_bytes` see [`parse`].
///
/// # Errors
/// As for [`parse`]; if the array has another number of dimensions, keeps its channels last, or holds no samples; if a
/// value is NaN or infinite.
pub fn parse_images(reader: impl Read, name: &str, expected_bytes: u64) -> Result<Dataset> {
    let IdxArray { dims, elements } = parse(reader, name, expected_bytes)?;
    let shape = match *dims.as_slice() {
        [_, features] => return Dataset::new(name, elements, features),
        [_, height, width] => ImageShape { channels: 1, height, width },
        [_, channels, _, last] if !matches!(channels, 1 | 3) && matches!(last, 1 | 3) => {
            return Err(Error::data(format!(
                "{name} has its channels last (sizes {dims:?}); store the images as [N, C, H, W]"
            )));
        }
        [_, channels, height, width] => ImageShape { channels, height, width },
        _ => {
            return Err(Error::data(format!(
                "{name} holds no images: {} dimensions where 2, 3 or 4 are expected; give a file of images",
                dims.len()
            )));
        }
    };
    // A size of 0 gives 0 features, which `new` refuses as holding no samples.
    Dataset::new(name, elements, shape.features().unwrap_or(0))?.with_image(shape)
}

/// Reads an IDX array of labels, `[N]`: whole numbers from 0, below [`MAX_CLASSES`]. For `name` and `expected_bytes`
/// see [`parse`].
///
/// # Errors
/// As for [`parse`]; if the array does not have one dimension; if a label is out of range; if memory runs out.
pub fn parse_labels(reader: impl Read, name: &str, expected_bytes: u64) -> Result<Vec<u32>> {
    let IdxArray { dims, elements } = parse(reader, name, expected_bytes)?;
    if dims.len() != 1 {
        return Err(Error::data(format!(
            "{name} holds no labels: {} dimensions where 1 is expected; give a file of labels",
            dims.len()
        )));
    }
    let mut labels = reserved(elements.len(), "labels")?;
    match elements {
        Samples::U8(values) => labels.extend(values.into_iter().map(u32::from)),
        Samples::F32(values) => classes(values.into_iter().map(f64::from), name, &mut labels)?,
        Samples::F64(values) => classes(values.into_iter(), name, &mut labels)?,
        // No file is read into a file.
        Samples::File(_) => {}
    }
    Ok(labels)
}

/// Numbers as classes.
fn classes(values: impl Iterator<Item = f64>, name: &str, labels: &mut Vec<u32>) -> Result<()> {
    for (row, value) in values.enumerate() {
        if !(value.fract() == 0.0 && value >= 0.0 && value < f64::from(MAX_CLASSES)) {
            return Err(Error::data(format!(
                "{name}: the label {value} of row {row} (from 0) is not a whole number below {MAX_CLASSES}; number the \
                 classes from 0"
            )));
        }
        labels.push(value as u32);
    }
    Ok(())
}

/// [`parse_images`] from a file, plain or gzip. What stands behind the packed data is left aside, and noted.
///
/// # Errors
/// As for [`parse_images`], and if the file cannot be opened.
pub fn read_images(path: &Path) -> Result<Dataset> {
    let mut file = Unpacked::open(path)?;
    let expected_bytes = file.expected_bytes;
    let data = parse_images(&mut file, &path.display().to_string(), expected_bytes)?;
    Ok(match file.note(path) {
        Some(note) => data.with_note(note),
        None => data,
    })
}

/// [`parse_labels`] from a file, plain or gzip, and what there is to be said of it.
///
/// # Errors
/// As for [`parse_labels`], and if the file cannot be opened.
pub fn read_labels(path: &Path) -> Result<(Vec<u32>, Option<String>)> {
    let mut file = Unpacked::open(path)?;
    let expected_bytes = file.expected_bytes;
    let labels = parse_labels(&mut file, &path.display().to_string(), expected_bytes)?;
    Ok((labels, file.note(path)))
}

/// The unpacked content of a file, and about how many bytes it has.
struct Unpacked {
    content: Content,
    expected_bytes: u64,
}

enum Content {
    Plain(BufReader<File>),
    Packed(Members<BufReader<File>>),
}

impl Unpacked {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
        let length = file.metadata().map_err(|error| Error::io("read", path, error))?.len();
        let mut reader = BufReader::with_capacity(CHUNK, file);
        let start = reader.fill_buf().map_err(|error| Error::io("read", path, error))?;
        Ok(match start.starts_with(&MAGIC) {
            true => Self {
                content: Content::Packed(Members::new(reader)),
                expected_bytes: length.saturating_mul(USUAL_PACKING),
            },
            false => Self { content: Content::Plain(reader), expected_bytes: length },
        })
    }

    fn note(&self, path: &Path) -> Option<String> {
        match &self.content {
            Content::Plain(_) => None,
            Content::Packed(members) => members.note().map(|note| format!("{}: {note}", path.display())),
        }
    }
}

impl Read for Unpacked {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.content {
            Content::Plain(reader) => reader.read(out),
            Content::Packed(members) => members.read(out),
        }
    }
}

fn unknown_type(name: &str, code: u8) -> Error {
    Error::data(format!(
        "{name} has the unknown IDX element type 0x{code:02x}; expected 08, 09, 0b, 0c, 0d or 0e: is it an IDX file?"
    ))
}

/// The sizes, the type code and the number of elements; `expected` is the whole length afterwards.
fn header(stream: &mut Incoming<'_, impl Read>) -> Result<(Vec<usize>, u8, usize)> {
    let mut magic = [0; 4];
    stream.fill(&mut magic)?;
    let [0, 0, code, ndim] = magic else {
        return Err(Error::data(format!(
            "{} is not an IDX file: it begins with the bytes {magic:02x?}, not with 00 00; give the original file",
            stream.name
        )));
    };
    let bytes_each = match code {
        0x08 | 0x09 => 1,
        0x0b => 2,
        0x0c | 0x0d => 4,
        0x0e => 8,
        _ => return Err(unknown_type(stream.name, code)),
    };
    let ndim = usize::from(ndim);
    if !(1..=MAX_DIMENSIONS).contains(&ndim) {
        return Err(Error::data(format!(
            "{} claims {ndim} dimensions where 1 to {MAX_DIMENSIONS} are read; is it an IDX file?",
            stream.name
        )));
    }
    stream.expected = 4 + 4 * ndim as u64;
    let mut sizes = [[0; 4]; MAX_DIMENSIONS];
    for size in sizes.iter_mut().take(ndim) {
        stream.fill(size)?;
    }
    let sizes = sizes.iter().take(ndim).map(|&size| u32::from_be_bytes(size));
    // Without the zeros first, so that no product of the others escapes the check.
    let product = sizes.clone().filter(|&size| size > 0).try_fold(1_u64, |product, size| {
        product.checked_mul(u64::from(size)).filter(|&product| product <= MAX_ELEMENTS)
    });
    let dims: Option<Vec<usize>> = sizes.clone().map(|size| usize::try_from(size).ok()).collect();
    let count = product.map(|product| if sizes.clone().any(|size| size == 0) { 0 } else { product });
    match (dims, count, count.and_then(|count| usize::try_from(count).ok())) {
        (Some(dims), Some(count), Some(elements)) => {
            stream.expected = stream.expected.saturating_add(count.saturating_mul(bytes_each));
            Ok((dims, code, elements))
        }
        _ => Err(Error::data(format!(
            "{} claims {:?} elements, over the limit of {MAX_ELEMENTS}; divide it, or download it again",
            stream.name,
            sizes.collect::<Vec<_>>()
        ))),
    }
}

#[cfg(test)]
#[path = "idx_tests.rs"]
mod tests;
