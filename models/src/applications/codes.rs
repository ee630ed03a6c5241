//! How codes lie: those of some rows, in a plane, and whether neighbours stay neighbours.
//!
//! What is looked at is a sample of the rows, drawn by a seed; large data are read a block at a time, and only codes
//! and errors are kept of them.

use crate::data::{Dataset, Preprocessing, Rows, Scaler, reserved};
use crate::linalg::Pca;
use crate::model::{Given, Model, Session};
use crate::{Error, Result};
use narrows_engine::random::{permutation, stream_id};
use narrows_engine::{Context, RawRows, Split};

/// Values that are read at a time.
const BLOCK: usize = 1 << 20;
/// The operation number of the stream that rows are drawn from.
const PICK: u32 = 0x00ff_0011;

/// Codes of some rows, and how well each row is reconstructed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coded {
    /// The rows.
    pub rows: Vec<u32>,
    /// Their codes, `[n, size]`; of a distribution the means.
    pub codes: Vec<f32>,
    /// Numbers in a code.
    pub size: usize,
    /// `‖x̂ − x‖²` of each, summed over features, of scaled values; what is missing is left out.
    pub errors: Vec<f64>,
    /// The class of each, where known.
    pub labels: Option<Vec<u32>>,
}

/// Points in a plane.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plane {
    /// One for each sample.
    pub points: Vec<(f64, f64)>,
    /// The share of the variance that each axis has, where they are principal components.
    pub shares: Option<[f64; 2]>,
}

/// Whether neighbours stay neighbours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbourhoods {
    /// 1 if all neighbours in the code are neighbours in the data; about one half by chance.
    pub trustworthiness: f64,
    /// 1 if all neighbours in the data are neighbours in the code.
    pub continuity: f64,
    /// How many neighbours each sample has.
    pub neighbours: usize,
    /// Samples that were compared.
    pub samples: usize,
}

/// Up to `count` of the rows, drawn by a seed.
pub fn pick(rows: &[u32], count: usize, seed: u64) -> Vec<u32> {
    let mut order = vec![0; rows.len()];
    permutation(seed, stream_id(0, PICK), &mut order);
    order.iter().take(count).filter_map(|&place| rows.get(place as usize)).copied().collect()
}

/// Encodes and reconstructs rows.
///
/// # Errors
/// Data that do not fit the model; no memory.
pub fn encode_rows(session: &mut Session, dataset: &Dataset, rows: &[u32]) -> Result<Coded> {
    session.model().check_fits(dataset)?;
    session.model().check_targets(dataset, rows)?;
    let size = session.model().code_size();
    let mut coded = Coded { size, rows: rows.to_vec(), labels: labels_of(dataset, rows), ..Coded::default() };
    coded.codes = reserved(rows.len().saturating_mul(size), "codes")?;
    for rows in blocks(dataset, rows) {
        let raw = read(dataset, rows)?;
        let labels = labels_of(dataset, rows);
        coded.codes.extend_from_slice(session.encode(given(session.model(), &raw, labels.as_deref()))?);
        let made = session.reconstruct(given(session.model(), &raw, labels.as_deref()))?.to_vec();
        let (seen, made) = scaled(session.model(), &raw, &made)?;
        let features = dataset.features();
        coded.errors.extend(seen.chunks_exact(features).zip(made.chunks_exact(features)).map(|(a, b)| distance(a, b)));
    }
    Ok(coded)
}

/// `‖a − b‖²` over what is present in both.
pub(super) fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).filter(|square| square.is_finite()).sum()
}

/// Raw samples and their raw reconstructions as the model compares them.
pub(super) fn scaled(model: &Model, raw: &[f64], made: &[f32]) -> Result<(Vec<f32>, Vec<f32>)> {
    let context = Context::new(Split::Serial);
    let (mut seen, mut scaled) = (zeros(raw.len())?, zeros(made.len())?);
    model.data().preprocessing.apply(context, RawRows::Doubles(raw), &mut seen)?;
    model.data().preprocessing.apply(context, RawRows::Values(made), &mut scaled)?;
    Ok((seen, scaled))
}

/// Raw rows, `[n, features]`.
pub(super) fn read(dataset: &Dataset, rows: &[u32]) -> Result<Vec<f64>> {
    let count = rows.len().saturating_mul(dataset.features());
    let mut raw = reserved(count, "samples")?;
    raw.resize(count, 0.0);
    dataset.read(rows, &mut raw)?;
    Ok(raw)
}

/// The classes of rows, where known.
pub(super) fn labels_of(dataset: &Dataset, rows: &[u32]) -> Option<Vec<u32>> {
    let labels = dataset.labels()?;
    rows.iter().map(|&row| labels.get(row as usize).copied()).collect()
}

/// Samples as a session takes them: with classes where the model takes these.
pub(super) fn given<'a>(model: &Model, raw: &'a [f64], labels: Option<&'a [u32]>) -> Given<'a> {
    let given = Given::doubles(raw);
    labels.filter(|_| model.autoencoder().takes().labels).map_or(given, |labels| given.labels(labels))
}

fn zeros(count: usize) -> Result<Vec<f32>> {
    let mut zeros = reserved(count, "samples")?;
    zeros.resize(count, 0.0);
    Ok(zeros)
}

fn blocks<'a>(dataset: &Dataset, rows: &'a [u32]) -> impl Iterator<Item = &'a [u32]> {
    rows.chunks((BLOCK / dataset.features().max(1)).max(1))
}

impl Coded {
    /// The first `count` of the samples alone.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        let count = count.min(self.rows.len());
        Self {
            rows: self.rows[..count].to_vec(),
            codes: self.codes[..count * self.size].to_vec(),
            size: self.size,
            errors: self.errors[..count].to_vec(),
            labels: self.labels.as_ref().map(|labels| labels[..count].to_vec()),
        }
    }

    /// The code of one of the samples.
    pub fn code(&self, sample: usize) -> &[f32] {
        self.codes.get(sample * self.size..(sample + 1) * self.size).unwrap_or_default()
    }

    /// The variance of each unit of the code over the samples, `[size]`.
    pub fn variances(&self) -> Vec<f64> {
        let count = self.rows.len().max(1) as f64;
        let unit = |unit: usize| self.codes.iter().skip(unit).step_by(self.size).map(|&x| f64::from(x));
        let variance = |number: usize| {
            let mean = unit(number).sum::<f64>() / count;
            unit(number).map(|x| (x - mean).powi(2)).sum::<f64>() / count
        };
        (0..self.size).map(variance).collect()
    }

    /// The codes in a plane: those of two numbers as they are, longer ones by their two principal components.
    ///
    /// # Errors
    /// Codes of one number, or that are all alike; no memory.
    pub fn plane(&self, split: Split) -> Result<Plane> {
        let pairs = |numbers: &[f32]| numbers.chunks_exact(2).map(|pair| (pair[0].into(), pair[1].into())).collect();
        match self.size {
            0 | 1 => return Err(Error::usage("codes of one number lie on a line; give a model with a larger code")),
            2 => return Ok(Plane { points: pairs(&self.codes), shares: None }),
            _ => {}
        }
        let dataset = Dataset::new("codes", crate::data::Samples::F32(self.codes.clone()), self.size)?;
        let as_they_are = Preprocessing::new(Scaler::None {}, self.size)?;
        let pca = Pca::fit(&dataset, None, &as_they_are, 2, split)?;
        if pca.components() < 2 {
            return Err(Error::data("the codes vary in fewer than two directions; they make no plane"));
        }
        let mut points = zeros(2 * self.rows.len())?;
        pca.encode(&self.codes, &mut points, split)?;
        let total = pca.total_variance().max(f64::MIN_POSITIVE);
        let shares = [pca.variances()[0] / total, pca.variances()[1] / total];
        Ok(Plane { points: pairs(&points), shares: Some(shares) })
    }
}

/// Rows in the plane of the first two principal components of data.
///
/// # Errors
/// Components of other data, or fewer than two; no memory.
pub fn plane_of(pca: &Pca, model: &Model, dataset: &Dataset, rows: &[u32], split: Split) -> Result<Plane> {
    let components = pca.components();
    if components < 2 {
        return Err(Error::data("the data have fewer than two principal components; they make no plane"));
    }
    let mut points = reserved(rows.len(), "points")?;
    for rows in blocks(dataset, rows) {
        let mut samples = zeros(rows.len().saturating_mul(dataset.features()))?;
        model.data().preprocessing.gather(Context::new(split), dataset, rows, &mut samples)?;
        let mut codes = zeros(rows.len().saturating_mul(components))?;
        pca.encode(&samples, &mut codes, split)?;
        points.extend(codes.chunks_exact(components).map(|code| (code[0].into(), code[1].into())));
    }
    let total = pca.total_variance();
    let shares = (total > 0.0).then(|| [pca.variances()[0] / total, pca.variances()[1] / total]);
    Ok(Plane { points, shares })
}

/// Trustworthiness and continuity of codes of some rows (Venna & Kaski, "Neighborhood Preservation in Nonlinear
/// Projection Methods: An Experimental Study", 2001), with `neighbours` neighbours by Euclidean distance, exactly:
/// `n² (features + size)` multiplications and as many numbers of memory as the samples have.
///
/// `T = 1 − 2 / (n k (2n − 3k − 1)) Σ_i Σ_{j ∈ U_i} (r(i, j) − k)`, U_i being the k nearest in the code that are not
/// among the k nearest in the data, and r their rank there; continuity is the same with both exchanged.
///
/// # Errors
/// Fewer than five samples; no memory.
pub fn neighbourhoods(model: &Model, dataset: &Dataset, coded: &Coded, neighbours: usize) -> Result<Neighbourhoods> {
    let mut samples = zeros(coded.rows.len().saturating_mul(dataset.features()))?;
    let context = Context::new(Split::Serial);
    model.data().preprocessing.gather(context, dataset, &coded.rows, &mut samples)?;
    // A missing number says nothing of a distance.
    samples.iter_mut().filter(|x| !x.is_finite()).for_each(|x| *x = 0.0);
    preserved(&samples, &coded.codes, coded.rows.len(), neighbours)
}

/// The same of any two sets of points, `[n, ..]` each, row for row.
///
/// # Errors
/// As for [`neighbourhoods`]; numbers that are no whole points.
pub fn preserved(data: &[f32], codes: &[f32], count: usize, neighbours: usize) -> Result<Neighbourhoods> {
    if count < 5 || !data.len().is_multiple_of(count) || !codes.len().is_multiple_of(count) {
        return Err(Error::data(format!("neighbours are of five samples or more, with a code each; here are {count}")));
    }
    // The sum has its greatest value by the formula only below half of the samples.
    let k = neighbours.clamp(1, (count - 1) / 2);
    let (mut far, mut near) = (vec![0.0f32; count], vec![0.0f32; count]);
    let (mut intruders, mut missing) = (0u64, 0u64);
    for sample in 0..count {
        distances(data, count, sample, &mut far);
        distances(codes, count, sample, &mut near);
        let (of_data, of_codes) = (nearest(&far, sample, k), nearest(&near, sample, k));
        intruders += excess(&of_codes, &of_data, &far, sample, k);
        missing += excess(&of_data, &of_codes, &near, sample, k);
    }
    let (n, k_) = (count as f64, k as f64);
    let share = |sum: u64| 1.0 - 2.0 * sum as f64 / (n * k_ * (2.0 * n - 3.0 * k_ - 1.0));
    Ok(Neighbourhoods { trustworthiness: share(intruders), continuity: share(missing), neighbours: k, samples: count })
}

/// Squared distances of all points from one of them.
fn distances(points: &[f32], count: usize, from: usize, out: &mut [f32]) {
    const LANES: usize = 16;
    let size = points.len() / count;
    let from = points.get(from * size..(from + 1) * size).unwrap_or_default();
    for (to, out) in points.chunks_exact(size.max(1)).zip(out) {
        // Several sums side by side, which the compiler makes vectors of.
        let mut sums = [0.0f32; LANES];
        let (a, b) = (from.chunks_exact(LANES), to.chunks_exact(LANES));
        let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| (a - b) * (a - b)).sum();
        for (a, b) in a.zip(b) {
            sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += (a - b) * (a - b));
        }
        *out = sums.iter().sum::<f32>() + rest;
    }
}

/// The k points that are nearest to one, which is not among them; of equals the first.
fn nearest(distances: &[f32], from: usize, k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..distances.len()).filter(|&other| other != from).collect();
    let by_distance = |a: &usize, b: &usize| distances[*a].total_cmp(&distances[*b]).then(a.cmp(b));
    if k < order.len() {
        order.select_nth_unstable_by(k, by_distance);
        order.truncate(k);
    }
    order
}

/// How far beyond the k-th place those of `of` lie that are not among `among`, by the distances that made the latter.
fn excess(of: &[usize], among: &[usize], distances: &[f32], from: usize, k: usize) -> u64 {
    let rank = |point: usize| {
        let before = |other: usize| {
            let by_distance = distances[other].total_cmp(&distances[point]).then(other.cmp(&point));
            other != from && by_distance.is_lt()
        };
        (0..distances.len()).filter(|&other| before(other)).count() + 1
    };
    of.iter().filter(|point| !among.contains(point)).map(|&point| (rank(point) - k) as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;
    use crate::training::{Config, fit};

    #[test]
    fn codes_of_rows_with_their_errors() {
        let dataset = digits().unwrap();
        let config = Config::of("undercomplete").unwrap().with(&[("epochs", "2"), ("code", "3")]).unwrap();
        let mut session = Session::new(fit(&config, &dataset).unwrap());
        let rows = pick(&(0..1000).collect::<Vec<_>>(), 50, 7);
        assert_eq!((rows.len(), pick(&rows, 99, 7).len()), (50, 50));
        assert!(rows != pick(&(0..1000).collect::<Vec<_>>(), 50, 8));
        let coded = encode_rows(&mut session, &dataset, &rows).unwrap();
        assert_eq!((coded.codes.len(), coded.errors.len(), coded.size), (150, 50, 3));
        assert_eq!(coded.labels.as_ref().map(Vec::len), Some(50));
        assert!(coded.errors.iter().all(|&error| error > 0.0 && error.is_finite()));
        assert!(coded.variances().iter().all(|&variance| variance > 0.0) && coded.code(49).len() == 3);
        let plane = coded.plane(Split::Serial).unwrap();
        assert!(
            plane.points.len() == 50 && plane.shares.is_some_and(|[a, b]| a >= b && b > 0.0 && a + b <= 1.0 + 1e-9)
        );
        let near = neighbourhoods(session.model(), &dataset, &coded, 12).unwrap();
        assert!(near.trustworthiness > 0.6 && near.continuity > 0.6 && near.samples == 50, "{near:?}");
        assert!(Coded { size: 1, ..coded }.plane(Split::Serial).is_err());
    }

    /// A hundred points on a line: as they are, turned around within blocks, and shuffled.
    #[test]
    fn neighbours_are_kept_or_lost() {
        let line: Vec<f32> = (0..100u8).map(f32::from).collect();
        let same = preserved(&line, &line, 100, 12).unwrap();
        assert_eq!((same.trustworthiness, same.continuity), (1.0, 1.0));
        let mut order = vec![0; 100];
        permutation(3, 0, &mut order);
        let shuffled: Vec<f32> = order.iter().map(|&x| x as f32).collect();
        let lost = preserved(&line, &shuffled, 100, 12).unwrap();
        assert!((0.3..0.7).contains(&lost.trustworthiness) && (0.3..0.7).contains(&lost.continuity), "{lost:?}");
        // A line folded in two: all that were neighbours are, and others too.
        let folded: Vec<f32> = line.iter().map(|x| (x - 49.6).abs()).collect();
        let folded = preserved(&line, &folded, 100, 12).unwrap();
        assert!(folded.continuity > folded.trustworthiness + 0.1, "{folded:?}");
        assert!(preserved(&line[..4], &line[..4], 4, 2).is_err() && preserved(&line, &line[..99], 100, 12).is_err());
    }

    /// By the definition, with all ranks sorted.
    #[test]
    fn the_sum_is_that_of_the_definition() {
        let (n, k) = (30, 5);
        let data: Vec<f32> = (0..n * 3).map(|x| ((x * 37 + 11) % 53) as f32).collect();
        let codes: Vec<f32> = (0..n * 2).map(|x| ((x * 29 + 5) % 47) as f32).collect();
        let ranks = |points: &[f32], size: usize| -> Vec<Vec<usize>> {
            let order = |i: usize| {
                let far = |j: usize| distance(&points[i * size..][..size], &points[j * size..][..size]);
                let mut order: Vec<usize> = (0..n).filter(|&j| j != i).collect();
                order.sort_by(|&a, &b| far(a).total_cmp(&far(b)).then(a.cmp(&b)));
                let mut ranks = vec![0; n];
                order.iter().enumerate().for_each(|(place, &j)| ranks[j] = place + 1);
                ranks
            };
            (0..n).map(order).collect()
        };
        let (r, c) = (ranks(&data, 3), ranks(&codes, 2));
        let sum = |r: &[Vec<usize>], c: &[Vec<usize>]| -> f64 {
            let pairs = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).filter(|(i, j)| i != j);
            let outside = pairs.filter(|&(i, j)| c[i][j] <= k && r[i][j] > k);
            1.0 - 2.0 / (n * k * (2 * n - 3 * k - 1)) as f64 * outside.map(|(i, j)| (r[i][j] - k) as f64).sum::<f64>()
        };
        let found = preserved(&data, &codes, n, k).unwrap();
        assert!((found.trustworthiness - sum(&r, &c)).abs() < 1e-12 && (found.continuity - sum(&c, &r)).abs() < 1e-12);
    }
}
