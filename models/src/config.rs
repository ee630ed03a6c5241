//! What to train and how: one documented struct for TOML files, flags and the library.
//!
//! Every key can be set from text ([`Config::set`]), which is how files and flags arrive, so there is one place that
//! parses, one that checks and one message for each mistake. A key that does not exist suggests the nearest one.

use crate::autoencoders::{Bottleneck, Downsample, ModelKind, Upsample};
use crate::data::ScalerKind;
use crate::nn::{ActivationName, Init};
use crate::suggest::did_you_mean;
use crate::{Error, Result};
use narrows_engine::optim::{Decay, OptimizerConfig, Schedule};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::str::FromStr;

/// A set of words, each with its name in files and flags.
macro_rules! words {
    ($(#[$doc:meta])* $Name:ident, $what:literal { $($(#[$variant_doc:meta])* $Variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum $Name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $Variant,)*
        }

        impl $Name {
            /// All words, in the order of their listing.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// Its word.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$Variant => $word,)*
                }
            }
        }

        impl std::str::FromStr for $Name {
            type Err = $crate::Error;

            fn from_str(word: &str) -> $crate::Result<Self> {
                match word {
                    $($word => Ok(Self::$Variant),)*
                    _ => Err($crate::Error::usage(format!(
                        concat!("unknown ", $what, " `{}`{}; known: {}"),
                        word,
                        $crate::suggest::did_you_mean(word, Self::WORDS),
                        Self::WORDS.join(", ")
                    ))),
                }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What a reconstruction is compared by.
    LossName, "loss" {
        /// Follows the data: `bce` if all values lie in 0..1, else `mse`.
        Auto = "auto",
        /// The squared error, summed over features.
        Mse = "mse",
        /// The binary cross-entropy from logits, summed over features; the output is a sigmoid.
        Bce = "bce",
    }
}

words! {
    /// An optimiser.
    OptimizerName, "optimizer" {
        /// Stochastic gradient descent, with `momentum`.
        Sgd = "sgd",
        /// The same with Nesterov's momentum.
        Nesterov = "nesterov",
        /// Adam (Kingma & Ba 2014).
        Adam = "adam",
        /// Adam with decoupled weight decay (Loshchilov & Hutter 2017).
        AdamW = "adamw",
        /// RMSprop (Tieleman & Hinton 2012).
        RmsProp = "rmsprop",
    }
}

words! {
    /// How the learning rate falls.
    ScheduleName, "schedule" {
        /// It does not.
        Constant = "constant",
        /// Half a cosine wave, down to 0 at the last step.
        Cosine = "cosine",
        /// A tenth of it after each third of the steps.
        Step = "step",
    }
}

/// Everything that a training run is determined by, together with the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The source of the data: `digits` or a path.
    pub data: String,
    /// The type of the autoencoder.
    pub model: ModelKind,
    /// Units of the encoder's hidden layers; the decoder mirrors them.
    pub hidden: Vec<usize>,
    /// Units of the bottleneck.
    pub code: usize,
    /// Filters of each level of a convolutional encoder; the decoder mirrors them.
    pub filters: Vec<usize>,
    /// Rows and columns of a convolution's kernel, an odd number.
    pub kernel: usize,
    /// How a convolutional encoder makes images smaller.
    pub downsample: Downsample,
    /// How a convolutional decoder makes images larger.
    pub upsample: Upsample,
    /// What the code of a convolutional autoencoder is: its last image, or `code` numbers.
    pub bottleneck: Bottleneck,
    /// The hidden layers' activation.
    pub activation: ActivationName,
    /// The bottleneck's activation.
    pub code_activation: ActivationName,
    /// The loss.
    pub loss: LossName,
    /// How often the training part is gone through.
    pub epochs: u64,
    /// Samples in a batch; the last one of an epoch may be shorter.
    pub batch: usize,
    /// The learning rate.
    pub lr: f64,
    /// The optimiser.
    pub optimizer: OptimizerName,
    /// SGD's momentum, 0 to below 1.
    pub momentum: f64,
    /// The factor of the L2 penalty (with AdamW: of the decay), 0 or more.
    pub weight_decay: f64,
    /// How the learning rate falls.
    pub schedule: ScheduleName,
    /// Steps over which the learning rate rises to its value.
    pub warmup: u64,
    /// The largest global norm of a gradient; 0 for no clipping.
    pub clip: f64,
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
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "digits".into(),
            model: ModelKind::Undercomplete,
            hidden: vec![128],
            code: 16,
            filters: vec![16, 8, 8],
            kernel: 3,
            downsample: Downsample::Pool,
            upsample: Upsample::Nearest,
            bottleneck: Bottleneck::Map,
            activation: ActivationName::Relu,
            code_activation: ActivationName::Linear,
            loss: LossName::Auto,
            epochs: 60,
            batch: 32,
            lr: 2e-3,
            optimizer: OptimizerName::Adam,
            momentum: 0.9,
            weight_decay: 0.0,
            schedule: ScheduleName::Cosine,
            warmup: 0,
            clip: 0.0,
            seed: 0,
            validation: 0.0,
            test_fraction: 0.2,
            scaling: ScalerKind::Auto,
            init: Init::Uniform,
        }
    }
}

/// Every key and what it means.
pub const KEYS: &[(&str, &str)] = &[
    ("data", "source of the data: digits, or a folder of IDX files"),
    ("model", "type of the autoencoder"),
    ("hidden", "undercomplete: units of the encoder's hidden layers, as in 512,256; the decoder mirrors them"),
    ("code", "units of the bottleneck; of a convolutional model if bottleneck is dense"),
    ("filters", "convolutional: filters of each level of the encoder, as in 16,8,8; the decoder mirrors them"),
    ("kernel", "convolutional: rows and columns of a kernel, an odd number"),
    ("downsample", "convolutional: pool or stride"),
    ("upsample", "convolutional: nearest, max or transposed"),
    ("bottleneck", "convolutional: map (the last image is the code) or dense (code numbers)"),
    ("activation", "activation of the hidden layers"),
    ("code_activation", "activation of the bottleneck"),
    ("loss", "auto, mse or bce"),
    ("epochs", "how often the training part is gone through"),
    ("batch", "samples in a batch"),
    ("lr", "learning rate"),
    ("optimizer", "sgd, nesterov, adam, adamw or rmsprop"),
    ("momentum", "momentum of sgd, nesterov and rmsprop's relative, 0 to below 1"),
    ("weight_decay", "factor of the L2 penalty, or of adamw's decay"),
    ("schedule", "constant, cosine or step"),
    ("warmup", "steps over which the learning rate rises"),
    ("clip", "largest global norm of a gradient; 0 for none"),
    ("seed", "seed of weights, shuffles, splits and noise"),
    ("validation", "fraction of the training part to choose the best weights by"),
    ("test_fraction", "fraction held out for the test where the source has no test part"),
    ("scaling", "auto, none, range, minmax or standard"),
    ("init", "how weights start: uniform, he or glorot"),
];

impl Config {
    /// Reads TOML over the defaults; `origin` names it in errors.
    ///
    /// # Errors
    /// Text that is not TOML, a key that does not exist, a value that makes no sense.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self> {
        let mut config = Self::default();
        config.read_toml(text, origin)?;
        Ok(config)
    }

    /// Reads TOML over what is set already.
    ///
    /// # Errors
    /// As for [`Self::from_toml`].
    pub fn read_toml(&mut self, text: &str, origin: &str) -> Result<()> {
        let table: toml::Table = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
            Error::usage(format!("{origin}: line {line}: {}", error.message().replace('\n', " ")))
        })?;
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

    fn assign(&mut self, key: &str, value: &str) -> Result<()> {
        match key {
            "data" => self.data = value.to_owned(),
            "model" => self.model = value.parse()?,
            "hidden" => self.hidden = list(key, value)?,
            "code" => self.code = number(key, value, "a whole number from 1")?,
            "filters" => self.filters = list(key, value)?,
            "kernel" => self.kernel = number(key, value, "an odd number")?,
            "downsample" => self.downsample = value.parse()?,
            "upsample" => self.upsample = value.parse()?,
            "bottleneck" => self.bottleneck = value.parse()?,
            "activation" => self.activation = value.parse()?,
            "code_activation" => self.code_activation = value.parse()?,
            "loss" => self.loss = value.parse()?,
            "epochs" => self.epochs = number(key, value, "a whole number from 1")?,
            "batch" => self.batch = number(key, value, "a whole number from 1")?,
            "lr" => self.lr = number(key, value, "a number above 0")?,
            "optimizer" => self.optimizer = value.parse()?,
            "momentum" => self.momentum = number(key, value, "a number from 0 to below 1")?,
            "weight_decay" => self.weight_decay = number(key, value, "a number from 0")?,
            "schedule" => self.schedule = value.parse()?,
            "warmup" => self.warmup = number(key, value, "a whole number")?,
            "clip" => self.clip = number(key, value, "a number from 0")?,
            "seed" => self.seed = number(key, value, "a whole number")?,
            "validation" => self.validation = number(key, value, "a number from 0 to below 1")?,
            "test_fraction" => self.test_fraction = number(key, value, "a number from 0 to below 1")?,
            "scaling" => self.scaling = value.parse()?,
            "init" => self.init = value.parse()?,
            _ => {
                let known: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
                return Err(Error::usage(format!("unknown key `{key}`{}", did_you_mean(key, &known))));
            }
        }
        Ok(())
    }

    /// Checks every value by itself; what depends on the data is checked when training starts.
    ///
    /// # Errors
    /// The first value that makes no sense, with what to give instead.
    pub fn validate(&self) -> Result<()> {
        let refuse =
            |key: &str, value: &dyn Display, want: &str| Err(Error::usage(format!("{key} is {value}; give {want}")));
        for (key, list, unit) in [("hidden", &self.hidden, "unit"), ("filters", &self.filters, "filter")] {
            if list.contains(&0) {
                return refuse(
                    key,
                    &format!("a list with a layer of 0 {unit}s"),
                    &format!("at least 1 {unit} a layer"),
                );
            }
            if list.len() > 64 {
                return refuse(key, &format!("{} layers", list.len()), "at most 64");
            }
        }
        if self.kernel.is_multiple_of(2) || self.kernel > 1023 {
            return refuse("kernel", &self.kernel, "an odd number from 1 to 1023");
        }
        for (key, value) in [("code", self.code as u64), ("epochs", self.epochs), ("batch", self.batch as u64)] {
            if value == 0 || value > u64::from(u32::MAX) {
                return refuse(key, &value, "a whole number from 1 to 4294967295");
            }
        }
        // TOML holds whole numbers up to 2^63 - 1.
        for (key, value) in [("seed", self.seed), ("warmup", self.warmup)] {
            if value > i64::MAX as u64 {
                return refuse(key, &value, "a whole number up to 9223372036854775807");
            }
        }
        if !(self.lr > 0.0 && self.lr <= 1e30) {
            return refuse("lr", &format!("{:e}", self.lr), "a number above 0, up to 1e30");
        }
        for (key, value, most) in [("weight_decay", self.weight_decay, 1e6), ("clip", self.clip, 1e30)] {
            if !(0.0..=most).contains(&value) {
                return refuse(key, &format!("{value:e}"), &format!("a number from 0 to {most:e}"));
            }
        }
        let fractions =
            [("momentum", self.momentum), ("validation", self.validation), ("test_fraction", self.test_fraction)];
        for (key, value) in fractions {
            if !(0.0..1.0).contains(&value) {
                return refuse(key, &value, "a number from 0 to below 1");
            }
        }
        Ok(())
    }

    /// The configuration as TOML, complete, in the order of [`KEYS`].
    ///
    /// # Errors
    /// A number that TOML cannot hold (a seed above 2^63 − 1).
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::usage(format!("cannot write the configuration as TOML: {error}")))
    }

    /// The optimiser's constants.
    pub fn optimizer_config(&self) -> OptimizerConfig {
        let weight_decay = self.weight_decay;
        match self.optimizer {
            OptimizerName::Sgd => OptimizerConfig::Sgd { momentum: self.momentum, nesterov: false, weight_decay },
            OptimizerName::Nesterov => OptimizerConfig::Sgd { momentum: self.momentum, nesterov: true, weight_decay },
            OptimizerName::Adam => OptimizerConfig::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay },
            OptimizerName::AdamW => OptimizerConfig::AdamW { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay },
            OptimizerName::RmsProp => {
                OptimizerConfig::RmsProp { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, weight_decay }
            }
        }
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

fn number<N: FromStr>(key: &str, value: &str, want: &str) -> Result<N> {
    value.trim().parse().map_err(|_| Error::usage(format!("{key} is `{value}`; give {want}")))
}

fn list(key: &str, value: &str) -> Result<Vec<usize>> {
    if value.trim().is_empty() {
        return Ok(Vec::new());
    }
    let items = value.split(',').map(str::trim);
    let unreadable =
        || format!("{key} is `{value}`; give whole numbers from 1 with commas between them, as in 512,256");
    items.map(|item| item.parse().map_err(|_| Error::usage(unreadable()))).collect()
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
        let text = config.to_toml().unwrap();
        assert_eq!(Config::from_toml(&text, "test").unwrap(), config);
        for (key, _) in KEYS {
            assert!(text.contains(&format!("{key} = ")), "{key} is not written");
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
