//! Principal component analysis: the best linear code of a given size, printed beside every model's own figure.
//!
//! The covariance `C = mean over samples of (x - mean)(x - mean)ᵀ` is summed in f64 over blocks of rows, upper panels
//! only; above `FORMED_LIMIT` features it is never formed and is applied through the data. Its leading eigenvectors
//! come from block subspace iteration with oversampling and Rayleigh-Ritz steps (Y. Saad, "Numerical Methods for Large
//! Eigenvalue Problems", 2011, ch. 5). A full eigen-decomposition was not taken: it costs d³ for a few dozen vectors.
//! Components are rows, `[k, features]`; a basis in work is laid out likewise. Memory: blocks of about 4 MB, the bases,
//! and d² numbers where C is formed.

mod covariance;
mod eigen;
mod subspace;

use covariance::{Covariance, Scaled};
use eigen::eigen;
use narrows_engine::gemm::{Epilogue, MatrixMut, MatrixRef, gemm};
use narrows_engine::{Context, Split, random};
use subspace::leading;

use crate::data::{Dataset, reserved};
use crate::error::{Error, Result};

/// Up to this many features the covariance is formed: 134 MB.
const FORMED_LIMIT: usize = 4096;
/// The most rows converted at a time, and about how many values.
const BLOCK_ROWS: usize = 512;
const BLOCK_VALUES: usize = 1 << 19;
/// Columns of the covariance summed by one product, so that most of the lower half is not computed.
const PANEL: usize = 196;
/// Multiplications by C between two looks at the captured variance, and the most looks.
const STEPS: usize = 4;
const ROUNDS: usize = 60;
/// The relative change of the captured variance at which iteration ends.
const TOLERANCE: f64 = 1e-9;
/// A direction whose variance is this much below the first is rounding error.
const NOISE: f64 = 1e-13;
const SEED: u64 = 0x5043_4100;

/// A mean and orthonormal components, fitted to data.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// `[features]`
    mean: Vec<f64>,
    /// `[k, features]`; empty where the code is the whole (centred) sample.
    components: Vec<f64>,
    /// `[k]`, of the training data along each component.
    variances: Vec<f64>,
    total: f64,
    whole: bool,
}

impl Pca {
    /// Fits `components` components to the rows `rows` (all, if `None`) of `x * scale + shift`.
    ///
    /// Fewer are kept where the data spans fewer dimensions. With as many components as features or more nothing is
    /// decomposed: the components are the features themselves.
    ///
    /// # Errors
    /// If `scale` or `shift` is not `[features]`, if `rows` is empty or names a row that does not exist, if scaled
    /// values are not finite, or if memory runs out.
    pub fn fit(
        dataset: &Dataset,
        rows: Option<&[u32]>,
        scale: &[f32],
        shift: &[f32],
        components: usize,
        split: Split,
    ) -> Result<Self> {
        let data = Scaled::new(dataset, rows, scale, shift)?;
        let features = dataset.features();
        let mean = data.mean()?;
        if components >= features {
            let variances = data.variances(&mean)?;
            let total = variances.iter().sum();
            return Ok(Self { mean, components: Vec::new(), variances, total, whole: true });
        }
        let covariance = Covariance::new(&data, &mean, split)?;
        let total = covariance.total()?;
        // Centred rows span fewer dimensions than there are rows.
        let kept = components.min(data.len() - 1);
        let (components, variances) = leading(&covariance, features, kept, data.len(), split)?;
        Ok(Self { mean, components, variances, total, whole: false })
    }

    /// The number of features of a sample.
    pub fn features(&self) -> usize {
        self.mean.len()
    }

    /// The length of a code, k: at most what was asked for.
    pub fn components(&self) -> usize {
        self.variances.len()
    }

    /// The mean of the training data, `[features]`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The components, orthonormal rows of `[features]`, in the order of [`Self::variances`].
    pub fn component_rows(&self) -> impl Iterator<Item = Vec<f64>> {
        let features = self.features();
        (0..self.components()).map(move |row| match self.whole {
            // The components are the features themselves.
            true => (0..features).map(|i| f64::from(u8::from(i == row))).collect(),
            false => self.components[row * features..][..features].to_vec(),
        })
    }

    /// The variance of the training data along each component, `[k]`, greatest first (in the order of the features
    /// where these are the components).
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// The variance of the training data, summed over features: the error of a code of length 0.
    pub fn total_variance(&self) -> f64 {
        self.total
    }

    /// The mean over samples of `|x - x̂|²`, summed over features, for the rows `rows` (all, if `None`) of
    /// `x * scale + shift`. 4Nkd flops.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), and if the data has another number of features.
    pub fn squared_error(
        &self,
        dataset: &Dataset,
        rows: Option<&[u32]>,
        scale: &[f32],
        shift: &[f32],
        split: Split,
    ) -> Result<f64> {
        let data = Scaled::new(dataset, rows, scale, shift)?;
        let (features, k) = (self.features(), self.components());
        if dataset.features() != features {
            return Err(Error::data(format!(
                "{} has {} features where the principal components have {features}; give data of the same kind",
                dataset.name(),
                dataset.features()
            )));
        }
        let mut codes = zeros(data.block_rows() * k)?;
        let mut sum = 0.0;
        data.blocks(&self.mean, |block, count| {
            if self.whole {
                return Ok(());
            }
            self.project(block, &mut codes, count, split)?;
            let x = MatrixMut::row_major(block, count, features).map_err(internal)?;
            product(split, -1.0, view(&codes, count, k)?, view(&self.components, k, features)?, 1.0, x)?;
            sum += dot(&block[..count * features], &block[..count * features]);
            Ok(())
        })?;
        Ok(sum / data.len() as f64)
    }

    /// Codes `[N, k]` of scaled samples `[N, features]`.
    ///
    /// # Errors
    /// If the lengths do not fit, or if memory runs out.
    pub fn encode(&self, values: &[f32], codes: &mut [f32], split: Split) -> Result<()> {
        let (features, k) = (self.features(), self.components());
        let count = self.check(values.len(), codes.len())?;
        let mut block = zeros(block_rows(features) * features)?;
        let mut out = zeros(block_rows(features) * k)?;
        for first in (0..count).step_by(block_rows(features)) {
            let rows = block_rows(features).min(count - first);
            let from = &values[first * features..][..rows * features];
            for (block, from) in block.chunks_exact_mut(features).zip(from.chunks_exact(features)) {
                block.iter_mut().zip(from).zip(&self.mean).for_each(|((b, &x), &m)| *b = f64::from(x) - m);
            }
            self.project(&block, &mut out, rows, split)?;
            codes[first * k..][..rows * k].iter_mut().zip(&out).for_each(|(code, &z)| *code = z as f32);
        }
        Ok(())
    }

    /// Reconstructions `[N, features]`, scaled, of codes `[N, k]`.
    ///
    /// # Errors
    /// If the lengths do not fit, or if memory runs out.
    pub fn decode(&self, codes: &[f32], values: &mut [f32], split: Split) -> Result<()> {
        let (features, k) = (self.features(), self.components());
        let count = self.check(values.len(), codes.len())?;
        let mut block = zeros(block_rows(features) * features)?;
        let mut input = zeros(block_rows(features) * k)?;
        for first in (0..count).step_by(block_rows(features)) {
            let rows = block_rows(features).min(count - first);
            input.iter_mut().zip(&codes[first * k..][..rows * k]).for_each(|(z, &code)| *z = f64::from(code));
            if self.whole {
                block[..rows * k].copy_from_slice(&input[..rows * k]);
            } else {
                let x = MatrixMut::row_major(&mut block, rows, features).map_err(internal)?;
                product(split, 1.0, view(&input, rows, k)?, view(&self.components, k, features)?, 0.0, x)?;
            }
            let to = &mut values[first * features..][..rows * features];
            for (to, block) in to.chunks_exact_mut(features).zip(block.chunks_exact(features)) {
                to.iter_mut().zip(block).zip(&self.mean).for_each(|((to, &x), &m)| *to = (x + m) as f32);
            }
        }
        Ok(())
    }

    /// `codes [rows, k] = block [rows, features] * componentsᵀ`.
    fn project(&self, block: &[f64], codes: &mut [f64], rows: usize, split: Split) -> Result<()> {
        let (features, k) = (self.features(), self.components());
        if self.whole {
            codes[..rows * k].copy_from_slice(&block[..rows * k]);
            return Ok(());
        }
        let z = MatrixMut::row_major(codes, rows, k).map_err(internal)?;
        product(split, 1.0, view(block, rows, features)?, view(&self.components, k, features)?.t(), 0.0, z)
    }

    /// The number of samples in buffers of these lengths.
    fn check(&self, values: usize, codes: usize) -> Result<usize> {
        let (features, k) = (self.features(), self.components());
        let count = values / features;
        if values.is_multiple_of(features) && count * k == codes {
            return Ok(count);
        }
        Err(Error::data(format!(
            "{values} values and {codes} codes are not whole samples of {features} features and {k} codes"
        )))
    }
}

fn block_rows(features: usize) -> usize {
    (BLOCK_VALUES / features).clamp(1, BLOCK_ROWS)
}

fn zeros(count: usize) -> Result<Vec<f64>> {
    let mut out = reserved(count, "principal components")?;
    out.resize(count, 0.0);
    Ok(out)
}

/// In eight chains, which the compiler keeps in vectors.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (mut sums, a, b) = ([0.0; 8], a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        (0..8).for_each(|lane| sums[lane] += a[lane] * b[lane]);
    }
    sums.iter().sum::<f64>() + rest
}

fn view(data: &[f64], rows: usize, cols: usize) -> Result<MatrixRef<'_, f64>> {
    MatrixRef::row_major(data, rows, cols).map_err(internal)
}

/// `c = alpha * a * b + beta * c`.
fn product(split: Split, alpha: f64, a: MatrixRef<f64>, b: MatrixRef<f64>, beta: f64, c: MatrixMut<f64>) -> Result<()> {
    gemm(Context::new(split), alpha, a, b, beta, c, &Epilogue::none()).map_err(internal)
}

/// Shapes are known to fit here; should one not, that is an error and no panic.
fn internal(error: impl std::fmt::Display) -> Error {
    Error::data(format!("principal components: {error}"))
}

#[cfg(test)]
mod tests;
