//! Bytes that arrive, and the numbers in them, with memory that follows what has arrived.
//!
//! Headers claim sizes that nothing vouches for. The first reservation follows the bytes expected from the stream, later
//! ones double what has arrived, and the last ends at the exact size: a header alone never makes memory grow, and peak
//! memory is the data's own bytes. The readers of IDX, .npy, .npz and .safetensors share it.

use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::error::{Error, Result};

/// Bytes read at a time, and the least first reservation.
pub(super) const CHUNK: usize = 1 << 16;

/// A reader that knows what it is called, how many bytes came out of it and how many should.
pub(super) struct Incoming<'a, R> {
    reader: R,
    pub(super) name: &'a str,
    got: u64,
    /// How many bytes there should be; messages say it.
    pub(super) expected: u64,
}

impl<'a, R: Read> Incoming<'a, R> {
    /// Of `reader`, which messages call `name` and which should hold `expected` bytes.
    pub(super) fn new(reader: R, name: &'a str, expected: u64) -> Self {
        Self { reader, name, got: 0, expected }
    }

    /// `count` bytes, read straight into the buffer that stays.
    pub(super) fn bytes(&mut self, count: usize, expected_bytes: u64) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        while out.len() < count {
            self.grow(&mut out, count, expected_bytes)?;
            let start = out.len();
            out.resize(out.capacity().min(start.saturating_add(CHUNK)).min(count), 0);
            self.fill(out.get_mut(start..).unwrap_or_default())?;
        }
        Ok(out)
    }

    /// `count` numbers of `N` bytes, converted on the way.
    pub(super) fn numbers<const N: usize, T>(
        &mut self,
        count: usize,
        expected_bytes: u64,
        number: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>> {
        let mut out = Vec::new();
        let mut chunk = [0; 1 << 12];
        while out.len() < count {
            self.grow(&mut out, count, expected_bytes / N as u64)?;
            let (chunk, _) = chunk.as_chunks_mut::<N>();
            let now = chunk.len().min(out.capacity() - out.len()).min(count - out.len());
            let chunk = chunk.get_mut(..now).unwrap_or_default();
            self.fill(chunk.as_flattened_mut())?;
            out.extend(chunk.iter().map(|&bytes| number(bytes)));
        }
        Ok(out)
    }

    /// Makes room in `out` if it is full: first for what is expected, then for twice what came, never beyond `count`.
    fn grow<T>(&self, out: &mut Vec<T>, count: usize, expected: u64) -> Result<()> {
        if out.len() < out.capacity() {
            return Ok(());
        }
        let first = usize::try_from(expected).unwrap_or(usize::MAX).max(CHUNK);
        let target = if out.is_empty() { first } else { out.len().saturating_mul(2) }.min(count);
        out.try_reserve_exact(target.saturating_sub(out.len())).map_err(|_| {
            let bytes = count.saturating_mul(size_of::<T>());
            Error::data(format!("not enough memory for {}: {bytes} bytes; use a larger machine", self.name))
        })
    }

    /// Fills `out` or fails.
    pub(super) fn fill(&mut self, out: &mut [u8]) -> Result<()> {
        let mut rest = out;
        while !rest.is_empty() {
            match self.reader.read(rest) {
                Ok(0) => return Err(self.cut_short()),
                Ok(count) => {
                    self.got = self.got.saturating_add(count as u64);
                    rest = rest.get_mut(count..).unwrap_or_default();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(())
    }

    /// The stream must end here; for gzip, this also reads and checks its checksum.
    pub(super) fn finish(&mut self) -> Result<()> {
        loop {
            return match self.reader.read(&mut [0]) {
                Ok(0) => Ok(()),
                Ok(_) => Err(Error::data(format!(
                    "{} goes on after the {} bytes its header announces; download it again",
                    self.name, self.expected
                ))),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(Error::data(format!(
                    "{} is cut short: its gzip checksum is missing; download it again",
                    self.name
                ))),
                Err(error) => Err(self.failed(error)),
            };
        }
    }

    fn cut_short(&self) -> Error {
        Error::data(format!(
            "{} is cut short: expected {} bytes, got {}; download it again",
            self.name, self.expected, self.got
        ))
    }

    fn failed(&self, error: std::io::Error) -> Error {
        match error.kind() {
            ErrorKind::UnexpectedEof => self.cut_short(),
            // What flate2 says of streams that are not gzip inside.
            ErrorKind::InvalidInput | ErrorKind::InvalidData => {
                Error::data(format!("{} is damaged: {error}; download it again", self.name))
            }
            _ => Error::io("read", Path::new(self.name), error),
        }
    }
}
