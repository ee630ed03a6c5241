//! How scores are spread, as a report draws it: bins of equal width, counted for normal samples and anomalies apart where
//! it is known which is which. Whoever wants bins of equal ratio hands in logarithms, of the cutoff too.

use crate::{Error, Result};
use serde::Serialize;

/// Most bins that are counted.
const MOST: usize = 10_000;

/// Counts of scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// The ends of the bins, ascending, one more than there are bins.
    pub edges: Vec<f64>,
    /// The counts, a list for each group.
    pub groups: Vec<ScoreGroup>,
    /// The cutoff, in the same unit as the ends.
    pub cutoff: f64,
}

/// The counts of one group of samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreGroup {
    /// `normal` and `anomaly`, or `all`.
    pub name: &'static str,
    /// How many scores each bin has; of a score on an end between two, the upper has it.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// Counts scores in `bins` bins of equal width between the least and the greatest.
    ///
    /// # Errors
    /// No scores, or one that is not finite; no bins, or more than 10,000; a list of truths of another length.
    pub fn new(scores: &[f64], anomalies: Option<&[bool]>, cutoff: f64, bins: usize) -> Result<Self> {
        let (low, high) = scores.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
        if scores.is_empty() || scores.iter().any(|score| !score.is_finite()) {
            return Err(Error::data("a histogram needs finite scores; give some"));
        }
        if !(1..=MOST).contains(&bins) || anomalies.is_some_and(|known| known.len() != scores.len()) {
            return Err(Error::usage(format!("a histogram has 1 to {MOST} bins, and a truth for each score")));
        }
        // Equal scores need a width all the same.
        let high = if high > low { high } else { low + low.abs().max(1.0) };
        let edges: Vec<f64> = (0..=bins).map(|i| low + (high - low) * (i as f64 / bins as f64)).collect();
        let names: &[&'static str] = if anomalies.is_some() { &["normal", "anomaly"] } else { &["all"] };
        let mut groups: Vec<_> = names.iter().map(|&name| ScoreGroup { name, counts: vec![0; bins] }).collect();
        for (place, score) in scores.iter().enumerate() {
            let group = anomalies.map_or(0, |known| usize::from(known[place]));
            let bin = edges.partition_point(|edge| edge <= score).clamp(1, bins) - 1;
            groups[group].counts[bin] += 1;
        }
        Ok(Self { edges, groups, cutoff })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_is_counted_once() {
        let all = Histogram::new(&[0.0, 1.0, 2.0, 4.0], None, 3.0, 4).unwrap();
        assert_eq!((all.edges, all.cutoff), (vec![0.0, 1.0, 2.0, 3.0, 4.0], 3.0));
        assert_eq!(all.groups, [ScoreGroup { name: "all", counts: vec![1, 1, 1, 1] }]);
        let two = Histogram::new(&[0.0, 1.0, 2.0, 4.0], Some(&[false, false, true, true]), 3.0, 2).unwrap();
        let counts: Vec<_> = two.groups.iter().map(|group| (group.name, group.counts.clone())).collect();
        assert_eq!(counts, [("normal", vec![2, 0]), ("anomaly", vec![0, 2])]);
        assert_eq!(Histogram::new(&[5.0; 3], None, 3.0, 2).unwrap().groups[0].counts, [3, 0]);
    }

    #[test]
    fn refuses_what_has_no_place() {
        assert!(Histogram::new(&[], None, 0.0, 2).is_err() && Histogram::new(&[f64::NAN], None, 0.0, 2).is_err());
        assert!(Histogram::new(&[1.0], None, 0.0, 0).is_err() && Histogram::new(&[1.0], Some(&[]), 0.0, 2).is_err());
    }
}
