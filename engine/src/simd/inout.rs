//! A pair of equally long slices, one read and one written, that may be the same memory.
//!
//! Element-wise kernels take it so that one body serves both `y = f(x)` and `x = f(x)`: position `i` is read before
//! position `i` is written, and nothing else is touched.

use super::access::{load_up_to, store_up_to};
use super::{Float, Lanes};
use crate::base::parallel::Halve;
use std::marker::PhantomData;

/// What an element-wise kernel reads and writes.
pub struct InOut<'a, T> {
    from: *const T,
    to: *mut T,
    len: usize,
    life: PhantomData<&'a mut [T]>,
}

impl<'a, T: Float> InOut<'a, T> {
    /// Reads `from` and writes `to`; only the common length is touched.
    pub fn pair(from: &'a [T], to: &'a mut [T]) -> Self {
        let len = from.len().min(to.len());
        Self { from: from.as_ptr(), to: to.as_mut_ptr(), len, life: PhantomData }
    }

    /// Reads and writes the same memory.
    pub fn same(both: &'a mut [T]) -> Self {
        let to = both.as_mut_ptr();
        Self { from: to, to, len: both.len(), life: PhantomData }
    }

    /// How many elements.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Splits after `at` elements (all of them, where there are fewer).
    #[inline(always)]
    pub fn split_at(self, at: usize) -> (Self, Self) {
        let at = at.min(self.len);
        // SAFETY: `at <= len`, so both halves stay inside the slices that this was made of, and they do not overlap.
        let (from, to) = unsafe { (self.from.add(at), self.to.add(at)) };
        let tail = Self { from, to, len: self.len - at, life: PhantomData };
        (Self { len: at, ..self }, tail)
    }

    /// The vector read at `at`: whole, or the remaining elements and zeros.
    #[inline(always)]
    pub(crate) fn load<I: Lanes<T>>(&self, isa: I, at: usize) -> I::V {
        // SAFETY: so many elements are readable from there on, none where `at` lies past the end.
        unsafe { load_up_to(isa, self.from.wrapping_add(at), self.len.saturating_sub(at)) }
    }

    /// The vector now standing where [`Self::store`] will write.
    #[inline(always)]
    pub(crate) fn load_target<I: Lanes<T>>(&self, isa: I, at: usize) -> I::V {
        // SAFETY: as in `load`; the target is as long as the source.
        unsafe { load_up_to(isa, self.to.wrapping_add(at), self.len.saturating_sub(at)) }
    }

    /// Writes a vector at `at`, or as much of it as there is room for.
    #[inline(always)]
    pub(crate) fn store<I: Lanes<T>>(&mut self, isa: I, at: usize, v: I::V) {
        // SAFETY: as in `load`, and the target may be written: it came from a `&mut` slice.
        unsafe { store_up_to(isa, v, self.to.wrapping_add(at), self.len.saturating_sub(at)) }
    }
}

// SAFETY: it stands for a `&[T]` and a `&mut [T]` (or one `&mut [T]`), which may be sent.
unsafe impl<T: Send + Sync> Send for InOut<'_, T> {}

impl<T: Float> Halve for InOut<'_, T> {
    fn len(&self) -> usize {
        InOut::len(self)
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        InOut::split_at(self, at)
    }
}
