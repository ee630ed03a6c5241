//! Vectors from and to slices: whole ones where there is room, and heads of them at the end.
//!
//! Every kernel over slices goes through these, so that one place argues why no element beyond an end is touched.

use super::Lanes;

/// The vector at `from`: whole, or its first `left` elements and zeros.
///
/// # Safety
/// * `from` is valid for reading `min(left, LANES)` elements.
#[inline(always)]
pub(super) unsafe fn load_up_to<T, I: Lanes<T>>(isa: I, from: *const T, left: usize) -> I::V {
    // SAFETY: passed on to the caller.
    unsafe { if left >= I::LANES { isa.load_at(from) } else { isa.load_head_at(from, left) } }
}

/// Writes the vector at `to`: whole, or its first `left` elements.
///
/// # Safety
/// * `to` is valid for writing `min(left, LANES)` elements.
#[inline(always)]
pub(super) unsafe fn store_up_to<T, I: Lanes<T>>(isa: I, v: I::V, to: *mut T, left: usize) {
    // SAFETY: passed on to the caller.
    unsafe { if left >= I::LANES { isa.store_at(v, to) } else { isa.store_head_at(v, to, left) } }
}

/// The vector of `x` at `at`: whole, or what is left of it and zeros; zeros where `at` lies past the end.
#[inline(always)]
pub(crate) fn read<T, I: Lanes<T>>(isa: I, x: &[T], at: usize) -> I::V {
    // SAFETY: so many elements are left from there on, none where `at` lies past the end.
    unsafe { load_up_to(isa, x.as_ptr().wrapping_add(at), x.len().saturating_sub(at)) }
}

/// Writes `v` to `x` at `at`, or as much of it as there is room for; nothing where `at` lies past the end.
#[inline(always)]
pub(crate) fn write<T, I: Lanes<T>>(isa: I, v: I::V, x: &mut [T], at: usize) {
    let left = x.len().saturating_sub(at);
    // SAFETY: as in `read`, and the slice may be written.
    unsafe { store_up_to(isa, v, x.as_mut_ptr().wrapping_add(at), left) }
}

/// The numbers 0..=255 that the bytes of `x` at `at` are: a vector of them, or what is left and zeros.
#[inline(always)]
pub(super) fn read_bytes<T, I: Lanes<T>>(isa: I, x: &[u8], at: usize) -> I::V {
    let rest = &x[at..];
    if rest.len() >= I::LANES {
        // SAFETY: that many bytes are left.
        return unsafe { isa.load_u8_at(rest.as_ptr()) };
    }
    let mut head = [0u8; 16];
    head[..rest.len()].copy_from_slice(rest);
    // SAFETY: no vector has more than 16 lanes.
    unsafe { isa.load_u8_at(head.as_ptr()) }
}
