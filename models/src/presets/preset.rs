//! What a preset is.

use crate::Result;
use crate::training::Config;

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

impl Preset {
    /// Its type.
    pub fn model(&self) -> &'static str {
        self.settings.iter().find(|(key, _)| *key == "model").map_or("undercomplete", |(_, model)| model)
    }

    /// The configuration: the defaults of its type with its settings.
    ///
    /// # Errors
    /// None for the presets of `PRESETS`, which a test tries.
    pub fn config(&self) -> Result<Config> {
        Config::of(self.model())?.with(self.settings)
    }

    /// Sets its keys in a configuration.
    ///
    /// # Errors
    /// None for the presets of `PRESETS`, which a test tries.
    pub fn apply(&self, config: &mut Config) -> Result<()> {
        self.settings.iter().try_for_each(|(key, value)| config.set(key, value))
    }
}
