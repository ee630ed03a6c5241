//! What the variational types share: layers for μ and ln σ² after a trunk, the likelihood of the decoder, and the
//! divergence's term.
//!
//! The encoder gives μ(x) and ln σ²(x) of a normal q(z|x); `z = μ + σ ⊙ ε`, ε normal. The divergence is
//! `KL(q‖N(0, I)) = −½ Σ (1 + ln σ² − μ² − σ²)`, summed over the code, averaged over samples. p(x|z) is Bernoulli,
//! Gaussian of a fixed σ_x, or Gaussian of the best one (σ-VAE; Rybkin et al. 2020). β ≠ 1: β-VAE (Higgins et al. 2017),
//! with a warm-up from 0 (Sønderby et al. 2016). With a capacity the term is `γ |KL − C(t)|` (Burgess et al. 2018).

use super::autoencoder::Whole;
use super::parts::{Base, Parts};
use super::sample::{Code, Inputs, Sample, Scores};
use crate::bodies::{Beside, Bottleneck, Encoded, Ends};
use crate::nn::{ActivationName, Init, Linear, Mode, Pass};
use crate::objective::{Builder, LossName, Posterior, Reconstruction};
use crate::settings::{Range, settings, word};
use crate::{Error, Result};
use narrows_engine::ops::Axis;
use narrows_engine::{Parameters, Real, Var};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// What a variational decoder's output says of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum LikelihoodName {
    /// `columns` if the data have columns of words, `bernoulli` if they lie in 0..1, else `gaussian`.
    Auto,
    /// Probabilities: the loss is the binary cross-entropy.
    Bernoulli,
    /// Means of normal distributions of deviation `sigma`.
    Gaussian,
    /// The same with the variance that fits best, the mean squared error itself (Rybkin et al. 2020).
    SigmaVae,
    /// Of each column of a table its own: a Gaussian whose deviation is learnt, a softmax, or a Bernoulli.
    Columns,
}

word!(LikelihoodName, "likelihood");

settings! {
    /// The keys of a likelihood.
    LikelihoodKeys {
        likelihood: LikelihoodName = LikelihoodName::Auto, "NAME", "what the decoder's output says of a sample";
        sigma: f64 = 1.0, "X", "deviation of a gaussian likelihood", in Range::<f64>::POSITIVE, where likelihood is ["gaussian"];
    }
}

settings! {
    /// The keys of a divergence.
    DivergenceKeys {
        beta: f64 = 1.0, "X", "weight of the KL divergence", in Range::<f64>::WEIGHT, where capacity is ["0"];
        beta_warmup: u64 = 0, "EPOCHS", "epochs over which beta rises from 0", in Range::<u64>::NONE_OR_COUNT, where capacity is ["0"];
        capacity: f64 = 0.0, "NATS", "nats of KL to come to, as capacity_weight |KL - C(t)|; 0 for plain beta", in Range::<f64>::WEIGHT;
        capacity_weight: f64 = 10.0, "X", "gamma of that", in Range::<f64>::WEIGHT, unless capacity is ["0"];
        capacity_warmup: u64 = 0, "EPOCHS", "epochs over which C(t) rises from 0", in Range::<u64>::NONE_OR_COUNT,
            unless capacity is ["0"];
    }
}

impl LikelihoodKeys {
    /// Settles the likelihood, the loss that goes with it, and what else is left to the data.
    ///
    /// # Errors
    /// A likelihood that contradicts the loss or the data.
    pub fn settle(&mut self, base: &mut Base, sample: &Sample) -> Result<Vec<String>> {
        self.settle_loss(base)?;
        let bernoulli = self.likelihood == LikelihoodName::Bernoulli;
        let mut said = base.settle(sample, false, if bernoulli { "--likelihood gaussian" } else { "--loss mse" })?;
        if self.likelihood == LikelihoodName::Auto {
            self.likelihood = match base.reconstruction.loss {
                LossName::Bce => LikelihoodName::Bernoulli,
                LossName::Columns => LikelihoodName::Columns,
                _ => LikelihoodName::Gaussian,
            };
        }
        said.push(format!("likelihood: {}", self.likelihood.name()));
        Ok(said)
    }

    /// The loss that a likelihood means.
    fn settle_loss(&self, base: &mut Base) -> Result<()> {
        let loss = base.reconstruction.loss;
        base.reconstruction.loss = match (self.likelihood, loss) {
            (LikelihoodName::Bernoulli, LossName::Mse | LossName::Columns)
            | (LikelihoodName::Columns, LossName::Mse | LossName::Bce)
            | (LikelihoodName::Gaussian | LikelihoodName::SigmaVae, LossName::Bce | LossName::Columns) => {
                return Err(Error::usage(format!(
                    "likelihood {} and loss {} contradict each other; leave one of them auto",
                    self.likelihood.name(),
                    loss.name()
                )));
            }
            (LikelihoodName::Bernoulli, _) => LossName::Bce,
            (LikelihoodName::Columns, _) => LossName::Columns,
            (LikelihoodName::Gaussian | LikelihoodName::SigmaVae, _) => LossName::Mse,
            (LikelihoodName::Auto, loss) => loss,
        };
        Ok(())
    }

    /// How a reconstruction is compared, where that is not by columns.
    fn reconstruction(&self, base: &Base) -> Result<Reconstruction> {
        let mut settled = base.clone();
        self.settle_loss(&mut settled)?;
        let sigmoid = settled.reconstruction.sigmoid()?;
        Ok(match (settled.reconstruction.loss, self.likelihood) {
            (LossName::Bce, _) => Reconstruction::CrossEntropy,
            (_, LikelihoodName::SigmaVae) => Reconstruction::OptimalGaussian { sigmoid },
            (_, _) => Reconstruction::Gaussian { sigma: self.sigma, sigmoid },
        })
    }
}

/// The defaults: 8 numbers, made of the last image of a body that has images.
pub(super) fn base() -> Base {
    let mut base = Base::default();
    base.body.shared.general.code = 8;
    base.body.shared.levels.bottleneck = Bottleneck::Dense;
    base
}

/// Parts of which the code is a distribution.
#[derive(Debug)]
pub(super) struct Latent<T: Real> {
    pub(super) parts: Parts<T>,
    mean: Linear,
    log_variance: Linear,
    init: Init,
}

impl<T: Real> Latent<T> {
    /// Adds the parameters of a body and of the two layers after it.
    pub(super) fn new(
        base: &Base,
        likelihood: &LikelihoodKeys,
        sample: &Sample,
        (beside, decoder_beside): (Beside, usize),
        parameters: &mut Parameters<T>,
    ) -> Result<Self> {
        check(base)?;
        let mut parts = Parts::open(base, sample, (Ends::Open, beside, decoder_beside), parameters)?;
        if !matches!(parts.reconstruction, Reconstruction::Columns(_)) {
            parts.reconstruction = likelihood.reconstruction(base)?;
        }
        let (trunk, code) = (parts.body.trunk_size(), base.body.shared.general.code);
        let mean = Linear::new(parameters, "encoder.mean", trunk, code)?;
        let log_variance = Linear::new(parameters, "encoder.log_variance", trunk, code)?;
        Ok(Self { parts: parts.penalised(base, parameters), mean, log_variance, init: base.body.shared.general.init })
    }

    /// Draws the first weights.
    pub(super) fn initialise(&self, parameters: &mut Parameters<T>, seed: u64) {
        self.parts.body.initialise(parameters, seed);
        for layer in [&self.mean, &self.log_variance] {
            layer.initialise(parameters, self.init, seed);
        }
    }

    /// q(z|x), its mean being the code.
    #[track_caller]
    pub(super) fn encode(&self, pass: &Pass<'_, T>, inputs: &Inputs, classes: Option<Var>) -> Code {
        let Encoded { value, switches } = self.parts.run_encoder(pass, inputs, classes);
        let [mean, log_variance] =
            [&self.mean, &self.log_variance].map(|layer| layer.record(pass, value, ActivationName::Linear));
        let posterior = Some(Posterior { mean, log_variance });
        Code { posterior, switches, ..Code::of(mean) }
    }

    /// Each sample's reconstruction and divergence.
    #[track_caller]
    pub(super) fn scores(&self, pass: &Pass<'_, T>, raw: Var, code: &Code, inputs: &Inputs) -> Scores {
        let mut scores = self.parts.scores(pass, raw, inputs);
        let of = self.parts.reconstruction.of_samples(pass, raw, inputs.x, inputs.mask, 1.0);
        scores.terms = vec![("reconstruction", of)];
        if let Some(posterior) = code.posterior {
            scores.terms.push(("kl", pass.sum_over(posterior.divergences(pass), Axis::Row)));
        }
        scores
    }
}

/// A sample of a code that is a distribution.
#[track_caller]
pub(super) fn draw<T: Real>(pass: &Pass<'_, T>, code: Code) -> Code {
    match code.posterior {
        Some(posterior) => Code { value: posterior.sample(pass), ..code },
        None => code,
    }
}

/// Refuses what contradicts a code of normal numbers without bounds, and a likelihood.
fn check(base: &Base) -> Result<()> {
    let activation = base.body.shared.general.code_activation;
    if activation != ActivationName::Linear {
        return Err(Error::usage(format!(
            "a variational code is a mean and a variance without bounds, and code_activation is {}; give linear",
            activation.name()
        )));
    }
    if (base.corruption.emphasis_corrupted, base.corruption.emphasis_clean) != (1.0, 1.0) {
        return Err(Error::usage(
            "emphasis makes of a likelihood what is none, and a variational objective needs one; give emphasis 1 for both",
        ));
    }
    Ok(())
}

/// The divergence's term.
#[derive(Debug, Clone)]
pub(super) struct Divergence(pub(super) DivergenceKeys);

impl Divergence {
    /// Adds the terms for a code that is a distribution.
    #[track_caller]
    pub(super) fn record<T: Real>(&self, pass: &Pass<'_, T>, code: &Code, builder: &mut Builder) {
        let (keys, Some(posterior)) = (&self.0, code.posterior) else { return };
        let kl = pass.mean(pass.sum_over(posterior.divergences(pass), Axis::Row));
        if keys.capacity > 0.0 {
            let away = if pass.mode() == Mode::Training {
                let (_, capacity) = builder.ramp(pass, "capacity", keys.capacity, keys.capacity_warmup);
                pass.sub(kl, capacity)
            } else {
                pass.add_scalar(kl, -keys.capacity)
            };
            builder.term("capacity", keys.capacity_weight, pass.abs(away));
            builder.term("kl", 0.0, kl);
        } else if keys.beta_warmup > 0 && pass.mode() == Mode::Training {
            let (number, _) = builder.ramp(pass, "beta", keys.beta, keys.beta_warmup);
            builder.ramped("kl", number, kl);
        } else {
            builder.term("kl", keys.beta, kl);
        }
    }

    /// Whether the term of a batch is more than the mean of its samples' terms: |KL - C| is of the mean KL.
    pub(super) fn couples_samples(&self) -> bool {
        self.0.capacity > 0.0
    }

    /// The term over a whole set of samples, where it is not the mean over batches.
    pub(super) fn whole_term(&self, name: &str, whole: &Whole<'_>) -> Option<f64> {
        whole.kl.filter(|_| name == "capacity").map(|kl| (kl - self.0.capacity).abs())
    }

    /// The key that makes the objective change from step to step.
    pub(super) fn moves(&self) -> Option<(&'static str, &'static str)> {
        let keys = &self.0;
        let warmup = if keys.capacity > 0.0 { keys.capacity_warmup } else { keys.beta_warmup };
        (warmup > 0).then_some((if keys.capacity > 0.0 { "capacity_warmup" } else { "beta_warmup" }, "0"))
    }

    /// What the figures do not say of themselves.
    pub(super) fn remarks(&self, reconstruction: &Reconstruction, sample: &Sample, epochs: u64) -> Vec<String> {
        let (keys, short) = (&self.0, crate::figure::short);
        let mut remarks = Vec::new();
        if let (0.0, Some((name, weight))) = (keys.capacity, beside_means(keys.beta, reconstruction, sample.features)) {
            let with = if name == "bce" { "cross-entropy" } else { "squared error" };
            remarks.push(format!(
                "beta {} with losses summed over features; with the mean {with} per feature that is a weight of {} on the KL",
                keys.beta,
                short(weight)
            ));
        }
        let (what, warmup) = match keys.capacity > 0.0 {
            true => ("the capacity", keys.capacity_warmup),
            false => ("beta", keys.beta_warmup),
        };
        if warmup > epochs {
            remarks.push(format!("{what} rises over {warmup} epochs, and training ends after {epochs}"));
        }
        remarks
    }
}

/// `w` of `mean loss + w KL`, which has the minimum of the sum over features with β, and which loss that is: for a
/// Gaussian of deviation σ over d features `2βσ²/d` beside the mean squared error, for a Bernoulli `β/d` beside the
/// mean cross-entropy; there is none where the variance follows the error.
pub fn beside_means(beta: f64, reconstruction: &Reconstruction, features: usize) -> Option<(&'static str, f64)> {
    let d = features.max(1) as f64;
    match *reconstruction {
        Reconstruction::CrossEntropy => Some(("bce", beta / d)),
        Reconstruction::Gaussian { sigma, .. } => Some(("mse", 2.0 * beta * sigma * sigma / d)),
        Reconstruction::SquaredError { .. } | Reconstruction::OptimalGaussian { .. } | Reconstruction::Columns(_) => {
            None
        }
    }
}
