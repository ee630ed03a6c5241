//! The variational autoencoder (Kingma & Welling 2013; Rezende, Mohamed & Wierstra 2014).
//!
//! The encoder gives μ(x) and ln σ²(x) of a normal q(z|x); `z = μ + σ ⊙ ε`, ε normal. Objective, the negative evidence
//! lower bound: `−E_q ln p(x|z) + β KL`, `KL(q‖N(0, I)) = −½ Σ (1 + ln σ² − μ² − σ²)`, summed over the code, averaged
//! over samples.
//!
//! p(x|z) is Bernoulli, Gaussian of a fixed σ_x, or Gaussian of the best one (σ-VAE; Rybkin et al. 2020). β ≠ 1: β-VAE
//! (Higgins et al. 2017), with a warm-up from 0 (Sønderby et al. 2016). With a capacity the second term is
//! `γ |KL − C(t)|` (Burgess et al. 2018). The code that a sample is encoded to is μ(x).

use super::objective::{Builder, Mode};
use super::reconstruction::Reconstruction;
use crate::config::Config;
use crate::nn::{ActivationName, Linear};
use crate::{Error, Result};
use narrows_engine::ops::Axis;
use narrows_engine::{Parameters, Real, Tape, Var};

/// The layers of μ and ln σ², and the weights of the terms.
#[derive(Debug, Clone)]
pub(super) struct Variational {
    mean: Linear,
    log_variance: Linear,
    beta: f64,
    beta_warmup: u64,
    capacity: f64,
    capacity_weight: f64,
    capacity_warmup: u64,
}

/// q(z|x) of a batch, each `[N, code]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posterior {
    pub(super) mean: Var,
    pub(super) log_variance: Var,
}

/// Refuses what contradicts a code of normal numbers without bounds.
pub(super) fn check(config: &Config) -> Result<()> {
    if config.code_activation != ActivationName::Linear {
        return Err(Error::usage(format!(
            "a variational code is a mean and a variance without bounds, and code_activation is {}; give linear",
            config.code_activation.name()
        )));
    }
    if config.is_convolutional() && config.bottleneck != super::Bottleneck::Dense {
        return Err(Error::usage("a variational code is code numbers, and bottleneck is map; give --bottleneck dense"));
    }
    if config.is_convolutional() && config.upsample == super::Upsample::Max {
        return Err(Error::usage(
            "a variational decoder must decode codes that no image was encoded to, and max unpooling needs an image's \
             maxima; give --upsample nearest or transposed",
        ));
    }
    if config.tied {
        return Err(Error::usage(
            "tied weights need a decoder that mirrors the encoder, and a variational encoder ends in two layers; give tied \
             false",
        ));
    }
    Ok(())
}

impl Variational {
    /// Adds the layers after a trunk of `trunk` numbers.
    pub(super) fn new<T: Real>(config: &Config, trunk: usize, parameters: &mut Parameters<T>) -> Result<Self> {
        Ok(Self {
            mean: Linear::new(parameters, "encoder.mean", trunk, config.code)?,
            log_variance: Linear::new(parameters, "encoder.log_variance", trunk, config.code)?,
            beta: config.beta,
            beta_warmup: config.beta_warmup,
            capacity: config.capacity,
            capacity_weight: config.capacity_weight,
            capacity_warmup: config.capacity_warmup,
        })
    }

    /// Draws the first weights.
    pub(super) fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, config: &Config) {
        for layer in [&self.mean, &self.log_variance] {
            layer.initialise(parameters, config.init, config.seed);
        }
    }

    /// What the divergence is held to, if it is.
    pub(super) fn capacity(&self) -> Option<f64> {
        (self.capacity > 0.0).then_some(self.capacity)
    }

    /// q(z|x) of what the trunk gives.
    #[track_caller]
    pub(super) fn posterior<T: Real>(&self, tape: &Tape<T>, trunk: Var) -> Posterior {
        let [mean, log_variance] =
            [&self.mean, &self.log_variance].map(|layer| layer.record(tape, trunk, ActivationName::Linear));
        Posterior { mean, log_variance }
    }

    /// Adds the terms for a posterior.
    #[track_caller]
    pub(super) fn record<T: Real>(&self, tape: &Tape<T>, posterior: Posterior, mode: Mode, builder: &mut Builder) {
        let kl = tape.mean(tape.sum_over(posterior.divergences(tape), Axis::Row));
        if self.capacity > 0.0 {
            let away = if mode == Mode::Training {
                let (_, capacity) = builder.ramp(tape, "capacity", self.capacity, self.capacity_warmup);
                tape.sub(kl, capacity)
            } else {
                tape.add_scalar(kl, -self.capacity)
            };
            builder.term("capacity", self.capacity_weight, tape.abs(away));
            builder.term("kl", 0.0, kl);
        } else if self.beta_warmup > 0 && mode == Mode::Training {
            let (number, _) = builder.ramp(tape, "beta", self.beta, self.beta_warmup);
            builder.ramped("kl", number, kl);
        } else {
            builder.term("kl", self.beta, kl);
        }
    }
}

impl Posterior {
    /// A sample of each row.
    #[track_caller]
    pub(super) fn sample<T: Real>(&self, tape: &Tape<T>) -> Var {
        self.sample_with(tape, tape.normal_noise(self.mean))
    }

    #[track_caller]
    fn sample_with<T: Real>(&self, tape: &Tape<T>, noise: Var) -> Var {
        let deviation = tape.exp(tape.scale(self.log_variance, 0.5));
        tape.add(self.mean, tape.mul(deviation, noise))
    }

    /// KL of each unit for each sample, `[N, code]`: `½ (μ² + σ² − ln σ² − 1)`.
    #[track_caller]
    pub(super) fn divergences<T: Real>(&self, tape: &Tape<T>) -> Var {
        let sum = tape.add(tape.square(self.mean), tape.exp(self.log_variance));
        tape.scale(tape.add_scalar(tape.sub(sum, self.log_variance), -1.0), 0.5)
    }

    /// `ln p(x|z) + ln p(z) − ln q(z|x)` of one sample z for each row, `[N, 1]`: the logarithm of an importance weight
    /// (Burda, Grosse & Salakhutdinov 2015). The normalising constants of p(z) and q cancel.
    #[track_caller]
    pub(super) fn log_weights<T: Real>(
        &self,
        tape: &Tape<T>,
        x: Var,
        reconstruction: &Reconstruction,
        variance: f64,
        decode: impl Fn(Var) -> Var,
    ) -> Var {
        let noise = tape.normal_noise(self.mean);
        let z = self.sample_with(tape, noise);
        let prior = tape.square(z);
        let posterior = tape.add(tape.square(noise), self.log_variance);
        let divergence = tape.scale(tape.sum_over(tape.sub(posterior, prior), Axis::Row), 0.5);
        tape.sub(divergence, reconstruction.of_samples(tape, decode(z), x, variance))
    }
}
