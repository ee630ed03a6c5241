//! The lines of a table as fields: where the text comes from, and how much of it one record may be.
//!
//! Quotes and ends of lines are the crate's; a mark of byte order is taken away before it. A record that does not end
//! (a quote that is never closed, a file without lines) would be held whole: above 16 MiB it is an error.

use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use simd_csv::{ZeroCopyByteRecord, ZeroCopyReader, ZeroCopyReaderBuilder};

use super::super::gzip;
use crate::error::{Error, Result};

/// The most bytes of one record.
const LONGEST: usize = 16 << 20;
/// Bytes that are looked at beforehand.
pub(super) const HEAD: usize = 256 << 10;
const BUFFER: usize = 256 << 10;

/// The text of a table.
pub(super) struct Text {
    origin: String,
    /// The first bytes, without a mark of byte order.
    pub(super) head: Vec<u8>,
    rest: Box<dyn Read + Send>,
}

impl Text {
    /// That of a file, plain or packed by gzip.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let failed = |error| Error::io("read", path, error);
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if metadata.is_dir() {
            return Err(Error::data(format!("{} is a folder; name a file", path.display())));
        }
        let file = std::fs::File::open(path).map_err(failed)?;
        Self::of(BufReader::with_capacity(BUFFER, file), path.display().to_string())
    }

    /// That of a reader whose content may be packed by gzip.
    pub(super) fn of(mut reader: impl BufRead + Send + 'static, origin: String) -> Result<Self> {
        let start = reader.fill_buf().map_err(|error| Error::io("read", Path::new(&origin), error))?;
        let packed = start.starts_with(&gzip::MAGIC);
        let reader: Box<dyn Read + Send> = if packed { Box::new(gzip::Members::new(reader)) } else { Box::new(reader) };
        Self::new(reader, origin, false)
    }

    /// That of any reader; `live`: what has come is enough, as soon as it holds a line.
    pub(super) fn new(mut reader: Box<dyn Read + Send>, origin: String, live: bool) -> Result<Self> {
        let mut head = Vec::new();
        let mut part = vec![0; BUFFER];
        while head.len() < HEAD && !(live && head.contains(&b'\n')) {
            match reader.read(&mut part) {
                Ok(0) => break,
                Ok(count) => head.extend_from_slice(&part[..count.min(part.len())]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read", Path::new(&origin), error)),
            }
        }
        if head.starts_with(&[0xef, 0xbb, 0xbf]) {
            head.drain(..3);
        } else if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            return Err(Error::data(format!("{origin} is UTF-16; save it as UTF-8")));
        }
        if head.iter().all(u8::is_ascii_whitespace) {
            return Err(Error::data(format!("{origin} is empty; give a table with at least one row")));
        }
        if head.contains(&0) {
            return Err(Error::data(format!("{origin} holds bytes that no text has; give a table as text")));
        }
        Ok(Self { origin, head, rest: reader })
    }

    /// Its records, after so many lines.
    pub(super) fn records(self, delimiter: u8, skip: usize) -> Result<Records> {
        let fed = Arc::new(AtomicUsize::new(0));
        let mut reader = BufReader::with_capacity(BUFFER, Cursor::new(self.head).chain(self.rest));
        for line in 0..skip {
            let mut skipped = Vec::new();
            let read = reader.by_ref().take(LONGEST as u64).read_until(b'\n', &mut skipped);
            if read.map_err(|error| Error::io("read", Path::new(&self.origin), error))? == 0 {
                let origin = self.origin;
                return Err(Error::data(format!(
                    "{origin} has {line} lines and {skip} are to be left out; skip fewer"
                )));
            }
        }
        let bounded = Bounded { reader: Box::new(reader), fed: Arc::clone(&fed) };
        let reader = ZeroCopyReaderBuilder::with_capacity(BUFFER)
            .delimiter(delimiter)
            .flexible(true)
            .has_headers(false)
            .from_reader(bounded);
        Ok(Records { reader, fed, row: 0, origin: self.origin })
    }
}

/// A reader that ends in an error when too much is read for one record.
struct Bounded {
    reader: Box<dyn Read + Send>,
    fed: Arc<AtomicUsize>,
}

impl Read for Bounded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.fed.load(Ordering::Relaxed) > LONGEST {
            return Err(io::Error::new(ErrorKind::InvalidData, "a record is longer than 16 MiB"));
        }
        let count = self.reader.read(out)?;
        self.fed.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }
}

/// The records of a table.
pub(super) struct Records {
    reader: ZeroCopyReader<Bounded>,
    fed: Arc<AtomicUsize>,
    /// How many were read.
    row: u64,
    origin: String,
}

impl Records {
    /// The next one, with its number from 1.
    pub(super) fn next(&mut self) -> Result<Option<(u64, ZeroCopyByteRecord<'_>)>> {
        self.fed.store(0, Ordering::Relaxed);
        let (origin, row) = (&self.origin, self.row + 1);
        match self.reader.read_byte_record() {
            Ok(Some(record)) => {
                self.row = row;
                Ok(Some((row, record)))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(Error::data(format!(
                "{origin}: row {row} (from 1): {error}; look for a quote that is never closed, or for a file that is no table"
            ))),
        }
    }

    /// What messages call the table.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }
}
