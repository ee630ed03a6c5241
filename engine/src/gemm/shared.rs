//! Products with an operand that is packed once and read by all threads.
//!
//! * `shared`: products of many rows, whose threads would each pack the same B.
//! * `transposed`: the forward product of a linear layer, `x Wᵀ` with both operands contiguous along k. Packing W would
//!   cost a transpose of `N K` elements; instead x becomes the packed operand, shared by all threads, W is read where
//!   it lies, and the tiles of `Cᵀ = W xᵀ` are transposed as they are stored: `M K + M N` elements.

use super::blocking::Blocking;
use super::panels::{most, pack};
use super::task::{Operand, Task};
use super::tiling::steps;
use super::{arena, split};
use crate::base::Split;
use crate::simd::Float;
use std::marker::PhantomData;

/// Whether all threads should share one packed B: it would be packed by each, and there is work enough to wait for it.
pub(super) fn is_better_shared<T: Float>(threads: Split, x: &Task<T>) -> bool {
    x.b.panel == 0 && x.m > 16 * x.shape.rows() && split::threads(threads, x.work()) > 1
}

/// Computes the product with blocks of B that are packed once and read by all threads; false where there is no memory.
///
/// # Safety
/// * `x` is sound, of tiles, with a B that is not packed.
pub(super) unsafe fn shared<T: Float>(threads: Split, x: &Task<T>) -> bool {
    let blocking = Blocking::of::<T>(&x.kernels.tiling(PhantomData));
    let depth = x.k.div_ceil(x.k.div_ceil(blocking.kc).max(1)).max(1);
    let panel = x.shape.cols();
    let most_cols = most::<T>() / depth / panel * panel;
    let cols = x.n.div_ceil(x.n.div_ceil(most_cols.max(1))).next_multiple_of(panel);
    let len = cols * depth;
    if len > most::<T>() {
        return false;
    }
    let done = arena::with(arena::Use::Shared, len, most::<T>(), |memory| {
        for (p, depth) in steps(x.k, depth) {
            let finish = x.finish.of_depth(p == 0, p + depth >= x.k);
            for (col, cols) in steps(x.n, cols) {
                let from = Operand { data: x.b.at(p, col), ..x.b };
                let b = Operand { data: memory.as_ptr(), row: panel, col: depth * panel, panel };
                let part = x.part(0, x.m, col, cols);
                let a = Operand { data: x.a.at(0, p), ..x.a };
                let part = Task { k: depth, a, b, finish: finish.part(0, col), ..part };
                // SAFETY: `x` is sound, and `memory` is long enough for this block of B, which nobody writes while the
                // part is computed.
                unsafe {
                    if !pack((x.kernels, threads), &from, [depth, cols], panel, memory) {
                        return false;
                    }
                    split::run(threads, part);
                }
            }
        }
        true
    });
    done == Some(true)
}

/// Whether a product is done the other way round: see the module.
pub(super) fn is_better_transposed<T: Float>(x: &Task<T>) -> bool {
    let tiling = x.kernels.tiling(PhantomData);
    // A transposed C cannot be read again, so K is one block, and no longer than the rows of A may be; a shorter K than
    // 64 does not pay for the transposes.
    let plain = x.finish.beta == T::ZERO && x.alpha == T::ONE && (64..=2048).contains(&x.k);
    let along_k = x.a.col == 1 && x.b.row == 1 && x.b.panel == 0;
    let fits = x.m.next_multiple_of(tiling.shape(x.m).cols()).saturating_mul(x.k) <= most::<T>();
    // Lanes that no row fills are wasted.
    let full = x.m * 5 >= x.m.next_multiple_of(tiling.lanes) * 4;
    let (transposed, packed) = (x.m.saturating_mul(x.k.saturating_add(x.n)), x.n.saturating_mul(x.k));
    plain && along_k && fits && full && transposed < packed / 2
}

/// Computes the product the other way round; false where there is no memory for it.
///
/// # Safety
/// * `x` is sound, of tiles, with contiguous rows of C, and such that it is better transposed.
pub(super) unsafe fn transposed<T: Float>(threads: Split, x: &Task<T>) -> bool {
    let shape = x.kernels.tiling(PhantomData).shape(x.m);
    let panel = shape.cols();
    let len = x.m.next_multiple_of(panel) * x.k;
    let done = arena::with(arena::Use::Shared, len, most::<T>(), |memory| {
        #[cfg(test)]
        TRANSPOSED.set(TRANSPOSED.get() + 1);
        let b = Operand { data: memory.as_ptr(), row: panel, col: x.k * panel, panel };
        let finish = x.finish.t();
        let task = Task { m: x.n, n: x.m, a: x.b.t(), b, c_columns: true, finish, shape, ..*x };
        // SAFETY: `x` is sound, and so is its transpose, with an A packed whole into memory that nobody else writes.
        unsafe {
            if !pack((x.kernels, threads), &x.a.t(), [x.k, x.m], panel, memory) {
                return false;
            }
            split::run(threads, task);
        }
        true
    });
    done == Some(true)
}

#[cfg(test)]
thread_local! {
    /// How often this thread has computed a product the other way round.
    pub(super) static TRANSPOSED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}
