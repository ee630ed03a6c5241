//! What everything else stands on: it knows nobody.
//!
//! * [`error`]: the one error type. [`buffer`]: aligned memory, reserved fallibly.
//! * [`backend`]: which sets of vector instructions this process may use. [`parallel`]: which threads, and how work is
//!   cut for them.
//! * [`context`]: both of these, handed down by everything that computes.

pub mod backend;
pub mod buffer;
pub mod context;
pub mod error;
pub mod parallel;

pub use backend::Backend;
pub use buffer::Buffer;
pub use context::Context;
pub use error::{Error, ErrorKind};
pub use parallel::{Split, Threads};
