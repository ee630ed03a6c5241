//! What a training run tells whoever watches it.

use super::EpochRecord;
use std::path::PathBuf;

/// What is known before the first step.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// The run directory.
    pub run: PathBuf,
    /// The model in words.
    pub description: String,
    /// The configuration, complete.
    pub config: super::Config,
    /// Numbers in a sample.
    pub features: usize,
    /// Numbers that are trained.
    pub parameters: usize,
    /// Bytes of the plan's workspace and gradients, of parameters and of moments.
    pub plan_bytes: usize,
    /// Bytes of the data.
    pub data_bytes: usize,
    /// Samples that are trained on.
    pub samples: usize,
    /// Steps of the whole run.
    pub steps: u64,
    /// Epochs of the whole run.
    pub epochs: u64,
    /// What was chosen for the user, in words.
    pub decisions: Vec<String>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Steps taken.
    pub step: u64,
    /// Steps of the whole run.
    pub steps: u64,
    /// The epoch at work, from 1.
    pub epoch: u64,
    /// Epochs of the whole run.
    pub epochs: u64,
    /// Samples of this step.
    pub samples: u64,
    /// The loss of this step.
    pub loss: f64,
}

/// Is told what happens. Every method does nothing unless it is written.
pub trait Observer: Send {
    /// Before the first step.
    fn plan(&mut self, _info: &RunInfo) {}
    /// After every step.
    fn step(&mut self, _progress: &Progress) {}
    /// After every epoch.
    fn epoch(&mut self, _record: &EpochRecord) {}
    /// Asked after every step: whether to stop here. The run can be resumed.
    fn stop(&mut self) -> bool {
        false
    }
    /// What is being done when it is not a step.
    fn phase(&mut self, _what: &str) {}
    /// Something worth a line.
    fn note(&mut self, _line: &str) {}
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}
