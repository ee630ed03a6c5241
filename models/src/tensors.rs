//! Named tensors of f32 and a text of metadata in one safetensors file: what model and state files are made of.
//!
//! Written whole or not at all. Reading checks the type, the sizes and that every number is finite; nothing in a file
//! can make it panic. The metadata is one entry, for several would stand in a random order, and equal models must give
//! equal files.

use crate::files::write_path_atomically;
use crate::{Error, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::path::Path;

/// The entry of the metadata that is this program's.
const METADATA_KEY: &str = "narrows";
/// No model or state file is larger.
pub(crate) const LARGEST_FILE: u64 = 1 << 36;

/// Writes named tensors and metadata as safetensors, whole or not at all. The metadata is one entry, for several would
/// stand in a random order, and equal models must give equal files.
pub(crate) fn write_tensors<'a>(
    path: &Path,
    tensors: impl Iterator<Item = (&'a str, &'a [usize], &'a [f32])>,
    metadata: String,
) -> Result<()> {
    let views = tensors.map(|(name, sizes, values)| {
        let view = TensorView::new(Dtype::F32, sizes.to_vec(), as_bytes(values));
        view.map(|view| (name.to_owned(), view)).map_err(|error| Error::model(format!("tensor `{name}`: {error}")))
    });
    let views: Vec<(String, TensorView<'a>)> = views.collect::<Result<_>>()?;
    let metadata = HashMap::from([(METADATA_KEY.to_owned(), metadata)]);
    write_path_atomically(path, |place| {
        safetensors::serialize_to_file(views, Some(metadata), place).map_err(|error| match error {
            safetensors::SafeTensorError::IoError(error) => error,
            other => std::io::Error::other(other),
        })
    })
}

/// Numbers as little-endian bytes, which they are in memory already on every machine that this runs on.
fn as_bytes(values: &[f32]) -> &[u8] {
    const { assert!(cfg!(target_endian = "little"), "safetensors holds little-endian numbers") };
    bytemuck::cast_slice(values)
}

/// The tensors and the metadata of a safetensors file that this program wrote.
pub(crate) fn read_tensors<'a>(bytes: &'a [u8], origin: &str) -> Result<(SafeTensors<'a>, String)> {
    let broken = |error: safetensors::SafeTensorError| {
        Error::model(format!(
            "{origin} is not a whole safetensors file ({error}); restore it from a copy, or train again"
        ))
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let metadata = header.metadata().as_ref().and_then(|all| all.get(METADATA_KEY)).cloned().ok_or_else(|| {
        Error::model(format!("{origin} has no `{METADATA_KEY}` in its metadata; it was not written by narrows"))
    })?;
    Ok((SafeTensors::deserialize(bytes).map_err(broken)?, metadata))
}

/// The numbers of one tensor, checked for their type, sizes and finiteness, written to `to`.
pub(crate) fn copy_tensor(
    tensors: &SafeTensors<'_>,
    name: &str,
    sizes: &[usize],
    to: &mut [f32],
    origin: &str,
) -> Result<()> {
    let view = tensors.tensor(name).map_err(|_| Error::model(format!("{origin} has no tensor `{name}`")))?;
    if view.dtype() != Dtype::F32 || view.shape() != sizes || view.data().len() != to.len() * 4 {
        return Err(Error::model(format!(
            "{origin}: tensor `{name}` is {:?} {:?}; it must be F32 {sizes:?}",
            view.dtype(),
            view.shape()
        )));
    }
    for (to, from) in to.iter_mut().zip(view.data().chunks_exact(4)) {
        *to = f32::from_le_bytes([from[0], from[1], from[2], from[3]]);
    }
    match to.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(Error::model(format!("{origin}: tensor `{name}` holds {} at place {at}", to[at]))),
        None => Ok(()),
    }
}
