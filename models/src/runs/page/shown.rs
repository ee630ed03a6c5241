//! What a page is made of.

use crate::data::Dataset;
use crate::linalg::Pca;
use crate::metrics::Evaluation;
use crate::model::{Model, Session};
use crate::training::{Config, EpochRecord};
use narrows_engine::Split;
use std::path::Path;

/// What a training took.
pub(in crate::runs) struct Effort<'a> {
    pub(in crate::runs) epochs: u64,
    pub(in crate::runs) steps: u64,
    pub(in crate::runs) seconds: f64,
    pub(in crate::runs) samples_per_second: f64,
    pub(in crate::runs) threads: usize,
    /// The vector instructions in use.
    pub(in crate::runs) isa: &'a str,
}

/// What a page is made of.
pub(in crate::runs) struct Shown<'a> {
    pub(in crate::runs) run: &'a Path,
    pub(in crate::runs) session: &'a mut Session,
    pub(in crate::runs) config: &'a Config,
    pub(in crate::runs) evaluation: &'a Evaluation,
    pub(in crate::runs) effort: Effort<'a>,
    pub(in crate::runs) history: &'a [EpochRecord],
    /// What was chosen for the user, in words.
    pub(in crate::runs) decisions: &'a [String],
    /// What the model is tried on.
    pub(in crate::runs) test: &'a Dataset,
    pub(in crate::runs) rows: &'a [u32],
    /// Fitted to the training part, where there can be one.
    pub(in crate::runs) pca: Option<&'a Pca>,
    pub(in crate::runs) split: Split,
}

impl Shown<'_> {
    pub(super) fn model(&self) -> &Model {
        self.session.model()
    }

    /// What a class is called.
    pub(super) fn class(&self, label: u32) -> String {
        let names = self.test.class_names();
        names.and_then(|names| names.get(label as usize)).cloned().unwrap_or_else(|| label.to_string())
    }
}
