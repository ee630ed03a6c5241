//! The hidden layers of a decoder: those of the encoder turned round, or a list of their own.

use super::words::Value;
use crate::Result;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Units of a decoder's hidden layers, from the code to the output. In files and flags `mirror`, or a list as in
/// `256,512`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DecoderLayers {
    /// Those of the encoder, turned round.
    #[default]
    Mirror,
    /// These.
    Units(Vec<usize>),
}

impl DecoderLayers {
    /// The units for an encoder with `hidden` ones.
    pub fn units(&self, hidden: &[usize]) -> Vec<usize> {
        match self {
            Self::Mirror => hidden.iter().rev().copied().collect(),
            Self::Units(units) => units.clone(),
        }
    }
}

impl std::fmt::Display for DecoderLayers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mirror => f.write_str("mirror"),
            Self::Units(units) => f.write_str(&units.iter().map(usize::to_string).collect::<Vec<_>>().join(",")),
        }
    }
}

impl Value for DecoderLayers {
    fn read(key: &str, text: &str) -> Result<Self> {
        if text.trim() == "mirror" { Ok(Self::Mirror) } else { Vec::read(key, text).map(Self::Units) }
    }
}

impl Serialize for DecoderLayers {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DecoderLayers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read("decoder", &text).map_err(serde::de::Error::custom)
    }
}
