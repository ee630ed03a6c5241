//! The engine's error: one line that names the operation, the shapes and the caller's place.

use crate::simd::OutOfMemory;
use std::fmt;
use std::panic::Location;

/// Why the engine refused. The message names the thing and, for a recording, where it was recorded.
#[derive(Debug, Clone)]
pub struct Error {
    message: String,
    location: Option<&'static Location<'static>>,
}

impl Error {
    /// An error with its message alone.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), location: None }
    }

    /// An error of recording, with the place in the caller's source.
    pub(crate) fn at(message: impl Into<String>, location: &'static Location<'static>) -> Self {
        Self { message: message.into(), location: Some(location) }
    }

    /// Where the faulty operation was recorded, if it was one.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.location {
            Some(place) => write!(f, " (recorded at {}:{})", place.file(), place.line()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<OutOfMemory> for Error {
    fn from(error: OutOfMemory) -> Self {
        Self::new(error.to_string())
    }
}
