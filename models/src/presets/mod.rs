//! Named configurations, each with the source it is from and the figure that is expected of it.

mod list;

use crate::autoencoders::ModelKind;
use crate::config::Config;
use crate::suggest::did_you_mean;
use crate::{Error, Result};
pub use list::PRESETS;

/// A named configuration: settings over the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// The data that it is for.
    pub data: &'static str,
    /// Where it is from.
    pub source: &'static str,
    /// What is published, or was reached by another program, and is to be held against it.
    pub expected: &'static str,
    /// What it reached here, on two cores of an AMD EPYC on 2026-11-24.
    pub reached: &'static str,
    /// Keys of the configuration and their values.
    pub settings: &'static [(&'static str, &'static str)],
}

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
    /// Its type.
    ///
    /// # Errors
    /// None for the presets of [`PRESETS`], which a test tries.
    pub fn model(&self) -> Result<ModelKind> {
        let model = self.settings.iter().find(|(key, _)| *key == "model");
        model.map_or(Ok(ModelKind::Undercomplete), |(_, model)| model.parse())
    }

    /// The configuration: the defaults of its type with its settings.
    ///
    /// # Errors
    /// As for [`Self::model`].
    pub fn config(&self) -> Result<Config> {
        let mut config = Config::of(self.model()?);
        self.apply(&mut config)?;
        Ok(config)
    }

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
    use crate::autoencoders::Autoencoder;
    use narrows_engine::Parameters;

    #[test]
    fn every_preset_is_a_configuration_and_has_a_source() {
        for preset in PRESETS {
            let mut config = preset.config().unwrap();
            config.validate().unwrap();
            assert_eq!(preset.settings[0].0, "model", "{}", preset.name);
            assert_ne!(config, Config::of(config.model));
            assert!(
                !preset.source.is_empty()
                    && !preset.expected.is_empty()
                    && !preset.reached.is_empty()
                    && !preset.about.is_empty()
            );
            // Each makes a model for the data that it names.
            let side = if preset.data == "MNIST" { 28 } else { config.patch };
            config.data = "a folder".into();
            let image = crate::data::ImageShape { channels: 1, height: side, width: side };
            if config.loss == crate::config::LossName::Auto {
                config.loss = crate::config::LossName::Bce;
            }
            let made = Autoencoder::new::<f32>(&config, side * side, Some(image), Some(10), &mut Parameters::new());
            assert!(made.is_ok(), "{}: {}", preset.name, made.unwrap_err());
            assert!(crate::autoencoders::unused(&config).is_empty(), "{}: sets what is not read", preset.name);
        }
        assert!(preset("keras-comv").unwrap_err().to_string().contains("did you mean `keras-conv`"));
    }
}
