//! `.safetensors` as a file of data: named tensors, of which some are samples and labels.
//!
//! The names are those of `.npz` (see the module `named`). Class names stand in the metadata, as a JSON list, where the
//! writer here puts them. The file is read whole: its header says where everything lies, and is checked against its
//! length by the crate `safetensors`.

use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::array::{Array, Values};
use super::element::{self, Element};
use super::named;
use super::words::{file_name, one_line};
use crate::data::incoming::Incoming;
use crate::data::{Dataset, Part};
use crate::error::{Error, Result};
use crate::files::read_limited;

/// No file is longer.
const LARGEST_FILE: u64 = 1 << 36;
/// The entry of the metadata that names the classes.
pub(super) const CLASS_NAMES: &str = "class_names";

/// Reads one part of a `.safetensors` file, by the names of its tensors as [`read_npz`](super::read_npz) does.
///
/// # Errors
/// A file that cannot be read or is no whole one of that format; tensors of which none has a known name, or of another
/// type than F16, BF16, F32, F64, BOOL, U8 to U64 and I8 to I64; shapes that no samples have; infinite values.
pub fn read_safetensors(path: &Path, part: Part) -> Result<Option<Dataset>> {
    let bytes = read_limited(path, LARGEST_FILE)?;
    let data = parse_safetensors(&bytes, &path.display().to_string(), part)?;
    Ok(data.map(|data| data.with_name(file_name(path))))
}

/// Whether a `.safetensors` file has a test part, from the names of its tensors.
///
/// # Errors
/// A file that cannot be read or is no whole one of that format.
pub fn safetensors_has_test(path: &Path) -> Result<bool> {
    let bytes = read_limited(path, LARGEST_FILE)?;
    Ok(named::has_test(&names(&open(&bytes, &path.display().to_string())?)))
}

/// The same of a file's bytes as [`read_safetensors`]; messages call it `origin`.
///
/// # Errors
/// As for [`read_safetensors`].
pub fn parse_safetensors(bytes: &[u8], origin: &str, part: Part) -> Result<Option<Dataset>> {
    let tensors = open(bytes, origin)?;
    let names = names(&tensors);
    let Some(chosen) = named::choose(&names, part, origin)? else { return Ok(None) };
    let mut data = chosen.dataset(origin, &mut |name| {
        let place = format!("{origin}: `{}`", named::plain(name));
        let view = tensors.tensor(name).map_err(|error| broken(origin, &error))?;
        array(&view, &place)
    })?;
    if let Some(words) = class_names(bytes, data.classes()) {
        data = named::named(data, words, origin)?;
    }
    Ok(Some(chosen.note(&names, origin).into_iter().fold(data, Dataset::with_note)))
}

fn open<'a>(bytes: &'a [u8], origin: &str) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes).map_err(|error| broken(origin, &error))
}

/// In order, for a map has none.
fn names(tensors: &SafeTensors<'_>) -> Vec<String> {
    let mut names: Vec<String> = tensors.names().into_iter().map(str::to_owned).collect();
    names.sort_unstable();
    names
}

fn class_names(bytes: &[u8], classes: usize) -> Option<Vec<String>> {
    let (_, header) = SafeTensors::read_metadata(bytes).ok()?;
    let text = header.metadata().as_ref()?.get(CLASS_NAMES)?;
    serde_json::from_str(text).ok().filter(|names: &Vec<String>| classes > 0 && !names.is_empty())
}

fn array(view: &TensorView<'_>, place: &str) -> Result<Array> {
    let element = match view.dtype() {
        Dtype::BOOL => Element::Bool,
        Dtype::U8 => Element::U8,
        Dtype::I8 => Element::I8,
        Dtype::U16 => Element::U16,
        Dtype::I16 => Element::I16,
        Dtype::U32 => Element::U32,
        Dtype::I32 => Element::I32,
        Dtype::U64 => Element::U64,
        Dtype::I64 => Element::I64,
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::Bf16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        other => {
            return Err(Error::data(format!("{place} is of the type {other:?}; save it as F32, F64, U8 or I64")));
        }
    };
    let bytes = view.data();
    let length = bytes.len() as u64;
    let mut stream = Incoming::new(bytes, place, length);
    let (samples, rounded) = element::read(&mut stream, element, false, bytes.len() / element.size(), length)?;
    Ok(Array { shape: view.shape().to_vec(), values: Values::Numbers(samples), rounded })
}

fn broken(origin: &str, error: &dyn std::fmt::Display) -> Error {
    let reason = one_line(error);
    Error::data(format!("{origin} is not a whole safetensors file ({reason}); save it again, or download it again"))
}

#[cfg(test)]
#[path = "safetensors_tests.rs"]
mod tests;
