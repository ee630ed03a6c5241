//! Principal component analysis: the best linear code of a given size, printed beside every model's own figure.
//!
//! The covariance `C = mean over samples of (x - mean)(x - mean)ᵀ` is summed in f64 over blocks of rows, upper panels
//! only; above [`FORMED_LIMIT`] features it is never formed and is applied through the data. Its leading eigenvectors
//! come from block subspace iteration with oversampling and Rayleigh-Ritz steps (Y. Saad, "Numerical Methods for Large
//! Eigenvalue Problems", 2011, ch. 5). A full eigen-decomposition was not taken: it costs d³ for a few dozen vectors.
//! Components are rows, `[k, features]`; a basis in work is laid out likewise. Memory: blocks of about 4 MB, the bases,
//! and d² numbers where C is formed.

use narrows_engine::gemm::{Epilogue, MatrixMut, MatrixRef, gemm};
use narrows_engine::{Backend, Split, random};

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

/// Rows of a data set as `x * scale + shift`.
struct Scaled<'a> {
    dataset: &'a Dataset,
    rows: Option<&'a [u32]>,
    scale: &'a [f32],
    shift: &'a [f32],
}

impl<'a> Scaled<'a> {
    fn new(dataset: &'a Dataset, rows: Option<&'a [u32]>, scale: &'a [f32], shift: &'a [f32]) -> Result<Self> {
        let features = dataset.features();
        if scale.len() != features || shift.len() != features {
            return Err(Error::data(format!(
                "{}: {} scales and {} shifts do not fit {features} features; scale data of the same kind",
                dataset.name(),
                scale.len(),
                shift.len()
            )));
        }
        if rows.is_some_and(<[u32]>::is_empty) {
            return Err(Error::data(format!("{}: no rows are chosen; choose at least one", dataset.name())));
        }
        Ok(Self { dataset, rows, scale, shift })
    }

    fn len(&self) -> usize {
        self.rows.map_or(self.dataset.len(), <[u32]>::len)
    }

    fn block_rows(&self) -> usize {
        block_rows(self.dataset.features()).min(self.len())
    }

    /// Hands `work` the rows less `mean`, block after block, and how many rows each block has.
    fn blocks(&self, mean: &[f64], mut work: impl FnMut(&mut [f64], usize) -> Result<()>) -> Result<()> {
        let features = self.dataset.features();
        let mut raw = reserved::<f32>(features, "a row")?;
        raw.resize(features, 0.0);
        let mut block = zeros(self.block_rows() * features)?;
        for first in (0..self.len()).step_by(self.block_rows()) {
            let count = self.block_rows().min(self.len() - first);
            for (row, out) in (first..first + count).zip(block.chunks_exact_mut(features)) {
                self.dataset.row_f32(self.rows.map_or(row, |rows| rows[row] as usize), &mut raw)?;
                let scaled = raw.iter().zip(self.scale).zip(self.shift).map(|((x, scale), shift)| x * scale + shift);
                out.iter_mut().zip(scaled).zip(mean).for_each(|((out, x), mean)| *out = f64::from(x) - mean);
            }
            work(&mut block, count)?;
        }
        Ok(())
    }

    /// `[features]`
    fn mean(&self) -> Result<Vec<f64>> {
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
    fn variances(&self, mean: &[f64]) -> Result<Vec<f64>> {
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
enum Covariance<'a> {
    Formed(Vec<f64>, usize),
    Applied(&'a Scaled<'a>, &'a [f64]),
}

impl<'a> Covariance<'a> {
    fn new(data: &'a Scaled<'a>, mean: &'a [f64], split: Split) -> Result<Self> {
        let d = mean.len();
        if d > FORMED_LIMIT { Ok(Self::Applied(data, mean)) } else { Self::formed(data, mean, split) }
    }

    fn formed(data: &Scaled, mean: &[f64], split: Split) -> Result<Self> {
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

    fn total(&self) -> Result<f64> {
        match self {
            Self::Formed(matrix, d) => Ok(matrix.iter().step_by(d + 1).sum()),
            Self::Applied(data, mean) => Ok(data.variances(mean)?.iter().sum()),
        }
    }

    /// `image [p, d] = basis [p, d] * C`.
    fn apply(&self, basis: &[f64], image: &mut [f64], p: usize, split: Split) -> Result<()> {
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

/// At most `k` leading eigenvectors `[k, d]` of the covariance of `samples` samples, and their eigenvalues.
fn leading(c: &Covariance, d: usize, k: usize, samples: usize, split: Split) -> Result<(Vec<f64>, Vec<f64>)> {
    if k == 0 {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut p = (k + (k / 2).max(8)).min(d).min(samples);
    let (mut basis, mut image, mut ritz) = (zeros(p * d)?, zeros(p * d)?, zeros(p * p)?);
    random::fill_normal(SEED, 0, 0, 0.0, 1.0, &mut basis);
    p = orthonormalise(&mut basis, p, d, split)?;
    let mut before = f64::INFINITY;
    for round in 0.. {
        c.apply(&basis, &mut image, p, split)?;
        let out = MatrixMut::row_major(&mut ritz, p, p).map_err(internal)?;
        product(split, 1.0, view(&basis, p, d)?, view(&image, p, d)?.t(), 0.0, out)?;
        let values = eigen(&mut ritz[..p * p], p)?;
        let captured = values.iter().take(k).map(|value| value.max(0.0)).sum::<f64>();
        let settled = (captured - before).abs() <= TOLERANCE * captured || p == d;
        if settled || round == ROUNDS {
            let k = k.min(p);
            let out = MatrixMut::row_major(&mut image, k, d).map_err(internal)?;
            product(split, 1.0, view(&ritz, k, p)?, view(&basis, p, d)?, 0.0, out)?;
            image.truncate(k * d);
            return Ok((image, values.into_iter().take(k).map(|value| value.max(0.0)).collect()));
        }
        before = captured;
        let out = MatrixMut::row_major(&mut basis, p, d).map_err(internal)?;
        product(split, 1.0, view(&ritz, p, p)?, view(&image, p, d)?, 0.0, out)?;
        p = orthonormalise(&mut basis, p, d, split)?;
        for _ in 1..STEPS {
            c.apply(&basis, &mut image, p, split)?;
            std::mem::swap(&mut basis, &mut image);
            p = orthonormalise(&mut basis, p, d, split)?;
        }
    }
    unreachable!("the last round returns")
}

/// Makes the `p` rows orthonormal (Gram-Schmidt, twice) and returns how many are left: what is rounding error beside
/// the longest row is dropped.
fn orthonormalise(basis: &mut [f64], p: usize, d: usize, split: Split) -> Result<usize> {
    let longest = basis.chunks_exact(d).take(p).map(|row| dot(row, row)).fold(0.0, f64::max).sqrt();
    let mut along = zeros(p)?;
    let mut kept = 0;
    for row in 0..p {
        basis.copy_within(row * d..(row + 1) * d, kept * d);
        let (done, rest) = basis.split_at_mut(kept * d);
        let vector = &mut rest[..d];
        for _ in 0..2 {
            let out = MatrixMut::row_major(&mut along, kept, 1).map_err(internal)?;
            product(split, 1.0, view(done, kept, d)?, view(vector, d, 1)?, 0.0, out)?;
            let out = MatrixMut::row_major(vector, 1, d).map_err(internal)?;
            product(split, -1.0, view(&along, 1, kept)?, view(done, kept, d)?, 1.0, out)?;
        }
        let length = dot(vector, vector).sqrt();
        if length > NOISE * longest {
            vector.iter_mut().for_each(|x| *x /= length);
            kept += 1;
        }
    }
    Ok(kept)
}

/// The eigenvalues of a symmetric `[n, n]` matrix, greatest first; its rows become the eigenvectors. Householder
/// reduction to a tridiagonal matrix and the implicit QL method (EISPACK's `tred2` and `tql2`, 1976), 9n³ flops or so:
/// Jacobi's rotations take a few times as many, which shows from a hundred components on.
fn eigen(rows: &mut [f64], n: usize) -> Result<Vec<f64>> {
    let (mut diagonal, mut beside) = (zeros(n)?, zeros(n)?);
    if n == 0 {
        return Ok(diagonal);
    }
    tridiagonal(rows, n, &mut diagonal, &mut beside);
    implicit_ql(rows, n, &mut diagonal, &mut beside);
    for place in 0..n {
        let greatest = (place..n).max_by(|&a, &b| diagonal[a].total_cmp(&diagonal[b])).unwrap_or(place);
        diagonal.swap(place, greatest);
        (0..n).for_each(|col| rows.swap(place * n + col, greatest * n + col));
    }
    Ok(diagonal)
}

/// `tred2`, on the transpose: `v[j * n + k]` is its `V[k][j]`.
fn tridiagonal(v: &mut [f64], n: usize, d: &mut [f64], e: &mut [f64]) {
    (0..n).for_each(|j| d[j] = v[j * n + n - 1]);
    for i in (1..n).rev() {
        let scale: f64 = d[..i].iter().map(|x| x.abs()).sum();
        let mut h = 0.0;
        if scale == 0.0 {
            e[i] = d[i - 1];
            for j in 0..i {
                d[j] = v[j * n + i - 1];
                v[j * n + i] = 0.0;
                v[i * n + j] = 0.0;
            }
        } else {
            d[..i].iter_mut().for_each(|x| *x /= scale);
            h = dot(&d[..i], &d[..i]);
            let f = d[i - 1];
            let g = if f > 0.0 { -h.sqrt() } else { h.sqrt() };
            e[i] = scale * g;
            h -= f * g;
            d[i - 1] = f - g;
            e[..i].fill(0.0);
            for j in 0..i {
                let f = d[j];
                v[i * n + j] = f;
                let below = &v[j * n + j + 1..j * n + i];
                e[j] += v[j * n + j] * f + dot(below, &d[j + 1..i]);
                e[j + 1..i].iter_mut().zip(below).for_each(|(e, v)| *e += v * f);
            }
            e[..i].iter_mut().for_each(|x| *x /= h);
            let half = dot(&e[..i], &d[..i]) / (h + h);
            e[..i].iter_mut().zip(&d[..i]).for_each(|(e, d)| *e -= half * d);
            for j in 0..i {
                let (f, g) = (d[j], e[j]);
                let column = &mut v[j * n + j..j * n + i];
                column.iter_mut().zip(&e[j..i]).zip(&d[j..i]).for_each(|((v, e), d)| *v -= f * e + g * d);
                d[j] = v[j * n + i - 1];
                v[j * n + i] = 0.0;
            }
        }
        d[i] = h;
    }
    for i in 0..n - 1 {
        v[i * n + n - 1] = v[i * n + i];
        v[i * n + i] = 1.0;
        let h = d[i + 1];
        let (done, next) = v.split_at_mut((i + 1) * n);
        let next = &mut next[..=i];
        if h != 0.0 {
            d[..=i].iter_mut().zip(&*next).for_each(|(d, v)| *d = v / h);
            for column in done.chunks_exact_mut(n) {
                let g = dot(next, &column[..=i]);
                column[..=i].iter_mut().zip(&d[..=i]).for_each(|(v, d)| *v -= g * d);
            }
        }
        next.fill(0.0);
    }
    for j in 0..n {
        d[j] = v[j * n + n - 1];
        v[j * n + n - 1] = 0.0;
    }
    v[n * n - 1] = 1.0;
    e[0] = 0.0;
}

/// `tql2`, on the transpose; a value that has not settled after 60 sweeps stays as it is.
fn implicit_ql(v: &mut [f64], n: usize, d: &mut [f64], e: &mut [f64]) {
    e.copy_within(1.., 0);
    e[n - 1] = 0.0;
    let (mut shift, mut size) = (0.0, 0.0_f64);
    for l in 0..n {
        size = size.max(d[l].abs() + e[l].abs());
        let small = f64::EPSILON * size;
        let m = (l..n).find(|&m| e[m].abs() <= small).unwrap_or(n - 1);
        for _ in 0..60 {
            if m == l || e[l].abs() <= small {
                break;
            }
            let g = d[l];
            let p = (d[l + 1] - g) / (2.0 * e[l]);
            let r = p.hypot(1.0).copysign(p);
            d[l] = e[l] / (p + r);
            d[l + 1] = e[l] * (p + r);
            let (after, h) = (d[l + 1], g - d[l]);
            d[l + 2..].iter_mut().for_each(|d| *d -= h);
            shift += h;
            let (mut p, mut c, mut c2, mut c3, mut s, mut s2) = (d[m], 1.0, 1.0, 1.0, 0.0, 0.0);
            let beside = e[l + 1];
            for i in (l..m).rev() {
                (c3, c2, s2) = (c2, c, s);
                let (g, h) = (c * e[i], c * p);
                let r = p.hypot(e[i]);
                e[i + 1] = s * r;
                (s, c) = (e[i] / r, p / r);
                p = c * d[i] - s * g;
                d[i + 1] = h + s * (c * g + s * d[i]);
                let (low, high) = v[i * n..(i + 2) * n].split_at_mut(n);
                for (low, high) in low.iter_mut().zip(high) {
                    (*low, *high) = (c * *low - s * *high, s * *low + c * *high);
                }
            }
            p = -s * s2 * c3 * beside * e[l] / after;
            e[l] = s * p;
            d[l] = c * p;
        }
        d[l] += shift;
        e[l] = 0.0;
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
    gemm(Backend::current(), split, alpha, a, b, beta, c, &Epilogue::none()).map_err(internal)
}

/// Shapes are known to fit here; should one not, that is an error and no panic.
fn internal(error: impl std::fmt::Display) -> Error {
    Error::data(format!("principal components: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Samples;

    const SPLIT: Split = Split::Serial;

    /// `[rows, features]` of rank `rank` about a mean, in f32.
    fn low_rank(rows: usize, features: usize, rank: usize) -> Dataset {
        let (mut a, mut b) = (vec![0.0; rows * rank], vec![0.0; rank * features]);
        random::fill_normal(1, 0, 0, 0.0, 1.0, &mut a);
        random::fill_normal(1, 1, 0, 0.0, 1.0, &mut b);
        let value = |i: usize| (0..rank).map(|r| a[i / features * rank + r] * b[r * features + i % features]).sum();
        let values = (0..rows * features)
            .map(|i| {
                let x: f64 = value(i);
                (x + 3.0) as f32
            })
            .collect();
        Dataset::new("low rank", Samples::F32(values), features).unwrap()
    }

    fn fit(data: &Dataset, rows: Option<&[u32]>, k: usize) -> (Pca, f64) {
        let (scale, shift) = (vec![1.0; data.features()], vec![0.0; data.features()]);
        let pca = Pca::fit(data, rows, &scale, &shift, k, SPLIT).unwrap();
        let error = pca.squared_error(data, rows, &scale, &shift, SPLIT).unwrap();
        (pca, error)
    }

    #[test]
    fn low_rank_data_is_exact() {
        let data = low_rank(700, 40, 5);
        let (pca, error) = fit(&data, None, 5);
        assert!(error < 1e-11, "{error}"); // what rounding the data to f32 adds
        assert!(fit(&data, None, 4).1 > 0.1);
        assert!(fit(&data, None, 20).1 < 1e-11);
        for (a, b) in (0..5).flat_map(|a| (0..5).map(move |b| (a, b))) {
            let product = dot(&pca.components[a * 40..][..40], &pca.components[b * 40..][..40]);
            assert!((product - f64::from(u8::from(a == b))).abs() < 1e-12, "{a} {b}: {product}");
        }
        let Samples::F32(values) = data.samples() else { unreachable!() };
        let (mut codes, mut back) = (vec![0.0; 700 * 5], vec![0.0; 700 * 40]);
        pca.encode(values, &mut codes, SPLIT).unwrap();
        pca.decode(&codes, &mut back, SPLIT).unwrap();
        assert!(values.iter().zip(&back).all(|(x, y)| (x - y).abs() < 1e-4));
        assert!(pca.encode(values, &mut codes[1..], SPLIT).is_err());
    }

    #[test]
    fn digits_lose_what_is_not_captured() {
        let digits = crate::data::digits().unwrap();
        for k in [0, 1, 2, 16, 40, 63] {
            let (pca, error) = fit(&digits, None, k);
            let left = pca.total_variance() - pca.variances().iter().sum::<f64>();
            assert!((error - left).abs() < 1e-9 * pca.total_variance(), "{k}: {error} and {left}");
            assert!(pca.variances().is_sorted_by(|a, b| a >= b));
        }
        // scikit-learn and others agree: variances of 179.0 and 163.7 with N - 1 below.
        let first = fit(&digits, None, 2).0.variances().iter().map(|v| v * 1797.0 / 1796.0).collect::<Vec<_>>();
        assert!((first[0] - 179.0069).abs() < 1e-3 && (first[1] - 163.7177).abs() < 1e-3, "{first:?}");
    }

    #[test]
    fn the_covariance_formed_and_applied_agree() {
        let data = crate::data::digits().unwrap();
        let ones = vec![1.0 / 16.0; 64];
        let scaled = Scaled::new(&data, None, &ones, &ones).unwrap();
        let mean = scaled.mean().unwrap();
        let formed = leading(&Covariance::formed(&scaled, &mean, SPLIT).unwrap(), 64, 10, 1797, SPLIT).unwrap().1;
        let applied = leading(&Covariance::Applied(&scaled, &mean), 64, 10, 1797, SPLIT).unwrap().1;
        assert!(formed.iter().zip(&applied).all(|(a, b)| (a - b).abs() < 1e-9), "{formed:?} {applied:?}");
        // And with more features than are formed.
        assert!(fit(&low_rank(30, FORMED_LIMIT + 4, 3), None, 3).1 < 1e-8);
    }

    #[test]
    fn as_many_components_as_features() {
        let data = low_rank(50, 6, 6);
        for k in [6, 7, 1000] {
            let (pca, error) = fit(&data, None, k);
            assert_eq!((error, pca.components()), (0.0, 6));
            let Samples::F32(values) = data.samples() else { unreachable!() };
            let (mut codes, mut back) = (vec![0.0; 300], vec![0.0; 300]);
            pca.encode(values, &mut codes, SPLIT).unwrap();
            pca.decode(&codes, &mut back, SPLIT).unwrap();
            assert!(values.iter().zip(&back).all(|(x, y)| (x - y).abs() < 1e-5));
        }
    }

    #[test]
    fn constant_tiny_and_chosen_rows() {
        let constant = Dataset::new("constant", Samples::F32(vec![0.1; 60]), 6).unwrap();
        assert!(fit(&constant, None, 3).1 < 1e-25);
        let (pca, error) = fit(&low_rank(1, 6, 2), None, 3);
        assert_eq!((pca.components(), error, pca.total_variance()), (0, 0.0, 0.0));
        let data = low_rank(20, 6, 6);
        assert!(fit(&data, Some(&[3, 7]), 1).1 < 1e-12);
        assert!(fit(&data, None, 1).1 > 0.1);
        let ones = [1.0; 6];
        assert!(Pca::fit(&data, Some(&[20]), &ones, &ones, 1, SPLIT).is_err());
        assert!(Pca::fit(&data, Some(&[]), &ones, &ones, 1, SPLIT).is_err());
        assert!(Pca::fit(&data, None, &ones[1..], &ones, 1, SPLIT).is_err());
        assert!(Pca::fit(&data, None, &[f32::MAX; 6], &ones, 1, SPLIT).is_err());
    }

    #[test]
    fn eigenvalues_of_a_known_matrix() {
        // The second difference: 2 - 2 cos(pi j / (n + 1)).
        let n = 40;
        let mut matrix = vec![0.0; n * n];
        (0..n).for_each(|i| matrix[i * n + i] = 2.0);
        (1..n).for_each(|i| (matrix[i * n + i - 1], matrix[(i - 1) * n + i]) = (-1.0, -1.0));
        for (place, value) in eigen(&mut matrix, n).unwrap().into_iter().enumerate() {
            let angle = std::f64::consts::PI * (n - place) as f64 / (n + 1) as f64;
            assert!((value - (2.0 - 2.0 * angle.cos())).abs() < 1e-13);
        }
    }
}
