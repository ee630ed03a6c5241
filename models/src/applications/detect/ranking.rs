//! How well scores tell anomalies from normal samples: figures over all cutoffs, and at one.
//!
//! Samples are sorted once by falling score; each distinct score is a step, at which all samples of that score are
//! flagged together. So ties count the same whatever order they came in.

use crate::data::reserved;
use crate::{Error, Result};
use serde::Serialize;

/// What is flagged where all samples of at least this score are.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    score: f64,
    /// Anomalies and normal samples so far.
    found: u64,
    false_alarms: u64,
}

/// Scores beside what is known to be an anomaly.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    steps: Vec<Step>,
    anomalies: u64,
    normal: u64,
}

/// The receiver operating characteristic: two lists of equal length, from (0, 0) to (1, 1), points on a straight line
/// left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Roc {
    /// Shares of the normal samples that are flagged.
    pub fpr: Vec<f64>,
    /// Shares of the anomalies that are.
    pub tpr: Vec<f64>,
}

/// What a cutoff flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// Anomalies that are flagged.
    pub true_positives: u64,
    /// Normal samples that are.
    pub false_positives: u64,
    /// Anomalies that are not.
    pub false_negatives: u64,
    /// Normal samples that are not.
    pub true_negatives: u64,
}

impl Ranking {
    /// Sorts scores, `[n]`, beside whether each is of an anomaly.
    ///
    /// # Errors
    /// Lists of different lengths; a score that is not a number; no memory.
    pub fn new(scores: &[f64], anomalies: &[bool]) -> Result<Self> {
        if scores.len() != anomalies.len() {
            let (found, known) = (scores.len(), anomalies.len());
            return Err(Error::data(format!("{found} scores and {known} truths; give one for each")));
        }
        if let Some(place) = scores.iter().position(|score| score.is_nan()) {
            return Err(Error::data(format!("the score of sample {place} (from 0) is NaN; it has no rank")));
        }
        let mut sorted = reserved(scores.len(), "sorted scores")?;
        // Adding 0 makes one zero of the two.
        sorted.extend(scores.iter().zip(anomalies).map(|(score, &anomaly)| (score + 0.0, anomaly)));
        sorted.sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut steps: Vec<Step> = reserved(scores.len(), "the steps of scores")?;
        let (mut found, mut false_alarms) = (0, 0);
        for (score, anomaly) in sorted {
            found += u64::from(anomaly);
            false_alarms += u64::from(!anomaly);
            let step = Step { score, found, false_alarms };
            match steps.last_mut() {
                Some(last) if last.score == score => *last = step,
                _ => steps.push(step),
            }
        }
        Ok(Self { steps, anomalies: found, normal: false_alarms })
    }

    /// How many anomalies there are.
    pub fn anomalies(&self) -> u64 {
        self.anomalies
    }

    /// How many normal samples.
    pub fn normal(&self) -> u64 {
        self.normal
    }

    /// The area under the ROC curve: how often an anomaly scores more than a normal sample, ties counting half. That is
    /// Mann and Whitney's U over the number of pairs, `(R - a (a + 1) / 2) / (a n)`, where R is the sum of the mid-ranks
    /// of a anomalies among n normal samples (Hanley & McNeil 1982). `None` unless there are both.
    pub fn auroc(&self) -> Option<f64> {
        self.has_both().then(|| {
            let twice: u128 = self
                .moves()
                .map(|(last, step)| {
                    let width = u128::from(step.false_alarms - last.false_alarms);
                    width * u128::from(last.found + step.found)
                })
                .sum();
            twice as f64 / (2.0 * self.anomalies as f64 * self.normal as f64)
        })
    }

    /// The average precision, `sum over steps of (recall - recall before) * precision`: no line is drawn between steps,
    /// which would flatter (Davis & Goadrich 2006). `None` unless there are both.
    pub fn average_precision(&self) -> Option<f64> {
        self.has_both().then(|| {
            let sum: f64 = self
                .moves()
                .map(|(last, step)| {
                    let precision = step.found as f64 / (step.found + step.false_alarms) as f64;
                    (step.found - last.found) as f64 * precision
                })
                .sum();
            sum / self.anomalies as f64
        })
    }

    /// The curve. `None` unless there are both.
    ///
    /// # Errors
    /// No memory.
    pub fn roc(&self) -> Result<Option<Roc>> {
        if !self.has_both() {
            return Ok(None);
        }
        let mut points: Vec<(u64, u64)> = reserved(self.steps.len() + 1, "a ROC curve")?;
        points.push((0, 0));
        for step in &self.steps {
            let next = (step.false_alarms, step.found);
            if let [.., a, b] = points[..]
                && is_straight(a, b, next)
            {
                points.pop();
            }
            points.push(next);
        }
        let (normal, anomalies) = (self.normal as f64, self.anomalies as f64);
        Ok(Some(Roc {
            fpr: points.iter().map(|&(x, _)| x as f64 / normal).collect(),
            tpr: points.iter().map(|&(_, y)| y as f64 / anomalies).collect(),
        }))
    }

    /// The cutoff that reaches the greatest F1, and that F1: halfway between the least score that is flagged and the
    /// greatest that is not; of equally good ones the highest. `None` without anomalies.
    pub fn best_f1(&self) -> Option<(f64, f64)> {
        let f1 = |step: &Step| self.confusion(*step).f1().unwrap_or(0.0);
        let mut best: Option<(usize, f64)> = None;
        for (place, step) in self.steps.iter().enumerate() {
            if best.is_none_or(|(_, known)| f1(step) > known) {
                best = Some((place, f1(step)));
            }
        }
        let (place, f1) = best.filter(|_| self.anomalies > 0)?;
        let flagged = self.steps.get(place)?.score;
        let cutoff = match self.steps.get(place + 1) {
            Some(next) => {
                let middle = next.score + (flagged - next.score) / 2.0;
                if middle < flagged { middle } else { next.score }
            }
            None => flagged.next_down(),
        };
        Some((cutoff, f1))
    }

    /// What is flagged where samples that score more than `cutoff` are.
    pub fn at(&self, cutoff: f64) -> Confusion {
        let flagged = self.steps.partition_point(|step| step.score > cutoff);
        self.confusion(flagged.checked_sub(1).map_or(NOTHING, |last| self.steps[last]))
    }

    fn confusion(&self, step: Step) -> Confusion {
        Confusion {
            true_positives: step.found,
            false_positives: step.false_alarms,
            false_negatives: self.anomalies - step.found,
            true_negatives: self.normal - step.false_alarms,
        }
    }

    fn has_both(&self) -> bool {
        self.anomalies > 0 && self.normal > 0
    }

    /// Each step and the one before it.
    fn moves(&self) -> impl Iterator<Item = (&Step, &Step)> {
        std::iter::once(&NOTHING).chain(&self.steps).zip(&self.steps)
    }
}

/// Before the first step.
const NOTHING: Step = Step { score: f64::INFINITY, found: 0, false_alarms: 0 };

/// Whether the way from `a` over `b` to `c` has no bend.
fn is_straight(a: (u64, u64), b: (u64, u64), c: (u64, u64)) -> bool {
    // Coordinates never fall.
    u128::from(b.0 - a.0) * u128::from(c.1 - b.1) == u128::from(c.0 - b.0) * u128::from(b.1 - a.1)
}

impl Confusion {
    /// The share of what is flagged that are anomalies; `None` if nothing is.
    pub fn precision(&self) -> Option<f64> {
        share(self.true_positives, self.true_positives + self.false_positives)
    }

    /// The share of the anomalies that are flagged; `None` if there are none.
    pub fn recall(&self) -> Option<f64> {
        share(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// The harmonic mean of precision and recall, `2 TP / (2 TP + FP + FN)`; `None` without anomalies and alarms.
    pub fn f1(&self) -> Option<f64> {
        let twice = 2 * self.true_positives;
        share(twice, twice + self.false_positives + self.false_negatives)
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(scores: &[f64], anomalies: &[u8]) -> Ranking {
        let anomalies: Vec<bool> = anomalies.iter().map(|&anomaly| anomaly == 1).collect();
        Ranking::new(scores, &anomalies).unwrap()
    }

    fn near(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-12), "{found:?}, not {expected}");
    }

    #[test]
    fn known_figures() {
        // By hand: of four pairs three are in order; precision 1 at recall 1/2, 2/3 at 1.
        let plain = ranking(&[0.1, 0.4, 0.35, 0.8], &[0, 0, 1, 1]);
        near(plain.auroc(), 0.75);
        near(plain.average_precision(), 0.5 + 0.5 * 2.0 / 3.0);
        let roc = plain.roc().unwrap().unwrap();
        assert_eq!((roc.fpr, roc.tpr), (vec![0.0, 0.0, 0.5, 0.5, 1.0], vec![0.0, 0.5, 0.5, 1.0, 1.0]));
        let perfect = ranking(&[1.0, 2.0, 3.0, 4.0], &[0, 0, 1, 1]);
        assert_eq!((perfect.auroc(), perfect.average_precision()), (Some(1.0), Some(1.0)));
        let roc = perfect.roc().unwrap().unwrap();
        assert_eq!((roc.fpr, roc.tpr), (vec![0.0, 0.0, 1.0], vec![0.0, 1.0, 1.0]));
        assert_eq!(ranking(&[1.0, 2.0, 3.0, 4.0], &[1, 1, 0, 0]).auroc(), Some(0.0));
    }

    #[test]
    fn ties_count_half_whatever_their_order() {
        // Scores 1 2 2 2 3, anomalies at two of the twos: of six pairs two are won, two tied, two lost.
        for anomalies in [[0, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 1, 0, 1, 0]] {
            let tied = ranking(&[1.0, 2.0, 2.0, 2.0, 3.0], &anomalies);
            near(tied.auroc(), 0.5);
            near(tied.average_precision(), 0.5);
        }
        let all = ranking(&[0.0, -0.0, 0.0, -0.0], &[1, 0, 0, 0]);
        near(all.auroc(), 0.5);
        near(all.average_precision(), 0.25);
    }

    #[test]
    fn agrees_with_every_pair_compared() {
        let scores: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 23)).collect();
        let truth: Vec<u8> = (0..200).map(|i| u8::from(i * 53 % 7 < 2)).collect();
        let mut won = 0.0;
        let mut pairs = 0.0;
        for (a, _) in scores.iter().zip(&truth).filter(|(_, t)| **t == 1) {
            for (b, _) in scores.iter().zip(&truth).filter(|(_, t)| **t == 0) {
                pairs += 1.0;
                won += if a > b {
                    1.0
                } else if a == b {
                    0.5
                } else {
                    0.0
                };
            }
        }
        near(ranking(&scores, &truth).auroc(), won / pairs);
    }

    #[test]
    fn at_a_cutoff() {
        let ranking = ranking(&[1.0, 2.0, 3.0, 4.0, 5.0], &[0, 1, 0, 1, 1]);
        let at = ranking.at(3.0);
        assert_eq!((at.true_positives, at.false_positives, at.false_negatives, at.true_negatives), (2, 0, 1, 2));
        near(at.precision(), 1.0);
        near(at.recall(), 2.0 / 3.0);
        near(at.f1(), 0.8);
        assert_eq!((ranking.at(9.0).precision(), ranking.at(9.0).recall()), (None, Some(0.0)));
        assert_eq!(ranking.at(-1.0).false_positives, 2);
        // Flagging 2 to 5: 2 * 3 / (6 + 1) = 0.857 beats 0.8.
        let (cutoff, f1) = ranking.best_f1().unwrap();
        assert_eq!(cutoff, 1.5);
        near(Some(f1), 6.0 / 7.0);
        near(ranking.at(cutoff).f1(), f1);
    }

    #[test]
    fn the_best_cutoff_lies_between_neighbours_that_nothing_lies_between() {
        let (low, high) = (1.0f64, 1.0f64.next_up());
        let close = ranking(&[low, high], &[0, 1]);
        let (cutoff, f1) = close.best_f1().unwrap();
        assert_eq!((cutoff, f1, close.at(cutoff).f1()), (low, 1.0, Some(1.0)));
        let all = ranking(&[2.0, 2.0], &[1, 1]);
        assert_eq!(all.at(all.best_f1().unwrap().0).f1(), Some(1.0));
    }

    #[test]
    fn one_kind_alone_has_no_figures() {
        for kind in [0, 1] {
            let one = ranking(&[1.0, 2.0], &[kind; 2]);
            assert_eq!((one.auroc(), one.average_precision(), one.roc().unwrap()), (None, None, None));
        }
        assert_eq!(ranking(&[1.0], &[0]).best_f1(), None);
        assert!(Ranking::new(&[], &[]).unwrap().auroc().is_none());
    }

    #[test]
    fn what_has_no_rank_is_refused() {
        let error = Ranking::new(&[1.0, f64::NAN], &[true, false]).unwrap_err().to_string();
        assert!(error.contains("sample 1"), "{error}");
        assert!(Ranking::new(&[1.0], &[]).is_err());
    }
}
