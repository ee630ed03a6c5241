//! Arrays as `.npz`: `x`, and with labels `y` and, where classes have names, `class_names`. Nothing is packed, as
//! `numpy.savez` does: codes and reconstructions hardly become smaller.

use std::io::{Seek, Write};
use std::path::Path;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::header::{Header, RowWriter};
use super::spool::Spool;
use crate::data::formats::dict::written;
use crate::error::Result;
use crate::files::Atomic;

/// Files that are longer need the format's later extension.
const LARGE: u64 = (1 << 32) - (1 << 16);

pub(super) struct Npz {
    spool: Spool,
    file: Atomic,
}

impl Npz {
    pub(super) fn create(path: &Path, header: Header) -> Result<Self> {
        Ok(Self { file: Atomic::create(path)?, spool: Spool::create(path, header)? })
    }
}

impl RowWriter for Npz {
    fn write(&mut self, values: &[f64], labels: Option<&[u32]>) -> Result<()> {
        self.spool.write(values, labels)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { mut spool, file } = *self;
        let file = archive(&mut spool, file).map_err(|error| spool.failed(error))?;
        file.finish()
    }
}

fn archive(spool: &mut Spool, file: Atomic) -> std::io::Result<Atomic> {
    let mut zip = ZipWriter::new(file);
    begin(&mut zip, "x", spool.bytes(), spool.numbers.numpy(), &spool.header.shape(spool.rows))?;
    spool.copy_to(&mut zip)?;
    if let Some(names) = &spool.header.labels {
        begin(&mut zip, "y", 8 * spool.rows as u64, "<i8", &[spool.rows])?;
        spool.label_bytes().try_for_each(|bytes| zip.write_all(&bytes))?;
        if !names.is_empty() {
            let letters = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(1);
            begin(&mut zip, "class_names", 0, &format!("<U{letters}"), &[names.len()])?;
            for name in names {
                let letters = name.chars().map(u32::from).chain(std::iter::repeat(0)).take(letters);
                let bytes: Vec<u8> = letters.flat_map(u32::to_le_bytes).collect();
                zip.write_all(&bytes)?;
            }
        }
    }
    zip.finish().map_err(std::io::Error::other)
}

/// Begins the array `name` of about so many bytes.
fn begin(
    zip: &mut ZipWriter<impl Write + Seek>,
    name: &str,
    bytes: u64,
    descr: &str,
    shape: &[usize],
) -> std::io::Result<()> {
    let options =
        SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored).large_file(bytes >= LARGE);
    zip.start_file(format!("{name}.npy"), options).map_err(std::io::Error::other)?;
    zip.write_all(&written(descr, shape))
}
