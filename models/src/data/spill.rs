//! Rows that are too many for memory, in a temporary file without a name, which goes with the process.
//!
//! They lie as doubles, `[rows, features]`, and are read where they are wanted: rows that follow each other in one piece.
//! Who reads them in an order of its own does well to stay within a stretch of them at a time (training shuffles by
//! blocks).

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};

/// Rows of one shuffled block.
pub(crate) const BLOCK: usize = 1 << 13;

/// Rows in a file.
#[derive(Clone)]
pub struct Spill {
    state: Arc<Mutex<State>>,
    features: usize,
    values: usize,
}

struct State {
    file: File,
    bytes: Vec<u8>,
    numbers: Vec<f64>,
}

impl fmt::Debug for Spill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spill({} values)", self.values)
    }
}

impl PartialEq for Spill {
    /// Whether they are one file.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }
}

impl Spill {
    /// An empty file for rows of so many numbers.
    ///
    /// # Errors
    /// The system gives no temporary file.
    pub(super) fn new(features: usize) -> Result<Self> {
        let file = tempfile::tempfile().map_err(|error| failed("make", error))?;
        let state = State { file, bytes: Vec::new(), numbers: Vec::new() };
        Ok(Self { state: Arc::new(Mutex::new(state)), features, values: 0 })
    }

    /// Appends whole rows.
    ///
    /// # Errors
    /// A disk that is full.
    pub(super) fn append(&mut self, values: &[f64]) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { file, bytes, .. } = &mut *state;
        bytes.clear();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(bytes)).map_err(|error| failed("write", error))?;
        self.values += values.len();
        Ok(())
    }

    /// How many values there are, over all rows.
    pub(super) fn len(&self) -> usize {
        self.values
    }

    /// Hands the given rows to `see`, `[rows, features]`.
    ///
    /// # Errors
    /// A row that does not exist; a file that cannot be read; what `see` fails with.
    pub(crate) fn with_rows<R>(&self, rows: &[u32], see: impl FnOnce(&[f64]) -> Result<R>) -> Result<R> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { file, bytes, numbers } = &mut *state;
        numbers.clear();
        let mut at = 0;
        while at < rows.len() {
            let first = rows[at] as usize;
            let run = (1..rows.len() - at).take_while(|&next| rows[at + next] as usize == first + next).count() + 1;
            if (first + run) * self.features > self.values {
                return Err(Error::data(format!(
                    "no row {}; there are {}",
                    first + run - 1,
                    self.values / self.features
                )));
            }
            bytes.resize(run * self.features * size_of::<f64>(), 0);
            let place = (first * self.features * size_of::<f64>()) as u64;
            file.seek(SeekFrom::Start(place))
                .and_then(|_| file.read_exact(bytes))
                .map_err(|error| failed("read", error))?;
            let (all, _) = bytes.as_chunks::<8>();
            numbers.extend(all.iter().map(|bytes| f64::from_le_bytes(*bytes)));
            at += run;
        }
        see(numbers)
    }
}

fn failed(action: &str, error: std::io::Error) -> Error {
    Error::io(action, &Path::new("a temporary file in").join(std::env::temp_dir()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_any_order() {
        let mut spill = Spill::new(2).unwrap();
        let values: Vec<f64> = (0..40).map(f64::from).collect();
        spill.append(&values[..10]).unwrap();
        spill.append(&values[10..]).unwrap();
        let rows = [3, 4, 5, 0, 19, 19];
        let read = spill.with_rows(&rows, |values| Ok(values.to_vec())).unwrap();
        assert_eq!(read, [6., 7., 8., 9., 10., 11., 0., 1., 38., 39., 38., 39.]);
        assert!(spill.with_rows(&[20], |_| Ok(())).unwrap_err().to_string().contains("no row 20"));
    }
}
