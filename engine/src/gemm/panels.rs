//! A whole operand packed into panels once, by all threads together.

use super::kernels::GemmKernels;
use super::pack::PackB;
use super::task::Operand;
use crate::base::Split;
use crate::simd::Float;

/// Elements of a shared operand that a thread keeps memory for: 2 MiB.
pub(super) const fn most<T>() -> usize {
    (2 << 20) / size_of::<T>()
}

/// The elements of `[rows, cols]` in panels of `panel` columns; none where that cannot be counted.
pub(super) fn packed_len([rows, cols]: [usize; 2], panel: usize) -> Option<usize> {
    if rows == 0 || cols == 0 {
        return Some(0);
    }
    cols.checked_next_multiple_of(panel)?.checked_mul(rows)
}

/// Packs `[rows, cols]` of `from` into panels of `panel` columns, one after the other; false where `to` is too short.
///
/// # Safety
/// * `from` is valid for reading that many elements at its strides; it is not packed already.
/// * `panel` is a multiple of the lanes of `kernels`.
#[must_use]
pub(super) unsafe fn pack<T: Float>(
    (kernels, split): (&GemmKernels<T>, Split),
    from: &Operand<T>,
    [rows, cols]: [usize; 2],
    panel: usize,
    to: &mut [T],
) -> bool {
    /// Rows of a part, and elements below which one thread does it.
    const PART: usize = 64;
    const GATE: usize = 32_768;
    struct Shared<T>(Operand<T>, *mut T);
    // SAFETY: the source is only read, and the parts below write disjoint rows of the panels.
    unsafe impl<T: Send + Sync> Sync for Shared<T> {}
    match packed_len([rows, cols], panel) {
        Some(0) => return true,
        Some(len) if len <= to.len() => {}
        _ => return false,
    }
    let shared = Shared(*from, to.as_mut_ptr());
    split.gated(rows.saturating_mul(cols), GATE).ranges(rows, PART, &|range| {
        let Shared(from, to) = &shared;
        for col in (0..cols).step_by(panel) {
            let part = PackB {
                depth: range.len(),
                cols: panel.min(cols - col),
                from: from.at(range.start, col),
                row: from.row,
                col: from.col,
                panel,
                to: to.wrapping_add(col * rows + range.start * panel),
            };
            // SAFETY: the caller vouches for the source, and `to`, a slice of its own, has these rows of this panel.
            unsafe { kernels.pack_b(&part) };
        }
    });
    true
}
