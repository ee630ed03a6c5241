//! The variational autoencoder (Kingma & Welling 2013; Rezende, Mohamed & Wierstra 2014).
//!
//! Objective, the negative evidence lower bound: `−E_q ln p(x|z) + β KL(q(z|x) ‖ N(0, I))`, with one z for each sample
//! (see `latent` for q, p and β). The code that a sample is encoded to is μ(x).

use super::latent::{self, Divergence, DivergenceKeys, Latent, LikelihoodKeys, draw};
use super::{Autoencoder, Base, Code, Inputs, Parts, Sample, Scores, Type, Whole};
use crate::Result;
use crate::bodies::Beside;
use crate::nn::Pass;
use crate::objective::Builder;
use crate::settings::groups;
use narrows_engine::{Parameters, Real, Var};

groups! {
    /// The keys of the type.
    VariationalSettings {
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
pub struct Variational;

impl Type for Variational {
    type Settings = VariationalSettings;
    const NAME: &'static str = "variational";
    const ABOUT: &'static str = "a code that is a distribution";

    fn settings() -> VariationalSettings {
        VariationalSettings { base: latent::base(), ..VariationalSettings::default() }
    }

    fn settle(settings: &mut VariationalSettings, sample: &Sample) -> Result<Vec<String>> {
        settings.likelihood.settle(&mut settings.base, sample)
    }

    fn build<T: Real>(
        settings: &VariationalSettings,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> Result<Box<dyn Autoencoder<T>>> {
        let latent = Latent::new(&settings.base, &settings.likelihood, sample, (Beside::default(), 0), parameters)?;
        Ok(Box::new(VariationalAutoencoder { latent, divergence: Divergence(settings.divergence.clone()) }))
    }
}

/// The autoencoder.
#[derive(Debug)]
struct VariationalAutoencoder<T: Real> {
    latent: Latent<T>,
    divergence: Divergence,
}

impl<T: Real> Autoencoder<T> for VariationalAutoencoder<T> {
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
        let parts = &self.latent.parts;
        let remarks = self.divergence.remarks(&parts.reconstruction, sample, epochs);
        parts.uncompressed(sample).into_iter().chain(remarks).collect()
    }
}
