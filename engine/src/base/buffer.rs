//! Flat memory for numbers, aligned to a cache line, reserved fallibly and zeroed.
//!
//! Layout: a vector of 64-byte lines, viewed as `T` through `bytemuck`. Rows of a matrix inside it are not padded;
//! only the start is aligned. An empty buffer owns nothing, so taking one out of a structure and putting it back
//! (as the tape does while an operation runs) costs three words and no allocation.

use super::Error;
use bytemuck::{Pod, Zeroable};
use std::fmt;

/// One cache line: the unit that gives a [`Buffer`] its alignment.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

// SAFETY: `Line` is 64 plain bytes with no padding (its size equals its alignment), and zero bytes are a value.
unsafe impl Zeroable for Line {}
// SAFETY: as above; every bit pattern is a value, and there is no padding or interior mutability.
unsafe impl Pod for Line {}

/// Numbers in 64-byte-aligned memory.
pub struct Buffer<T> {
    lines: Vec<Line>,
    len: usize,
    kind: std::marker::PhantomData<T>,
}

impl<T: Pod> Buffer<T> {
    /// A buffer of `len` zeros.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn zeroed(len: usize) -> Result<Self, Error> {
        let bytes = len.checked_mul(size_of::<T>()).ok_or_else(|| Error::out_of_memory(usize::MAX))?;
        let count = bytes.div_ceil(size_of::<Line>());
        let mut lines = Vec::new();
        lines.try_reserve_exact(count).map_err(|_| Error::out_of_memory(bytes))?;
        lines.resize(count, Line([0; 64]));
        Ok(Self { lines, len, kind: std::marker::PhantomData })
    }

    /// Makes room for `len` numbers in all, so that [`Self::grow`] up to there moves nothing.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn reserve(&mut self, len: usize) -> Result<(), Error> {
        let bytes = len.checked_mul(size_of::<T>()).ok_or_else(|| Error::out_of_memory(usize::MAX))?;
        let more = bytes.div_ceil(size_of::<Line>()).saturating_sub(self.lines.len());
        self.lines.try_reserve_exact(more).map_err(|_| Error::out_of_memory(bytes))
    }

    /// Appends zeros up to `len` numbers; does nothing where there are as many.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn grow(&mut self, len: usize) -> Result<(), Error> {
        if len > self.len {
            self.reserve(len)?;
            self.lines.resize((len * size_of::<T>()).div_ceil(size_of::<Line>()), Line([0; 64]));
            self.len = len;
        }
        Ok(())
    }

    /// How many numbers it holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The numbers.
    pub fn as_slice(&self) -> &[T] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }

    /// The numbers, to be changed.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }

    /// A copy.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn try_clone(&self) -> Result<Self, Error> {
        let mut copy = Self::zeroed(self.len)?;
        copy.as_mut_slice().copy_from_slice(self.as_slice());
        Ok(copy)
    }
}

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Self { lines: Vec::new(), len: 0, kind: std::marker::PhantomData }
    }
}

impl<T> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} x {} bytes)", self.len, size_of::<T>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_zeroed_and_fallible() {
        let buffer = Buffer::<f32>::zeroed(17).unwrap();
        assert_eq!(buffer.as_slice(), &[0.0; 17]);
        assert_eq!(buffer.as_slice().as_ptr() as usize % 64, 0);
        assert!(Buffer::<f64>::zeroed(usize::MAX).is_err());
        assert!(Buffer::<f64>::zeroed(usize::MAX / 16).is_err());
        assert!(Buffer::<f64>::default().as_slice().is_empty());
        let mut grown = Buffer::<f32>::default();
        grown.reserve(100).unwrap();
        grown.grow(3).unwrap();
        grown.as_mut_slice().fill(1.0);
        grown.grow(100).unwrap();
        assert_eq!((grown.as_slice()[2], grown.as_slice()[3], grown.len()), (1.0, 0.0, 100));
        assert!(grown.grow(usize::MAX).is_err() && grown.len() == 100);
    }
}
