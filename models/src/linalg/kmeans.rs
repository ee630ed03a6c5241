//! k-means: centres that many points are near to, for the first entries of a codebook.
//!
//! The first centres are drawn far from each other (k-means++, Arthur & Vassilvitskii 2007); then each centre moves to
//! the mean of the points that are nearest to it (Lloyd 1982), so many rounds. A centre that no point is nearest to
//! stays. Cost: rounds x points x centres x dimensions.

use crate::data::reserved;
use crate::{Error, Result};
use narrows_engine::random;

/// `[k, dimension]` centres of the points `[n, dimension]`, drawn by `seed`.
///
/// # Errors
/// No points; no memory.
pub fn kmeans(points: &[f64], dimension: usize, k: usize, rounds: usize, seed: u64) -> Result<Vec<f64>> {
    let count = points.len() / dimension.max(1);
    if count == 0 || k == 0 || dimension == 0 {
        return Err(Error::data("there are no points to find centres of"));
    }
    let point = |i: usize| &points[i * dimension..(i + 1) * dimension];
    let mut centres = reserved::<f64>(k * dimension, "centres")?;
    let mut draws = vec![0.0; k];
    random::fill_uniform(seed, 0, 0, 0.0, 1.0, &mut draws);
    let mut distances = vec![f64::INFINITY; count];
    for draw in draws {
        let total: f64 = distances.iter().filter(|d| d.is_finite()).sum();
        let chosen = if centres.is_empty() || total <= 0.0 {
            ((draw * count as f64) as usize).min(count - 1)
        } else {
            let mut left = draw * total;
            let mut place = |d: &f64| {
                left -= d;
                left <= 0.0
            };
            distances.iter().position(&mut place).unwrap_or(count - 1)
        };
        centres.extend_from_slice(point(chosen));
        let newest = &centres[centres.len() - dimension..];
        for (i, nearest) in distances.iter_mut().enumerate() {
            *nearest = nearest.min(squared_distance(point(i), newest));
        }
    }
    let (mut sums, mut counts) = (vec![0.0; k * dimension], vec![0usize; k]);
    for _ in 0..rounds {
        sums.fill(0.0);
        counts.fill(0);
        for i in 0..count {
            let nearest = nearest(point(i), &centres);
            counts[nearest] += 1;
            let sum = &mut sums[nearest * dimension..][..dimension];
            sum.iter_mut().zip(point(i)).for_each(|(sum, x)| *sum += x);
        }
        let all = centres.chunks_exact_mut(dimension).zip(sums.chunks_exact(dimension)).zip(&counts);
        for ((centre, sum), &count) in all.filter(|(_, count)| **count > 0) {
            centre.iter_mut().zip(sum).for_each(|(to, sum)| *to = sum / count as f64);
        }
    }
    Ok(centres)
}

/// The number of the centre that a point is nearest to.
fn nearest(point: &[f64], centres: &[f64]) -> usize {
    let distances = centres.chunks_exact(point.len()).map(|centre| squared_distance(point, centre));
    let least = distances.enumerate().reduce(|least, next| if next.1 < least.1 { next } else { least });
    least.map_or(0, |(at, _)| at)
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_that_lie_apart_are_found() {
        let mut points = vec![0.0; 300 * 2];
        random::fill_normal(3, 0, 0, 0.0, 0.1, &mut points);
        for (i, point) in points.chunks_mut(2).enumerate() {
            point[0] += 10.0 * (i % 3) as f64;
        }
        let centres = kmeans(&points, 2, 3, 10, 1).unwrap();
        let mut found: Vec<i64> = centres.chunks(2).map(|centre| centre[0].round() as i64).collect();
        found.sort_unstable();
        assert_eq!(found, [0, 10, 20]);
        assert!(kmeans(&[], 2, 3, 10, 1).is_err());
        // More centres than points: every point is one.
        assert_eq!(kmeans(&[1.0, 5.0], 1, 4, 3, 0).unwrap().len(), 4);
    }
}
