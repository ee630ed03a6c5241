//! The conditional variational autoencoder (Sohn, Lee & Yan 2015): encoder and decoder are told the class of a sample.
//!
//! Objective: `−E_q ln p(x|z, y) + β KL(q(z|x, y) ‖ N(0, I))`, y the class as a one-hot row beside the encoder's and
//! the decoder's input (see `latent` for q, p and β). The code need not hold what the class tells, and samples of a
//! given class are decoded from the prior.

use super::latent::{self, Divergence, DivergenceKeys, Latent, LikelihoodKeys, draw};
use super::{Autoencoder, Base, Code, Inputs, Parts, Sample, Scores, Takes, Type, Whole};
use crate::bodies::Beside;
use crate::nn::Pass;
use crate::objective::Builder;
use crate::settings::groups;
use crate::{Error, Result};
use narrows_engine::{Parameters, Real, Var};

groups! {
    /// The keys of the type.
    ConditionalSettings {
        /// Those of every type.
        base: Base,
        /// Of the likelihood.
        likelihood: LikelihoodKeys,
        /// Of the divergence.
        divergence: DivergenceKeys,
    }
}

/// The type.
#[derive(Debug)]
pub struct Conditional;

impl Type for Conditional {
    type Settings = ConditionalSettings;
    const NAME: &'static str = "conditional";
    const ABOUT: &'static str = "a variational code beside the class, which encoder and decoder are told";

    fn settings() -> ConditionalSettings {
        ConditionalSettings { base: latent::base(), ..ConditionalSettings::default() }
    }

    fn settle(settings: &mut ConditionalSettings, sample: &Sample) -> Result<Vec<String>> {
        settings.likelihood.settle(&mut settings.base, sample)
    }

    fn build<T: Real>(
        settings: &ConditionalSettings,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> Result<Box<dyn Autoencoder<T>>> {
        let classes = sample.classes.filter(|&classes| classes > 1).ok_or_else(|| {
            Error::usage(
                "a conditional autoencoder is told the class of each sample, and the data have no labels of two or more \
                 classes; give data with labels, or use --model variational",
            )
        })?;
        let beside = Beside { classes, mask: 0 };
        let latent = Latent::new(&settings.base, &settings.likelihood, sample, (beside, classes), parameters)?;
        let divergence = Divergence(settings.divergence.clone());
        Ok(Box::new(ConditionalAutoencoder { latent, divergence, classes }))
    }
}

/// The autoencoder.
#[derive(Debug)]
struct ConditionalAutoencoder<T: Real> {
    latent: Latent<T>,
    divergence: Divergence,
    classes: usize,
}

impl<T: Real> ConditionalAutoencoder<T> {
    /// The class as a row.
    #[track_caller]
    fn class(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Option<Var> {
        inputs.labels.map(|labels| pass.one_hot(labels, self.classes))
    }
}

impl<T: Real> Autoencoder<T> for ConditionalAutoencoder<T> {
    fn parts(&self) -> &Parts<T> {
        &self.latent.parts
    }

    fn takes(&self) -> Takes {
        Takes { labels: true, mask: self.parts().mask }
    }

    fn initialise(&self, parameters: &mut Parameters<T>, seed: u64) {
        self.latent.initialise(parameters, seed);
    }

    fn encode(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Code {
        self.latent.encode(pass, inputs, self.class(pass, inputs))
    }

    fn draw(&self, pass: &Pass<'_, T>, code: Code) -> Code {
        draw(pass, code)
    }

    fn draws(&self) -> bool {
        true
    }

    fn decode(&self, pass: &Pass<'_, T>, code: &Code, inputs: &Inputs) -> Var {
        let parts: Vec<Var> = [Some(code.value), self.class(pass, inputs)].into_iter().flatten().collect();
        self.latent.parts.body.decode(pass, pass.concatenate(&parts), &code.switches)
    }

    fn terms(&self, pass: &Pass<'_, T>, code: &Code, builder: &mut Builder) {
        self.divergence.record(pass, code, builder);
    }

    fn moves(&self) -> Option<(&'static str, &'static str)> {
        self.divergence.moves()
    }

    fn couples_samples(&self) -> bool {
        self.divergence.couples_samples() || self.latent.parts.reconstruction.couples_samples()
    }

    fn scores(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Scores {
        let code = self.encode(pass, inputs);
        let raw = self.decode(pass, &code, inputs);
        self.latent.scores(pass, raw, &code, inputs)
    }

    fn sample(&self, pass: &Pass<'_, T>, like: Var, inputs: &Inputs) -> Option<Var> {
        Some(self.decode(pass, &Code::of(pass.normal_noise(like)), inputs))
    }

    fn whole_term(&self, name: &str, whole: &Whole<'_>) -> Result<Option<f64>> {
        Ok(self.divergence.whole_term(name, whole))
    }

    fn remarks(&self, sample: &Sample, epochs: u64) -> Vec<String> {
        self.divergence.remarks(&self.latent.parts.reconstruction, sample, epochs)
    }
}
