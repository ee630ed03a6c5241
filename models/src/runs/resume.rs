//! Going on with a run.

use super::claim::Claim;
use super::configuration::{read_config, with_whole_path};
use super::files::CONFIG_FILE;
use super::fingerprint::fingerprint;
use super::learn::{Outcome, Work, try_test};
use crate::autoencoders::Registry;
use crate::data::load_train;
use crate::files::{read_limited, write_bytes_atomically};
use crate::model::Model;
use crate::settings::{plain, table};
use crate::tensors::LARGEST_FILE;
use crate::training::state::{STATE_FILE, Saved, parse};
use crate::training::{Config, Observer, Trainer, TrainingSettings, remarks};
use crate::{Error, Result};
use narrows_engine::Threads;
use std::path::{Path, PathBuf};

/// Which run to go on with, and how.
#[derive(Debug, Clone)]
pub struct ResumeRequest {
    /// The run directory.
    pub run: PathBuf,
    /// Keys of the configuration that change, with their values: more epochs, say.
    pub changes: Vec<(String, String)>,
    /// Stop after so many steps, those before included.
    pub max_steps: Option<u64>,
    /// Where the run's type is known by name; [`Registry::standard`] knows this crate's.
    pub registry: Registry,
    /// Go on although the training data are others than those that the run was trained on.
    pub accept_changed_data: bool,
}

impl ResumeRequest {
    /// To go on with a run of one of this crate's types, as it is, to its end.
    pub fn new(run: impl Into<PathBuf>) -> Self {
        let registry = Registry::standard();
        Self { run: run.into(), changes: Vec::new(), max_steps: None, registry, accept_changed_data: false }
    }
}

/// Goes on with a run from its last checkpoint.
///
/// More epochs stretch the schedule of the learning rate: its shape becomes that of a run which had asked for as many
/// from the start. The rate may jump where training goes on, and a line says from what to what. Rejected: to begin the
/// schedule anew for the added epochs alone, for the result would then depend on where the run had been stopped.
///
/// # Errors
/// A directory without a run, or one that another process writes; a change that its state does not fit; other data than
/// before; the errors of [`train`](super::train()).
pub fn resume(request: &ResumeRequest, threads: Threads<'_>, observer: &mut dyn Observer) -> Result<Outcome> {
    let claim = Claim::resume(&request.run)?;
    let run = claim.folder();
    let state_path = run.join(STATE_FILE);
    let bytes = read_limited(&state_path, LARGEST_FILE)?;
    let saved = parse(&bytes, &state_path.display().to_string())?;
    let config_path = run.join(CONFIG_FILE);
    let mut config = read_config(&config_path, &request.registry)?;
    request.changes.iter().try_for_each(|(key, value)| config.set(key, value))?;
    let config = with_whole_path(config)?;
    refuse_changes(&saved, &config)?;
    let stored = Model::load_with(run, config.registry())?;
    let (dataset, rows, validation) = load_train(&config.data)?;
    let mut model = Model::new(config.kind(), config.model.clone(), config.data.clone(), stored.data().clone())?;
    model.set_trained(table(&config.training));
    let mut trainer = Trainer::new(model, config.training.clone(), &dataset, rows, validation)?;
    try_test(trainer.model())?;
    let (before, of_before, had_ended) = (saved.config.clone(), saved.fingerprint.clone(), saved.ended_early);
    trainer.restore(saved)?;
    drop(bytes);
    let mut decisions = remarks(trainer.model(), &config);
    let fingerprint = fingerprint(&dataset)?;
    if of_before.is_some_and(|of_before| of_before != fingerprint) {
        decisions.push(other_data(request, &config.data.source)?);
    }
    if trainer.is_done() && request.changes.iter().any(|(key, _)| key != "data" && key != "source") {
        refuse_no_use(&trainer, run, had_ended)?;
    }
    decisions.extend(new_rate(&trainer, &before));
    write_bytes_atomically(&config_path, config.to_toml().as_bytes())?;
    let work = Work { run, config: &config, max_steps: request.max_steps, decisions, fingerprint: &fingerprint };
    let learnt = threads.run(|split| work.learn(trainer, &dataset, split, observer))?;
    drop(dataset);
    threads.run(|split| learnt.finish(split, observer))
}

/// What is said where the data are others and that is allowed.
fn other_data(request: &ResumeRequest, data: &str) -> Result<String> {
    let run = request.run.display();
    if request.accept_changed_data {
        return Ok(format!("data: {data} holds other training samples than the run began with"));
    }
    Err(Error::data(format!(
        "{data} holds other training samples or labels than {run} was trained on; put those back, or give \
         --accept-changed-data to go on with these"
    )))
}

/// The learning rate before and from here on, where a longer run or another schedule moves it.
fn new_rate(trainer: &Trainer<'_>, before: &TrainingSettings) -> Option<String> {
    let config = trainer.settings();
    if (config.epochs, config.schedule) == (before.epochs, before.schedule) {
        return None;
    }
    let change = trainer.rate_change(before)?;
    Some(format!(
        "schedule: {} over all {} epochs, as if they had been asked for from the start; the learning rate was {:.3e} in \
         step {} and is {:.3e} from here",
        config.schedule.name(),
        trainer.epochs(),
        change.last,
        trainer.step_count(),
        change.next
    ))
}

/// Refuses changes of a run that has nothing left to do. With less patience than has been waited already a run that was
/// stopped on the way is over: it goes on to its figures.
fn refuse_no_use(trainer: &Trainer<'_>, run: &Path, had_ended: bool) -> Result<()> {
    if trainer.ended_early() && !had_ended {
        return Ok(());
    }
    let (run, epochs) = (run.display(), trainer.history().len());
    Err(Error::usage(match trainer.epochs() {
        _ if trainer.ended_early() && trainer.has_converged() => {
            format!("{run} has converged after {epochs} iterations; start a new run for another result")
        }
        _ if trainer.ended_early() => format!(
            "{run} ended after {epochs} epochs because its validation loss fell no more, and keeps its best weights; to \
             go on give more --patience than {}, or 0 for no end by it",
            trainer.waited()
        ),
        0 => format!("{run} is fitted in closed form, and there is nothing to go on with; start a new run"),
        _ => {
            format!("{run} is finished after {epochs} epochs, and has no use for a change; give more --epochs to go on")
        }
    }))
}

/// What may change in a resumed run.
const FREE: [&str; 7] = ["epochs", "lr", "schedule", "clip", "weight_decay", "patience", "source"];

/// Refuses changes that a state cannot bear: what decides the model, the data or the meaning of a step.
fn refuse_changes(saved: &Saved<'_>, after: &Config) -> Result<()> {
    let (kind, model, data) = &saved.made;
    let training = table(&saved.config);
    let defaults = Config::within(after.kind().name(), after.registry())?.keys();
    let mut changed = Vec::new();
    if kind != after.kind().name() {
        changed.push(format!("model (it was {kind})"));
    }
    for (_, key, value) in after.keys().into_iter().filter(|(_, key, _)| !FREE.contains(&key.name)) {
        let stored = [data, model, &training].into_iter().find_map(|table| table.get(key.name));
        // A key that is newer than the run had its default, whatever that was called.
        let before =
            stored.or_else(|| defaults.iter().find(|(_, known, _)| known.name == key.name).map(|(.., value)| value));
        if before != Some(&value) {
            let before = before.and_then(plain).unwrap_or_else(|| "another".into());
            changed.push(format!("{} (it was {before})", key.name));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{} cannot change in a resumed run, only epochs, lr, schedule, clip, weight_decay, patience and the path of its data; \
         start a new run for anything else",
        changed.join(", ")
    )))
}
