//! Named configurations, each with the source it is from and the figure that is expected of it.

use crate::config::Config;
use crate::suggest::did_you_mean;
use crate::{Error, Result};

/// A named configuration: settings over the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// What it is expected to reach, and on what.
    pub expected: &'static str,
    /// Keys of the configuration and their values.
    pub settings: &'static [(&'static str, &'static str)],
}

/// All presets, by name.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "keras-conv",
        about: "3x3 convolutions of 16, 8 and 8 filters, max pooling, nearest unpooling. Differs from the tutorial: every level \
                comes back at its own size (the tutorial has one convolution without padding), learning rate 3e-3 instead of \
                1e-3",
        source: "F. Chollet, Building Autoencoders in Keras, 2016, \"Convolutional autoencoder\"",
        expected: "MNIST, 3 epochs (--epochs 3): test cross-entropy at most 0.1188 a pixel (PyTorch with 1e-3); 50: 0.094 (the \
                   tutorial, training loss)",
        settings: &[
            ("model", "convolutional"),
            ("filters", "16,8,8"),
            ("kernel", "3"),
            ("downsample", "pool"),
            ("upsample", "nearest"),
            ("bottleneck", "map"),
            ("activation", "relu"),
            ("code_activation", "relu"),
            ("optimizer", "adam"),
            ("loss", "bce"),
            ("epochs", "50"),
            ("batch", "128"),
            ("lr", "3e-3"),
            ("schedule", "constant"),
            ("init", "glorot"),
        ],
    },
    Preset {
        name: "keras-io-conv",
        about: "3x3 convolutions of 32 and 32 filters, max pooling, transposed convolutions; 28,353 parameters on MNIST",
        source: "S. L. Valdarrama, Convolutional autoencoder for image denoising, keras.io, 2021",
        expected: "MNIST, 50 epochs: cross-entropy of the held-out images at most 0.0622 a pixel (the example, on clean images)",
        settings: &[
            ("model", "convolutional"),
            ("filters", "32,32"),
            ("kernel", "3"),
            ("downsample", "pool"),
            ("upsample", "transposed"),
            ("bottleneck", "map"),
            ("activation", "relu"),
            ("code_activation", "relu"),
            ("optimizer", "adam"),
            ("loss", "bce"),
            ("epochs", "50"),
            ("batch", "128"),
            ("lr", "1e-3"),
            ("schedule", "constant"),
            ("init", "glorot"),
        ],
    },
];

/// The preset of that name.
///
/// # Errors
/// There is none; the nearest is named.
pub fn preset(name: &str) -> Result<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
        let known: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        let near = did_you_mean(name, &known);
        Error::usage(format!("unknown preset `{name}`{near}; known: {}", known.join(", ")))
    })
}

impl Preset {
    /// Sets its keys in a configuration.
    ///
    /// # Errors
    /// None for the presets of [`PRESETS`], which a test tries.
    pub fn apply(&self, config: &mut Config) -> Result<()> {
        self.settings.iter().try_for_each(|(key, value)| config.set(key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_configuration_and_has_a_source() {
        for preset in PRESETS {
            let mut config = Config::default();
            preset.apply(&mut config).unwrap();
            config.validate().unwrap();
            assert_ne!(config, Config::default());
            assert!(!preset.source.is_empty() && !preset.expected.is_empty() && !preset.about.is_empty());
        }
        assert!(preset("keras-comv").unwrap_err().to_string().contains("did you mean `keras-conv`"));
    }
}
