//! Scratch memory of a thread, kept from call to call, so that a product allocates only when it is the first of its
//! type, or larger than most: memory is taken at once for the usual blocks (`packing::most`), since with work stealing
//! a thread may meet its largest part late.

use crate::simd::{Buffer, Float};
use std::cell::RefCell;

type Slot = RefCell<Buffer<f64>>;

thread_local! {
    static BLOCKS: Slot = RefCell::new(Buffer::default());
    static SHARED: Slot = RefCell::new(Buffer::default());
}

/// What memory is for. A product may hold both at a time, and its thread may meanwhile help with parts of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The packed blocks of one part of a product.
    Blocks,
    /// An operand that all parts read.
    Shared,
}

/// Runs `work` with at least `len` elements of scratch (where memory is taken, `most`), whose contents mean nothing,
/// aligned to 64 bytes. `None` when the memory cannot be had. A call inside `work` gets memory of its own.
pub(super) fn with<T: Float, R>(of: Use, len: usize, most: usize, work: impl FnOnce(&mut [T]) -> R) -> Option<R> {
    let slot = if of == Use::Blocks { &BLOCKS } else { &SHARED };
    #[cfg(test)]
    if DENIED.get() {
        return None;
    }
    let doubles = |len: usize| Some(len.checked_mul(size_of::<T>())?.div_ceil(size_of::<f64>()).max(8192));
    let needed = doubles(len)?;
    let mut buffer = slot.try_with(RefCell::take).unwrap_or_default();
    if buffer.len() < needed {
        drop(buffer);
        let most = doubles(most.max(len)).unwrap_or(needed);
        buffer = Buffer::zeroed(most).or_else(|_| Buffer::zeroed(needed)).ok()?;
    }
    let result = work(bytemuck::cast_slice_mut(buffer.as_mut_slice()));
    // A thread that is ending has no slot any more; the memory is then simply freed.
    // Of two that were in use at a time, the larger is kept.
    let _ = slot.try_with(|slot| {
        if slot.borrow().len() < buffer.len() {
            slot.replace(buffer);
        }
    });
    Some(result)
}

#[cfg(test)]
thread_local! {
    static DENIED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Runs `work` on this thread as if there were no memory.
#[cfg(test)]
pub(super) fn without<R>(work: impl FnOnce() -> R) -> R {
    DENIED.set(true);
    let result = work();
    DENIED.set(false);
    result
}
