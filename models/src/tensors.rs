//! Named tensors of f32 and a text of metadata in one safetensors file: what model and state files are made of.
//!
//! Written whole or not at all. Reading checks the type, the sizes and that every number is finite; nothing in a file
//! can make it panic. Weights that other programs keep in half or double precision are converted, and said to be. The
//! metadata is one entry, for several would stand in a random order, and equal models must give equal files.

use crate::files::write_path_atomically;
use crate::{Error, Result};
use half::{bf16, f16};
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
    write_views(path, views.collect::<Result<_>>()?, metadata)
}

/// The same for tensors of any type.
pub(crate) fn write_views(path: &Path, views: Vec<(String, TensorView<'_>)>, metadata: String) -> Result<()> {
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

/// The tensors of a safetensors file, whoever wrote it.
pub(crate) fn read_any<'a>(bytes: &'a [u8], origin: &str) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes).map_err(|error| {
        Error::model(format!("{origin} is not a whole safetensors file ({error}); restore it from a copy"))
    })
}

/// A tensor that was not in single precision: its name and the type it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// The tensor.
    pub name: String,
    /// Its type, as safetensors writes it: `F16`, `BF16` or `F64`.
    pub from: String,
}

impl std::fmt::Display for Conversion {
    /// `encoder.0.weight: F16 became F32`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} became F32", self.name, self.from)
    }
}

/// The numbers of one tensor, checked for their type, sizes and finiteness, written to `to`; what was converted, if it
/// was.
pub(crate) fn copy_tensor(
    tensors: &SafeTensors<'_>,
    name: &str,
    sizes: &[usize],
    to: &mut [f32],
    origin: &str,
) -> Result<Option<Conversion>> {
    let view = tensors.tensor(name).map_err(|_| Error::model(format!("{origin} has no tensor `{name}`")))?;
    let bytes = view.data();
    let fits = |each: usize| view.shape() == sizes && to.len().checked_mul(each) == Some(bytes.len());
    match view.dtype() {
        Dtype::F32 if fits(4) => convert(bytes, to, f32::from_le_bytes),
        Dtype::F16 if fits(2) => convert(bytes, to, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 if fits(2) => convert(bytes, to, |b| bf16::from_le_bytes(b).to_f32()),
        // Numbers beyond F32 become infinite, and are refused as such.
        Dtype::F64 if fits(8) => convert(bytes, to, |b| f64::from_le_bytes(b) as f32),
        other => {
            return Err(Error::model(format!(
                "{origin}: tensor `{name}` is {other:?} {:?}; it must be F32, F16, BF16 or F64 {sizes:?}",
                view.shape()
            )));
        }
    }
    match to.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(Error::model(format!("{origin}: tensor `{name}` holds {} at place {at}, in F32", to[at]))),
        None if view.dtype() == Dtype::F32 => Ok(None),
        None => Ok(Some(Conversion { name: name.to_owned(), from: format!("{:?}", view.dtype()) })),
    }
}

fn convert<const N: usize>(bytes: &[u8], to: &mut [f32], number: impl Fn([u8; N]) -> f32) {
    let (numbers, _) = bytes.as_chunks::<N>();
    to.iter_mut().zip(numbers).for_each(|(to, &bytes)| *to = number(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(dtype: Dtype, bytes: Vec<u8>, count: usize) -> Result<(Vec<f32>, Option<Conversion>)> {
        let view = TensorView::new(dtype, vec![count], &bytes).unwrap();
        let file = safetensors::serialize([("w", view)], None).unwrap();
        let mut to = vec![9.0; 2];
        let conversion = copy_tensor(&SafeTensors::deserialize(&file).unwrap(), "w", &[2], &mut to, "file")?;
        Ok((to, conversion))
    }

    #[test]
    fn other_precisions_are_converted_and_said_to_be() {
        let half: Vec<u8> = [0.1f32, -3.0].iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect();
        let brain: Vec<u8> = [0.1f32, -3.0].iter().flat_map(|&x| bf16::from_f32(x).to_le_bytes()).collect();
        let double: Vec<u8> = [0.1f64, -3.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let single: Vec<u8> = [0.1f32, -3.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        for (dtype, bytes, first) in [
            (Dtype::F16, half, 0.099_975_586),
            (Dtype::BF16, brain, 0.100_097_656),
            (Dtype::F64, double, 0.1),
            (Dtype::F32, single, 0.1),
        ] {
            let (values, conversion) = copied(dtype, bytes, 2).unwrap();
            assert_eq!(values, [first, -3.0]);
            let words = conversion.map(|conversion| conversion.to_string());
            assert_eq!(words, (dtype != Dtype::F32).then(|| format!("w: {dtype:?} became F32")));
        }
    }

    #[test]
    fn what_is_not_finite_in_single_precision_or_no_float_is_refused() {
        let double: Vec<u8> = [1e300f64, 0.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let half: Vec<u8> = [f16::NAN, f16::ONE].iter().flat_map(|x| x.to_le_bytes()).collect();
        for (dtype, bytes, count, words) in [
            (Dtype::F64, double.clone(), 2, "holds inf at place 0"),
            (Dtype::F16, half, 2, "holds NaN at place 0"),
            (Dtype::I64, double.clone(), 2, "is I64 [2]; it must be F32, F16, BF16 or F64 [2]"),
            (Dtype::F32, double, 4, "is F32 [4]"),
        ] {
            let message = copied(dtype, bytes, count).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
