//! `.parquet` tables, with the cargo feature `parquet`; without it an error says how to get them.
//!
//! The feature is off by default: the crate `parquet` brings dozens of others and a C compiler's work, for a format that
//! few small tables have. The work is in `parquet_table`.

use std::path::Path;

use crate::data::Dataset;
#[cfg(not(feature = "parquet"))]
use crate::error::Error;
use crate::error::Result;

/// Reads a table: numbers and truth values as they are, words as classes whose levels are sorted, null as missing. The
/// column `label` becomes the labels, if one is named. Other columns (lists, dates of 96 bits, raw bytes) are left aside,
/// and said to be.
///
/// # Errors
/// A build without the feature `parquet`; a file that cannot be read or is damaged, packed in a way that is not read, or
/// unpacks to far more than its size; no column that is read; no column `label`, or one that is no classes; infinite
/// values; no memory.
pub fn read_parquet(path: &Path, label: Option<&str>) -> Result<Dataset> {
    #[cfg(feature = "parquet")]
    return super::parquet_table::read(path, label);
    #[cfg(not(feature = "parquet"))]
    missing(&path.display().to_string(), (path, label))
}

/// The same of a file's bytes; messages call it `origin`.
///
/// # Errors
/// As for [`read_parquet`].
pub fn parse_parquet(bytes: Vec<u8>, origin: &str, label: Option<&str>) -> Result<Dataset> {
    #[cfg(feature = "parquet")]
    return super::parquet_table::parse(bytes, origin, label);
    #[cfg(not(feature = "parquet"))]
    missing(origin, (bytes, label))
}

#[cfg(not(feature = "parquet"))]
fn missing<T>(origin: &str, _unread: T) -> Result<Dataset> {
    Err(Error::usage(format!(
        "cannot read {origin}: this build does not read .parquet; build it with `--features parquet`, or save the table \
         as .csv"
    )))
}
