//! The one error of this crate: a kind that decides the exit status, and one line that names the thing, the place
//! and the remedy.

use std::fmt;
use std::path::Path;

/// What sort of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request itself makes no sense: a flag, a configuration key, a value. The tool exits with 2.
    Usage,
    /// The data cannot be read or does not fit the model.
    Data,
    /// A model or state file cannot be used.
    Model,
    /// The operating system refused a read or a write.
    Io,
    /// Training could not go on, for instance because the loss is not a number.
    Training,
    /// The engine refused a recording or ran out of memory.
    Engine,
}

/// An error with one readable line. See [`ErrorKind`].
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A request that makes no sense; `message` says what to give instead.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Data that cannot be used.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    /// A model or state file that cannot be used.
    pub fn model(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Model, message)
    }

    /// Training that cannot go on.
    pub fn training(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Training, message)
    }

    /// A failed system call on `path`: "cannot ACTION PATH: REASON".
    pub fn io(action: &str, path: &Path, source: std::io::Error) -> Self {
        Self {
            kind: ErrorKind::Io,
            message: format!("cannot {action} {}: {source}", path.display()),
            source: Some(Box::new(source)),
        }
    }

    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<narrows_engine::Error> for Error {
    fn from(error: narrows_engine::Error) -> Self {
        let kind = match error.kind() {
            narrows_engine::ErrorKind::NotFinite => ErrorKind::Training,
            _ => ErrorKind::Engine,
        };
        Self { kind, message: error.to_string(), source: Some(Box::new(error)) }
    }
}
