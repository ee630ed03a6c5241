//! What the parts of the analysis share: memory, and products by the engine.

use crate::data::reserved;
use crate::error::{Error, Result};
use narrows_engine::gemm::{Epilogue, MatrixMut, MatrixRef, gemm};
use narrows_engine::{Context, Split};

pub(super) fn zeros(count: usize) -> Result<Vec<f64>> {
    let mut out = reserved(count, "principal components")?;
    out.resize(count, 0.0);
    Ok(out)
}

/// In eight chains, which the compiler keeps in vectors.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (mut sums, a, b) = ([0.0; 8], a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        (0..8).for_each(|lane| sums[lane] += a[lane] * b[lane]);
    }
    sums.iter().sum::<f64>() + rest
}

pub(super) fn view(data: &[f64], rows: usize, cols: usize) -> Result<MatrixRef<'_, f64>> {
    MatrixRef::row_major(data, rows, cols).map_err(internal)
}

/// `c = alpha * a * b + beta * c`.
pub(super) fn product(
    split: Split,
    alpha: f64,
    a: MatrixRef<f64>,
    b: MatrixRef<f64>,
    beta: f64,
    c: MatrixMut<f64>,
) -> Result<()> {
    gemm(Context::new(split), alpha, a, b, beta, c, &Epilogue::none()).map_err(internal)
}

/// Shapes are known to fit here; should one not, that is an error and no panic.
pub(super) fn internal(error: impl std::fmt::Display) -> Error {
    Error::data(format!("principal components: {error}"))
}
