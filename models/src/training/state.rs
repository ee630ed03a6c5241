//! The state file of a run: what resuming needs so that it gives the bits of an uninterrupted run.
//!
//! Safetensors: `parameters`, the optimiser's tensors and, where there are, `best` (by validation), `average` and
//! `before` (a classifier's fine-tuning), all flat; the numbers (steps, the sums of the epoch at hand, the history) as
//! JSON in the metadata, floats by their bits.

use super::EpochRecord;
use super::optimizer::PhaseOptimizer;
use crate::config::Config;
use crate::tensors::{copy_tensor, read_tensors, write_tensors};
use crate::{Error, Result};
use safetensors::tensor::SafeTensors;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The state's file in a run directory.
pub const STATE_FILE: &str = "state.safetensors";
/// The version of the file.
const FORMAT: &str = "2";

/// A trainer's state, borrowed.
pub struct State<'a> {
    pub(super) config: &'a Config,
    pub(super) rows: u64,
    pub(super) step: u64,
    pub(super) phase: u64,
    pub(super) phase_step: u64,
    pub(super) ended_early: bool,
    pub(super) waited: u64,
    pub(super) sums: &'a [f64],
    pub(super) seconds: f64,
    pub(super) history: &'a [EpochRecord],
    pub(super) best: Option<(f64, u64, &'a [f32])>,
    pub(super) average: Option<&'a [f32]>,
    pub(super) before: Option<&'a [f32]>,
    pub(super) parameters: &'a [f32],
    pub(super) optimizer: Option<&'a PhaseOptimizer>,
}

/// The numbers of a state as they stand in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    state_format: String,
    config: Config,
    rows: u64,
    step: u64,
    phase: u64,
    phase_step: u64,
    ended_early: bool,
    waited: u64,
    /// Under the name that states of this format have for it.
    #[serde(rename = "rule")]
    optimizer: Vec<u64>,
    sums: Vec<u64>,
    seconds: f64,
    best: Option<(u64, u64)>,
    average: bool,
    before: bool,
    history: Vec<EpochRecord>,
}

/// What of the metadata is read in a file of any version.
#[derive(Debug, Deserialize)]
struct Version {
    state_format: String,
}

/// A state that was read.
#[derive(Debug)]
pub struct Saved<'a> {
    /// The configuration of the run that was saved.
    pub config: Config,
    pub(super) rows: u64,
    pub(super) step: u64,
    pub(super) phase: u64,
    pub(super) phase_step: u64,
    pub(super) ended_early: bool,
    pub(super) waited: u64,
    pub(super) optimizer: Vec<u64>,
    pub(super) average: bool,
    pub(super) before: bool,
    pub(super) sums: Vec<f64>,
    pub(super) seconds: f64,
    pub(super) best: Option<(f64, u64)>,
    pub(super) history: Vec<EpochRecord>,
    tensors: SafeTensors<'a>,
    origin: String,
}

impl State<'_> {
    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let numbers = Numbers {
            state_format: FORMAT.into(),
            config: self.config.clone(),
            rows: self.rows,
            step: self.step,
            phase: self.phase,
            phase_step: self.phase_step,
            ended_early: self.ended_early,
            waited: self.waited,
            optimizer: self.optimizer.map(PhaseOptimizer::numbers).unwrap_or_default(),
            average: self.average.is_some(),
            before: self.before.is_some(),
            sums: self.sums.iter().map(|sum| sum.to_bits()).collect(),
            seconds: self.seconds,
            best: self.best.map(|(loss, epoch, _)| (loss.to_bits(), epoch)),
            history: self.history.to_vec(),
        };
        let json = serde_json::to_string(&numbers)
            .map_err(|error| Error::training(format!("cannot write the state as JSON: {error}")))?;
        let sizes = [self.parameters.len()];
        let mut tensors: Vec<(&str, &[f32])> = vec![("parameters", self.parameters)];
        tensors.extend(self.optimizer.map(PhaseOptimizer::state).unwrap_or_default());
        let kept = [("best", self.best.map(|best| best.2)), ("average", self.average), ("before", self.before)];
        tensors.extend(kept.into_iter().filter_map(|(name, values)| Some((name, values?))));
        write_tensors(path, tensors.into_iter().map(|(name, values)| (name, &sizes[..], values)), json)
    }
}

/// Reads a state file's bytes; `origin` names them in errors.
///
/// # Errors
/// Bytes that are not a whole state file of this version.
pub fn parse<'a>(bytes: &'a [u8], origin: &str) -> Result<Saved<'a>> {
    let (tensors, metadata) = read_tensors(bytes, origin)?;
    let Version { state_format } = serde_json::from_str(&metadata)
        .map_err(|_| Error::model(format!("{origin} is not the state file of a run")))?;
    if state_format != FORMAT {
        return Err(Error::model(format!(
            "{origin} is a state file of version {state_format}; this program reads version {FORMAT}"
        )));
    }
    let numbers: Numbers = serde_json::from_str(&metadata)
        .map_err(|error| Error::model(format!("{origin}: its numbers cannot be read: {error}")))?;
    Ok(Saved {
        config: numbers.config,
        rows: numbers.rows,
        step: numbers.step,
        phase: numbers.phase,
        phase_step: numbers.phase_step,
        ended_early: numbers.ended_early,
        waited: numbers.waited,
        optimizer: numbers.optimizer,
        average: numbers.average,
        before: numbers.before,
        sums: numbers.sums.into_iter().map(f64::from_bits).collect(),
        seconds: numbers.seconds,
        best: numbers.best.map(|(loss, epoch)| (f64::from_bits(loss), epoch)),
        history: numbers.history,
        tensors,
        origin: origin.into(),
    })
}

impl Saved<'_> {
    /// One of the flat tensors.
    ///
    /// # Errors
    /// It is not there, or has another length.
    pub fn copy(&self, name: &str, to: &mut [f32]) -> Result<()> {
        let sizes = [to.len()];
        copy_tensor(&self.tensors, name, &sizes, to, &self.origin)
    }
}
