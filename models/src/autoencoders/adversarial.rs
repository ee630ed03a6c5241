//! The adversarial autoencoder (Makhzani, Shlens, Jaitly, Goodfellow & Frey 2015): the codes of the data are made to
//! look like samples of a prior by somebody who tries to tell them apart.
//!
//! Three players move in turn for each batch, each with an optimiser of its own:
//! 1. encoder and decoder minimise the reconstruction L;
//! 2. the discriminator D minimises `−ln D(z') − ln (1 − D(f(x)))`, `z' ~ N(0, I)`;
//! 3. the encoder minimises `−ln D(f(x))`.
//!
//! All from logits d: `−ln D = softplus(−d)`, `−ln (1 − D) = softplus(d)`. D's accuracy is watched: 0.5 is the aim.
//! New samples are decoded from the prior.

use super::{Autoencoder, Base, Code, Inputs, Parts, Phase, Player, Sample, Type};
use crate::bodies::Bottleneck;
use crate::nn::{ActivationName, Hidden, Init, Pass, Sequential};
use crate::objective::{Builder, Objective};
use crate::settings::{Range, groups, settings};
use crate::{Error, Result};
use narrows_engine::{ParameterId, Parameters, Real, Var};

settings! {
    /// The keys of the game.
    Keys {
        discriminator: Vec<usize> = vec![64, 64], "SIZES", "units of the discriminator's hidden layers",
            in Range::<Vec<usize>>::LAYERS;
        discriminator_rate: f64 = 0.5, "X", "the discriminator's learning rate, as a multiple of lr", in Range::<f64>::POSITIVE;
        adversary_rate: f64 = 0.5, "X", "the encoder's learning rate against it, as a multiple of lr", in Range::<f64>::POSITIVE;
    }
}

groups! {
    /// The keys of the type.
    AdversarialSettings {
        /// Those of every type.
        base: Base,
        /// Of the game.
        keys: Keys,
    }
}

/// The type.
#[derive(Debug)]
pub struct Adversarial;

impl Type for Adversarial {
    type Settings = AdversarialSettings;
    const NAME: &'static str = "adversarial";
    const ABOUT: &'static str = "codes that a discriminator cannot tell from a prior's samples";
    const TRAINING: &'static [(&'static str, &'static str)] =
        &[("batch", "64"), ("schedule", "constant"), ("lr", "1e-3")];

    fn settings() -> AdversarialSettings {
        let mut settings = AdversarialSettings::default();
        settings.base.body.shared.general.code = 8;
        settings.base.body.shared.levels.bottleneck = Bottleneck::Dense;
        settings
    }

    fn settle(settings: &mut AdversarialSettings, sample: &Sample) -> Result<Vec<String>> {
        settings.base.settle(sample, false, "--loss mse")
    }

    fn build<T: Real>(
        settings: &AdversarialSettings,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> Result<Box<dyn Autoencoder<T>>> {
        let (base, keys) = (&settings.base, settings.keys.clone());
        if base.body.shared.general.code_activation != ActivationName::Linear {
            return Err(Error::usage(format!(
                "codes are to look like normal numbers, which have no bounds, and code_activation is {}; give linear",
                base.body.shared.general.code_activation.name()
            )));
        }
        let parts = Parts::new(base, sample, parameters)?;
        let model: Vec<ParameterId> = parameters.ids().collect();
        let code = parts.body.code_size();
        let sizes: Vec<usize> = [code].into_iter().chain(keys.discriminator.iter().copied()).chain([1]).collect();
        // Leaky, so that the encoder is told something of every code.
        let mut activations = vec![ActivationName::LeakyRelu; keys.discriminator.len()];
        activations.push(ActivationName::Linear);
        let layers = Sequential::new(parameters, "discriminator", &sizes, &activations, (Hidden::PLAIN, 0))?;
        let discriminator: Vec<ParameterId> = parameters.ids().skip(model.len()).collect();
        let decoder = |id: &ParameterId| !parameters.name(*id).starts_with("encoder.");
        let decoder: Vec<ParameterId> = model.iter().copied().filter(decoder).collect();
        let parts = parts.penalised(base, parameters);
        let init = base.body.shared.general.init;
        Ok(Box::new(AdversarialAutoencoder { parts, keys, layers, model, decoder, discriminator, init }))
    }
}

/// The players.
const DISCRIMINATOR: usize = 1;
const ADVERSARY: usize = 2;

/// The autoencoder.
#[derive(Debug)]
struct AdversarialAutoencoder<T: Real> {
    parts: Parts<T>,
    keys: Keys,
    /// D
    layers: Sequential,
    /// The parameters of encoder and decoder, of the decoder alone, and of D.
    model: Vec<ParameterId>,
    decoder: Vec<ParameterId>,
    discriminator: Vec<ParameterId>,
    init: Init,
}

impl<T: Real> AdversarialAutoencoder<T> {
    /// The mean of `softplus(±logits)`.
    #[track_caller]
    fn mean_softplus(pass: &Pass<'_, T>, logits: Var, sign: f64) -> Var {
        let logits = if sign < 0.0 { pass.scale(logits, -1.0) } else { logits };
        pass.mean(pass.softplus(logits))
    }

    /// The share of logits above 0, as a number without a gradient.
    #[track_caller]
    fn above(pass: &Pass<'_, T>, logits: Var) -> Var {
        pass.stop_gradient(pass.mean(pass.clamp(pass.scale(logits, 1e12), 0.0, 1.0)))
    }
}

impl<T: Real> Autoencoder<T> for AdversarialAutoencoder<T> {
    fn parts(&self) -> &Parts<T> {
        &self.parts
    }

    fn initialise(&self, parameters: &mut Parameters<T>, seed: u64) {
        self.parts.body.initialise(parameters, seed);
        self.layers.initialise(parameters, self.init, seed);
    }

    fn phases(&self, epochs: u64) -> Vec<Phase> {
        let player = |name, rate| Player { name, rate, steps: 1 };
        let players = vec![
            player("autoencoder", 1.0),
            player("discriminator", self.keys.discriminator_rate),
            player("adversary", self.keys.adversary_rate),
        ];
        vec![Phase { players, ..Phase::of("training", epochs) }]
    }

    fn objective(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Objective {
        let mut builder = Builder::default();
        let (seen, weights) = self.parts.corrupt(pass, inputs);
        let code = self.encode(pass, &seen);
        let raw = self.decode(pass, &code, inputs);
        builder.raw = Some(raw);
        let value = self.parts.reconstruction.record(pass, raw, inputs.x, weights.or(inputs.mask));
        builder.term("reconstruction", 1.0, value);
        // The autoencoder as a whole has no use for who judges its codes.
        builder.frozen.extend(&self.discriminator);
        self.parts.penalise(pass, &mut builder, |_| true);
        builder.finish(pass, code.value)
    }

    fn turn(&self, pass: &Pass<'_, T>, inputs: &Inputs, _: &Phase, player: usize) -> Objective {
        let mut builder = Builder::default();
        match player {
            DISCRIMINATOR => {
                let code = pass.stop_gradient(self.encode(pass, inputs).value);
                let prior = pass.normal_noise(code);
                let [of_data, of_prior] = [code, prior].map(|z| self.layers.record(pass, z));
                let told = Self::mean_softplus(pass, of_prior, -1.0);
                builder.term("discrimination", 1.0, pass.add(told, Self::mean_softplus(pass, of_data, 1.0)));
                // The mean of the shares that are told right: of the prior's those above 0, of the data's the others.
                let right = pass.sub(Self::above(pass, of_prior), Self::above(pass, of_data));
                let accuracy = pass.add_scalar(pass.scale(right, 0.5), 0.5);
                builder.term("discriminator_accuracy", 0.0, accuracy);
                builder.frozen.extend(&self.model);
                builder.finish(pass, code)
            }
            ADVERSARY => {
                let code = self.encode(pass, inputs).value;
                let logits = self.layers.record(pass, code);
                builder.term("adversary", 1.0, Self::mean_softplus(pass, logits, -1.0));
                builder.frozen.extend(self.decoder.iter().chain(&self.discriminator));
                builder.finish(pass, code)
            }
            _ => self.objective(pass, inputs),
        }
    }

    fn sample(&self, pass: &Pass<'_, T>, like: Var, inputs: &Inputs) -> Option<Var> {
        Some(self.decode(pass, &Code::of(pass.normal_noise(like)), inputs))
    }
}
