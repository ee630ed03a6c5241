//! What commands that make samples put out: a picture, or rows in any format, by the ending of the file's name.
//!
//! Both are handed over as functions, for only one of them is made.

use std::path::{Path, PathBuf};

use crate::applications::encode::sample_columns;
use crate::data::formats::{Header, create};
use crate::error::{Error, Result};
use crate::files;
use crate::model::Model;

/// Rows that are turned to doubles at a time.
const ROWS: usize = 1024;

/// The numbers of samples, row by row.
pub(super) enum Numbers<'a> {
    Singles(&'a [f32]),
    Doubles(&'a [f64]),
}

/// Samples as a table or as arrays.
pub(super) struct Table<'a> {
    /// Whose samples they are: what their columns are called, and how they are images.
    pub(super) model: &'a Model,
    pub(super) numbers: Numbers<'a>,
}

/// Whether a name's ending asks for a picture.
fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"))
}

/// Where a command writes that was not told: `samples/NAME.png` in a run directory, `NAME.png` here for a lone model; of
/// samples that are no images a .csv.
///
/// # Errors
/// The folder of samples cannot be made; an ending of `given` that is not written.
pub(super) fn place(given: Option<&Path>, run: &Path, name: &str, images: bool) -> Result<PathBuf> {
    if let Some(out) = given {
        check(out)?;
        return Ok(out.to_owned());
    }
    let file = format!("{name}.{}", if images { "png" } else { "csv" });
    if !run.is_dir() {
        return Ok(PathBuf::from(file));
    }
    let folder = run.join("samples");
    std::fs::create_dir_all(&folder).map_err(|error| Error::io("create the folder", &folder, error))?;
    Ok(folder.join(file))
}

/// Refuses an ending that is not written, before any work is done.
fn check(path: &Path) -> Result<()> {
    let known = ["png", "csv", "tsv", "npy", "npz", "safetensors", "parquet"];
    match path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()) {
        Some(ending) if !known.contains(&ending.as_str()) => Err(Error::usage(format!(
            "cannot write {}: give a name ending in .png, for a picture, .csv, .npy, .npz or .safetensors, a folder/ for \
             images, or - for CSV on standard output",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// Writes a picture or rows, whichever the name asks for.
///
/// # Errors
/// What making either of them fails with; a file that cannot be written.
pub(super) fn put<'a>(
    path: &Path,
    picture: impl FnOnce() -> Result<Vec<u8>>,
    table: impl FnOnce() -> Result<Table<'a>>,
) -> Result<()> {
    if is_picture(path) {
        return files::write_bytes_atomically(path, &picture()?);
    }
    let Table { model, numbers } = table()?;
    let data = model.data();
    let header = Header {
        columns: sample_columns(model),
        image: data.image,
        range: data.preprocessing.range(),
        ..Header::default()
    };
    let mut writer = create(path, header)?;
    match numbers {
        Numbers::Doubles(numbers) => writer.write(numbers, None)?,
        Numbers::Singles(numbers) => {
            let each = data.features.max(1) * ROWS;
            let mut doubles = Vec::with_capacity(each.min(numbers.len()));
            for part in numbers.chunks(each) {
                doubles.clear();
                doubles.extend(part.iter().map(|&x| f64::from(x)));
                writer.write(&doubles, None)?;
            }
        }
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let png = folder.path().join("a.png");
        put(&png, || Ok(vec![1, 2]), || Err(Error::usage("not asked for"))).unwrap();
        assert_eq!(std::fs::read(&png).unwrap(), [1, 2]);
        assert_eq!(place(None, Path::new("no/such/run"), "denoise", false).unwrap(), Path::new("denoise.csv"));
        assert_eq!(place(None, folder.path(), "x", true).unwrap(), folder.path().join("samples").join("x.png"));
        assert!(place(Some(Path::new("x.xls")), folder.path(), "x", true).unwrap_err().to_string().contains("x.xls"));
    }
}
