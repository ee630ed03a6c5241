//! From which score on a sample is called odd, and the scores of the training part that it was chosen by.
//!
//! Of many scores at most 1,024 quantiles are kept, in f64: enough for p-values and for another cutoff without the data,
//! small enough for the header of a model's file. Mean and deviation are of all scores. How a cutoff is chosen is
//! [`applications::detect`](crate::applications::detect)'s.

use crate::data::reserved;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Scores that are kept at most.
const KEPT: usize = 1024;

/// The scores of a training part: all of them, or as many quantiles as stand for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingScores {
    /// How many samples were scored.
    samples: u64,
    mean: f64,
    deviation: f64,
    /// Ascending.
    values: Vec<f64>,
}

/// A cutoff, and what it was chosen by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    cutoff: f64,
    rule: String,
    scores: TrainingScores,
}

impl TrainingScores {
    /// Takes the scores of a training part, in any order.
    ///
    /// # Errors
    /// No score; one that is NaN or infinite.
    pub fn new(mut scores: Vec<f64>) -> Result<Self> {
        if let Some(place) = scores.iter().position(|score| !score.is_finite()) {
            return Err(Error::data(format!(
                "the score of training sample {place} (from 0) is {}; a cutoff needs finite scores",
                scores[place]
            )));
        }
        if scores.is_empty() {
            return Err(Error::data("no training sample was scored; give at least one"));
        }
        scores.sort_unstable_by(f64::total_cmp);
        let count = scores.len() as f64;
        let mean = scores.iter().sum::<f64>() / count;
        let squares = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>();
        let deviation = if count > 1.0 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
        Ok(Self { samples: scores.len() as u64, mean, deviation, values: scores })
    }

    /// The same by at most 1,024 quantiles, the least and the greatest score among them.
    ///
    /// # Errors
    /// No memory.
    pub fn compact(&self) -> Result<Self> {
        let count = self.values.len().min(KEPT);
        let mut values = reserved(count, "the quantiles of scores")?;
        match count < self.values.len() {
            true => values.extend((0..count).map(|place| self.quantile(place as f64 / (count - 1) as f64))),
            false => values.extend_from_slice(&self.values),
        }
        Ok(Self { values, ..*self })
    }

    /// How many samples were scored.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// The scores, or the quantiles that stand for them, ascending; at least one.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The mean of all scores.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Their deviation, `sqrt(sum (s - mean)² / (n - 1))`; of a single score 0.
    pub fn deviation(&self) -> f64 {
        self.deviation
    }

    /// The score that the share `share`, 0 to 1, of the samples does not exceed, between neighbours by a straight line:
    /// the value at place `share * (n - 1)` from 0 (Hyndman & Fan 1996, definition 7).
    pub fn quantile(&self, share: f64) -> f64 {
        quantile(&self.values, share)
    }

    /// How likely a sample of the training part scores at least as much: `(1 + #{training scores >= score}) / (n + 1)`,
    /// the p-value of a conformal anomaly detector (Laxhammar & Falkman 2014). Of quantiles the number is read off the
    /// straight lines between them. A score that is not a number has none: NaN.
    pub fn p_value(&self, score: f64) -> f64 {
        if score.is_nan() {
            return f64::NAN;
        }
        let (count, values) = (self.samples as f64, &self.values);
        let below = values.partition_point(|&value| value < score);
        let at_least = match (below, values.get(below)) {
            (0, _) => count,
            (_, None) => 0.0,
            (_, Some(_)) if values.len() as u64 == self.samples => (values.len() - below) as f64,
            (_, Some(&next)) => {
                let last = values[below - 1];
                let place = (below - 1) as f64 + (score - last) / (next - last);
                count - place * (count - 1.0) / (values.len() - 1) as f64
            }
        };
        (1.0 + at_least) / (count + 1.0)
    }

    /// Refuses what was read from a file and cannot have been fitted.
    fn check(&self) -> Result<()> {
        let sound = (1..=KEPT).contains(&self.values.len())
            && self.values.len() as u64 <= self.samples
            && self.values.iter().all(|value| value.is_finite())
            && self.values.is_sorted()
            && self.mean.is_finite()
            && self.deviation.is_finite();
        match sound {
            true => Ok(()),
            false => Err(Error::model(format!(
                "its training scores are not 1 to {KEPT} finite numbers in ascending order; fit the cutoff again"
            ))),
        }
    }
}

impl Thresholds {
    /// A cutoff, the rule that it was chosen by, and the training part's scores.
    ///
    /// # Errors
    /// A cutoff that is not finite; no memory.
    pub fn new(cutoff: f64, rule: impl Into<String>, scores: &TrainingScores) -> Result<Self> {
        let made = Self { cutoff, rule: rule.into(), scores: scores.compact()? };
        made.check()?;
        Ok(made)
    }

    /// Samples that score more are called odd.
    pub fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// The rule that the cutoff was chosen by, as in `quantile:0.99`.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The training part's scores, at most 1,024 of them.
    pub fn scores(&self) -> &TrainingScores {
        &self.scores
    }

    /// Refuses what was read from a file and cannot have been fitted.
    pub(super) fn check(&self) -> Result<()> {
        match self.cutoff.is_finite() {
            true => self.scores.check(),
            false => Err(Error::model(format!("its cutoff is {}; fit it again", self.cutoff))),
        }
    }
}

/// The value at place `share * (n - 1)` of an ascending list, from 0; NaN of an empty one.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share.clamp(0.0, 1.0) * last as f64;
    // Within the list, by the clamp; of a share that is not a number it is the first, and the result no number.
    let lower = (place.floor() as usize).min(last);
    let upper = (lower + 1).min(last);
    sorted[lower] + (sorted[upper] - sorted[lower]) * (place - lower as f64).clamp(0.0, 1.0)
}

#[cfg(test)]
#[path = "thresholds_tests.rs"]
mod tests;
