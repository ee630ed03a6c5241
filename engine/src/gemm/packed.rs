//! A B in panels, packed once for a whole product or for many.
//!
//! * [`PackedB`]: weights that many products share, as in inference.
//! * `shared`: products of many rows, whose threads would each pack the same B.
//! * `turned`: the forward product of a linear layer, `x Wᵀ` with both operands contiguous along k. Packing W would
//!   cost a transpose of `N K` elements; instead x becomes the packed operand, shared by all threads, W is read where
//!   it lies, and the tiles of `Cᵀ = W xᵀ` are transposed as they are stored: `M K + M N` elements.

use super::driver::{Operand, Task, steps};
use super::epilogue::Epilogue;
use super::matrix::{MatrixMut, MatrixRef};
use super::pack::PackB;
use super::tile::GemmKernels;
use super::{GemmFloat, arena, multiply, split};
use crate::base::{Backend, Buffer, Context, Error, Split};
use std::marker::PhantomData;

/// A matrix `[K, N]` in the order in which the kernels of one backend read it.
#[derive(Debug)]
pub struct PackedB<T> {
    backend: Backend,
    rows: usize,
    cols: usize,
    panel: usize,
    data: Buffer<T>,
}

impl<T: GemmFloat> PackedB<T> {
    /// Packs `b`; about `K N` elements of memory.
    ///
    /// # Errors
    /// No memory.
    pub fn new(context: Context, b: MatrixRef<T>) -> Result<Self, Error> {
        let Context { backend, split } = context;
        let (rows, cols) = (b.rows(), b.cols());
        let panel = T::gemm_kernels(backend).tiling(PhantomData).shape(cols).cols;
        let elements = cols.checked_next_multiple_of(panel).and_then(|cols| cols.checked_mul(rows));
        let elements =
            elements.ok_or_else(|| Error::shape(format!("a packed matrix of {rows} x {cols} is too large")))?;
        let mut data = Buffer::zeroed(elements)?;
        pack(T::gemm_kernels(backend), split, &Operand::of(b), [rows, cols], panel, data.as_mut_slice());
        Ok(Self { backend, rows, cols, panel, data })
    }

    /// Rows, K.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns, N.
    pub fn cols(&self) -> usize {
        self.cols
    }
}

/// [`gemm`](super::gemm()) with a packed B, on the backend that it was packed for; for a C of contiguous rows
/// the bits are those of a product of tiles, which `gemm` itself takes unless M or N is tiny.
///
/// # Errors
/// When the sides, or the length of the bias, do not fit.
pub fn gemm_packed<T: GemmFloat>(
    split: Split,
    alpha: T,
    a: MatrixRef<T>,
    b: &PackedB<T>,
    beta: T,
    c: MatrixMut<T>,
    epilogue: &Epilogue<T>,
) -> Result<(), Error> {
    let col = b.rows.wrapping_mul(b.panel);
    let operand = Operand { data: b.data.as_slice().as_ptr(), row: b.panel, col, panel: b.panel };
    multiply(Context { backend: b.backend, split }, alpha, a, ([b.rows, b.cols], operand), beta, c, epilogue)
}

/// Elements of a shared operand that a thread keeps memory for: 2 MiB.
const fn most<T>() -> usize {
    (2 << 20) / size_of::<T>()
}

/// Takes this thread's memory for a shared operand, if there is enough.
pub(super) fn warm_up<T: GemmFloat>() {
    let _ = arena::with::<T, _>(arena::Use::Shared, most::<T>(), most::<T>(), |_| ());
}

/// Packs `[rows, cols]` of `from` into panels of `panel` columns, one after the other.
fn pack<T: GemmFloat>(
    kernels: &GemmKernels<T>,
    split: Split,
    from: &Operand<T>,
    [rows, cols]: [usize; 2],
    panel: usize,
    to: &mut [T],
) {
    /// Rows of a part, and elements below which one thread does it.
    const PART: usize = 64;
    const GATE: usize = 32_768;
    struct Shared<T>(Operand<T>, *mut T);
    // SAFETY: the source is only read, and the parts below write disjoint rows of the panels.
    unsafe impl<T: Send + Sync> Sync for Shared<T> {}
    if rows == 0 || cols == 0 {
        return;
    }
    debug_assert!(to.len() >= rows * cols.next_multiple_of(panel));
    let shared = Shared(*from, to.as_mut_ptr());
    split.gated(rows.saturating_mul(cols), GATE).ranges(rows, PART, &|range| {
        let Shared(from, to) = &shared;
        for col in (0..cols).step_by(panel) {
            kernels.pack_b(&PackB {
                depth: range.len(),
                cols: panel.min(cols - col),
                from: from.at(range.start, col),
                row: from.row,
                col: from.col,
                panel,
                to: to.wrapping_add(col * rows + range.start * panel),
            });
        }
    });
}

/// Whether all threads should share one packed B: it would be packed by each, and there is work enough to wait for it.
pub(super) fn is_better_shared<T: GemmFloat>(threads: Split, x: &Task<T>) -> bool {
    x.b.panel == 0 && x.m > 16 * x.shape.rows && split::threads(threads, split::work(x)) > 1
}

/// Computes the product with blocks of B that are packed once and read by all threads; false where there is no memory.
pub(super) fn shared<T: GemmFloat>(threads: Split, x: &Task<T>) -> bool {
    let blocking = T::blocking(&x.kernels.tiling(PhantomData));
    let depth = x.k.div_ceil(x.k.div_ceil(blocking.kc).max(1)).max(1);
    let most_cols = most::<T>() / depth / x.shape.cols * x.shape.cols;
    let cols = x.n.div_ceil(x.n.div_ceil(most_cols.max(1))).next_multiple_of(x.shape.cols);
    let len = cols * depth;
    if len > most::<T>() {
        return false;
    }
    let done = arena::with(arena::Use::Shared, len, most::<T>(), |memory| {
        for (p, depth) in steps(x.k, depth) {
            let finish = x.finish.of_depth(p == 0, p + depth >= x.k);
            for (col, cols) in steps(x.n, cols) {
                let from = Operand { data: x.b.at(p, col), ..x.b };
                pack(x.kernels, threads, &from, [depth, cols], x.shape.cols, memory);
                let panel = x.shape.cols;
                let b = Operand { data: memory.as_ptr(), row: panel, col: depth * panel, panel };
                let part = x.part(0, x.m, col, cols);
                let a = Operand { data: x.a.at(0, p), ..x.a };
                split::run(threads, Task { k: depth, a, b, finish: finish.part(0, col), ..part });
            }
        }
    });
    done.is_some()
}

/// Whether a product is done the other way round: see the module.
pub(super) fn is_better_turned<T: GemmFloat>(x: &Task<T>) -> bool {
    let lanes = x.kernels.tiling(PhantomData).lanes;
    let panel = x.kernels.tiling(PhantomData).shape(x.m).cols;
    // A turned C cannot be read again, so K is one block, and no longer than the rows of A may be; a shorter K than 64
    // does not pay for the transposes.
    let plain = x.finish.beta == T::ZERO && x.alpha == T::ONE && (64..=2048).contains(&x.k);
    let along_k = x.a.col == 1 && x.b.row == 1 && x.b.panel == 0;
    let fits = x.m.next_multiple_of(panel).saturating_mul(x.k) <= most::<T>();
    // Lanes that no row fills are wasted.
    let full = x.m * 5 >= x.m.next_multiple_of(lanes) * 4;
    let (turned, packed) = (x.m.saturating_mul(x.k.saturating_add(x.n)), x.n.saturating_mul(x.k));
    plain && along_k && fits && full && turned < packed / 2
}

/// Computes the product the other way round; false where there is no memory for it.
pub(super) fn turned<T: GemmFloat>(threads: Split, x: &Task<T>) -> bool {
    let shape = x.kernels.tiling(PhantomData).shape(x.m);
    let len = x.m.next_multiple_of(shape.cols) * x.k;
    let done = arena::with(arena::Use::Shared, len, most::<T>(), |shared| {
        #[cfg(test)]
        TURNED.set(TURNED.get() + 1);
        pack(x.kernels, threads, &x.a.t(), [x.k, x.m], shape.cols, shared);
        let b = Operand { data: shared.as_ptr(), row: shape.cols, col: x.k * shape.cols, panel: shape.cols };
        let a = x.b.t();
        split::run(threads, Task { m: x.n, n: x.m, a, b, c_columns: true, finish: x.finish.t(), shape, ..*x });
    });
    done.is_some()
}

#[cfg(test)]
thread_local! {
    /// How often this thread has turned a product.
    pub(super) static TURNED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}
