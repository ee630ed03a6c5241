//! The engine's one error: a kind to act upon, and a line that names the operation, the shapes and the caller's place.
#![forbid(unsafe_code)]

use std::fmt;
use std::panic::Location;

/// What went wrong, for callers that act upon it. More kinds may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Shapes, sides, strides or lengths that do not fit each other.
    Shape,
    /// A number outside its range: a constant, a size, a position.
    OutOfRange,
    /// Memory that cannot be had, or a size that no memory holds.
    OutOfMemory,
    /// A handle, parameters, a workspace, a name or a saved state that belongs to something else.
    Mismatch,
    /// A call that makes no sense here: its place in the order, or what it was made for.
    Misuse,
    /// An operation that did not do what it declared.
    Contract,
    /// A loss or a gradient that is infinite or NaN where that ends the work.
    NotFinite,
}

/// Why the engine refused. The message names the thing and the remedy and, for a recording, where it was recorded.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq)]
struct Inner {
    kind: ErrorKind,
    message: String,
    location: Option<&'static Location<'static>>,
}

impl Error {
    /// An error of this kind.
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), location: None }))
    }

    /// [`ErrorKind::Shape`].
    #[cold]
    pub fn shape(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Shape, message)
    }

    /// [`ErrorKind::OutOfRange`]: `what` has `value`, which is not `allowed`.
    #[cold]
    pub fn out_of_range(what: impl fmt::Display, value: impl fmt::Display, allowed: impl fmt::Display) -> Self {
        Self::new(ErrorKind::OutOfRange, format!("{what} is {value}, but must be {allowed}"))
    }

    /// [`ErrorKind::OutOfMemory`] for so many bytes; `usize::MAX` where the count itself overflows.
    #[cold]
    pub fn out_of_memory(bytes: usize) -> Self {
        let message = match bytes {
            usize::MAX => "cannot reserve more bytes of memory than can be counted".to_owned(),
            _ => format!("cannot reserve {bytes} bytes of memory"),
        };
        Self::new(ErrorKind::OutOfMemory, message)
    }

    /// [`ErrorKind::Mismatch`].
    #[cold]
    pub fn mismatch(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Mismatch, message)
    }

    /// [`ErrorKind::Misuse`].
    #[cold]
    pub fn misuse(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Misuse, message)
    }

    /// [`ErrorKind::Contract`].
    #[cold]
    pub fn contract(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Contract, message)
    }

    /// The same, with the place in the caller's source where the recording went wrong.
    #[cold]
    pub(crate) fn at(mut self, location: &'static Location<'static>) -> Self {
        self.0.location = Some(location);
        self
    }

    /// The same, its message behind `name` and a colon: which operation, which part.
    #[cold]
    #[must_use]
    pub fn within(mut self, name: impl fmt::Display) -> Self {
        self.0.message = format!("{name}: {}", self.0.message);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message without the place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where the faulty operation was recorded, if it was one.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.0.location
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match self.0.location {
            Some(place) => write!(f, " (recorded at {}:{})", place.file(), place.line()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {}
