//! Quantiles of a column as a curve to normal numbers and back.
//!
//! `x' = Φ⁻¹(F(x))`, F being the share of training values below x, by straight lines between up to 1,000 quantiles: what
//! has a long tail, or several peaks, becomes normal. Values that come often are one point, in the middle of their
//! share. Beyond the training part's ends the curve goes on straight, by the spread of the middle half: what is far out
//! stays far out, which a curve that is cut there would hide.

use crate::error::Result;

use super::memory::reserved;

/// The most quantiles of a column.
pub(super) const KNOTS: usize = 1000;
/// The middle half of a normal distribution is so many deviations wide.
pub(super) const HALF: f64 = 1.349;

/// A rising curve through points, straight beyond them.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    raw: Vec<f64>,
    normal: Vec<f64>,
    /// Raw numbers to one normal one beyond the ends.
    spread: f64,
}

impl Curve {
    /// The curve of a column's quantiles, in order; `None` for a constant column.
    pub(super) fn new(knots: &[f64], scores: &[f64]) -> Result<Option<Self>> {
        let (mut raw, mut normal) = (reserved(knots.len(), "quantiles")?, reserved(knots.len(), "quantiles")?);
        let mut at = 0;
        while at < knots.len().min(scores.len()) {
            let end = knots[at..].partition_point(|x| *x <= knots[at]) + at;
            raw.push(knots[at]);
            normal.push(scores[at..end].iter().sum::<f64>() / (end - at) as f64);
            at = end;
        }
        if raw.len() < 2 {
            return Ok(None);
        }
        let half = knots[knots.len() * 3 / 4] - knots[knots.len() / 4];
        let whole = (raw[raw.len() - 1] - raw[0]) / (normal[normal.len() - 1] - normal[0]);
        let spread = if half > 0.0 { half / HALF } else { whole };
        Ok(Some(Self { raw, normal, spread }))
    }

    /// Of a raw number the normal one.
    pub(super) fn forward(&self, x: f64) -> f64 {
        through(&self.raw, &self.normal, x, 1.0 / self.spread)
    }

    /// And back.
    pub(super) fn back(&self, z: f64) -> f64 {
        through(&self.normal, &self.raw, z, self.spread)
    }
}

/// A straight line between the points beside x, and of a slope beyond the ends. NaN stays NaN.
fn through(from: &[f64], to: &[f64], x: f64, slope: f64) -> f64 {
    let last = from.len() - 1;
    if x <= from[0] {
        return to[0] + (x - from[0]) * slope;
    }
    if x >= from[last] {
        return to[last] + (x - from[last]) * slope;
    }
    let next = from.partition_point(|point| *point <= x).clamp(1, last);
    let share = (x - from[next - 1]) / (from[next] - from[next - 1]);
    to[next - 1] + share * (to[next] - to[next - 1])
}

/// Φ⁻¹ of `count` even shares, the ends half a step inside.
pub(super) fn scores(count: usize) -> Result<Vec<f64>> {
    let mut all = reserved(count, "quantiles")?;
    all.extend((0..count).map(|at| normal_quantile((at as f64 + 0.5) / count as f64)));
    Ok(all)
}

/// The x of which a share p of a normal distribution is below, by halving: the inverse is not in the library of
/// functions, and this is done once a model.
fn normal_quantile(p: f64) -> f64 {
    let below = |x: f64| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if below(middle) < p { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_normal_distribution() {
        for (p, x) in [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.01, -2.326_347_874_040_841)] {
            assert!((normal_quantile(p) - x).abs() < 1e-12);
        }
    }

    #[test]
    fn there_and_back_within_and_beyond() {
        let knots: Vec<f64> = (0..200).map(|at| (f64::from(at) / 40.0).exp().floor()).collect();
        let curve = Curve::new(&knots, &scores(200).unwrap()).unwrap().unwrap();
        let mut last = f64::NEG_INFINITY;
        for x in (-50..400).map(f64::from) {
            let z = curve.forward(x);
            assert!(z > last && (curve.back(z) - x).abs() < 1e-9, "{x} {z}");
            last = z;
        }
        assert!(curve.forward(f64::NAN).is_nan());
        assert!(Curve::new(&[3.0; 10], &scores(10).unwrap()).unwrap().is_none());
    }
}
