//! A set of vector instructions that this processor has: what it is called, and how wide it is.
//!
//! A [`Backend`] is a proof: `InstructionSet::detect` makes one, and only where the processor has the instructions,
//! so whoever holds one may enter kernels that were compiled for it. Sets are not ordered: what one processor prefers
//! another may lack. Each states itself in its folder of `simd/arch`; `simd/detect` lists and chooses.

use std::fmt;

/// What a set of instructions states of itself.
#[derive(Debug)]
pub(crate) struct InstructionSet {
    /// What reports, and the variable that lowers the choice, call it.
    pub(crate) name: &'static str,
    /// Bytes of a vector.
    pub(crate) vector_bytes: usize,
    /// A set with vectors of half the width whose instructions come with this one's, for rows that would not fill a
    /// vector.
    pub(crate) half: Option<&'static InstructionSet>,
    /// Whether this processor has all of its instructions.
    pub(crate) is_detected: fn() -> bool,
}

impl InstructionSet {
    /// The proof that this processor has the instructions.
    #[inline]
    pub(crate) fn detect(&'static self) -> Option<Backend> {
        (self.is_detected)().then_some(Backend(self))
    }
}

/// A set of vector instructions that this processor has.
#[derive(Clone, Copy)]
pub struct Backend(&'static InstructionSet);

impl Backend {
    /// The name that reports and `NARROWS_ISA` use: "portable", "avx2", "avx512".
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// A backend without asking the processor.
    ///
    /// # Safety
    /// * The processor has the instructions of `set`.
    pub(crate) unsafe fn assume(set: &'static InstructionSet) -> Self {
        Self(set)
    }

    /// Bytes of a vector.
    pub fn vector_bytes(self) -> usize {
        self.0.vector_bytes
    }

    /// The set with vectors of half the width, if there is one.
    #[inline]
    pub(crate) fn half(self) -> Option<Backend> {
        self.0.half.and_then(InstructionSet::detect)
    }

    /// Whether it is this set.
    #[inline(always)]
    pub(crate) fn is(self, set: &'static InstructionSet) -> bool {
        std::ptr::eq(self.0, set)
    }
}

impl PartialEq for Backend {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0)
    }
}

impl Eq for Backend {}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
