//! The product's entry: what is checked, and how it is computed.

use super::driver;
use super::epilogue::Epilogue;
use super::float::GemmFloat;
use super::matrix::{MatrixMut, MatrixRef};
use super::packed::PackedB;
use super::shared::{is_better_shared, is_better_transposed, shared, transposed};
use super::split;
use super::task::{Family, Operand, Task};
use crate::base::{Context, Error, Split};
use std::marker::PhantomData;

/// `C = activation(alpha * A * B + beta * C + bias)` for `A [M, K]`, `B [K, N]`, `C [M, N]`.
///
/// Where `beta` is 0, what C held is not read; where `alpha` is 0, A and B are not. The same bits come out for any
/// `context.split` and any number of threads. 2MNK flops; bound by arithmetic unless a side is small.
///
/// # Errors
/// When the sides, or the length of the bias, do not fit.
#[allow(clippy::too_many_arguments)]
pub fn gemm<T: GemmFloat>(
    context: Context,
    alpha: T,
    a: MatrixRef<T>,
    b: MatrixRef<T>,
    beta: T,
    c: MatrixMut<T>,
    epilogue: &Epilogue<T>,
) -> Result<(), Error> {
    multiply(context, alpha, a, Right::Plain(b), beta, c, epilogue)
}

/// [`gemm`] with a packed B, on the backend that it was packed for; for a C of contiguous rows the bits are those of a
/// product of tiles, which `gemm` itself takes unless M or N is tiny.
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
    multiply(Context { backend: b.backend(), split }, alpha, a, Right::Packed(b), beta, c, epilogue)
}

/// The right operand.
#[derive(Clone, Copy)]
enum Right<'a, T> {
    Plain(MatrixRef<'a, T>),
    Packed(&'a PackedB<T>),
}

impl<T: GemmFloat> Right<'_, T> {
    fn sides(self) -> [usize; 2] {
        match self {
            Self::Plain(b) => [b.rows(), b.cols()],
            Self::Packed(b) => [b.rows(), b.cols()],
        }
    }

    fn operand(self) -> Operand<T> {
        match self {
            Self::Plain(b) => Operand::of(b),
            Self::Packed(b) => b.operand(),
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn multiply<T: GemmFloat>(
    context: Context,
    alpha: T,
    a: MatrixRef<T>,
    b: Right<T>,
    beta: T,
    mut c: MatrixMut<T>,
    epilogue: &Epilogue<T>,
) -> Result<(), Error> {
    let Context { backend, split } = context;
    let (m, n, k, [b_rows, b_cols]) = (c.rows(), c.cols(), a.cols(), b.sides());
    if a.rows() != m || b_rows != k || b_cols != n {
        return Err(Error::shape(format!("cannot multiply {} x {k} by {b_rows} x {b_cols} into {m} x {n}", a.rows())));
    }
    epilogue.check(m, n)?;
    if m == 0 || n == 0 {
        return Ok(());
    }
    let (data, c_row, c_col) = c.raw();
    let kernels = T::gemm_kernels(backend);
    let mut x = Task {
        m,
        n,
        k: if alpha == T::ZERO { 0 } else { k },
        alpha,
        a: Operand::of(a),
        b: b.operand(),
        c: data,
        c_row,
        c_columns: false,
        finish: epilogue.raw(beta),
        family: Family::Tiles,
        shape: kernels.tiling(PhantomData).shape(n),
        kernels,
        backend,
    };
    let by_columns = if c_col == 1 { n == 1 && c_row == 1 && m > 1 } else { c_row == 1 };
    if by_columns && x.b.panel == 0 {
        x = Task { m: n, n: m, a: x.b.t(), b: x.a.t(), c_row: c_col, finish: x.finish.t(), ..x };
    }
    // A packed B cannot change places with A, so its C must have contiguous rows.
    let contiguous = c_col == 1 || (c_row == 1 && x.b.panel == 0);
    x.family = Family::of([x.m, x.n], &x.a, &x.b);
    // SAFETY: the views are checked, and C's is borrowed to be written, so it overlaps no other; the sides and the
    // epilogue fit it.
    unsafe {
        if contiguous {
            compute(split, &mut x);
        } else {
            settle_tile(&mut x);
            scattered(&x, c_col);
        }
    }
    Ok(())
}

/// Settles the tile; for a C no wider than half a vector that of vectors of half the width, which waste nothing and
/// give the same bits.
fn settle_tile<T: GemmFloat>(x: &mut Task<T>) {
    let lanes = x.kernels.tiling(PhantomData).lanes;
    if x.family == Family::Tiles && x.b.panel == 0 && 2 * x.n <= lanes {
        x.kernels = x.backend.half().map_or(x.kernels, T::gemm_kernels);
    }
    x.shape = x.kernels.tiling(PhantomData).shape(x.n);
}

/// Computes a product in whichever way is best for it.
///
/// # Safety
/// * `x` is sound, its shape apart.
unsafe fn compute<T: GemmFloat>(split: Split, x: &mut Task<T>) {
    // SAFETY: the caller vouches for `x`; transposed products take a shape of their own, and the others that of their
    // kernels.
    unsafe {
        if x.family == Family::Tiles && is_better_transposed(x) && transposed(split, x) {
            return;
        }
        settle_tile(x);
        if x.family == Family::Tiles && is_better_shared(split, x) && shared(split, x) {
            return;
        }
        split::run(split, *x);
    }
}

/// C with gaps in both directions, or contiguous columns beside a packed B: small tiles of it are gathered, computed
/// and scattered.
///
/// # Safety
/// * `x` is sound, but that the columns of C are `c_col` apart.
#[cold]
unsafe fn scattered<T: GemmFloat>(x: &Task<T>, c_col: usize) {
    const ROWS: usize = 32;
    /// The widest panel.
    const SIDE: usize = 48;
    let mut tile = [T::ZERO; ROWS * SIDE];
    let width = if x.family == Family::Tiles { x.shape.cols().min(SIDE) } else { 32 };
    for row in (0..x.m).step_by(ROWS) {
        for col in (0..x.n).step_by(width) {
            let (rows, cols) = (ROWS.min(x.m - row), width.min(x.n - col));
            let c = x.c.wrapping_add(row * x.c_row + col * c_col);
            let places = (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j)));
            if x.finish.beta != T::ZERO {
                for (i, j) in places.clone() {
                    // SAFETY: the caller vouches for C, and `(i, j)` lies inside it.
                    tile[i * SIDE + j] = unsafe { *c.add(i * x.c_row + j * c_col) };
                }
            }
            let part = Task { c: tile.as_mut_ptr(), c_row: SIDE, ..x.part(row, rows, col, cols) };
            // SAFETY: the operands are sound, and the tile is a C for this part of them.
            unsafe { driver::serial(&part) };
            for (i, j) in places {
                // SAFETY: as above, and C may be written.
                unsafe { *c.add(i * x.c_row + j * c_col) = tile[i * SIDE + j] };
            }
        }
    }
}
