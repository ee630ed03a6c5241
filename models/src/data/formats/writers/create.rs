//! The writer of a path, by its ending.

use std::path::Path;

use super::csv::Csv;
use super::folder::Folder;
use super::header::{Header, RowWriter};
use super::npy::Npy;
use super::npz::Npz;
use super::safetensors::Safetensors;
use crate::error::{Error, Result};

/// Begins the file or folder that `path` names, in the format of its ending:
///
/// | path | format |
/// |---|---|
/// | `-` | a table on standard output, as `.csv` |
/// | `.csv`, `.tsv` | a table: a line of names, words for classes, nothing for what is missing, a column `label` |
/// | `.npy` | one array, without labels |
/// | `.npz` | the arrays `x`, and `y` and `class_names` if there are labels |
/// | `.safetensors` | the tensors `x`, and `y` if there are labels; class names in the metadata |
/// | `.parquet` | a table (cargo feature `parquet`) |
/// | no ending, or `/` at its end | a folder of PNG files, in a sub-folder a class if there are labels |
///
/// Numbers in arrays are floats of 32 bits unless the header says otherwise.
///
/// # Errors
/// Another ending; a header of no columns; images that PNG does not have; a folder that is not empty; the system refuses.
pub fn create(path: &Path, header: Header) -> Result<Box<dyn RowWriter>> {
    header.check()?;
    if path.as_os_str() == "-" {
        return Ok(Box::new(Csv::on_stdout(header)?));
    }
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let is_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    match ending.as_deref().filter(|_| !is_folder) {
        None => Ok(Box::new(Folder::create(path, header)?)),
        Some("csv") => Ok(Box::new(Csv::create(path, header, b',')?)),
        Some("tsv") => Ok(Box::new(Csv::create(path, header, b'\t')?)),
        Some("npy") => Ok(Box::new(Npy::create(path, header)?)),
        Some("npz") => Ok(Box::new(Npz::create(path, header)?)),
        Some("safetensors") => Ok(Box::new(Safetensors::create(path, header)?)),
        Some("parquet") => super::parquet::create(path, header),
        Some(other) => Err(Error::usage(format!(
            "cannot write {}: .{other} is not known; name a file ending in .csv, .tsv, .npy, .npz, .safetensors or \
             .parquet, or a folder for PNG files",
            path.display()
        ))),
    }
}
