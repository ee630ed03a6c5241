//! Matrix products: `C = activation(alpha * A * B + beta * C + bias)`, `f32` and `f64`, any strides.
//!
//! * [`matrix`]: views with strides. [`epilogue`]: bias and activation. `activation`: which there are.
//! * `driver`: the loops over blocks (BLIS's five, K outermost). `plan`: what to pack, in which blocks. `blocking`: sizes
//!   of blocks from those of caches. `split`: parts of C for threads.
//! * `tile`: the micro-kernels. `dot`, `gemv`: the kernels for shapes with little reuse.
//! * `pack`: copies in tile order. `packed`: a B packed once for all threads, or for many products. `ahead`: prefetching.
//!   `arena`: a thread's scratch memory.
//!
//! An element of C is one chain of fused multiply-adds over k (for the dot kernels: one vector of chains), started
//! from bias + beta * C, with alpha multiplied into A (into B where C has contiguous columns). So neither tiles, tails, blocks nor threads change its bits.

mod activation;
mod ahead;
mod arena;
mod blocking;
mod dot;
mod driver;
pub mod epilogue;
mod gemv;
pub mod matrix;
mod micro;
mod pack;
mod packed;
mod plan;
mod split;
#[cfg(test)]
mod tests;
mod tile;

pub use activation::Activation;
pub(crate) use activation::{Applied, Derivative, Traits};
pub use epilogue::{Bias, Epilogue};
pub use matrix::{MatrixMut, MatrixRef};
pub use packed::{PackedB, gemm_packed};

use crate::base::{Backend, Context, Error};
use crate::simd::Float;
use blocking::Blocking;
use driver::{Family, Operand, Task};
use pack::Turn;
use std::marker::PhantomData;
use std::sync::OnceLock;
use tile::{GemmKernels, TileShape, Tiling};

/// The element types, with their kernels. Sealed through [`Float`].
pub trait GemmFloat: Float {
    /// The kernels on `backend`.
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn gemm_kernels(backend: Backend) -> &'static GemmKernels<Self>;
    /// The sizes of blocks for this type.
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn blocking(tiling: &Tiling) -> Blocking;
    /// Writes the transpose of a square of 32 bytes by 32.
    ///
    /// # Safety
    /// * The processor has AVX; both squares are valid, `from` for reading and `to` for writing.
    #[doc(hidden)]
    unsafe fn transpose_avx(from: *const Self, stride: usize, to: *mut Self, to_stride: usize);
}

macro_rules! gemm_float {
    ($t:ident, $transpose:ident) => {
        impl GemmFloat for $t {
            #[allow(private_interfaces)]
            fn gemm_kernels(backend: Backend) -> &'static GemmKernels<Self> {
                GemmKernels::<$t>::of(backend)
            }

            #[allow(private_interfaces)]
            fn blocking(tiling: &Tiling) -> Blocking {
                // One per number of lanes: 2 to 16.
                static SIZES: [OnceLock<Blocking>; 5] = [const { OnceLock::new() }; 5];
                let slot = &SIZES[tiling.lanes.ilog2().min(4) as usize];
                *slot.get_or_init(|| plan::blocking::<$t>(tiling))
            }

            #[inline(always)]
            unsafe fn transpose_avx(from: *const $t, stride: usize, to: *mut $t, to_stride: usize) {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: passed on to the caller.
                unsafe {
                    pack::$transpose(from, stride, to, to_stride);
                }
                #[cfg(not(target_arch = "x86_64"))]
                let _ = (from, stride, to, to_stride);
            }
        }
    };
}

gemm_float!(f32, transpose_8x8);
gemm_float!(f64, transpose_4x4);

/// Takes every thread's scratch memory for products of `T` beforehand, up to twice 2 MiB each, so that steps of training do
/// not allocate late. Call it where the products will run, inside [`Threads::run`](crate::Threads::run).
pub fn warm_up<T: GemmFloat>(context: Context) {
    context.split.everywhere(|| plan::warm_up::<T>(context.backend));
}

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
    multiply(context, alpha, a, ([b.rows(), b.cols()], Operand::of(b)), beta, c, epilogue)
}

#[allow(clippy::too_many_arguments)]
fn multiply<T: GemmFloat>(
    context: Context,
    alpha: T,
    a: MatrixRef<T>,
    ([b_rows, b_cols], b): ([usize; 2], Operand<T>),
    beta: T,
    mut c: MatrixMut<T>,
    epilogue: &Epilogue<T>,
) -> Result<(), Error> {
    let Context { backend, split } = context;
    let (m, n, k) = (c.rows(), c.cols(), a.cols());
    if a.rows() != m || b_rows != k || b_cols != n {
        return Err(Error::shape(format!("cannot multiply {} x {k} by {b_rows} x {b_cols} into {m} x {n}", a.rows())));
    }
    epilogue.check(m, n)?;
    if m == 0 || n == 0 {
        return Ok(());
    }
    let (data, c_row, c_col) = c.raw();
    let mut x = Task {
        m,
        n,
        k: if alpha == T::ZERO { 0 } else { k },
        alpha,
        a: Operand::of(a),
        b,
        c: data,
        c_row,
        c_columns: false,
        finish: epilogue.raw(beta),
        family: Family::Tiles,
        shape: TileShape { rows: 1, cols: 32 },
        kernels: T::gemm_kernels(backend),
        backend,
    };
    let by_columns = if c_col == 1 { n == 1 && c_row == 1 && m > 1 } else { c_row == 1 };
    if by_columns && x.b.panel == 0 {
        x = Task { m: n, n: m, a: x.b.t(), b: x.a.t(), c_row: c_col, finish: x.finish.t(), ..x };
    }
    // A packed B cannot change places with A, so its C must have contiguous rows.
    let contiguous = c_col == 1 || (c_row == 1 && x.b.panel == 0);
    x.family = Task::family(x.m, x.n, &x.a, &x.b);
    if x.family == Family::Tiles {
        if contiguous && packed::is_better_turned(&x) && packed::turned(split, &x) {
            return Ok(());
        }
        if x.b.panel == 0 && 2 * x.n <= x.kernels.tiling(PhantomData).lanes {
            // C is no wider than half a vector: vectors of half the width waste nothing, and give the same bits.
            x.kernels = backend.half().map_or(x.kernels, T::gemm_kernels);
        }
        x.shape = x.kernels.tiling(PhantomData).shape(x.n);
        if contiguous && packed::is_better_shared(split, &x) && packed::shared(split, &x) {
            return Ok(());
        }
    }
    if contiguous {
        split::run(split, x);
    } else {
        scattered(&x, c_col);
    }
    Ok(())
}

/// C with gaps in both directions, or contiguous columns beside a packed B: small tiles of it are gathered, computed and scattered.
#[cold]
fn scattered<T: GemmFloat>(x: &Task<T>, c_col: usize) {
    const ROWS: usize = 32;
    /// The widest panel.
    const SIDE: usize = 48;
    let mut tile = [T::ZERO; ROWS * SIDE];
    let width = x.shape.cols.min(SIDE);
    for row in (0..x.m).step_by(ROWS) {
        for col in (0..x.n).step_by(width) {
            let (rows, cols) = (ROWS.min(x.m - row), width.min(x.n - col));
            let c = x.c.wrapping_add(row * x.c_row + col * c_col);
            let places = (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j)));
            if x.finish.beta != T::ZERO {
                for (i, j) in places.clone() {
                    // SAFETY: `c` is a checked view, and `(i, j)` lies inside it.
                    tile[i * SIDE + j] = unsafe { *c.add(i * x.c_row + j * c_col) };
                }
            }
            let part = x.part(row, rows, col, cols);
            driver::serial(&Task { c: tile.as_mut_ptr(), c_row: SIDE, ..part });
            for (i, j) in places {
                // SAFETY: as above, and C may be written.
                unsafe { *c.add(i * x.c_row + j * c_col) = tile[i * SIDE + j] };
            }
        }
    }
}

/// Writes `to[j * to_row + i] = from[i * from_row + j]` for `rows` of i and `cols` of j.
pub(crate) fn transpose<T: GemmFloat>(
    backend: Backend,
    [rows, cols]: [usize; 2],
    (from, from_row): (&[T], usize),
    (to, to_row): (&mut [T], usize),
) {
    if rows == 0 || cols == 0 {
        return;
    }
    assert!(
        (rows - 1) * from_row + cols <= from.len() && (cols - 1) * to_row + rows <= to.len(),
        "a transpose out of reach"
    );
    T::gemm_kernels(backend).turn(&Turn {
        rows,
        cols,
        from: from.as_ptr(),
        from_row,
        to: to.as_mut_ptr(),
        to_col: to_row,
    });
}
