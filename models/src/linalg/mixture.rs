//! A mixture of normal distributions with full covariances, fitted by expectation and maximisation (Dempster, Laird &
//! Rubin 1977): a density of codes that has no prior of its own, to sample from (Ghosh et al. 2020, RAE).
//!
//! First responsibilities are those of k-means. A covariance counts one more point that varies as all points do, column
//! by column, so that no component collapses on a point (maximum a posteriori with a Wishart prior; Fraley & Raftery
//! 2007). Everything is in f64, sums of densities are taken from their logarithms, and the products are the engine's.
//!
//! Cost of a round: 4 n K d² flops, n points, K components, d dimensions; memory (2 n d + 2 K d²) f64.

use super::kmeans;
use crate::data::reserved;
use crate::{Error, Result};
use narrows_engine::gemm::{Epilogue, MatrixMut, MatrixRef, gemm};
use narrows_engine::random::{fill_normal, fill_uniform, stream_id};
use narrows_engine::{Context, Split};
use std::f64::consts::TAU;

/// Rounds of k-means before, and of the fit at most; the rise of the mean log-density below which it is done, in nats.
const KMEANS_ROUNDS: usize = 10;
const ROUNDS: usize = 100;
const TOLERANCE: f64 = 1e-4;
/// The least variance of a column, in units of the mean one.
const LEAST_VARIANCE: f64 = 1e-6;
/// The most dimensions: a covariance has as many squared.
const MOST_DIMENSIONS: usize = 2048;
/// The operation numbers of the streams of samples.
const COMPONENT: u32 = 0x00ff_0014;
const NORMAL: u32 = 0x00ff_0015;

/// A fitted mixture of K components in d dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    dimension: usize,
    /// `[K]`
    weights: Vec<f64>,
    /// `[K, d]`
    means: Vec<f64>,
    /// The lower factor L of each covariance `L Lᵀ`, `[K, d, d]`.
    factors: Vec<f64>,
    log_density: f64,
    rounds: usize,
}

impl Mixture {
    /// Fits `components` to points `[n, dimension]`; deterministic by `seed`.
    ///
    /// # Errors
    /// Fewer points than components; points that are not finite; more dimensions than 2048; no memory.
    pub fn fit(points: &[f64], dimension: usize, components: usize, seed: u64, split: Split) -> Result<Self> {
        let count = points.len() / dimension.max(1);
        if components == 0 || dimension == 0 || count < components || points.len() != count * dimension {
            return Err(Error::data(format!(
                "{count} points do not tell {components} components apart; give fewer components, at least 1"
            )));
        }
        if dimension > MOST_DIMENSIONS {
            return Err(Error::usage(format!(
                "a mixture in {dimension} dimensions has too large covariances; {MOST_DIMENSIONS} are the most"
            )));
        }
        if points.iter().any(|x| !x.is_finite()) {
            return Err(Error::data("a mixture is fitted to numbers, and a point has NaN or infinity"));
        }
        let prior = variances(points, dimension)?;
        let means = kmeans(points, dimension, components, KMEANS_ROUNDS, seed)?;
        let mut responsibilities = nearest(points, dimension, &means)?;
        let size = components * dimension * dimension;
        let mut fitted = Self {
            dimension,
            weights: vec![0.0; components],
            means,
            factors: zeros(size)?,
            log_density: f64::NEG_INFINITY,
            rounds: 0,
        };
        let mut work = zeros(points.len())?;
        let mut image = zeros(points.len())?;
        for round in 1..=ROUNDS {
            fitted.maximise(points, &responsibilities, &prior, &mut work, split)?;
            let density = fitted.expect(points, &mut responsibilities, (&mut work, &mut image), split)?;
            let rise = density - fitted.log_density;
            (fitted.log_density, fitted.rounds) = (density, round);
            if rise.abs() < TOLERANCE {
                break;
            }
        }
        Ok(fitted)
    }

    /// Components, K.
    pub fn components(&self) -> usize {
        self.weights.len()
    }

    /// The share of each component, `[K]`.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The mean of each, `[K, d]`.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The mean logarithm of the density at the points that it was fitted to, in nats.
    pub fn log_density(&self) -> f64 {
        self.log_density
    }

    /// Rounds that the fit took.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// `count` points, `[count, d]`, drawn by `seed`; point i is the same in any number.
    ///
    /// # Errors
    /// No memory.
    pub fn sample(&self, count: usize, seed: u64) -> Result<Vec<f64>> {
        let d = self.dimension;
        let mut out = reserved(count.saturating_mul(d), "points of a mixture")?;
        let mut normal = zeros(d)?;
        for point in 0..count as u64 {
            let mut draw = [0.0f64];
            fill_uniform(seed, stream_id(0, COMPONENT), point, 0.0, 1.0, &mut draw);
            let mut left = draw[0];
            let component = self.weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            let last = self.weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0);
            let k = component.unwrap_or(last);
            fill_normal(seed, stream_id(point, NORMAL), 0, 0.0, 1.0, &mut normal);
            let factor = &self.factors[k * d * d..(k + 1) * d * d];
            for (mean, row) in self.means[k * d..(k + 1) * d].iter().zip(factor.chunks_exact(d)) {
                out.push(mean + row.iter().zip(&normal).map(|(l, n)| l * n).sum::<f64>());
            }
        }
        Ok(out)
    }

    /// Weights, means and covariances from responsibilities `[n, K]`.
    fn maximise(
        &mut self,
        points: &[f64],
        responsibilities: &[f64],
        prior: &[f64],
        work: &mut [f64],
        split: Split,
    ) -> Result<()> {
        let (d, components) = (self.dimension, self.components());
        let count = points.len() / d;
        for k in 0..components {
            let shares = || responsibilities.iter().skip(k).step_by(components);
            let total: f64 = shares().sum();
            self.weights[k] = total / count as f64;
            let mean = &mut self.means[k * d..(k + 1) * d];
            // A component that nothing belongs to keeps its place.
            if total > 1e-9 {
                mean.fill(0.0);
                for (point, share) in points.chunks_exact(d).zip(shares()) {
                    mean.iter_mut().zip(point).for_each(|(mean, x)| *mean += share * x);
                }
                mean.iter_mut().for_each(|mean| *mean /= total);
            }
            for ((to, point), share) in work.chunks_exact_mut(d).zip(points.chunks_exact(d)).zip(shares()) {
                let root = share.sqrt();
                to.iter_mut().zip(point.iter().zip(&*mean)).for_each(|(to, (x, mean))| *to = root * (x - mean));
            }
            let covariance = &mut self.factors[k * d * d..(k + 1) * d * d];
            let x = MatrixRef::row_major(work, count, d)?;
            let scale = 1.0 / (total + 1.0);
            let out = MatrixMut::row_major(covariance, d, d)?;
            gemm(Context::new(split), scale, x.t(), x, 0.0, out, &Epilogue::none())?;
            covariance.iter_mut().step_by(d + 1).zip(prior).for_each(|(x, prior)| *x += scale * prior);
            cholesky(covariance, d)?;
        }
        Ok(())
    }

    /// Responsibilities `[n, K]`, and the mean log-density.
    fn expect(
        &self,
        points: &[f64],
        responsibilities: &mut [f64],
        (work, image): (&mut [f64], &mut [f64]),
        split: Split,
    ) -> Result<f64> {
        let (d, components) = (self.dimension, self.components());
        let count = points.len() / d;
        for k in 0..components {
            let factor = &self.factors[k * d * d..(k + 1) * d * d];
            let determinant: f64 = factor.iter().step_by(d + 1).map(|l| l.ln()).sum();
            let constant = self.weights[k].ln() - determinant - 0.5 * d as f64 * TAU.ln();
            let inverse = invert_lower(factor, d)?;
            let mean = &self.means[k * d..(k + 1) * d];
            for (to, point) in work.chunks_exact_mut(d).zip(points.chunks_exact(d)) {
                to.iter_mut().zip(point.iter().zip(mean)).for_each(|(to, (x, mean))| *to = x - mean);
            }
            let (x, w) = (MatrixRef::row_major(work, count, d)?, MatrixRef::row_major(&inverse, d, d)?);
            let out = MatrixMut::row_major(image, count, d)?;
            gemm(Context::new(split), 1.0, x, w.t(), 0.0, out, &Epilogue::none())?;
            let to = responsibilities.iter_mut().skip(k).step_by(components);
            for (to, row) in to.zip(image.chunks_exact(d)) {
                *to = constant - 0.5 * row.iter().map(|x| x * x).sum::<f64>();
            }
        }
        let mut sum = 0.0;
        for logs in responsibilities.chunks_exact_mut(components) {
            let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let log_sum = most + logs.iter().map(|log| (log - most).exp()).sum::<f64>().ln();
            logs.iter_mut().for_each(|log| *log = (*log - log_sum).exp());
            sum += log_sum;
        }
        Ok(sum / count as f64)
    }
}

fn zeros(count: usize) -> Result<Vec<f64>> {
    let mut values = reserved(count, "a mixture")?;
    values.resize(count, 0.0);
    Ok(values)
}

/// The variance of each column, none of them nothing.
fn variances(points: &[f64], dimension: usize) -> Result<Vec<f64>> {
    let count = (points.len() / dimension) as f64;
    let (mut means, mut variances) = (zeros(dimension)?, zeros(dimension)?);
    for point in points.chunks_exact(dimension) {
        means.iter_mut().zip(point).for_each(|(mean, x)| *mean += x / count);
    }
    for point in points.chunks_exact(dimension) {
        let columns = variances.iter_mut().zip(point).zip(&means);
        columns.for_each(|((variance, x), mean)| *variance += (x - mean).powi(2) / count);
    }
    let least = (LEAST_VARIANCE * variances.iter().sum::<f64>() / dimension as f64).max(f64::EPSILON);
    variances.iter_mut().for_each(|variance| *variance = variance.max(least));
    Ok(variances)
}

/// Responsibilities of the nearest centre alone, `[n, K]`.
fn nearest(points: &[f64], dimension: usize, centres: &[f64]) -> Result<Vec<f64>> {
    let components = centres.len() / dimension;
    let mut out = zeros(points.len() / dimension * components)?;
    for (to, point) in out.chunks_exact_mut(components).zip(points.chunks_exact(dimension)) {
        let distance = |centre: &[f64]| point.iter().zip(centre).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let distances = centres.chunks_exact(dimension).map(distance).enumerate();
        let least = distances.reduce(|least, next| if next.1 < least.1 { next } else { least });
        to[least.map_or(0, |(at, _)| at)] = 1.0;
    }
    Ok(out)
}

/// A covariance `[d, d]` becomes its lower factor.
fn cholesky(matrix: &mut [f64], d: usize) -> Result<()> {
    for i in 0..d {
        let (above, rest) = matrix.split_at_mut(i * d);
        let row = &mut rest[..d];
        for j in 0..i {
            let other = &above[j * d..j * d + d];
            let dot: f64 = row[..j].iter().zip(&other[..j]).map(|(a, b)| a * b).sum();
            row[j] = (row[j] - dot) / other[j];
        }
        let rest = row[i] - row[..i].iter().map(|x| x * x).sum::<f64>();
        if rest.is_nan() || rest <= 0.0 {
            return Err(Error::data("the codes vary in no more than a few directions; give fewer components"));
        }
        row[i] = rest.sqrt();
        row[i + 1..].fill(0.0);
    }
    Ok(())
}

/// The inverse of a lower factor `[d, d]`, lower too.
fn invert_lower(factor: &[f64], d: usize) -> Result<Vec<f64>> {
    let mut inverse = zeros(d * d)?;
    for i in 0..d {
        let (above, rest) = inverse.split_at_mut(i * d);
        let row = &mut rest[..d];
        let pivot = 1.0 / factor[i * d + i];
        for (k, other) in above.chunks_exact(d).enumerate() {
            let scale = -factor[i * d + k] * pivot;
            row[..=k].iter_mut().zip(&other[..=k]).for_each(|(to, x)| *to += scale * x);
        }
        row[i] = pivot;
    }
    Ok(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two clouds: one wide and round at 0, one of correlated numbers at (10, 10), three times as many.
    fn clouds() -> Vec<f64> {
        let mut points = vec![0.0; 4000 * 2];
        fill_normal(3, 0, 0, 0.0, 1.0, &mut points);
        for point in points.chunks_mut(2).enumerate().filter(|(i, _)| i % 4 > 0).map(|(_, point)| point) {
            (point[0], point[1]) = (10.0 + point[0], 10.0 + 0.9 * point[0] + 0.1 * point[1]);
        }
        points
    }

    fn covariance(points: &[f64]) -> [f64; 3] {
        let count = (points.len() / 2) as f64;
        let mean = [0, 1].map(|at| points.iter().skip(at).step_by(2).sum::<f64>() / count);
        let of =
            |a: usize, b: usize| points.chunks(2).map(|p| (p[a] - mean[a]) * (p[b] - mean[b])).sum::<f64>() / count;
        [of(0, 0), of(0, 1), of(1, 1)]
    }

    #[test]
    fn clouds_are_found_and_samples_are_like_them() {
        let points = clouds();
        let mixture = Mixture::fit(&points, 2, 2, 1, Split::Serial).unwrap();
        let far = usize::from(mixture.means()[2] > 5.0);
        assert!((mixture.weights()[far] - 0.75).abs() < 0.01, "{:?}", mixture.weights());
        assert!(mixture.means()[far * 2..far * 2 + 2].iter().all(|mean| (mean - 10.0).abs() < 0.1));
        assert!(mixture == Mixture::fit(&points, 2, 2, 1, Split::Serial).unwrap());
        let samples = mixture.sample(4000, 7).unwrap();
        assert!(samples[..20] == mixture.sample(10, 7).unwrap() && samples != mixture.sample(4000, 8).unwrap());
        for (a, b) in covariance(&samples).iter().zip(covariance(&points)) {
            assert!((a / b - 1.0).abs() < 0.05, "{a} {b}");
        }
        // One component is the points' own mean and covariance.
        let one = Mixture::fit(&points, 2, 1, 1, Split::Serial).unwrap();
        assert!(one.log_density() < mixture.log_density() - 0.5);
        let [xx, xy, yy] = covariance(&points);
        let entropy = TAU.ln() + 1.0 + 0.5 * (xx * yy - xy * xy).ln();
        assert!((one.log_density() + entropy).abs() < 1e-3, "{} {entropy}", one.log_density());
    }

    #[test]
    fn no_component_collapses() {
        // A column that never varies, a point that stands alone, and more components than are needed.
        let mut points: Vec<f64> = (0..100).flat_map(|i| [f64::from(i % 10), 3.0]).collect();
        points[0] = 1e6;
        let mixture = Mixture::fit(&points, 2, 8, 0, Split::Serial).unwrap();
        assert!(mixture.sample(100, 0).unwrap().iter().all(|x| x.is_finite()));
        assert!((mixture.weights().iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(Mixture::fit(&[1.0; 6], 2, 2, 0, Split::Serial).is_ok(), "equal points");
        assert!(Mixture::fit(&points, 2, 101, 0, Split::Serial).is_err());
        assert!(Mixture::fit(&[f64::NAN, 1.0], 1, 1, 0, Split::Serial).is_err());
    }
}
