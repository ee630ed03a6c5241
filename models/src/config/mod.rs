//! What to train and how: one documented struct for TOML files, flags and the library.
//!
//! Every key can be set from text ([`Config::set`]), which is how files and flags arrive, so there is one place that
//! parses, one that checks and one message for each mistake. A key that does not exist suggests the nearest one.
//!
//! * the struct and its defaults, which depend on the type ([`Config::of`]), here;
//! * [`KEYS`]: the list of keys. `words`: what a key may hold. `check`: what a value may be by itself.

mod check;
mod decoder;
mod keys;
mod models;
pub(crate) mod words;

use crate::autoencoders::{Bottleneck, Downsample, ModelKind, Upsample};
use crate::data::ScalerKind;
use crate::nn::{ActivationName, Init};
use crate::{Error, Result};
pub use decoder::DecoderLayers;
pub use keys::KEYS;
use narrows_engine::optim::{Adam, AdamW, Decay, Lamb, Lion, OptimizerConfig, RmsProp, Schedule, Sgd};
use serde::{Deserialize, Serialize};
pub(crate) use words::words;
pub use words::{
    BodyName, CorruptionName, FineTuneName, LikelihoodName, LossName, MeanName, OptimizerName, OutputName,
    PretrainName, ScheduleName,
};

/// Everything that a training run is determined by, together with the data. A key that a type does not read is
/// left alone, and training says so if it was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The source of the data: `digits` or a path.
    pub data: String,
    /// The type of the autoencoder.
    pub model: ModelKind,
    /// What encoder and decoder are made of.
    pub body: BodyName,
    /// Units of a dense encoder's hidden layers.
    pub hidden: Vec<usize>,
    /// Units of the bottleneck.
    pub code: usize,
    /// Units of a dense decoder's hidden layers.
    pub decoder: DecoderLayers,
    /// Whether a dense decoder's weights are the encoder's, transposed: W* = Wᵀ.
    pub tied: bool,
    /// Filters of each level of a convolutional encoder; the decoder mirrors them.
    pub filters: Vec<usize>,
    /// Rows and columns of a convolution's kernel, an odd number.
    pub kernel: usize,
    /// How a convolutional encoder makes images smaller.
    pub downsample: Downsample,
    /// How a convolutional decoder makes images larger.
    pub upsample: Upsample,
    /// What the code of a convolutional body is: its last image, or `code` numbers.
    pub bottleneck: Bottleneck,
    /// The hidden layers' activation.
    pub activation: ActivationName,
    /// The bottleneck's activation.
    pub code_activation: ActivationName,
    /// The output's activation.
    pub output: OutputName,
    /// The loss.
    pub loss: LossName,
    /// How inputs are corrupted while training.
    pub corruption: CorruptionName,
    /// The corruption's probability q, or deviation σ in the units of the scaled data.
    pub corruption_level: f64,
    /// Whether Gaussian noise is cut at 0 and 1.
    pub corruption_clip: bool,
    /// α, what corrupted components count in the loss.
    pub emphasis_corrupted: f64,
    /// β, what clean components count in the loss.
    pub emphasis_clean: f64,
    /// λ of `λ ‖θ‖²` in the objective.
    pub l2: f64,
    /// Whether θ has the biases in it.
    pub l2_biases: bool,
    /// ρ, the mean activation that each unit of a sparse code should have.
    pub sparsity: f64,
    /// β, the weight of the divergence from ρ.
    pub sparsity_weight: f64,
    /// Over what the mean activation is taken.
    pub sparsity_mean: MeanName,
    /// The share of a running mean that stays at each step.
    pub sparsity_decay: f64,
    /// λ of `λ Σ |h|`.
    pub l1: f64,
    /// How many units of a k-sparse code are kept.
    pub k: usize,
    /// α: `αk` are kept when nothing is trained, 1 to 3.
    pub k_test: f64,
    /// λ of `λ ‖∂h/∂x‖_F²`.
    pub contraction: f64,
    /// What a variational decoder's output says of a sample.
    pub likelihood: LikelihoodName,
    /// σ_x of a Gaussian likelihood.
    pub sigma: f64,
    /// β, the weight of the KL divergence.
    pub beta: f64,
    /// Epochs over which β rises from 0.
    pub beta_warmup: u64,
    /// C, the nats of KL to come to, as `γ |KL − C(t)|` in place of `β KL`; 0 for none.
    pub capacity: f64,
    /// γ of that.
    pub capacity_weight: f64,
    /// Epochs over which C(t) rises from 0.
    pub capacity_warmup: u64,
    /// The type of a stacked autoencoder's layers while they are pretrained.
    pub pretrain: PretrainName,
    /// Epochs of the pretraining of each layer.
    pub pretrain_epochs: u64,
    /// What follows the pretraining.
    pub fine_tune: FineTuneName,
    /// Epochs of a classifier alone.
    pub classifier_epochs: u64,
    /// How often the training part is gone through; of a stacked autoencoder in fine-tuning.
    pub epochs: u64,
    /// Samples in a batch; the last one of an epoch may be shorter.
    pub batch: usize,
    /// The learning rate.
    pub lr: f64,
    /// The optimiser.
    pub optimizer: OptimizerName,
    /// SGD's momentum, 0 to below 1.
    pub momentum: f64,
    /// The factor of the optimiser's L2 penalty (with AdamW, Lion and LAMB: of the decay), 0 or more.
    pub weight_decay: f64,
    /// How the learning rate falls.
    pub schedule: ScheduleName,
    /// Steps over which the learning rate rises to its value.
    pub warmup: u64,
    /// The largest global norm of a gradient; 0 for no clipping.
    pub clip: f64,
    /// The decay of an exponential moving average of the weights, which is what is kept; 0 for none.
    pub ema: f64,
    /// Epochs without a better validation loss before training ends; 0 for never.
    pub patience: u64,
    /// Pairs that L-BFGS remembers.
    pub lbfgs_memory: usize,
    /// The seed of weights, shuffles, splits and noise.
    pub seed: u64,
    /// The fraction of the training part held out to choose the best weights by; 0 keeps the last.
    pub validation: f64,
    /// The fraction held out for the final test where the source has no test part of its own.
    pub test_fraction: f64,
    /// How the data are scaled.
    pub scaling: ScalerKind,
    /// How weights start.
    pub init: Init,
    /// Rows and columns of a patch of a photograph.
    pub patch: usize,
    /// How many patches are cut out of a folder of photographs.
    pub patches: usize,
    /// Whether photographs are whitened before patches are cut.
    pub whiten: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "digits".into(),
            model: ModelKind::Undercomplete,
            body: BodyName::Auto,
            hidden: vec![128],
            code: 16,
            decoder: DecoderLayers::Mirror,
            tied: false,
            filters: vec![16, 8, 8],
            kernel: 3,
            downsample: Downsample::Pool,
            upsample: Upsample::Nearest,
            bottleneck: Bottleneck::Map,
            activation: ActivationName::Relu,
            code_activation: ActivationName::Linear,
            output: OutputName::Auto,
            loss: LossName::Auto,
            corruption: CorruptionName::None,
            corruption_level: 0.25,
            corruption_clip: false,
            emphasis_corrupted: 1.0,
            emphasis_clean: 1.0,
            l2: 0.0,
            l2_biases: false,
            sparsity: 0.005,
            sparsity_weight: 1.0,
            sparsity_mean: MeanName::Batch,
            sparsity_decay: 0.9,
            l1: 1e-3,
            k: 16,
            k_test: 1.0,
            contraction: 0.1,
            likelihood: LikelihoodName::Auto,
            sigma: 1.0,
            beta: 1.0,
            beta_warmup: 0,
            capacity: 0.0,
            capacity_weight: 10.0,
            capacity_warmup: 0,
            pretrain: PretrainName::Plain,
            pretrain_epochs: 15,
            fine_tune: FineTuneName::Reconstruction,
            classifier_epochs: 10,
            epochs: 60,
            batch: 32,
            lr: 2e-3,
            optimizer: OptimizerName::Adam,
            momentum: 0.9,
            weight_decay: 0.0,
            schedule: ScheduleName::Cosine,
            warmup: 0,
            clip: 0.0,
            ema: 0.0,
            patience: 0,
            lbfgs_memory: 10,
            seed: 0,
            validation: 0.0,
            test_fraction: 0.2,
            scaling: ScalerKind::Auto,
            init: Init::Uniform,
            patch: 8,
            patches: 10_000,
            whiten: true,
        }
    }
}

impl Config {
    /// Reads TOML over the defaults of the type that it names; `origin` names it in errors.
    ///
    /// # Errors
    /// Text that is not TOML, a key that does not exist, a value that makes no sense.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self> {
        let mut config = match table(text, origin)?.get("model").and_then(toml::Value::as_str) {
            Some(model) => Self::of(model.parse().map_err(|error| Error::usage(format!("{origin}: {error}")))?),
            None => Self::default(),
        };
        config.read_toml(text, origin)?;
        Ok(config)
    }

    /// Reads TOML over what is set already.
    ///
    /// # Errors
    /// As for [`Self::from_toml`].
    pub fn read_toml(&mut self, text: &str, origin: &str) -> Result<()> {
        let table = table(text, origin)?;
        for (key, value) in &table {
            let text = plain(value).ok_or_else(|| {
                Error::usage(format!("{origin}: `{key}` is a {}; give text, a number or a list", value.type_str()))
            })?;
            self.set(key, &text).map_err(|error| Error::usage(format!("{origin}: {error}")))?;
        }
        Ok(())
    }

    /// Sets one key from text.
    ///
    /// # Errors
    /// A key that does not exist (the nearest one is named), a value that makes no sense.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let mut changed = self.clone();
        changed.assign(key, value)?;
        changed.validate()?;
        *self = changed;
        Ok(())
    }

    /// The configuration as TOML, complete, in the order of [`KEYS`].
    ///
    /// # Errors
    /// A number that TOML cannot hold (a seed above 2^63 − 1).
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::usage(format!("cannot write the configuration as TOML: {error}")))
    }

    /// The configuration as TOML, each key after what it means.
    ///
    /// # Errors
    /// As for [`Self::to_toml`].
    pub fn to_documented_toml(&self) -> Result<String> {
        let text = self.to_toml()?;
        let about = |key: &str| KEYS.iter().find(|(known, _)| *known == key).map_or("", |(_, about)| about);
        let lines = text.lines().map(|line| {
            let key = line.split(" = ").next().unwrap_or_default();
            format!("# {}\n{line}\n", about(key))
        });
        Ok(lines.collect())
    }

    /// The keys whose values differ from another configuration's.
    pub fn changed_from(&self, other: &Self) -> Vec<String> {
        let table = |config: &Self| config.to_toml().ok().and_then(|text| text.parse::<toml::Table>().ok());
        let (own, other) = (table(self).unwrap_or_default(), table(other).unwrap_or_default());
        own.into_iter().filter(|(key, value)| other.get(key) != Some(value)).map(|(key, _)| key).collect()
    }

    /// The optimiser's constants; `None` for L-BFGS, which is none of those that take a step a batch.
    pub fn optimizer_config(&self) -> Option<OptimizerConfig> {
        let weight_decay = self.weight_decay;
        let momentum = self.momentum;
        Some(match self.optimizer {
            OptimizerName::Sgd => Sgd { momentum, nesterov: false, weight_decay }.into(),
            OptimizerName::Nesterov => Sgd { momentum, nesterov: true, weight_decay }.into(),
            OptimizerName::Adam => Adam { weight_decay, ..Adam::default() }.into(),
            OptimizerName::AdamW => AdamW { weight_decay, ..AdamW::default() }.into(),
            OptimizerName::RmsProp => RmsProp { weight_decay, ..RmsProp::default() }.into(),
            OptimizerName::Lion => Lion { weight_decay, ..Lion::default() }.into(),
            OptimizerName::Lamb => Lamb { weight_decay, ..Lamb::default() }.into(),
            OptimizerName::Lbfgs => return None,
        })
    }

    /// How the learning rate changes over `total` steps.
    pub fn learning_rate_schedule(&self, total: u64) -> Schedule {
        let decay = match self.schedule {
            ScheduleName::Constant => Decay::Constant,
            ScheduleName::Cosine => Decay::Cosine { final_fraction: 0.0 },
            ScheduleName::Step => Decay::Step { every: total.div_ceil(3).max(1), factor: 0.1 },
        };
        Schedule { warmup: self.warmup, decay }
    }
}

/// A TOML file's keys and values.
fn table(text: &str, origin: &str) -> Result<toml::Table> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        Error::usage(format!("{origin}: line {line}: {}", error.message().replace('\n', " ")))
    })
}

/// A value of a TOML file as the text that [`Config::set`] takes.
fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(plain).collect();
            items.map(|items| items.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_round_trip() {
        let mut config = Config::default();
        config.set("hidden", "1000,500, 250").unwrap();
        config.set("optimizer", "adamw").unwrap();
        config.set("hidden", "").unwrap();
        config.set("decoder", "20,30").unwrap();
        let text = config.to_toml().unwrap();
        assert_eq!(Config::from_toml(&text, "test").unwrap(), config);
        for (key, _) in KEYS {
            assert!(text.contains(&format!("{key} = ")), "{key} is not written");
        }
    }

    #[test]
    fn a_file_starts_from_the_defaults_of_its_type() {
        let config = Config::from_toml("code = 50\nmodel = \"sparse\"", "test").unwrap();
        assert_eq!(config, Config { code: 50, ..Config::of(crate::autoencoders::ModelKind::Sparse) });
        assert_eq!(config.code_activation, ActivationName::Sigmoid);
        for model in crate::autoencoders::ModelKind::WORDS {
            let config = Config::of(model.parse().unwrap());
            config.validate().unwrap();
            assert_eq!(config.model.name(), *model);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let mut config = Config::default();
        let mut message = |key: &str, value: &str| config.set(key, value).unwrap_err().to_string();
        assert!(message("epoch", "3").contains("did you mean `epochs`"), "{}", message("epoch", "3"));
        assert!(message("lr", "nan").contains("a number above 0"));
        assert!(message("code", "0").contains("from 1"));
        assert!(message("batch", "-1").contains("batch is `-1`"));
        assert!(message("activation", "rellu").contains("did you mean `relu`"));
        assert!(message("hidden", "3,0").contains("hidden"));
        assert!(message("hidden", "16,,8").contains("hidden"));
        assert!(Config::from_toml("lr = [", "x.toml").unwrap_err().to_string().starts_with("x.toml: line 1"));
        assert!(Config::from_toml("[a]\nb=1", "x.toml").is_err());
        assert_eq!(config, Config::default(), "a refused value must not stay");
    }
}
