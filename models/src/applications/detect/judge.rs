//! Samples judged as they come, any number at a time: a score, whether it is above the cutoff, how many of the training
//! part score as much, and the three features that add most to it.
//!
//! Judgements have a fixed size and lie in a buffer of the detector's own: as a [`Session`] does, it allocates nothing
//! but where a call is larger than all before.

use super::score::Scorer;
use crate::model::{Given, Session, Thresholds, TrainingScores};
use crate::{Error, Result};

/// Features that are named for a sample.
const NAMED: usize = 3;

/// A feature that adds much to a score.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Contribution {
    /// Its number, from 0; [`FeatureNames`](super::FeatureNames) has names.
    pub feature: usize,
    /// What the model makes of it, raw.
    pub expected: f32,
    /// What it is, raw; NaN of a missing one.
    pub seen: f64,
    /// Its share of what all features add to the reconstruction's error, 0 to 1.
    pub share: f64,
}

/// What is said of a sample.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Judgement {
    /// What it adds to the objective ([`Scored`](crate::model::Scored)), less its own entropy under cross-entropy.
    pub score: f64,
    /// Whether the score is above the cutoff.
    pub anomaly: bool,
    /// The share of the training part that scores at least as much; see [`TrainingScores::p_value`]. `None` where the
    /// training part's scores are not known.
    pub p_value: Option<f64>,
    most: [Contribution; NAMED],
    count: usize,
}

impl Judgement {
    /// The features that add most to the score, greatest first: three, or as many as a sample has.
    pub fn contributions(&self) -> &[Contribution] {
        &self.most[..self.count]
    }

    /// Takes the features that add most out of what each adds.
    fn find(&mut self, added: &[f32]) {
        let total: f64 = added.iter().map(|&x| f64::from(x)).sum();
        // A sorted handful: most features end at the first comparison.
        let mut places = [0; NAMED];
        for (feature, &x) in added.iter().enumerate() {
            let mut place = self.count;
            while place > 0 && added[places[place - 1]] < x {
                place -= 1;
            }
            if place < NAMED {
                self.count = (self.count + 1).min(NAMED);
                places.copy_within(place..self.count - 1, place + 1);
                places[place] = feature;
            }
        }
        for (most, feature) in self.most.iter_mut().zip(places).take(self.count) {
            let share = if total > 0.0 { f64::from(added[feature]) / total } else { 0.0 };
            *most = Contribution { feature, share, ..Contribution::default() };
        }
    }
}

/// A model that judges samples by a cutoff.
pub struct Detector {
    session: Session,
    cutoff: f64,
    scores: Option<TrainingScores>,
    scorer: Scorer,
    judgements: Vec<Judgement>,
}

impl Detector {
    /// A detector of samples that score more than `cutoff`; p-values are by the training part's scores.
    pub fn new(session: Session, cutoff: f64, scores: Option<TrainingScores>) -> Self {
        Self { session, cutoff, scores, scorer: Scorer::default(), judgements: Vec::new() }
    }

    /// The same by the cutoff that is stored with the model.
    ///
    /// # Errors
    /// A model without one.
    pub fn stored(session: Session) -> Result<Self> {
        let Some(thresholds) = session.model().thresholds() else {
            return Err(Error::model("the model has no cutoff; fit one, as `narrows detect RUN --fit` does"));
        };
        let (cutoff, scores) = (Thresholds::cutoff(thresholds), thresholds.scores().clone());
        Ok(Self::new(session, cutoff, Some(scores)))
    }

    /// Samples that score more are called odd.
    pub fn cutoff(&self) -> f64 {
        self.cutoff
    }

    /// The session that does the work.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Judges raw samples, `[n, features]`: one judgement each, in their order, until the next call.
    ///
    /// # Errors
    /// As for [`Session::score`] and [`Session::reconstruct`]; scores of a type that are not one for each sample and
    /// feature.
    pub fn judge<'a>(&mut self, rows: impl Into<Given<'a>>) -> Result<&[Judgement]> {
        let given = rows.into();
        let Self { session, cutoff, scores, scorer, judgements } = self;
        let features = session.model().data().features;
        judgements.clear();
        scorer.score(session, given)?;
        let count = scorer.total.len();
        judgements.try_reserve(count).map_err(|_| Error::data(format!("no memory for {count} judgements")))?;
        for (&score, added) in scorer.total.iter().zip(scorer.added.chunks_exact(features.max(1))) {
            let p_value = scores.as_ref().map(|scores| scores.p_value(score));
            let mut judgement = Judgement { score, anomaly: score > *cutoff, p_value, ..Judgement::default() };
            judgement.find(added);
            judgements.push(judgement);
        }
        let made = session.reconstruct(given)?;
        for (row, judgement) in judgements.iter_mut().enumerate() {
            for most in &mut judgement.most[..judgement.count] {
                let place = row * features + most.feature;
                most.expected = made.get(place).copied().unwrap_or(f32::NAN);
                most.seen = given.number(place).unwrap_or(f64::NAN);
            }
        }
        Ok(&self.judgements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Samples, digits};
    use crate::training::{Config, fit};

    fn session() -> Session {
        let keys = [("hidden", "16"), ("code", "4"), ("epochs", "10")];
        let config = Config::of("undercomplete").unwrap().with(&keys).unwrap();
        Session::new(fit(&config, &digits().unwrap()).unwrap())
    }

    fn most(added: &[f32]) -> Vec<(usize, f64)> {
        let mut judgement = Judgement::default();
        judgement.find(added);
        judgement.contributions().iter().map(|one| (one.feature, one.share)).collect()
    }

    #[test]
    fn the_three_that_add_most_and_their_shares() {
        assert_eq!(most(&[1.0, 4.0, 0.0, 2.0, 3.0, 0.0]), [(1, 0.4), (4, 0.3), (3, 0.2)]);
        assert_eq!(most(&[1.0, 1.0, 1.0, 1.0]), [(0, 0.25), (1, 0.25), (2, 0.25)]);
        assert_eq!(most(&[1.0, 3.0]), [(1, 0.75), (0, 0.25)]);
        assert_eq!(most(&[0.0; 5])[0], (0, 0.0));
        assert!(most(&[]).is_empty());
    }

    #[test]
    fn says_what_is_odd_and_where() {
        let mut session = session();
        let Samples::U8(bytes) = digits().unwrap().samples().clone() else { panic!("digits are bytes") };
        // A digit, the same with a corner that no digit reaches, and no digit at all.
        let digit: Vec<f32> = bytes[..64].iter().map(|&x| f32::from(x)).collect();
        let mut rows = digit.repeat(3);
        rows[64] = 16.0;
        rows[2 * 64..].fill(16.0);
        let made = session.reconstruct(&rows).unwrap().to_vec();
        let mut scorer = Scorer::default();
        scorer.score(&mut session, Given::new(&rows)).unwrap();
        let (scores, cutoff) = (scorer.total.clone(), scorer.total[1]);
        let known = TrainingScores::new(scores.clone()).unwrap();
        let mut detector = Detector::new(session, cutoff, Some(known));
        let judged = detector.judge(&rows).unwrap().to_vec();
        assert_eq!(judged.iter().map(|one| one.score).collect::<Vec<f64>>(), scores);
        // At the cutoff is not above it.
        assert_eq!(judged.iter().map(|one| one.anomaly).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(judged[2].p_value, Some(0.5));
        let most = judged[1].contributions();
        assert_eq!((most.len(), most[0].feature, most[0].seen, most[0].expected), (3, 0, 16.0, made[64]));
        assert!(most[0].share >= most[1].share && most[0].share <= 1.0);
        // One at a time is the same.
        for (row, expected) in rows.chunks(64).zip(&judged) {
            let one = detector.judge(row).unwrap()[0];
            assert!((one.score - expected.score).abs() <= 1e-4 * expected.score);
            assert_eq!(one.contributions()[0].feature, expected.contributions()[0].feature);
        }
        assert!(detector.judge(&rows[..0]).unwrap().is_empty());
    }

    #[test]
    fn refuses_what_it_cannot_score() {
        let mut detector = Detector::new(session(), 1.0, None);
        assert_eq!(detector.judge(&[0.0f32; 64]).unwrap()[0].p_value, None);
        let error = detector.judge(&[f32::NAN; 64]).unwrap_err().to_string();
        assert!(error.contains("row 0, column 0"), "{error}");
        assert!(detector.judge(&[0.0f32; 63]).unwrap_err().to_string().contains("64"));
        assert!(Detector::stored(session()).is_err_and(|error| error.to_string().contains("--fit")));
    }
}
