//! A code that is a distribution: q(z|x), normal with a mean and a variance for each unit, and its prior N(0, 1).

use super::Reconstruction;
use narrows_engine::ops::Axis;
use narrows_engine::{Real, Tape, Var};

/// q(z|x) of a batch, each `[N, code]`.
#[derive(Debug, Clone, Copy)]
pub struct Posterior {
    /// μ(x)
    pub mean: Var,
    /// ln σ²(x)
    pub log_variance: Var,
}

impl Posterior {
    /// A sample of each row: `z = μ + σ ⊙ ε`.
    #[track_caller]
    pub fn sample<T: Real>(&self, tape: &Tape<T>) -> Var {
        self.sample_with(tape, tape.normal_noise(self.mean))
    }

    #[track_caller]
    fn sample_with<T: Real>(&self, tape: &Tape<T>, noise: Var) -> Var {
        let deviation = tape.exp(tape.scale(self.log_variance, 0.5));
        tape.add(self.mean, tape.mul(deviation, noise))
    }

    /// KL of each unit for each sample, `[N, code]`: `½ (μ² + σ² − ln σ² − 1)`.
    #[track_caller]
    pub fn divergences<T: Real>(&self, tape: &Tape<T>) -> Var {
        let sum = tape.add(tape.square(self.mean), tape.exp(self.log_variance));
        tape.scale(tape.add_scalar(tape.sub(sum, self.log_variance), -1.0), 0.5)
    }

    /// One sample z for each row, and `ln p(x|z) + ln p(z) − ln q(z|x)`, `[N, 1]`: the logarithm of an importance
    /// weight (Burda, Grosse & Salakhutdinov 2015), with what z is decoded to. The normalising constants of p(z) and q
    /// cancel. `mask` is 1 for the components that count in p(x|z), if not all do.
    #[track_caller]
    pub fn log_weights<T: Real>(
        &self,
        tape: &Tape<T>,
        (x, mask): (Var, Option<Var>),
        reconstruction: &Reconstruction,
        variance: f64,
        decode: impl Fn(Var) -> Var,
    ) -> (Var, Var) {
        let noise = tape.normal_noise(self.mean);
        let z = self.sample_with(tape, noise);
        let prior = tape.square(z);
        let posterior = tape.add(tape.square(noise), self.log_variance);
        let divergence = tape.scale(tape.sum_over(tape.sub(posterior, prior), Axis::Row), 0.5);
        let raw = decode(z);
        (tape.sub(divergence, reconstruction.of_samples(tape, raw, x, mask, variance)), raw)
    }
}
