//! Mean and components: fitted, and put to use on samples.

use super::arithmetic::{dot, internal, product, view, zeros};
use super::covariance::{Covariance, Scaled, block_rows};
use super::subspace::leading;
use crate::data::{ColumnKind, Dataset, Preprocessing, Rows};
use crate::error::{Error, Result};
use narrows_engine::Split;
use narrows_engine::gemm::MatrixMut;

/// A mean and orthonormal components, fitted to data.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// `[features]`
    mean: Vec<f64>,
    /// `[k, features]`; empty where the code is the whole (centred) sample.
    pub(super) components: Vec<f64>,
    /// `[k]`, of the training data along each component.
    variances: Vec<f64>,
    total: f64,
    whole: bool,
}

/// Refuses what has no mean and no covariance.
fn check(dataset: &Dataset) -> Result<()> {
    let words = dataset.columns().unwrap_or_default().iter().find(|column| column.kind != ColumnKind::Numeric);
    match words {
        Some(column) => Err(Error::data(format!("PCA is of quantities, and column `{}` holds words", column.name))),
        None if dataset.has_missing() => Err(Error::data("PCA needs every value, and some are missing")),
        None => Ok(()),
    }
}

impl Pca {
    /// Fits `components` components to the rows `rows` (all, if `None`) of `dataset` as `preprocessing` scales them.
    ///
    /// Fewer are kept where the data spans fewer dimensions. With as many components as features or more nothing is
    /// decomposed: the components are the features themselves.
    ///
    /// # Errors
    /// If columns hold words or values are missing, if the preprocessing is for other data, if `rows` is empty or names a row that does not exist, if scaled
    /// values are not finite, or if memory runs out.
    pub fn fit(
        dataset: &Dataset,
        rows: Option<&[u32]>,
        preprocessing: &Preprocessing,
        components: usize,
        split: Split,
    ) -> Result<Self> {
        check(dataset)?;
        let data = Scaled::new(dataset, rows, preprocessing)?;
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
    /// `dataset` as `preprocessing` scales them. 4Nkd flops.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), and if the data has another number of features.
    pub fn squared_error(
        &self,
        dataset: &Dataset,
        rows: Option<&[u32]>,
        preprocessing: &Preprocessing,
        split: Split,
    ) -> Result<f64> {
        let data = Scaled::new(dataset, rows, preprocessing)?;
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
