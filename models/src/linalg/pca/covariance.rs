//! The data, scaled and read in blocks, and their covariance: formed for few features, applied block by block for many.

use super::arithmetic::{internal, product, view, zeros};
use crate::data::{Dataset, Preprocessing, reserved};
use crate::error::{Error, Result};
use narrows_engine::gemm::{MatrixMut, MatrixRef};
use narrows_engine::{Context, Split};

/// Up to this many features the covariance is formed: 134 MB.
pub(super) const FORMED_LIMIT: usize = 4096;
/// The most rows converted at a time, and about how many values.
const BLOCK_ROWS: usize = 512;
const BLOCK_VALUES: usize = 1 << 19;
/// Columns of the covariance summed by one product, so that most of the lower half is not computed.
const PANEL: usize = 196;

/// Rows of a block of data with so many features.
pub(super) fn block_rows(features: usize) -> usize {
    (BLOCK_VALUES / features).clamp(1, BLOCK_ROWS)
}

/// Rows of a data set as a model sees them.
pub(super) struct Scaled<'a> {
    dataset: &'a Dataset,
    rows: Option<&'a [u32]>,
    preprocessing: &'a Preprocessing,
}

impl<'a> Scaled<'a> {
    pub(super) fn new(dataset: &'a Dataset, rows: Option<&'a [u32]>, preprocessing: &'a Preprocessing) -> Result<Self> {
        if rows.is_some_and(<[u32]>::is_empty) {
            return Err(Error::data(format!("{}: no rows are chosen; choose at least one", dataset.name())));
        }
        Ok(Self { dataset, rows, preprocessing })
    }

    pub(super) fn len(&self) -> usize {
        self.rows.map_or(self.dataset.len(), <[u32]>::len)
    }

    pub(super) fn block_rows(&self) -> usize {
        block_rows(self.dataset.features()).min(self.len())
    }

    /// Hands `work` the rows less `mean`, block after block, and how many rows each block has.
    pub(super) fn blocks(&self, mean: &[f64], mut work: impl FnMut(&mut [f64], usize) -> Result<()>) -> Result<()> {
        let features = self.dataset.features();
        let mut block = zeros(self.block_rows() * features)?;
        let mut scaled = reserved::<f32>(block.len(), "a block of rows")?;
        scaled.resize(block.len(), 0.0);
        let mut all = Vec::new();
        for first in (0..self.len()).step_by(self.block_rows()) {
            let count = self.block_rows().min(self.len() - first);
            let rows = match self.rows {
                Some(rows) => &rows[first..first + count],
                None => {
                    all.clear();
                    all.extend(first as u32..(first + count) as u32);
                    &all
                }
            };
            let scaled = &mut scaled[..count * features];
            self.preprocessing.gather(Context::new(Split::Serial), self.dataset, rows, scaled)?;
            for (out, scaled) in block.chunks_exact_mut(features).zip(scaled.chunks_exact(features)) {
                out.iter_mut().zip(scaled).zip(mean).for_each(|((out, &x), mean)| *out = f64::from(x) - mean);
            }
            work(&mut block, count)?;
        }
        Ok(())
    }

    /// `[features]`
    pub(super) fn mean(&self) -> Result<Vec<f64>> {
        let features = self.dataset.features();
        let (mut sum, nothing) = (zeros(features)?, zeros(features)?);
        self.blocks(&nothing, |block, count| {
            for row in block.chunks_exact(features).take(count) {
                sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            Ok(())
        })?;
        sum.iter_mut().for_each(|sum| *sum /= self.len() as f64);
        match sum.iter().position(|mean| !mean.is_finite()) {
            None => Ok(sum),
            Some(column) => Err(Error::data(format!(
                "{}: column {column} (from 0) is too large once it is scaled; rescale or remove it",
                self.dataset.name()
            ))),
        }
    }

    /// `[features]`
    pub(super) fn variances(&self, mean: &[f64]) -> Result<Vec<f64>> {
        let mut sum = zeros(mean.len())?;
        self.blocks(mean, |block, count| {
            for row in block.chunks_exact(mean.len()).take(count) {
                sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x * x);
            }
            Ok(())
        })?;
        sum.iter_mut().for_each(|sum| *sum /= self.len() as f64);
        Ok(sum)
    }
}

/// The covariance, as a matrix `[d, d]` or through the data.
pub(super) enum Covariance<'a> {
    Formed(Vec<f64>, usize),
    Applied(&'a Scaled<'a>, &'a [f64]),
}

impl<'a> Covariance<'a> {
    pub(super) fn new(data: &'a Scaled<'a>, mean: &'a [f64], split: Split) -> Result<Self> {
        let d = mean.len();
        if d > FORMED_LIMIT { Ok(Self::Applied(data, mean)) } else { Self::formed(data, mean, split) }
    }

    pub(super) fn formed(data: &Scaled, mean: &[f64], split: Split) -> Result<Self> {
        let d = mean.len();
        let mut sum = zeros(d * d)?;
        data.blocks(mean, |block, count| {
            for first in (0..d).step_by(PANEL) {
                let rows = PANEL.min(d - first);
                let x = |cols| MatrixRef::new(&block[first..], count, cols, d, 1).map_err(internal);
                let out = MatrixMut::new(&mut sum[first * d + first..], rows, d - first, d, 1).map_err(internal)?;
                product(split, 1.0 / data.len() as f64, x(rows)?.t(), x(d - first)?, 1.0, out)?;
            }
            Ok(())
        })?;
        for row in 1..d {
            (0..row).for_each(|col| sum[row * d + col] = sum[col * d + row]);
        }
        Ok(Self::Formed(sum, d))
    }

    pub(super) fn total(&self) -> Result<f64> {
        match self {
            Self::Formed(matrix, d) => Ok(matrix.iter().step_by(d + 1).sum()),
            Self::Applied(data, mean) => Ok(data.variances(mean)?.iter().sum()),
        }
    }

    /// `image [p, d] = basis [p, d] * C`.
    pub(super) fn apply(&self, basis: &[f64], image: &mut [f64], p: usize, split: Split) -> Result<()> {
        match self {
            Self::Formed(matrix, d) => {
                let out = MatrixMut::row_major(image, p, *d).map_err(internal)?;
                product(split, 1.0, view(basis, p, *d)?, view(matrix, *d, *d)?, 0.0, out)
            }
            Self::Applied(data, mean) => {
                let d = mean.len();
                image[..p * d].fill(0.0);
                let mut codes = zeros(data.block_rows() * p)?;
                data.blocks(mean, |block, count| {
                    let (x, q) = (view(block, count, d)?, view(basis, p, d)?);
                    let z = MatrixMut::row_major(&mut codes, count, p).map_err(internal)?;
                    product(split, 1.0, x, q.t(), 0.0, z)?;
                    let out = MatrixMut::row_major(image, p, d).map_err(internal)?;
                    product(split, 1.0 / data.len() as f64, view(&codes, count, p)?.t(), x, 1.0, out)
                })
            }
        }
    }
}
