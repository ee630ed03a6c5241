//! How to compute: handed down as one thing, so that no two functions take its parts in another order.
#![forbid(unsafe_code)]

use super::{Backend, Split};

/// The vector instructions in use, and whether work may be shared among threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The vector instructions.
    pub backend: Backend,
    /// Whether parts may be handed to other threads.
    pub split: Split,
}

impl Context {
    /// The same on this thread alone.
    #[must_use]
    pub fn serial(self) -> Self {
        Self { split: Split::Serial, ..self }
    }

    /// The same for at least `gate` elements, else serial: below it, waking a thread costs more than it saves.
    #[must_use]
    pub fn gated(self, elements: usize, gate: usize) -> Self {
        Self { split: self.split.gated(elements, gate), ..self }
    }
}
