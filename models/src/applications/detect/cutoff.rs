//! From which score on a sample is odd: the rules, each with its formula.
//!
//! All but one look at the training part's scores; what is flagged are scores above the cutoff, never equal to it. How
//! many a rule flags among normal data not seen in training is no promise: a model knows its training part better.

use super::ranking::Ranking;
use crate::model::TrainingScores;
use crate::{Error, Result, suggest};
use std::fmt;
use std::str::FromStr;

/// A rule that chooses a cutoff. As text it is its name and, behind a colon, its number: `quantile:0.99`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cutoff {
    /// `quantile:Q`: the score that the share Q of the training part does not exceed, 0.99 if not said.
    Quantile(f64),
    /// `contamination:C`: the quantile 1 - C, for training data of which the share C is known to be odd itself, 0.05 if
    /// not said (as outlier detectors call it since Liu, Ting & Zhou 2008).
    Contamination(f64),
    /// `sigma:K`: `mean + K * deviation` of the training scores, 3 if not said (Shewhart 1931). Anomalies among the
    /// training part widen it.
    Sigma(f64),
    /// `mad:K`: `median + K * 1.4826 * median |s - median|`, 3.5 if not said (Iglewicz & Hoaglin 1993): half of the
    /// training part may be odd without moving it far. 1.4826 makes it sigma's for a normal distribution.
    Mad(f64),
    /// `fpr:P`: the least score that at most the share P of the normal samples exceeds, 0.01 if not said; normal are
    /// those that labels call so, else the training part.
    Fpr(f64),
    /// `f1`: where F1 = `2 TP / (2 TP + FP + FN)` is greatest on labelled samples (van Rijsbergen 1979).
    F1,
    /// `value:X`: X itself.
    Value(f64),
}

/// The names, as they are typed.
const NAMES: [&str; 7] = ["quantile", "contamination", "sigma", "mad", "fpr", "f1", "value"];
/// What makes a deviation of the median absolute deviation of a normal distribution: 1 / Φ⁻¹(3/4).
const MAD_TO_SIGMA: f64 = 1.4826;

impl Cutoff {
    /// Whether it needs samples that are labelled normal or not.
    pub fn needs_labels(&self) -> bool {
        matches!(self, Self::F1)
    }

    /// Whether labelled samples change what it chooses.
    pub fn uses_labels(&self) -> bool {
        matches!(self, Self::F1 | Self::Fpr(_))
    }

    /// The cutoff by the training part's scores and, for `f1` and `fpr`, by labelled ones: scores, and whether each is
    /// of an anomaly.
    ///
    /// # Errors
    /// `f1` without labelled samples or without an anomaly among them; `mad` where half of the scores are equal; `fpr`
    /// where none of the labelled samples is normal; labelled scores that are not numbers.
    pub fn of(&self, training: &TrainingScores, labelled: Option<(&[f64], &[bool])>) -> Result<f64> {
        match *self {
            Self::Quantile(share) => Ok(training.quantile(share)),
            Self::Contamination(share) => Ok(training.quantile(1.0 - share)),
            Self::Sigma(times) => Ok(training.mean() + times * training.deviation()),
            Self::Mad(times) => robust(training, times),
            Self::Value(value) => Ok(value),
            Self::Fpr(share) => match labelled {
                None => Ok(exceeded_by(training.values(), share)),
                Some((scores, anomalies)) => {
                    let normal = scores.iter().zip(anomalies).filter(|(_, anomaly)| !**anomaly);
                    let normal: Vec<f64> = normal.map(|(&score, _)| score).collect();
                    if normal.is_empty() {
                        return Err(Error::data("cutoff fpr: none of the labelled samples is normal; give some"));
                    }
                    Ok(exceeded_by(TrainingScores::new(normal)?.values(), share))
                }
            },
            Self::F1 => {
                let (scores, anomalies) = labelled.ok_or_else(|| {
                    Error::usage(
                        "cutoff f1 needs labelled samples; give data with labels and --normal, or another cutoff",
                    )
                })?;
                let best = Ranking::new(scores, anomalies)?.best_f1();
                best.map(|(cutoff, _)| cutoff).ok_or_else(|| {
                    Error::data("cutoff f1: none of the labelled samples is an anomaly; give some, or another cutoff")
                })
            }
        }
    }
}

/// `median + times * 1.4826 * MAD`.
fn robust(training: &TrainingScores, times: f64) -> Result<f64> {
    let median = training.quantile(0.5);
    let distances = training.values().iter().map(|score| (score - median).abs()).collect();
    let mad = TrainingScores::new(distances)?.quantile(0.5);
    if mad == 0.0 {
        return Err(Error::data(format!(
            "cutoff mad: half of the training scores are {median}, so that they have no spread; give quantile:0.99"
        )));
    }
    Ok(median + times * MAD_TO_SIGMA * mad)
}

/// The least of ascending scores that at most the share `share` of them exceeds.
fn exceeded_by(sorted: &[f64], share: f64) -> f64 {
    // A share times a count rounds: 0.07 of 100 is 7, not 6.
    let most = (share * sorted.len() as f64 * (1.0 + 4.0 * f64::EPSILON)).floor() as usize;
    sorted.get(sorted.len().saturating_sub(1 + most)).copied().unwrap_or(f64::NAN)
}

impl FromStr for Cutoff {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, number) = match text.trim().split_once(':') {
            Some((name, number)) => (name.trim(), Some(number.trim())),
            None => (text.trim(), None),
        };
        let any = |_: f64| true;
        let number = |instead: Option<f64>, want: &str, holds: fn(f64) -> bool| {
            let refused = || Error::usage(format!("cutoff `{text}`: give {name}:X, X being {want}"));
            let value = match number {
                Some(number) => number.parse().map_err(|_| refused())?,
                None => instead.ok_or_else(refused)?,
            };
            if f64::is_finite(value) && holds(value) { Ok(value) } else { Err(refused()) }
        };
        match name {
            "quantile" => number(Some(0.99), "a number from 0 to 1", |x| (0.0..=1.0).contains(&x)).map(Self::Quantile),
            "contamination" => {
                number(Some(0.05), "a number from 0 to below 1", |x| (0.0..1.0).contains(&x)).map(Self::Contamination)
            }
            "sigma" => number(Some(3.0), "a number", any).map(Self::Sigma),
            "mad" => number(Some(3.5), "a number", any).map(Self::Mad),
            "fpr" => number(Some(0.01), "a number from 0 to below 1", |x| (0.0..1.0).contains(&x)).map(Self::Fpr),
            "value" => number(None, "a number", any).map(Self::Value),
            "f1" if !text.contains(':') => Ok(Self::F1),
            "f1" => Err(Error::usage(format!("cutoff `{text}`: f1 takes no number; give f1"))),
            _ => Err(Error::usage(suggest::unknown("cutoff", name, &NAMES))),
        }
    }
}

impl fmt::Display for Cutoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantile(share) => write!(f, "quantile:{share}"),
            Self::Contamination(share) => write!(f, "contamination:{share}"),
            Self::Sigma(times) => write!(f, "sigma:{times}"),
            Self::Mad(times) => write!(f, "mad:{times}"),
            Self::Fpr(share) => write!(f, "fpr:{share}"),
            Self::F1 => f.write_str("f1"),
            Self::Value(value) => write!(f, "value:{value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, scores: &[f64]) -> f64 {
        let training = TrainingScores::new(scores.to_vec()).unwrap();
        text.parse::<Cutoff>().unwrap().of(&training, None).unwrap()
    }

    #[test]
    fn known_numbers() {
        let scores: Vec<f64> = (0..=100).map(f64::from).collect();
        let deviation = (101.0f64 * 102.0 / 12.0).sqrt();
        for (text, cutoff) in [
            ("quantile:0.99", 99.0),
            ("quantile", 99.0),
            ("quantile:0.995", 99.5),
            ("contamination:0.05", 95.0),
            ("sigma:3", 50.0 + 3.0 * deviation),
            ("sigma:0", 50.0),
            // The distances from 50 are 0, 1, 1, .., 50, 50: half of them are at most 25.
            ("mad:2", 50.0 + 2.0 * 1.4826 * 25.0),
            ("value:-3.5", -3.5),
        ] {
            assert!((of(text, &scores) - cutoff).abs() < 1e-9, "{text}: {}", of(text, &scores));
        }
    }

    #[test]
    fn at_most_the_share_of_false_alarms_that_was_asked_for() {
        let hundred: Vec<f64> = (0..100).map(f64::from).collect();
        for (share, cutoff) in [(0.0, 99.0), (0.01, 98.0), (0.07, 92.0), (0.079, 92.0), (0.29, 70.0)] {
            assert_eq!(of(&format!("fpr:{share}"), &hundred), cutoff, "{share}");
        }
        // Ties: of the threes none may be flagged, for then all are.
        assert_eq!(of("fpr:0.25", &[1.0, 2.0, 3.0, 3.0]), 3.0);
        let labelled = ([5.0, 1.0, 2.0, 9.0], [true, false, false, true]);
        let training = TrainingScores::new(vec![0.0]).unwrap();
        let cutoff = Cutoff::Fpr(0.5).of(&training, Some((&labelled.0, &labelled.1))).unwrap();
        assert_eq!(cutoff, 1.0);
        assert!(Cutoff::Fpr(0.5).of(&training, Some((&[1.0], &[true]))).is_err());
    }

    #[test]
    fn by_labels() {
        let training = TrainingScores::new(vec![0.0]).unwrap();
        let (scores, truth) = ([1.0, 2.0, 3.0, 4.0], [false, false, true, true]);
        assert_eq!(Cutoff::F1.of(&training, Some((&scores, &truth))).unwrap(), 2.5);
        assert_eq!(Cutoff::F1.of(&training, None).unwrap_err().kind(), crate::ErrorKind::Usage);
        let error = Cutoff::F1.of(&training, Some((&scores, &[false; 4]))).unwrap_err().to_string();
        assert!(error.contains("none of the labelled samples is an anomaly"), "{error}");
        assert!(Cutoff::F1.of(&training, Some((&[f64::NAN], &[true]))).is_err());
    }

    #[test]
    fn scores_without_spread_have_no_robust_cutoff() {
        let training = TrainingScores::new(vec![1.0, 1.0, 1.0, 5.0]).unwrap();
        let error = Cutoff::Mad(3.5).of(&training, None).unwrap_err().to_string();
        assert!(error.contains("no spread"), "{error}");
        assert_eq!(of("sigma:3", &[2.0]), 2.0);
    }

    #[test]
    fn text_there_and_back() {
        let all = ["quantile:0.5", "contamination:0.1", "sigma:2", "mad:3.5", "fpr:0.001", "f1", "value:1e-7"];
        for text in all {
            let cutoff: Cutoff = text.parse().unwrap();
            assert_eq!(cutoff.to_string().parse::<Cutoff>().unwrap(), cutoff);
        }
        for (text, part) in [
            ("quantile:1.5", "from 0 to 1"),
            ("quantile:x", "from 0 to 1"),
            ("contamination:1", "below 1"),
            ("sigma:nan", "a number"),
            ("value", "value:X"),
            ("f1:2", "takes no number"),
            ("quantil:0.9", "quantile"),
            ("", "cutoff"),
        ] {
            let error = text.parse::<Cutoff>().unwrap_err();
            assert!(error.to_string().contains(part) && error.kind() == crate::ErrorKind::Usage, "{error}");
        }
    }
}
