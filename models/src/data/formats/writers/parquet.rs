//! Tables as `.parquet`, with the cargo feature of that name; without it an error says how to get them.

use std::path::Path;

use super::header::{Header, RowWriter};
#[cfg(not(feature = "parquet"))]
use crate::error::Error;
use crate::error::Result;

#[cfg(feature = "parquet")]
pub(super) fn create(path: &Path, header: Header) -> Result<Box<dyn RowWriter>> {
    Ok(Box::new(super::parquet_file::Parquet::create(path, header)?))
}

#[cfg(not(feature = "parquet"))]
pub(super) fn create(path: &Path, _header: Header) -> Result<Box<dyn RowWriter>> {
    Err(Error::usage(format!(
        "cannot write {}: this build does not write .parquet; build it with `--features parquet`, or name a .csv file",
        path.display()
    )))
}
