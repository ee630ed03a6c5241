//! What some types alone can tell: a variational one a sample's divergences and importance weights for its likelihood,
//! a sparse one its divergence over all samples.

use super::{Autoencoder, Kind};
use crate::Result;
use narrows_engine::{Real, Tape, Var};

impl Autoencoder {
    /// Ω of a sparse autoencoder for the mean activations of its code over any number of samples; `None` for another
    /// type.
    ///
    /// # Errors
    /// No memory.
    pub fn sparsity(&self, mean_activation: &[f64]) -> Result<Option<f64>> {
        match &self.kind {
            Kind::Sparse(sparse) => sparse.divergence(mean_activation).map(Some),
            _ => Ok(None),
        }
    }

    /// The nats of KL that a variational autoencoder is held to, if it is.
    pub fn capacity(&self) -> Option<f64> {
        match &self.kind {
            Kind::Variational(variational) => variational.capacity(),
            _ => None,
        }
    }

    /// Whether the code is a distribution.
    pub fn is_variational(&self) -> bool {
        matches!(self.kind, Kind::Variational(_))
    }

    /// KL of each unit of the code from its prior, for each sample: `[N, code]`; `None` where the code is no
    /// distribution.
    #[track_caller]
    pub fn divergences<T: Real>(&self, tape: &Tape<T>, x: Var) -> Option<Var> {
        let Kind::Variational(variational) = &self.kind else { return None };
        Some(variational.posterior(tape, self.body.encode(tape, x).code).divergences(tape))
    }

    /// The logarithm of an importance weight `p(x|z) p(z) / q(z|x)` for one z drawn from q, `[N, 1]`: the mean of K
    /// weights is an unbiased estimate of p(x) (Burda, Grosse & Salakhutdinov 2015). `variance` is the likelihood's
    /// where the data's best one is taken.
    #[track_caller]
    pub fn log_importance_weights<T: Real>(&self, tape: &Tape<T>, x: Var, variance: f64) -> Option<Var> {
        let Kind::Variational(variational) = &self.kind else { return None };
        let posterior = variational.posterior(tape, self.body.encode(tape, x).code);
        let decode = |z| self.decode_raw(tape, z);
        Some(posterior.log_weights(tape, x, &self.reconstruction, variance, decode))
    }
}
