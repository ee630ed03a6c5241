//! How codes are compared.

use crate::{Error, Result, suggest};
use narrows_engine::scan::Distance;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How codes are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// By the angle between codes, `1 - cos`.
    #[default]
    Cosine,
    /// By `‖a - b‖`.
    Euclidean,
    /// By the number of bits that differ, of one bit for each number of a code: whether it is above the median of its
    /// dimension. 32 times smaller, and faster.
    Hamming,
}

impl Metric {
    /// Their names.
    pub const NAMES: [&'static str; 3] = ["cosine", "euclidean", "hamming"];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Euclidean => "euclidean",
            Self::Hamming => "hamming",
        }
    }

    /// The distance of numbers; for bits, that of the numbers they were made of.
    pub(super) fn of_numbers(self) -> Distance {
        match self {
            Self::Cosine => Distance::Cosine,
            Self::Euclidean | Self::Hamming => Distance::Euclidean,
        }
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = [Self::Cosine, Self::Euclidean, Self::Hamming];
        all.into_iter().find(|metric| metric.name() == text).ok_or_else(|| {
            let hint = suggest::nearest(text, &Self::NAMES).map(|near| format!("; did you mean `{near}`?"));
            let names = Self::NAMES.join(", ");
            Error::usage(format!("there is no metric `{text}`, only {names}{}", hint.unwrap_or_default()))
        })
    }
}
