//! The state file of a run: what resuming needs so that it gives the bits of an uninterrupted run.
//!
//! Safetensors: `parameters`, the optimiser's tensors and, where there are, `best` (by validation), `average` and
//! `before` (a classifier's fine-tuning), all flat; the numbers (steps, the sums of the epoch at hand, the history) as
//! JSON in the metadata, floats by their bits.

use super::EpochRecord;
use super::TrainingSettings;
use super::optimizer::PhaseOptimizer;
use crate::model::Model;
use crate::settings::{plain, set, table};
use crate::tensors::{copy_tensor, read_tensors, write_tensors};
use crate::{Error, Result};
use safetensors::tensor::SafeTensors;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The state's file in a run directory.
pub const STATE_FILE: &str = "state.safetensors";
/// The version of the file.
const FORMAT: &str = "3";

/// A trainer's state, borrowed.
pub struct State<'a> {
    pub(super) model: &'a Model,
    pub(super) config: &'a TrainingSettings,
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
    pub(super) optimizers: Vec<&'a PhaseOptimizer>,
    pub(super) fingerprint: Option<&'a str>,
}

/// The numbers of a state as they stand in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    state_format: String,
    kind: String,
    model: toml::Table,
    data: toml::Table,
    config: toml::Table,
    rows: u64,
    step: u64,
    phase: u64,
    phase_step: u64,
    ended_early: bool,
    waited: u64,
    /// Of each player.
    optimizers: Vec<Vec<u64>>,
    sums: Vec<u64>,
    seconds: f64,
    best: Option<(u64, u64)>,
    average: bool,
    before: bool,
    history: Vec<EpochRecord>,
    /// States that were written before there was one have none.
    #[serde(default)]
    fingerprint: Option<String>,
}

/// What of the metadata is read in a file of any version.
#[derive(Debug, Deserialize)]
struct Version {
    state_format: String,
}

/// A state that was read.
#[derive(Debug)]
pub struct Saved<'a> {
    /// The type, the settings and the keys of the data of the run that was saved.
    pub made: (String, toml::Table, toml::Table),
    /// How it is trained.
    pub config: TrainingSettings,
    /// What tells the data of the run from others; see [`State::with_fingerprint`].
    pub fingerprint: Option<String>,
    pub(crate) ended_early: bool,
    pub(super) rows: u64,
    pub(super) step: u64,
    pub(super) phase: u64,
    pub(super) phase_step: u64,
    pub(super) waited: u64,
    pub(super) optimizers: Vec<Vec<u64>>,
    pub(super) average: bool,
    pub(super) before: bool,
    pub(super) sums: Vec<f64>,
    pub(super) seconds: f64,
    pub(super) best: Option<(f64, u64)>,
    pub(super) history: Vec<EpochRecord>,
    tensors: SafeTensors<'a>,
    origin: String,
}

impl<'a> State<'a> {
    /// The same state with what tells its data from others, for whoever wants to know at a resume. Any text will do.
    pub fn with_fingerprint(self, fingerprint: &'a str) -> Self {
        Self { fingerprint: Some(fingerprint), ..self }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let numbers = Numbers {
            state_format: FORMAT.into(),
            kind: self.model.kind().name().into(),
            model: table(self.model.settings()),
            data: table(self.model.source()),
            config: table(self.config),
            rows: self.rows,
            step: self.step,
            phase: self.phase,
            phase_step: self.phase_step,
            ended_early: self.ended_early,
            waited: self.waited,
            optimizers: self.optimizers.iter().map(|optimizer| optimizer.numbers()).collect(),
            average: self.average.is_some(),
            before: self.before.is_some(),
            sums: self.sums.iter().map(|sum| sum.to_bits()).collect(),
            seconds: self.seconds,
            best: self.best.map(|(loss, epoch, _)| (loss.to_bits(), epoch)),
            history: self.history.to_vec(),
            fingerprint: self.fingerprint.map(str::to_owned),
        };
        let json = serde_json::to_string(&numbers)
            .map_err(|error| Error::training(format!("cannot write the state as JSON: {error}")))?;
        let sizes = [self.parameters.len()];
        let mut tensors: Vec<(String, &[f32])> = vec![("parameters".into(), self.parameters)];
        for (player, optimizer) in self.optimizers.iter().enumerate() {
            tensors.extend(optimizer.state().into_iter().map(|(name, values)| (of_player(name, player), values)));
        }
        let kept = [("best", self.best.map(|best| best.2)), ("average", self.average), ("before", self.before)];
        tensors.extend(kept.into_iter().filter_map(|(name, values)| Some((name.to_owned(), values?))));
        write_tensors(path, tensors.iter().map(|(name, values)| (name.as_str(), &sizes[..], *values)), json)
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
            "{origin} is a state file of version {state_format}; this program reads version {FORMAT}: train again"
        )));
    }
    let numbers: Numbers = serde_json::from_str(&metadata)
        .map_err(|error| Error::model(format!("{origin}: its numbers cannot be read: {error}")))?;
    let mut config = TrainingSettings::default();
    for (key, value) in &numbers.config {
        let text = plain(value).ok_or_else(|| Error::model(format!("{origin}: `{key}` is a {}", value.type_str())))?;
        set(&mut config, key, &text).map_err(|error| Error::model(format!("{origin}: {error}")))?;
    }
    Ok(Saved {
        made: (numbers.kind, numbers.model, numbers.data),
        config,
        rows: numbers.rows,
        step: numbers.step,
        phase: numbers.phase,
        phase_step: numbers.phase_step,
        ended_early: numbers.ended_early,
        waited: numbers.waited,
        optimizers: numbers.optimizers,
        average: numbers.average,
        before: numbers.before,
        sums: numbers.sums.into_iter().map(f64::from_bits).collect(),
        seconds: numbers.seconds,
        best: numbers.best.map(|(loss, epoch)| (f64::from_bits(loss), epoch)),
        history: numbers.history,
        fingerprint: numbers.fingerprint,
        tensors,
        origin: origin.into(),
    })
}

/// The name of a player's tensor; the first one's have no number.
pub(super) fn of_player(name: &str, player: usize) -> String {
    if player == 0 { name.to_owned() } else { format!("{name}.{player}") }
}

impl Saved<'_> {
    /// One of the flat tensors.
    ///
    /// # Errors
    /// It is not there, or has another length.
    pub fn copy(&self, name: &str, to: &mut [f32]) -> Result<()> {
        let sizes = [to.len()];
        copy_tensor(&self.tensors, name, &sizes, to, &self.origin).map(|_| ())
    }
}
