//! A new run.

use super::claim::Claim;
use super::configuration::with_whole_path;
use super::files::{CONFIG_FILE, SAMPLES_FOLDER, checkpoint};
use super::fingerprint::fingerprint;
use super::learn::{Outcome, Work, try_test};
use crate::data::{load_train, spare};
use crate::files::write_bytes_atomically;
use crate::training::{Config, Observer, Prepared, Trainer, prepare, suit};
use crate::{Error, Result};
use narrows_engine::Threads;
use std::path::PathBuf;

/// What to train, and where to put it.
#[derive(Debug, Clone)]
pub struct TrainRequest {
    /// The configuration, the source of the data in it.
    pub config: Config,
    /// The run directory, which must not hold a run yet; without one `runs/MODEL-N` in the working directory, a new
    /// folder with the number after the highest one there.
    pub out: Option<PathBuf>,
    /// A model's file, or any of safetensors, that first weights are taken from wherever names and sizes agree.
    pub from: Option<PathBuf>,
    /// Stop after so many steps; the run can be resumed.
    pub max_steps: Option<u64>,
    /// The keys that somebody chose, where the others may follow the data's size ([`suit`]); `None` to leave all as they
    /// are.
    pub given: Option<Vec<String>>,
}

impl TrainRequest {
    /// To train by a configuration, in the next free folder, from weights that are drawn, to the end.
    pub fn new(config: Config) -> Self {
        Self { config, out: None, from: None, max_steps: None, given: None }
    }
}

/// Trains a model and writes its run directory, which is this process's alone until it is done.
///
/// A process may be killed at any moment. Before its state is written the same request begins the run again in the
/// same folder; from then on [`resume`](super::resume()) goes on with it.
///
/// # Errors
/// A configuration or data that make no sense; a directory that holds a run already, is being written by another process
/// or cannot be written; a loss that is not a number.
pub fn train(request: &TrainRequest, threads: Threads<'_>, observer: &mut dyn Observer) -> Result<Outcome> {
    let mut config = with_whole_path(request.config.clone())?;
    // Before the data are read: who comes second need not wait for them.
    let mut claim = match &request.out {
        Some(out) => Claim::begin(out)?,
        None => Claim::begin_numbered(config.kind().name())?,
    };
    let (dataset, mut rows, mut validation) = load_train(&config.data)?;
    let mut suited = Vec::new();
    if let Some(given) = &request.given {
        let spared = config.data.validation;
        suited = suit(&mut config, given, &dataset, rows.len() + validation.len())?;
        if config.data.validation != spared {
            (rows, validation) = spare(&config.data, rows)?;
        }
    }
    let Prepared { mut model, config, mut decisions } = prepare(&config, &dataset, &rows)?;
    decisions.splice(0..0, suited);
    if let Some(from) = &request.from {
        decisions.extend(model.start_from(from)?.lines(from));
    }
    let trainer = Trainer::new(model, config.training.clone(), &dataset, rows, validation)?;
    try_test(trainer.model())?;
    let fingerprint = fingerprint(&dataset)?;
    begin(&trainer, &config, &mut claim, &fingerprint)?;
    let work = Work {
        run: claim.folder(),
        config: &config,
        max_steps: request.max_steps,
        decisions,
        fingerprint: &fingerprint,
    };
    let learnt = threads.run(|split| work.learn(trainer, &dataset, split, observer))?;
    // The test part is read when the training part is gone: memory never holds both.
    drop(dataset);
    threads.run(|split| learnt.finish(split, observer))
}

/// Writes the run as it begins: one that dies early can be resumed too. The state, which makes it a run, comes last of
/// what resuming needs.
fn begin(trainer: &Trainer<'_>, config: &Config, claim: &mut Claim, fingerprint: &str) -> Result<()> {
    claim.mark_beginning()?;
    let run = claim.folder();
    let samples = run.join(SAMPLES_FOLDER);
    std::fs::create_dir_all(&samples).map_err(|error| Error::io("create the folder", &samples, error))?;
    write_bytes_atomically(&run.join(CONFIG_FILE), config.to_toml().as_bytes())?;
    checkpoint(trainer, run, fingerprint)?;
    claim.keep()
}
