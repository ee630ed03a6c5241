//! What an autoencoder takes, and what it gives.

use crate::data::{Column, ColumnKind, ImageShape};
use crate::objective::Posterior;
use narrows_engine::Var;
use std::sync::Arc;

/// What a sample is, as a model sees it: scaled numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its numbers.
    pub features: usize,
    /// How it is an image, if it is one.
    pub image: Option<ImageShape>,
    /// How many classes its labels tell apart, if there are labels.
    pub classes: Option<usize>,
    /// Whether the numbers lie in 0..1.
    pub unit: bool,
    /// The columns, of a table.
    pub columns: Option<Arc<[Column]>>,
    /// Whether numbers may be missing.
    pub missing: bool,
}

impl Sample {
    /// Samples of so many numbers in 0..1, or beyond, of which no more is known.
    pub fn plain(features: usize, unit: bool) -> Self {
        Self { features, image: None, classes: None, unit, columns: None, missing: false }
    }

    /// Whether some column holds no quantities.
    pub fn is_mixed(&self) -> bool {
        self.columns.as_ref().is_some_and(|all| all.iter().any(|column| column.kind != ColumnKind::Numeric))
    }
}

/// What an autoencoder is recorded over.
#[derive(Debug, Clone, Copy)]
pub struct Inputs {
    /// The samples, scaled, `[N, features]`; 0 where a number is missing.
    pub x: Var,
    /// The class of each sample, `[N, 1]`, for types that take it.
    pub labels: Option<Var>,
    /// 1 where a number is present and 0 where it is missing, `[N, features]`, for types that take it.
    pub mask: Option<Var>,
}

/// What an autoencoder takes besides the samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Takes {
    /// The class of each sample.
    pub labels: bool,
    /// Which numbers are present.
    pub mask: bool,
}

/// A code, which may be more than a vector.
#[derive(Debug, Clone)]
pub struct Code {
    /// What is decoded, `[N, code]`; of a distribution its mean, or a sample of it.
    pub value: Var,
    /// The distribution, where the code is one.
    pub posterior: Option<Posterior>,
    /// The number of the codebook's entry that each part of the code is, where there is a codebook.
    pub indices: Option<Var>,
    /// The encoder's own output, before a codebook.
    pub continuous: Option<Var>,
    /// The places of maxima that max unpooling needs; else empty.
    pub switches: Vec<Var>,
}

impl Code {
    /// A code that is a vector.
    pub fn of(value: Var) -> Self {
        Self { value, posterior: None, indices: None, continuous: None, switches: Vec::new() }
    }
}

/// What each sample adds to the objective.
#[derive(Debug, Clone)]
pub struct Scores {
    /// The terms by name, each `[N, 1]`.
    pub terms: Vec<(&'static str, Var)>,
    /// What each feature adds to the first of them, `[N, features]`.
    pub features: Var,
}
