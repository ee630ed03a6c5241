//! What a sample scores: what it adds to the objective, less what no reconstruction could save it.
//!
//! Of squared errors that least is nothing. Cross-entropy of a grey pixel x is at least its entropy,
//! `h(x) = -x ln x - (1-x) ln(1-x)`, however well it is reconstructed, so that samples with much grey score high for
//! that alone; less it, each pixel adds the divergence of one Bernoulli distribution from the other, 0 where x̂ = x.
//! Measured on 2026-11-25 on MNIST's test part, models 784-128-16 trained on one digit for 10 epochs, area under the
//! ROC curve: of eights 0.888 rather than 0.796 (PCA 0.859), of ones 0.9991 rather than 0.9990 (PCA 0.9986).

use crate::model::{Given, Session};
use crate::{Error, Result};

/// Scores of the last call, in buffers that grow only where a call is larger than all before.
#[derive(Debug, Clone, Default)]
pub(super) struct Scorer {
    /// One for each sample.
    pub(super) total: Vec<f64>,
    /// What each feature adds, `[n, features]`.
    pub(super) added: Vec<f32>,
    scaled: Vec<f32>,
}

impl Scorer {
    /// Scores raw samples; `total` and `added` have the result.
    ///
    /// # Errors
    /// As for [`Session::score`]; scores of a type that are not one for each sample and feature.
    pub(super) fn score(&mut self, session: &mut Session, given: Given<'_>) -> Result<()> {
        let Self { total, added, scaled } = self;
        total.clear();
        added.clear();
        let scored = session.score(given)?;
        let no_memory = |_| Error::data("no memory for scores");
        total.try_reserve(scored.total.len()).map_err(no_memory)?;
        added.try_reserve(scored.features.len()).map_err(no_memory)?;
        total.extend(scored.total.iter().map(|&score| f64::from(score)));
        added.extend_from_slice(scored.features);
        let model = session.model();
        let features = model.data().features;
        if Some(added.len()) != total.len().checked_mul(features) {
            return Err(Error::model("the model's scores are not one for each feature of each sample"));
        }
        if !model.has_cross_entropy() {
            return Ok(());
        }
        given.scale(model, scaled)?;
        let rows = added.chunks_exact_mut(features.max(1)).zip(scaled.chunks_exact(features.max(1)));
        for (total, (added, scaled)) in total.iter_mut().zip(rows) {
            let mut least = 0.0;
            for (added, &x) in added.iter_mut().zip(scaled) {
                let entropy = entropy(f64::from(x));
                least += entropy;
                // What rounds to less than nothing is nothing.
                *added = (f64::from(*added) - entropy).max(0.0) as f32;
            }
            *total -= least;
        }
        Ok(())
    }
}

/// The entropy of a Bernoulli distribution in nats; of a missing number none.
fn entropy(x: f64) -> f64 {
    if x > 0.0 && x < 1.0 { -x * x.ln() - (1.0 - x) * (-x).ln_1p() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Config, fit};

    fn session(loss: &str) -> Session {
        let keys = [("hidden", "16"), ("code", "4"), ("epochs", "1"), ("loss", loss)];
        let config = Config::of("undercomplete").unwrap().with(&keys).unwrap();
        Session::new(fit(&config, &crate::data::digits().unwrap()).unwrap())
    }

    #[test]
    fn cross_entropy_less_entropy_is_a_divergence() {
        let rows: Vec<f32> = (0..128).map(|i| (i * 7 % 17) as f32).collect();
        let mut session = session("bce");
        let made = session.reconstruct(&rows).unwrap().to_vec();
        let mut scorer = Scorer::default();
        scorer.score(&mut session, Given::new(&rows)).unwrap();
        for (row, total) in scorer.total.iter().enumerate() {
            let mut sum = 0.0;
            for place in row * 64..(row + 1) * 64 {
                let (x, y) = (f64::from(rows[place]) / 16.0, f64::from(made[place]) / 16.0);
                let part = |x: f64, y: f64| if x > 0.0 { x * (x / y).ln() } else { 0.0 };
                let divergence = part(x, y) + part(1.0 - x, 1.0 - y);
                assert!((f64::from(scorer.added[place]) - divergence).abs() < 1e-4, "{place}");
                sum += divergence;
            }
            assert!((total - sum).abs() < 1e-3 * sum, "{total} {sum}");
        }
    }

    #[test]
    fn squared_errors_are_as_they_are() {
        let rows = [3.0f32; 64];
        let mut session = session("mse");
        let (total, features) =
            session.score(&rows).map(|scored| (scored.total.to_vec(), scored.features.to_vec())).unwrap();
        let mut scorer = Scorer::default();
        scorer.score(&mut session, Given::new(&rows)).unwrap();
        assert_eq!((scorer.total[0] as f32, scorer.added), (total[0], features));
    }

    #[test]
    fn entropies() {
        assert_eq!([0.0, 1.0, -1.0, f64::NAN].map(entropy), [0.0; 4]);
        assert!((entropy(0.5) - 2.0f64.ln()).abs() < 1e-15);
    }
}
