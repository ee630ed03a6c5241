//! Words that a key may hold, each a variant of its own, and how any value is read from text.

use crate::{Error, Result};

/// What can stand behind a key.
pub(crate) trait Value: Sized {
    /// Reads it from text; `key` is for the message.
    fn read(key: &str, text: &str) -> Result<Self>;
}

/// Values that the standard library reads, and what to give in place of text that it does not.
macro_rules! numbers {
    ($($Type:ty: $want:literal,)*) => {
        $(impl Value for $Type {
            fn read(key: &str, text: &str) -> Result<Self> {
                text.trim().parse().map_err(|_| Error::usage(format!("{key} is `{text}`; give {}", $want)))
            }
        })*
    };
}

numbers! {
    usize: "a whole number",
    u64: "a whole number",
    f64: "a number",
    bool: "true or false",
}

impl Value for String {
    fn read(_: &str, text: &str) -> Result<Self> {
        Ok(text.to_owned())
    }
}

impl Value for Vec<usize> {
    fn read(key: &str, text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let unreadable =
            || format!("{key} is `{text}`; give whole numbers from 1 with commas between them, as in 512,256");
        text.split(',').map(|item| item.trim().parse().map_err(|_| Error::usage(unreadable()))).collect()
    }
}

impl Value for crate::data::ScalerKind {
    fn read(_: &str, text: &str) -> Result<Self> {
        text.parse()
    }
}

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

        impl $crate::config::words::Value for $Name {
            fn read(_: &str, text: &str) -> $crate::Result<Self> {
                text.parse()
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
    /// The activation of a decoder's output.
    OutputName, "output" {
        /// A sigmoid for the cross-entropy, else linear.
        Auto = "auto",
        /// None.
        Linear = "linear",
        /// 1 / (1 + e^−x)
        Sigmoid = "sigmoid",
    }
}

words! {
    /// What an encoder and a decoder are made of.
    BodyName, "body" {
        /// `convolutional` for the model of that name, else `dense`.
        Auto = "auto",
        /// Fully connected layers.
        Dense = "dense",
        /// Convolutions, and unpooling or transposed convolutions.
        Convolutional = "convolutional",
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
        /// Lion (Chen et al. 2023), at a third to a tenth of Adam's learning rate.
        Lion = "lion",
        /// LAMB (You et al. 2019), for large batches.
        Lamb = "lamb",
        /// L-BFGS over all samples at once (Liu & Nocedal 1989): an epoch is one iteration.
        Lbfgs = "lbfgs",
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

words! {
    /// How an input is corrupted before it is encoded; the loss compares with the clean one.
    CorruptionName, "corruption" {
        /// It is not.
        None = "none",
        /// Each component is 0 with probability `corruption_level` (Vincent et al. 2008).
        Masking = "masking",
        /// Exactly that share of the components of each sample is 0, rounded down.
        MaskingExact = "masking-exact",
        /// A normal number of deviation `corruption_level` is added to each component.
        Gaussian = "gaussian",
        /// Each component is, with probability `corruption_level`, 0 or 1 by a fair coin.
        SaltAndPepper = "salt-and-pepper",
    }
}

words! {
    /// Over what a sparse autoencoder takes a unit's mean activation.
    MeanName, "sparsity_mean" {
        /// The batch at hand.
        Batch = "batch",
        /// A running mean over batches, `sparsity_decay` of which stays at each step.
        Running = "running",
    }
}

words! {
    /// What a variational decoder's output says of a sample.
    LikelihoodName, "likelihood" {
        /// `bernoulli` if the data lie in 0..1, else `gaussian`.
        Auto = "auto",
        /// Probabilities: the loss is the binary cross-entropy.
        Bernoulli = "bernoulli",
        /// Means of normal distributions of deviation `sigma`.
        Gaussian = "gaussian",
        /// The same with the variance that fits best, the mean squared error itself (Rybkin et al. 2020).
        Sigma = "sigma-vae",
    }
}

words! {
    /// The type of the one-layer autoencoders that a stacked one is pretrained as.
    PretrainName, "pretrain" {
        /// Without a further term; denoising, if a corruption is set.
        Plain = "plain",
        /// With the divergence of mean activations from `sparsity`.
        Sparse = "sparse",
        /// With the sum of absolute activations.
        L1 = "l1",
        /// With the norm of the layer's Jacobian.
        Contractive = "contractive",
    }
}

words! {
    /// What follows the pretraining of a stacked autoencoder.
    FineTuneName, "fine_tune" {
        /// The whole autoencoder, on its reconstruction.
        Reconstruction = "reconstruction",
        /// A classifier on the code, first alone and then together with the encoder.
        Classifier = "classifier",
        /// Nothing.
        None = "none",
    }
}
