//! Rows that wait in an unnamed file beside their destination until their number is known, for formats that begin with
//! it.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use super::header::Header;
use super::numbers::Numbers;
use crate::error::{Error, Result};
use crate::files::unnamed_in;

pub(super) struct Spool {
    path: PathBuf,
    file: BufWriter<File>,
    pub(super) header: Header,
    pub(super) numbers: Numbers,
    pub(super) rows: usize,
    pub(super) labels: Vec<u32>,
    bytes: u64,
    scratch: Vec<u8>,
}

impl Spool {
    /// For the file `path`.
    pub(super) fn create(path: &Path, header: Header) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = BufWriter::with_capacity(1 << 16, unnamed_in(folder)?);
        let numbers = Numbers::of(&header);
        let path = path.to_owned();
        Ok(Self { path, file, header, numbers, rows: 0, labels: Vec::new(), bytes: 0, scratch: Vec::new() })
    }

    pub(super) fn write(&mut self, values: &[f64], labels: Option<&[u32]>) -> Result<()> {
        self.rows += self.header.rows(values, labels)?;
        self.labels.extend_from_slice(labels.unwrap_or_default());
        self.numbers.bytes(values, &mut self.scratch);
        self.bytes += self.scratch.len() as u64;
        self.file.write_all(&self.scratch).map_err(|error| self.failed(error))
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Copies all that waits to `out`.
    pub(super) fn copy_to(&mut self, out: &mut dyn Write) -> std::io::Result<()> {
        self.file.flush()?;
        let mut file = self.file.get_ref();
        file.rewind()?;
        std::io::copy(&mut file, out).map(|_| ())
    }

    pub(super) fn failed(&self, error: std::io::Error) -> Error {
        Error::io("write", &self.path, error)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The labels as integers of 64 bits, which the world's readers take for classes.
    pub(super) fn label_bytes(&self) -> impl Iterator<Item = [u8; 8]> + '_ {
        self.labels.iter().map(|&label| i64::from(label).to_le_bytes())
    }
}
