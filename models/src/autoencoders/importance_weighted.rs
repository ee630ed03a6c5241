//! The importance-weighted autoencoder (Burda, Grosse & Salakhutdinov 2015), for data with missing values too (MIWAE:
//! Mattei & Frellsen 2019).
//!
//! Objective: `−L_K`, `L_K = E[ln 1/K Σ_k w_k]`, `w_k = p(x, z_k) / q(z_k|x)`, z_1 .. z_K drawn from q: a bound on
//! ln p(x) that rises with K. Its gradient is `Σ_k w̃_k ∇ ln w_k` by reparametrisation, w̃ the normalised weights, taken
//! from the logarithms. With K = 1 the objective is the variational one, whose divergence is taken in closed form.
//!
//! Where values may be missing (`missing`), NaN is one that is: they enter the encoder as 0 beside a mask of what is present, and
//! p(x|z) counts what is present alone. A missing number is filled by `E[x_mis|x_obs] ≈ Σ_k w̃_k E[x_mis|z_k]`.
//!
//! Beside the bound the effective number of samples is watched, `1 / Σ_k w̃_k²`, 1 to K.

use super::autoencoder::filled;
use super::latent::{self, Divergence, DivergenceKeys, Latent, LikelihoodKeys, draw};
use super::{Autoencoder, Base, Code, Inputs, MissingName, Parts, Sample, Scores, Type, whole_objective};
use crate::bodies::Beside;
use crate::nn::Pass;
use crate::objective::{Builder, Objective, gumbel};
use crate::settings::{Range, groups, settings};
use crate::{Error, Result};
use narrows_engine::ops::Axis;
use narrows_engine::{Parameters, Real, Var};

settings! {
    /// The keys of the bound.
    Keys {
        samples: usize = 5, "K", "samples of the code for each sample of the data", in Range::<usize>::SMALL;
    }
}

groups! {
    /// The keys of the type.
    ImportanceWeightedSettings {
        /// Those of every type.
        base: Base,
        /// Of the likelihood.
        likelihood: LikelihoodKeys,
        /// Of the bound.
        keys: Keys,
    }
}

/// The type.
#[derive(Debug)]
pub struct ImportanceWeighted;

impl Type for ImportanceWeighted {
    type Settings = ImportanceWeightedSettings;
    const NAME: &'static str = "importance-weighted";
    const ABOUT: &'static str = "a variational code under a tighter bound; takes missing values";

    fn settings() -> ImportanceWeightedSettings {
        ImportanceWeightedSettings { base: latent::base(), ..ImportanceWeightedSettings::default() }
    }

    fn settle(settings: &mut ImportanceWeightedSettings, sample: &Sample) -> Result<Vec<String>> {
        settings.likelihood.settle(&mut settings.base, sample)
    }

    fn build<T: Real>(
        settings: &ImportanceWeightedSettings,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> Result<Box<dyn Autoencoder<T>>> {
        let samples = settings.keys.samples;
        let missing = settings.base.missing.missing == MissingName::True;
        if missing && settings.base.corruption != Default::default() {
            return Err(Error::usage(
                "missing values are a corruption already; leave --corruption away, or give missing false",
            ));
        }
        let beside = Beside::default();
        let latent = Latent::new(&settings.base, &settings.likelihood, sample, (beside, 0), parameters)?;
        if latent.parts.reconstruction.couples_samples() && (samples > 1 || missing) {
            return Err(Error::usage(
                "importance weights are of each sample alone, and the variance of sigma-vae is of all of them; give \
                 --likelihood gaussian",
            ));
        }
        let divergence = Divergence(DivergenceKeys::default());
        Ok(Box::new(ImportanceWeightedAutoencoder { latent, divergence, samples, missing }))
    }
}

/// The autoencoder.
#[derive(Debug)]
struct ImportanceWeightedAutoencoder<T: Real> {
    latent: Latent<T>,
    divergence: Divergence,
    samples: usize,
    missing: bool,
}

/// Weights of several codes for each sample, and what these are decoded to.
struct Weighted {
    /// ln w, `[N, K]`
    logs: Var,
    /// Before an activation of the output, `[N, features]`, one for each code.
    raw: Vec<Var>,
}

impl<T: Real> ImportanceWeightedAutoencoder<T> {
    /// Draws `count` codes for each sample.
    #[track_caller]
    fn weigh(&self, pass: &Pass<'_, T>, inputs: &Inputs, code: &Code, count: usize) -> Option<Weighted> {
        let (posterior, parts) = (code.posterior?, &self.latent.parts);
        let decode = |value: Var| parts.body.decode(pass, value, &code.switches);
        let draws: Vec<(Var, Var)> = (0..count.max(1))
            .map(|_| posterior.log_weights(pass, (inputs.x, inputs.mask), &parts.reconstruction, 1.0, decode))
            .collect();
        let (logs, raw): (Vec<Var>, Vec<Var>) = draws.into_iter().unzip();
        let logs = if logs.len() > 1 { pass.concatenate(&logs) } else { logs[0] };
        Some(Weighted { logs, raw })
    }

    /// `Σ_k a_k E[x|z_k]`, `weights` making a, `[N, K]`, of `ln w`: means and probabilities.
    #[track_caller]
    fn expect(
        &self,
        pass: &Pass<'_, T>,
        inputs: &Inputs,
        count: usize,
        weights: impl FnOnce(Var) -> Var,
    ) -> Option<Var> {
        let code = self.encode(pass, inputs);
        let Weighted { logs, raw } = self.weigh(pass, inputs, &code, count)?;
        let weights = weights(logs);
        let reconstruction = &self.latent.parts.reconstruction;
        let each = raw
            .into_iter()
            .enumerate()
            .map(|(k, raw)| pass.mul(reconstruction.expected(pass, raw), pass.slice(weights, k..k + 1)));
        each.reduce(|a, b| pass.add(a, b))
    }

    /// `ln Σ_k w_k` of each row, `[N, 1]`: the first logarithm less what it is of the normalised ones.
    #[track_caller]
    fn log_sum(pass: &Pass<'_, T>, logs: Var) -> Var {
        pass.sub(pass.slice(logs, 0..1), pass.slice(pass.log_softmax(logs), 0..1))
    }
}

impl<T: Real> Autoencoder<T> for ImportanceWeightedAutoencoder<T> {
    fn parts(&self) -> &Parts<T> {
        &self.latent.parts
    }

    fn initialise(&self, parameters: &mut Parameters<T>, seed: u64) {
        self.latent.initialise(parameters, seed);
    }

    fn encode(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Code {
        self.latent.encode(pass, inputs, None)
    }

    fn draw(&self, pass: &Pass<'_, T>, code: Code) -> Code {
        draw(pass, code)
    }

    fn draws(&self) -> bool {
        true
    }

    /// Of one sample, where the bound is the variational one.
    fn terms(&self, pass: &Pass<'_, T>, code: &Code, builder: &mut Builder) {
        self.divergence.record(pass, code, builder);
    }

    fn objective(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Objective {
        if self.samples == 1 && !self.missing {
            return whole_objective(self, pass, inputs);
        }
        let parts = &self.latent.parts;
        let mut builder = Builder::default();
        let (seen, _) = parts.corrupt(pass, inputs);
        let code = self.encode(pass, &seen);
        if let Some(Weighted { logs, raw }) = self.weigh(pass, inputs, &code, self.samples) {
            builder.raw = raw.first().copied();
            let bound = pass.add_scalar(Self::log_sum(pass, logs), -(self.samples as f64).ln());
            builder.term("negative_bound", 1.0, pass.scale(pass.mean(bound), -1.0));
            let squares = pass.sum_over(pass.square(pass.softmax(pass.stop_gradient(logs))), Axis::Row);
            builder.term("effective_samples", 0.0, pass.mean(pass.exp(pass.scale(pass.ln(squares), -1.0))));
        }
        parts.penalise(pass, &mut builder, |_| true);
        builder.finish(pass, code.value)
    }

    fn scores(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Scores {
        let code = self.encode(pass, inputs);
        let raw = self.decode(pass, &code, inputs);
        self.latent.scores(pass, raw, &code, inputs)
    }

    fn sample(&self, pass: &Pass<'_, T>, like: Var, inputs: &Inputs) -> Option<Var> {
        Some(self.decode(pass, &Code::of(pass.normal_noise(like)), inputs))
    }

    /// What is present stays; what is missing takes its mean under the weights.
    fn impute(&self, pass: &Pass<'_, T>, inputs: &Inputs, count: usize) -> Option<Var> {
        let expected = self.expect(pass, inputs, count, |logs| pass.softmax(logs))?;
        let output = self.latent.parts.reconstruction.collapse(pass, expected);
        Some(filled(pass, inputs.x, inputs.mask?, output))
    }

    /// One draw of `p(x_mis|x_obs)` by sampling importance resampling: a code z_k by its weight w̃_k, and `x_mis` from
    /// `p(x_mis|z_k)`, of a Bernoulli likelihood of pixels the probability itself, for grey values are no coin tosses.
    fn impute_draw(&self, pass: &Pass<'_, T>, inputs: &Inputs, count: usize) -> Option<Var> {
        // The place of the largest `ln w_k + g_k` is k with probability w̃_k.
        let chosen = self.expect(pass, inputs, count, |logs| {
            pass.one_hot(pass.argmax(pass.add(logs, gumbel(pass, logs))), count.max(1))
        })?;
        let drawn = self.latent.parts.reconstruction.draw(pass, chosen);
        Some(filled(pass, inputs.x, inputs.mask?, drawn))
    }

    fn remarks(&self, sample: &Sample, _: u64) -> Vec<String> {
        self.latent.parts.uncompressed(sample).into_iter().collect()
    }
}
