//! A pair of equally long slices, one read and one written, that may be the same memory.
//!
//! Element-wise kernels take it so that one body serves both `y = f(x)` and `x = f(x)`: position `i` is read before
//! position `i` is written, and nothing else is touched.

use super::Lanes;
use super::access::{load_up_to, store_up_to};
use crate::base::parallel::Halve;
use std::marker::PhantomData;

/// What an element-wise kernel reads and writes.
pub struct InOut<'a, T> {
    from: *const T,
    to: *mut T,
    len: usize,
    life: PhantomData<&'a mut [T]>,
}

impl<'a, T> InOut<'a, T> {
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

    /// Writes `f` of every element read: what an operation without a kernel of its own does.
    pub fn map(self, mut f: impl FnMut(T) -> T)
    where
        T: Copy,
    {
        for at in 0..self.len {
            // SAFETY: `at < len`; that element is read before it is written, and no reference is made of the memory.
            unsafe { self.to.add(at).write(f(self.from.add(at).read())) };
        }
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

impl<T: Send + Sync> Halve for InOut<'_, T> {
    fn len(&self) -> usize {
        InOut::len(self)
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        InOut::split_at(self, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_before_it_writes() {
        let (from, mut to) = ([1.0f32, 2.0, 3.0], [0.0; 5]);
        InOut::pair(&from, &mut to).map(|x| 2.0 * x);
        assert_eq!(to, [2.0, 4.0, 6.0, 0.0, 0.0]);
        let (head, tail) = InOut::same(&mut to).split_at(9);
        assert!(tail.is_empty() && head.len() == 5);
        head.map(|x| x + 1.0);
        assert_eq!(to, [3.0, 5.0, 7.0, 1.0, 1.0]);
    }
}
