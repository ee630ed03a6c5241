//! Tables as text: a line of names, then a line a row. The crate `simd-csv` knows what must be quoted.
//!
//! What is missing is nothing between two commas; how numbers and classes are written the module `cell` says.

use std::io::{ErrorKind, Stdout, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::cell::put;
use super::header::{Header, RowWriter};
use crate::error::{Error, Result};
use crate::files::Atomic;

const BUFFER: usize = 1 << 16;

pub(super) struct Csv {
    writer: simd_csv::Writer<Sink>,
    header: Header,
    path: PathBuf,
    closed: Arc<AtomicBool>,
    /// The text of a row, and where each field ends.
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// Where the text goes. A reader that left early is no error: the rest is dropped.
struct Sink {
    place: Place,
    closed: Arc<AtomicBool>,
}

enum Place {
    File(Box<Atomic>),
    Standard(Stdout),
}

impl Csv {
    pub(super) fn create(path: &Path, header: Header, delimiter: u8) -> Result<Self> {
        Self::begin(Place::File(Box::new(Atomic::create(path)?)), path, header, delimiter)
    }

    pub(super) fn on_stdout(header: Header) -> Result<Self> {
        Self::begin(Place::Standard(std::io::stdout()), Path::new("standard output"), header, b',')
    }

    fn begin(place: Place, path: &Path, header: Header, delimiter: u8) -> Result<Self> {
        let closed = Arc::new(AtomicBool::new(false));
        let sink = Sink { place, closed: Arc::clone(&closed) };
        let mut builder = simd_csv::WriterBuilder::with_capacity(BUFFER);
        let writer = builder.delimiter(delimiter).from_writer(sink);
        let mut csv = Self { writer, header, path: path.to_owned(), closed, text: Vec::new(), ends: Vec::new() };
        let mut names = csv.header.names();
        if csv.header.labels.is_some() {
            names.push(csv.header.label_name());
        }
        names.iter().for_each(|name| csv.field(|text| text.extend_from_slice(name.as_bytes())));
        csv.end_of_row()?;
        Ok(csv)
    }

    fn field(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.text);
        self.ends.push(self.text.len());
    }

    fn end_of_row(&mut self) -> Result<()> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let fields = starts.zip(&self.ends).map(|(start, &end)| self.text.get(start..end).unwrap_or_default());
        self.writer.write_record(fields).map_err(|error| failed(&self.path, std::io::Error::other(error)))?;
        self.text.clear();
        self.ends.clear();
        Ok(())
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::io("write", path, error)
}

impl RowWriter for Csv {
    fn write(&mut self, values: &[f64], labels: Option<&[u32]>) -> Result<()> {
        self.header.rows(values, labels)?;
        let mut labels = labels.unwrap_or_default().iter();
        for row in values.chunks_exact(self.header.features()) {
            for (at, &value) in row.iter().enumerate() {
                put(value, self.header.columns.get(at), &mut self.text);
                self.ends.push(self.text.len());
            }
            if let Some(&label) = labels.next() {
                let class = self.header.class(label);
                self.field(|text| text.extend_from_slice(class.as_bytes()));
            }
            self.end_of_row()?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let mut sink = self.writer.into_inner().map_err(|error| failed(&self.path, error.into_error()))?;
        sink.flush().map_err(|error| failed(&self.path, error))?;
        match sink.place {
            Place::File(file) if !self.closed.load(Relaxed) => file.finish(),
            _ => Ok(()),
        }
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }
}

impl Sink {
    /// What is written to a reader that left is taken for written.
    fn forgive<T>(&self, done: std::io::Result<T>, otherwise: T) -> std::io::Result<T> {
        match done {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed.store(true, Relaxed);
                Ok(otherwise)
            }
            other => other,
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = match &mut self.place {
            _ if self.closed.load(Relaxed) => Ok(bytes.len()),
            Place::File(file) => file.write(bytes),
            // What people wait for comes as it is ready.
            Place::Standard(out) => out.write_all(bytes).and_then(|()| out.flush()).map(|()| bytes.len()),
        };
        self.forgive(written, bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let flushed = match &mut self.place {
            _ if self.closed.load(Relaxed) => Ok(()),
            Place::File(file) => file.flush(),
            Place::Standard(out) => out.flush(),
        };
        self.forgive(flushed, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Column;

    #[test]
    fn a_reader_that_left_is_no_error() {
        use std::io::pipe;
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsRawFd;
            let path = format!("/proc/self/fd/{}", writer.as_raw_fd());
            let header = Header::of_columns(vec![Column::numeric("a")]);
            let mut csv = Box::new(Csv::create(Path::new(&path), header, b',').unwrap());
            csv.write(&vec![0.5; 100_000], None).unwrap();
            assert!(csv.is_closed());
            csv.finish().unwrap();
            // A few rows stay in buffers until the end.
            let header = Header::of_columns(vec![Column::numeric("a")]);
            Box::new(Csv::create(Path::new(&path), header, b',').unwrap()).finish().unwrap();
        }
        drop(writer);
    }
}
