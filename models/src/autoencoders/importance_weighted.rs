//! The importance-weighted autoencoder (Burda, Grosse & Salakhutdinov 2015), for data with missing values too (MIWAE:
//! Mattei & Frellsen 2019).
//!
//! Objective: `−L_K`, `L_K = E[ln 1/K Σ_k w_k]`, `w_k = p(x, z_k) / q(z_k|x)`, z_1 .. z_K drawn from q: a bound on
//! ln p(x) that rises with K. Its gradient is `Σ_k w̃_k ∇ ln w_k` by reparametrisation, w̃ the normalised weights, taken
//! from the logarithms. With K = 1 the objective is the variational one, whose divergence is taken in closed form.
//!
//! With `missing`, numbers that are NaN are missing: they enter the encoder as 0 beside a mask of what is present, and
//! p(x|z) counts what is present alone. A missing number is filled by `E[x_mis|x_obs] ≈ Σ_k w̃_k E[x_mis|z_k]`.
//!
//! Beside the bound the effective number of samples is watched, `1 / Σ_k w̃_k²`, 1 to K.

use super::latent::{self, Divergence, DivergenceKeys, Latent, LikelihoodKeys, draw};
use super::{Autoencoder, Base, Code, Inputs, Parts, Sample, Scores, Takes, Type, whole_objective};
use crate::bodies::{Beside, Extra};
use crate::nn::Pass;
use crate::objective::{Builder, Objective, Reconstruction};
use crate::settings::{Range, groups, settings};
use crate::{Error, Result};
use narrows_engine::ops::Axis;
use narrows_engine::{Parameters, Real, Shape, Var};

settings! {
    /// The keys of the bound.
    Keys {
        samples: usize = 5, "K", "samples of the code for each sample of the data", in Range::<usize>::SMALL;
        missing: bool = false, "BOOL", "whether NaN stands for a value that is missing (data with NaN come by the library)";
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
        let Keys { samples, missing } = settings.keys;
        if missing && settings.base.corruption != Default::default() {
            return Err(Error::usage(
                "missing values are a corruption already; leave --corruption away, or give missing false",
            ));
        }
        let beside = Beside { classes: 0, mask: missing };
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

    /// Samples in which what is missing is `Σ_k a_k E[x|z_k]`, `weights` making a, `[N, K]`, of `ln w`.
    #[track_caller]
    fn fill(
        &self,
        pass: &Pass<'_, T>,
        inputs: &Inputs,
        count: usize,
        weights: impl FnOnce(Var) -> Var,
    ) -> Option<Var> {
        let mask = inputs.mask?;
        let code = self.encode(pass, inputs);
        let Weighted { logs, raw } = self.weigh(pass, inputs, &code, count)?;
        let weights = weights(logs);
        let each = raw.into_iter().enumerate().map(|(k, raw)| {
            let output = self.latent.parts.reconstruction.output(pass, raw);
            pass.mul(output, pass.slice(weights, k..k + 1))
        });
        let mean = each.reduce(|a, b| pass.add(a, b))?;
        let features = pass.shape(inputs.x).sample_elements();
        let kept = pass.reshape(pass.mul(inputs.x, mask), Shape::batch(&[features]));
        Some(pass.add(kept, pass.mul(mean, Self::absent(pass, mask))))
    }

    /// 1 where a number is missing.
    #[track_caller]
    fn absent(pass: &Pass<'_, T>, mask: Var) -> Var {
        pass.add_scalar(pass.scale(mask, -1.0), 1.0)
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

    fn takes(&self) -> Takes {
        Takes { labels: false, mask: self.missing }
    }

    fn initialise(&self, parameters: &mut Parameters<T>, seed: u64) {
        self.latent.initialise(parameters, seed);
    }

    fn encode(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Code {
        self.latent.encode(pass, inputs, Extra { classes: None, mask: inputs.mask })
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
        let seen = parts.corrupt(pass, inputs.x);
        let code = self.encode(pass, &Inputs { x: seen.input, ..*inputs });
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
        self.fill(pass, inputs, count, |logs| pass.softmax(logs))
    }

    /// One draw of `p(x_mis|x_obs)` by sampling importance resampling: a code z_k by its weight w̃_k, and `x_mis` from
    /// `p(x_mis|z_k)`, of a Bernoulli likelihood the probability itself, for grey values are no coin tosses.
    fn impute_draw(&self, pass: &Pass<'_, T>, inputs: &Inputs, count: usize) -> Option<Var> {
        let filled = self.fill(pass, inputs, count, |logs| {
            // The place of the largest `ln w_k + g_k` is k with probability w̃_k, for g of Gumbel's distribution, which
            // `−ln(½(n² + m²))` has for normal n and m.
            let [n, m] = [(); 2].map(|()| pass.square(pass.normal_noise(logs)));
            let gumbel = pass.scale(pass.ln(pass.scale(pass.add(n, m), 0.5)), -1.0);
            pass.one_hot(pass.argmax(pass.add(logs, gumbel)), count.max(1))
        })?;
        Some(match (self.latent.parts.reconstruction, inputs.mask) {
            (Reconstruction::Gaussian { sigma, .. }, Some(mask)) => {
                let noise = pass.scale(pass.normal_noise(filled), sigma);
                pass.add(filled, pass.mul(noise, Self::absent(pass, mask)))
            }
            _ => filled,
        })
    }

    fn remarks(&self, sample: &Sample, _: u64) -> Vec<String> {
        self.latent.parts.uncompressed(sample).into_iter().collect()
    }
}
