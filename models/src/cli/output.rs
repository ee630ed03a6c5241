//! What commands that make samples put out: a picture, or a table, by the ending of the file's name.
//!
//! Both are handed over as functions, for only one of them is made.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::data::{Dataset, Rows};
use crate::error::{Error, Result};
use crate::files;

/// The endings that are written.
const WRITES: &str = "give a name ending in .png, for a picture, or .csv";

/// The numbers of a table, row by row.
pub(super) enum Numbers<'a> {
    Singles(&'a [f32]),
    Doubles(&'a [f64]),
}

/// Samples as a table.
pub(super) struct Table<'a> {
    /// A name for each column.
    pub(super) names: Vec<String>,
    pub(super) numbers: Numbers<'a>,
}

/// What a name's ending asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Picture,
    Csv,
}

/// What `path` asks for, to be known before any work is done.
///
/// # Errors
/// Another ending.
pub(super) fn kind(path: &Path) -> Result<Kind> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("png") => Ok(Kind::Picture),
        Some("csv") => Ok(Kind::Csv),
        _ => Err(Error::usage(format!("cannot write {}: {WRITES}", path.display()))),
    }
}

/// Where a command writes that was not told: `samples/NAME.png` in a run directory, `NAME.png` here for a lone model; of
/// samples that are no images a .csv.
///
/// # Errors
/// The folder of samples cannot be made; an ending of `given` that is not written.
pub(super) fn place(given: Option<&Path>, run: &Path, name: &str, images: bool) -> Result<PathBuf> {
    if let Some(out) = given {
        kind(out)?;
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

/// Writes a picture or a table, whichever the name asks for.
///
/// # Errors
/// As for [`kind`]; what making either of them fails with; a file that cannot be written.
pub(super) fn put<'a>(
    path: &Path,
    picture: impl FnOnce() -> Result<Vec<u8>>,
    table: impl FnOnce() -> Result<Table<'a>>,
) -> Result<()> {
    match kind(path)? {
        Kind::Picture => files::write_bytes_atomically(path, &picture()?),
        Kind::Csv => {
            let table = table()?;
            files::write_atomically(path, |out| write_csv(out, &table))
        }
    }
}

/// Names for the columns of samples like those of a source: its own, or `x0`, `x1` and so on.
pub(super) fn names(dataset: Option<&Dataset>, features: usize) -> Vec<String> {
    match dataset.and_then(Rows::columns).filter(|columns| columns.len() == features) {
        Some(columns) => columns.iter().map(|column| column.name.clone()).collect(),
        None => (0..features).map(|column| format!("x{column}")).collect(),
    }
}

fn write_csv(out: &mut dyn Write, table: &Table<'_>) -> std::io::Result<()> {
    let names: Vec<String> = table.names.iter().map(|name| field(name)).collect();
    writeln!(out, "{}", names.join(","))?;
    let width = names.len().max(1);
    match table.numbers {
        Numbers::Singles(numbers) => numbers.chunks(width).try_for_each(|row| write_row(out, row, |x| x.is_nan())),
        Numbers::Doubles(numbers) => numbers.chunks(width).try_for_each(|row| write_row(out, row, |x| x.is_nan())),
    }
}

/// A missing number is an empty field.
fn write_row<T: std::fmt::Display>(
    out: &mut dyn Write,
    row: &[T],
    missing: impl Fn(&T) -> bool,
) -> std::io::Result<()> {
    for (column, number) in row.iter().enumerate() {
        let comma = if column > 0 { "," } else { "" };
        if missing(number) { write!(out, "{comma}")? } else { write!(out, "{comma}{number}")? }
    }
    writeln!(out)
}

/// A name as a field of CSV (RFC 4180).
fn field(name: &str) -> String {
    match name.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_say_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let table = || {
            let names = vec!["a".to_owned(), "b, \"c\"".to_owned()];
            Ok(Table { names, numbers: Numbers::Singles(&[0.1, f32::NAN, 2.0, -3.5]) })
        };
        let never = || Err(Error::usage("not asked for"));
        let csv = folder.path().join("a.CSV");
        put(&csv, never, table).unwrap();
        assert_eq!(std::fs::read_to_string(&csv).unwrap(), "a,\"b, \"\"c\"\"\"\n0.1,\n2,-3.5\n");
        let png = folder.path().join("a.png");
        put(&png, || Ok(vec![1, 2]), || Err(Error::usage("not asked for"))).unwrap();
        assert_eq!(std::fs::read(&png).unwrap(), [1, 2]);
        assert!(kind(Path::new("a.txt")).unwrap_err().to_string().contains("a.txt"));
        assert_eq!(place(None, Path::new("no/such/run"), "denoise", false).unwrap(), Path::new("denoise.csv"));
        assert_eq!(place(None, folder.path(), "x", true).unwrap(), folder.path().join("samples").join("x.png"));
        assert!(place(Some(Path::new("x")), folder.path(), "x", true).is_err());
    }
}
