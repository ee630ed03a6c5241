//! `.npy`, NumPy's file of one array: a magic number, a Python dict as text (type, order, shape), the elements.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>, versions 1 to 3. The text is read
//! by a parser of its own that knows just the one dict; the elements are read as they come ([`Incoming`]), so that no
//! header can make memory grow. Both orders, both orders of bytes; Python objects and records are refused.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::array::{Array, Values, Words};
use super::dict::{self, Header, MAGIC, Type};
use super::words::file_name;
use super::{element, layout};
use crate::data::Dataset;
use crate::data::incoming::{CHUNK, Incoming};
use crate::error::{Error, Result};

/// The longest header; NumPy itself reads 10,000 bytes.
const MAX_HEADER: usize = 1 << 16;

/// Reads a `.npy` file of samples: `[N]`, `[N, F]`, or images `[N, H, W]`, `[N, C, H, W]` or `[N, H, W, C]` (1 or 3
/// channels) of bytes, truth values, integers or floats. NaN counts as missing, and is said to be.
///
/// # Errors
/// A file that cannot be read, is none of NumPy's, is cut short or goes on too long; elements of another type; another
/// shape; infinite values; no memory.
pub fn read_npy(path: &Path) -> Result<Dataset> {
    let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
    let length = file.metadata().map_err(|error| Error::io("read", path, error))?.len();
    let origin = path.display().to_string();
    let data = array(BufReader::with_capacity(CHUNK, file), &origin, length)?.dataset(&origin)?;
    Ok(data.with_name(file_name(path)))
}

/// The same of a file's bytes; messages call it `origin`.
///
/// # Errors
/// As for [`read_npy`].
pub fn parse_npy(bytes: &[u8], origin: &str) -> Result<Dataset> {
    array(bytes, origin, bytes.len() as u64)?.dataset(origin)
}

/// The array in a stream of about `expected_bytes`.
pub(super) fn array(reader: impl Read, origin: &str, expected_bytes: u64) -> Result<Array> {
    let mut stream = Incoming::new(reader, origin, 10);
    let Header { of, fortran, shape } = header(&mut stream)?;
    let too_large =
        || Error::data(format!("{origin} claims the sizes {shape:?}, which no memory holds; save it again"));
    // Without the zeros first, so that no product of the others escapes the check.
    let sizes = shape.iter().filter(|&&size| size > 0);
    let product = sizes.copied().try_fold(1_usize, usize::checked_mul).ok_or_else(too_large)?;
    let count = if shape.contains(&0) { 0 } else { product };
    let bytes = product.checked_mul(of.size()).and_then(|bytes| u64::try_from(bytes).ok()).ok_or_else(too_large)?;
    stream.expected = stream.expected.saturating_add(if count == 0 { 0 } else { bytes });
    let (values, rounded) = match of {
        Type::Numbers { element, big } => {
            let (samples, rounded) = element::read(&mut stream, element, big, count, expected_bytes)?;
            let samples = if fortran { layout::from_fortran(samples, &shape)? } else { samples };
            (Values::Numbers(samples), rounded)
        }
        Type::Words { letters, wide, big } => (Values::Words(words(&mut stream, count, letters, wide, big)?), 0),
    };
    stream.finish()?;
    Ok(Array { shape, values, rounded })
}

fn header(stream: &mut Incoming<'_, impl Read>) -> Result<Header> {
    let origin = stream.name;
    let mut start = [0; 8];
    stream.fill(&mut start)?;
    let Some([major, _]) = start.strip_prefix(MAGIC) else {
        return Err(Error::data(format!("{origin} is not an .npy file: it does not begin as one; save it again")));
    };
    let mut length = [0; 4];
    match major {
        1 => stream.fill(length.get_mut(..2).unwrap_or_default())?,
        2 | 3 => stream.fill(&mut length)?,
        _ => {
            return Err(Error::data(format!(
                "{origin} is of version {major} of .npy, where 1 to 3 are read; save it again"
            )));
        }
    }
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_HEADER {
        return Err(Error::data(format!(
            "{origin} has a header of {length} bytes, over the limit of {MAX_HEADER}; save it again"
        )));
    }
    stream.expected = (if *major == 1 { 10 } else { 12 }) + length as u64;
    let text = stream.bytes(length, length as u64)?;
    dict::parse(&text, origin)
}

/// `count` words of `letters` letters each, of 4 bytes (`wide`) or 1, filled up with zeros.
fn words(stream: &mut Incoming<'_, impl Read>, count: usize, letters: usize, wide: bool, big: bool) -> Result<Words> {
    let origin = stream.name;
    let mut words = Words::default();
    let mut bytes = vec![0; letters * if wide { 4 } else { 1 }];
    for row in 0..count {
        stream.fill(&mut bytes)?;
        let number = |&four: &[u8; 4]| if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) };
        let word: Option<String> = match wide {
            true => bytes.as_chunks::<4>().0.iter().map(|four| char::from_u32(number(four))).collect(),
            false => std::str::from_utf8(&bytes).ok().map(str::to_owned),
        };
        let word = word.ok_or_else(|| {
            Error::data(format!("{origin}: the word of row {row} (from 0) is no text; save it again"))
        })?;
        if !words.push(word.trim_end_matches('\0')) {
            return Err(Error::data(format!(
                "{origin} holds more than {} different words; they are no classes",
                crate::data::MAX_CLASSES
            )));
        }
    }
    Ok(words)
}

#[cfg(test)]
#[path = "npy_tests.rs"]
pub(super) mod tests;
