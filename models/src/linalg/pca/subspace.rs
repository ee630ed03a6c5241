//! The leading eigenvectors of a covariance by block subspace iteration.

use super::arithmetic::{dot, internal, product, view, zeros};
use super::covariance::Covariance;
use super::eigen::eigen;
use crate::error::Result;
use narrows_engine::gemm::MatrixMut;
use narrows_engine::{Split, random};

/// Multiplications by C between two looks at the captured variance, and the most looks.
const STEPS: usize = 4;
const ROUNDS: usize = 60;
/// The relative change of the captured variance at which iteration ends.
const TOLERANCE: f64 = 1e-9;
/// A direction whose variance is this much below the first is rounding error.
const NOISE: f64 = 1e-13;
const SEED: u64 = 0x5043_4100;

/// At most `k` leading eigenvectors `[k, d]` of the covariance of `samples` samples, and their eigenvalues.
pub(super) fn leading(
    c: &Covariance,
    d: usize,
    k: usize,
    samples: usize,
    split: Split,
) -> Result<(Vec<f64>, Vec<f64>)> {
    if k == 0 {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut p = (k + (k / 2).max(8)).min(d).min(samples);
    let (mut basis, mut image, mut ritz) = (zeros(p * d)?, zeros(p * d)?, zeros(p * p)?);
    random::fill_normal(SEED, 0, 0, 0.0, 1.0, &mut basis);
    p = orthonormalise(&mut basis, p, d, split)?;
    let mut before = f64::INFINITY;
    let mut round = 0;
    loop {
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
        round += 1;
        let out = MatrixMut::row_major(&mut basis, p, d).map_err(internal)?;
        product(split, 1.0, view(&ritz, p, p)?, view(&image, p, d)?, 0.0, out)?;
        p = orthonormalise(&mut basis, p, d, split)?;
        for _ in 1..STEPS {
            c.apply(&basis, &mut image, p, split)?;
            std::mem::swap(&mut basis, &mut image);
            p = orthonormalise(&mut basis, p, d, split)?;
        }
    }
}

/// Makes the `p` rows orthonormal (Gram-Schmidt, twice) and returns how many are left: what is rounding error beside
/// the longest row is dropped.
pub(super) fn orthonormalise(basis: &mut [f64], p: usize, d: usize, split: Split) -> Result<usize> {
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
