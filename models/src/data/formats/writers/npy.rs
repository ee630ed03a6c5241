//! One array as `.npy`. Rows go to the file as they come; the header, of a fixed length, is written again at the end,
//! when their number is known.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use super::header::{Header, RowWriter};
use super::numbers::Numbers;
use crate::data::formats::dict::written;
use crate::error::{Error, Result};
use crate::files::Atomic;

/// A writer of `.npy`. It has no place for labels: they are left out.
pub(super) struct Npy {
    file: Atomic,
    header: Header,
    numbers: Numbers,
    rows: usize,
    scratch: Vec<u8>,
}

impl Npy {
    pub(super) fn create(path: &Path, header: Header) -> Result<Self> {
        let numbers = Numbers::of(&header);
        let mut npy = Self { file: Atomic::create(path)?, header, numbers, rows: 0, scratch: Vec::new() };
        npy.begin()?;
        Ok(npy)
    }

    /// Writes the header where the file stands.
    fn begin(&mut self) -> Result<()> {
        let header = written(self.numbers.numpy(), &self.header.shape(self.rows));
        self.file.write_all(&header).map_err(|error| Error::io("write", self.file.path(), error))
    }
}

impl RowWriter for Npy {
    fn write(&mut self, values: &[f64], labels: Option<&[u32]>) -> Result<()> {
        self.rows += self.header.rows(values, labels)?;
        self.numbers.bytes(values, &mut self.scratch);
        self.file.write_all(&self.scratch).map_err(|error| Error::io("write", self.file.path(), error))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.file.seek(SeekFrom::Start(0)).map_err(|error| Error::io("write", self.file.path(), error))?;
        self.begin()?;
        self.file.finish()
    }
}
