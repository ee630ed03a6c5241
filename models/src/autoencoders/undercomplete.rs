//! The undercomplete autoencoder: `h = f(x)`, `x̂ = g(h)`, `dim h < dim x`, any depth.
//!
//! Objective: `L = (1/m) Σ_i ‖x̂_i − x_i‖²`, or for x in [0, 1] the binary cross-entropy of `sigmoid(z)` against x,
//! from the logits z; sums over features, means over samples. With linear f and g it spans the subspace of the
//! leading principal components (Baldi & Hornik 1989). Deep f and g: Hinton & Salakhutdinov 2006.

use super::{Objective, objective, reconstruction};
use crate::config::{Config, LossName};
use crate::nn::{ActivationName, Sequential};
use crate::{Error, Result};
use narrows_engine::{Parameters, Real, Tape, Var};

/// Encoder and decoder over parameters of one's own.
#[derive(Debug, Clone)]
pub struct Undercomplete {
    encoder: Sequential,
    decoder: Sequential,
    bce: bool,
}

impl Undercomplete {
    /// Adds the parameters of an autoencoder for `features` numbers: `hidden` layers, the code, the mirror image.
    ///
    /// # Errors
    /// A code that is not smaller than the data; a loss that is still `auto`; sizes that are too large.
    pub fn new<T: Real>(config: &Config, features: usize, parameters: &mut Parameters<T>) -> Result<Self> {
        if features < 2 {
            return Err(Error::data(format!("samples of {features} numbers; there is nothing to compress")));
        }
        if config.code >= features {
            return Err(Error::usage(format!(
                "code is {} for data of {features} features; an undercomplete autoencoder needs a smaller code",
                config.code
            )));
        }
        if config.loss == LossName::Auto {
            return Err(Error::usage("loss is `auto`, which only data can resolve; give mse or bce"));
        }
        let mut sizes = vec![features];
        sizes.extend(&config.hidden);
        sizes.push(config.code);
        let mut activations = vec![config.activation; config.hidden.len()];
        let mut outward = activations.clone();
        activations.push(config.code_activation);
        outward.push(ActivationName::Linear);
        parameters.reserve(&tensors(config, features).iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        let encoder = Sequential::new(parameters, "encoder", &sizes, &activations)?;
        sizes.reverse();
        let decoder = Sequential::new(parameters, "decoder", &sizes, &outward)?;
        Ok(Self { encoder, decoder, bce: config.loss == LossName::Bce })
    }

    /// Draws the first weights.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, config: &Config) {
        self.encoder.initialise(parameters, config.init, config.seed);
        self.decoder.initialise(parameters, config.init, config.seed);
    }

    /// `x` `[N, features]` gives the code `[N, code]`.
    #[track_caller]
    pub fn encode<T: Real>(&self, tape: &Tape<T>, x: Var) -> Var {
        self.encoder.record(tape, x)
    }

    /// The code gives what the loss compares: logits for the cross-entropy, else the reconstruction.
    #[track_caller]
    pub fn decode_raw<T: Real>(&self, tape: &Tape<T>, code: Var) -> Var {
        self.decoder.record(tape, code)
    }

    /// `x` gives what the loss compares.
    #[track_caller]
    pub fn reconstruct_raw<T: Real>(&self, tape: &Tape<T>, x: Var) -> Var {
        self.decode_raw(tape, self.encode(tape, x))
    }

    /// What the loss compares, as a reconstruction.
    #[track_caller]
    pub fn reconstruction<T: Real>(&self, tape: &Tape<T>, raw: Var) -> Var {
        reconstruction(tape, self.bce, raw)
    }

    /// The objective for `raw`, the decoder's output, against `x`.
    #[track_caller]
    pub fn objective<T: Real>(&self, tape: &Tape<T>, raw: Var, x: Var) -> Objective {
        objective(tape, self.bce, raw, x)
    }

    /// Numbers in a code.
    pub fn code_size(&self) -> usize {
        self.encoder.describe().last().map_or(0, |(_, _, out, _)| out)
    }

    /// Units from the data to the code and back, as in `784-32-784`.
    pub fn layers(&self) -> String {
        let mut units: Vec<String> = self.encoder.describe().take(1).map(|(_, into, ..)| into.to_string()).collect();
        for part in self.parts() {
            units.extend(part.describe().map(|(_, _, out, _)| out.to_string()));
        }
        units.join("-")
    }

    /// Encoder and decoder, for descriptions.
    pub fn parts(&self) -> [&Sequential; 2] {
        [&self.encoder, &self.decoder]
    }

    /// Whether the loss is the binary cross-entropy.
    pub fn is_bce(&self) -> bool {
        self.bce
    }
}

/// The sizes of every tensor of a model of this configuration, weights and biases.
pub(crate) fn tensors(config: &Config, features: usize) -> Vec<Vec<usize>> {
    let units: Vec<usize> = [features].into_iter().chain(config.hidden.iter().copied()).chain([config.code]).collect();
    let layers = units.windows(2).flat_map(|pair| {
        let (from, to) = (pair[0], pair[1]);
        [vec![to, from], vec![to], vec![from, to], vec![from]]
    });
    layers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_engine::{Shape, check, random};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_whole_loss_passes_the_gradient_check(
            features in 3usize..7,
            rows in 1usize..5,
            bce in any::<bool>(),
            activation in prop::sample::select(vec!["linear", "sigmoid", "tanh", "gelu", "softplus"]),
            seed in 0u64..100,
        ) {
            let mut config = Config { hidden: vec![5, 4], code: 2, seed, ..Config::default() };
            config.set("activation", activation).unwrap();
            config.loss = if bce { LossName::Bce } else { LossName::Mse };
            let mut parameters = Parameters::<f64>::new();
            let model = Undercomplete::new(&config, features, &mut parameters).unwrap();
            model.initialise(&mut parameters, &config);
            let tape = Tape::new(&parameters, rows);
            let x = tape.input("x", Shape::batch(&[features]));
            let objective = model.objective(&tape, model.decode_raw(&tape, model.encode(&tape, x)), x);
            let plan = tape.train(objective.total).unwrap();
            let mut workspace = plan.workspace().unwrap();
            random::fill_uniform(seed, 3, 0, 0.0, 1.0, workspace.input_mut(x).unwrap());
            let worst =
                check::gradients(&plan, &mut parameters, &mut workspace, objective.total, 1e-5, 1e-3).unwrap();
            prop_assert!(worst.relative < 1e-6, "{worst:?}");
            prop_assert!(workspace.gradients().iter().any(|&g| g != 0.0));
        }
    }

    #[test]
    fn a_code_as_wide_as_the_data_is_refused() {
        let config = Config { code: 8, loss: LossName::Mse, ..Config::default() };
        let error = Undercomplete::new::<f32>(&config, 8, &mut Parameters::new()).unwrap_err();
        assert!(error.to_string().contains("smaller code"));
    }
}
