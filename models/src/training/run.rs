//! A run: its directory from a request, checkpoints on the way, and going on where it stopped.
//!
//! The directory holds `config.toml` (complete), `model.safetensors`, `state.safetensors`, `history.csv` and
//! `samples/`. Files are written beside their place and renamed, so a killed process leaves whole files; the state
//! is written every ten seconds or so and at the end, which is what such a process loses at most.

use super::observer::{Observer, RunInfo};
use super::resolve::{prepare, remarks};
use super::state::{STATE_FILE, parse};
use super::trainer::{Stopped, Trainer};
use super::{EpochRecord, history, load_test, load_train};
use crate::applications::filters::write_filters;
use crate::applications::reconstruct::write_samples;
use crate::config::Config;
use crate::data::{Dataset, Source};
use crate::files::{read_limited, write_bytes_atomically};
use crate::metrics::{Evaluation, Evaluator, Measure, Pca};
use crate::model::{MODEL_FILE, Model};
use crate::report::{grouped, html};
use crate::tensors::LARGEST_FILE;
use crate::{Error, ErrorKind, Result};
use narrows_engine::{Backend, Parameters, Split, Threads};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The configuration's file in a run directory.
pub(super) const CONFIG_FILE: &str = "config.toml";
/// The history's file in a run directory.
const HISTORY_FILE: &str = "history.csv";
/// The folder of pictures in a run directory.
const SAMPLES_FOLDER: &str = "samples";
/// The picture of the inputs that fire the first layer's units most, in that folder.
const FILTERS_FILE: &str = "filters.png";
/// No configuration is as long as this; a file given by mistake may be.
const LONGEST_CONFIG: u64 = 1 << 20;
/// How often a checkpoint is written.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

/// What to train, and where to put it.
#[derive(Debug, Clone)]
pub struct TrainRequest {
    /// The configuration, the source of the data in it.
    pub config: Config,
    /// The run directory, which must not hold a run yet.
    pub out: PathBuf,
    /// Stop after so many steps; the run can be resumed.
    pub max_steps: Option<u64>,
}

/// What a run gave.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The run directory.
    pub run: PathBuf,
    /// The model's figures on the test part.
    pub evaluation: Evaluation,
    /// Numbers in a code.
    pub code: usize,
    /// Epochs that are done.
    pub epochs: u64,
    /// Steps that are done.
    pub steps: u64,
    /// Seconds of training.
    pub seconds: f64,
    /// Training samples a second.
    pub samples_per_second: f64,
    /// Threads that took part.
    pub threads: usize,
    /// The vector instructions in use.
    pub isa: String,
    /// Whether all epochs are done, or nothing got better for as many as `patience` says.
    pub finished: bool,
    /// Whether it was the latter.
    pub ended_early: bool,
    /// The epoch whose weights were kept, where a validation part chose them.
    pub best_epoch: Option<u64>,
    /// What was chosen for the user, in words.
    pub decisions: Vec<String>,
}

/// Trains a model and writes its run directory.
///
/// # Errors
/// A configuration or data that make no sense; a directory that holds a run already or cannot be written; a loss
/// that is not a number.
pub fn train(request: &TrainRequest, threads: Threads<'_>, observer: &mut dyn Observer) -> Result<Outcome> {
    request.config.validate()?;
    let config = with_whole_path(request.config.clone())?;
    let (dataset, rows, validation) = load_train(&config)?;
    let (model, decisions) = prepare(config, &dataset, &rows)?;
    let trainer = Trainer::new(model, &dataset, rows, validation)?;
    try_test(trainer.model())?;
    begin(&trainer, &request.out)?;
    let learnt =
        threads.run(|split| learn(trainer, &dataset, &request.out, request.max_steps, decisions, split, observer))?;
    // The test part is read when the training part is gone: memory never holds both.
    drop(dataset);
    threads.run(|split| finish(learnt, &request.out, split))
}

/// Goes on with a run from its last checkpoint; `changes` are set in its configuration (more epochs, say).
///
/// # Errors
/// A directory without a run; a change that its state does not fit; the errors of [`train`].
pub fn resume(
    run: &Path,
    changes: &[(String, String)],
    max_steps: Option<u64>,
    threads: Threads<'_>,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    let state_path = run.join(STATE_FILE);
    if !state_path.exists() {
        return Err(Error::data(format!("{} holds no run that could be resumed", run.display())));
    }
    let bytes = read_limited(&state_path, LARGEST_FILE)?;
    let saved = parse(&bytes, &state_path.display().to_string())?;
    let config_path = run.join(CONFIG_FILE);
    let mut config = read_config(&config_path)?;
    changes.iter().try_for_each(|(key, value)| config.set(key, value))?;
    let config = with_whole_path(config)?;
    refuse_changes(&saved.config, &config)?;
    let stored = Model::load(run)?;
    let (dataset, rows, validation) = load_train(&config)?;
    let model = Model::new(config, stored.data().clone())?;
    let mut trainer = Trainer::new(model, &dataset, rows, validation)?;
    try_test(trainer.model())?;
    trainer.restore(saved)?;
    drop(bytes);
    if trainer.is_done() && changes.iter().any(|(key, _)| key != "data") {
        let (run, epochs) = (run.display(), trainer.history().len());
        return Err(Error::usage(match trainer.epochs() {
            _ if trainer.ended_early() && trainer.is_full_batch() => {
                format!("{run} has converged after {epochs} iterations; start a new run for another result")
            }
            _ if trainer.ended_early() => format!(
                "{run} ended after {epochs} epochs because its validation loss fell no more; give another --patience to go on"
            ),
            0 => format!("{run} is fitted in closed form, and there is nothing to go on with; start a new run"),
            _ => format!(
                "{run} is finished after {epochs} epochs, and has no use for a change; give more --epochs to go on"
            ),
        }));
    }
    let decisions = remarks(trainer.model());
    write_bytes_atomically(&config_path, trainer.model().config().to_toml()?.as_bytes())?;
    let learnt = threads.run(|split| learn(trainer, &dataset, run, max_steps, decisions, split, observer))?;
    drop(dataset);
    threads.run(|split| finish(learnt, run, split))
}

/// Refuses changes that a state cannot bear: what decides the model, the data or the meaning of a step.
fn refuse_changes(before: &Config, after: &Config) -> Result<()> {
    let allowed = Config {
        epochs: before.epochs,
        lr: before.lr,
        clip: before.clip,
        weight_decay: before.weight_decay,
        schedule: before.schedule,
        patience: before.patience,
        data: before.data.clone(),
        ..after.clone()
    };
    if allowed != *before {
        return Err(Error::usage(format!(
            "{} cannot change in a resumed run, only epochs, lr, schedule, clip, weight_decay, patience and the path of its \
             data; start a new run for anything else",
            changed_keys(before, &allowed)
        )));
    }
    Ok(())
}

/// The keys that differ, in words.
fn changed_keys(before: &Config, after: &Config) -> String {
    let text = before.to_toml().unwrap_or_default();
    let line =
        |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = ")).unwrap_or("another");
    let words: Vec<String> =
        before.changed_from(after).iter().map(|key| format!("{key} (it was {})", line(key))).collect();
    if words.is_empty() { "the configuration".into() } else { words.join(", ") }
}

/// Reads a configuration file.
///
/// # Errors
/// It cannot be read, is too long, or says what makes no sense.
pub fn read_config(path: &Path) -> Result<Config> {
    Config::from_toml(&config_text(path)?, &path.display().to_string())
}

fn config_text(path: &Path) -> Result<String> {
    let bytes = read_limited(path, LONGEST_CONFIG)?;
    String::from_utf8(bytes)
        .map_err(|_| Error::usage(format!("{} is not text in UTF-8; give a TOML file", path.display())))
}

/// Reads a configuration file over what is set already.
///
/// # Errors
/// As for [`read_config`].
pub fn read_config_over(config: &mut Config, path: &Path) -> Result<()> {
    config.read_toml(&config_text(path)?, &path.display().to_string())
}

/// The configuration with the whole path of its data, so that the run can be used from any folder.
fn with_whole_path(mut config: Config) -> Result<Config> {
    if let Some(path) = Source::parse(&config.data)?.path() {
        let whole = std::fs::canonicalize(path).map_err(|error| Error::io("find", path, error))?;
        config.data = whole
            .to_str()
            .ok_or_else(|| Error::data(format!("{}: the path is not UTF-8; rename it", whole.display())))?
            .to_owned();
    }
    Ok(config)
}

/// Reads the test part and lets it go, for it is better to fail before the training than after it.
///
/// It comes after the large reservations: freeing so much makes the system's allocator keep later blocks of that size
/// in its heap, where growing them left holes (134 against 122 MB for 784-1000-500-250-30, 2026-11-23).
fn try_test(model: &Model) -> Result<()> {
    let (dataset, ..) = load_test(model.config())?;
    model.check_fits(&dataset)?;
    // What evaluation will need is there, before hours are spent on training.
    Evaluator::new(model, Measure::default()).map(|_| ())
}

/// Makes the run directory, or takes an empty one, and writes the run as it begins: a run that dies early can be
/// resumed too. What was made is taken away again if that fails.
fn begin(trainer: &Trainer<'_>, out: &Path) -> Result<()> {
    let taken = [CONFIG_FILE, MODEL_FILE, STATE_FILE].iter().any(|file| out.join(file).exists());
    if taken {
        return Err(Error::usage(format!(
            "{} holds a run already; give another --out, or go on with --resume {}",
            out.display(),
            out.display()
        )));
    }
    let made = !out.exists();
    std::fs::create_dir_all(out).map_err(|error| Error::io("create the folder", out, error))?;
    let samples = out.join(SAMPLES_FOLDER);
    let begun = std::fs::create_dir_all(&samples)
        .map_err(|error| Error::io("create the folder", &samples, error))
        .and_then(|()| trainer.model().config().to_toml())
        .and_then(|text| write_bytes_atomically(&out.join(CONFIG_FILE), text.as_bytes()))
        .and_then(|()| checkpoint(trainer, out));
    if begun.is_err() {
        // The first error is what the caller must see.
        for file in [CONFIG_FILE, MODEL_FILE, STATE_FILE, HISTORY_FILE] {
            let _ = std::fs::remove_file(out.join(file));
        }
        let _ = std::fs::remove_dir(&samples);
        if made {
            let _ = std::fs::remove_dir(out);
        }
    }
    begun
}

/// What is left of a training when its data are gone.
struct Learnt {
    model: Model,
    /// The weights before a classifier's fine-tuning.
    before: Option<Parameters<f32>>,
    pca: Pca,
    outcome: Outcome,
    history: Vec<EpochRecord>,
}

/// Trains to the end, with checkpoints, and fits PCA on the same data.
fn learn(
    mut trainer: Trainer<'_>,
    dataset: &Dataset,
    run: &Path,
    max_steps: Option<u64>,
    decisions: Vec<String>,
    split: Split,
    observer: &mut dyn Observer,
) -> Result<Learnt> {
    observer.plan(&describe(&trainer, dataset, run, &decisions));
    let mut written = Instant::now();
    let mut kept = trainer.step_count();
    let stopped = trainer.run(split, max_steps, observer, &mut |trainer| {
        if written.elapsed() >= CHECKPOINT_EVERY {
            checkpoint(trainer, run)?;
            (written, kept) = (Instant::now(), trainer.step_count());
        }
        Ok(false)
    });
    let stopped = match stopped {
        Ok(stopped) => stopped,
        Err(error) => {
            // What went before is of use still; the first error is what the caller must see.
            let _ = write_bytes_atomically(&run.join(HISTORY_FILE), history::to_csv(trainer.history()).as_bytes());
            return Err(match error.kind() {
                ErrorKind::Training => {
                    Error::training(format!("{error}; {} holds the weights of step {kept}", run.display()))
                }
                _ => error,
            });
        }
    };
    checkpoint(&trainer, run)?;
    observer.phase("PCA of the same code size, then the test part");
    let outcome = Outcome {
        run: run.to_path_buf(),
        evaluation: Evaluation::default(),
        code: trainer.model().code_size(),
        epochs: trainer.history().len() as u64,
        steps: trainer.step_count(),
        seconds: trainer.seconds(),
        samples_per_second: trainer.samples() / trainer.seconds().max(1e-9),
        threads: split.threads(),
        isa: Backend::current().name().into(),
        finished: stopped == Stopped::Finished,
        ended_early: trainer.ended_early(),
        best_epoch: trainer.best_epoch(),
        decisions,
    };
    let (rows, history) = (trainer.rows().to_vec(), trainer.history().to_vec());
    let (model, before) = trainer.into_model();
    let (scale, shift) = model.data().scaler.scale_shift(dataset.features())?;
    let pca = Pca::fit(dataset, Some(&rows), &scale, &shift, model.code_size(), split)?;
    Ok(Learnt { model, before, pca, outcome, history })
}

/// The figures on the test part, beside PCA's, and the picture.
fn finish(learnt: Learnt, run: &Path, split: Split) -> Result<Outcome> {
    let Learnt { model, before, pca, mut outcome, history } = learnt;
    let (test, rows, held_out) = load_test(model.config())?;
    let evaluator = Evaluator::new(&model, Measure::default())?;
    let mut evaluation = evaluator.run(&test, &rows, split)?;
    if let Some(before) = &before {
        evaluation.accuracy_before_fine_tuning = evaluator.accuracy_with(before, &test, &rows, split)?;
    }
    evaluation.part = if held_out { "test" } else { "train" }.into();
    if !evaluation.loss.is_finite() || !evaluation.squared_error.is_finite() {
        let (part, loss, lr) = (&evaluation.part, evaluation.loss, model.config().lr);
        return Err(Error::training(format!(
            "the loss on the {part} part is {loss}; lower lr (now {lr:e}) or set clip"
        )));
    }
    let (scale, shift) = model.data().scaler.scale_shift(model.data().features)?;
    evaluation.pca_squared_error = Some(pca.squared_error(&test, Some(&rows), &scale, &shift, split)?);
    let samples = run.join(SAMPLES_FOLDER);
    write_samples(&model, &test, &rows, &samples.join("reconstructions.png"), split)?;
    write_filters(&model, &samples.join(FILTERS_FILE))?;
    outcome.evaluation = evaluation;
    let page = html::page(&model, &outcome, &history);
    write_bytes_atomically(&run.join("report.html"), page.as_bytes())?;
    Ok(outcome)
}

/// Writes the model, the state and the history.
fn checkpoint(trainer: &Trainer<'_>, run: &Path) -> Result<()> {
    if let Some(name) = trainer.not_finite() {
        let (step, lr) = (trainer.step_count(), trainer.model().config().lr);
        return Err(Error::training(format!(
            "step {step}: `{name}` holds what is not a finite number; lower lr (now {lr:e}) or set clip"
        )));
    }
    trainer.model().save_with(&run.join(MODEL_FILE), trainer.chosen())?;
    trainer.state().save(&run.join(STATE_FILE))?;
    write_bytes_atomically(&run.join(HISTORY_FILE), history::to_csv(trainer.history()).as_bytes())
}

fn describe(trainer: &Trainer<'_>, dataset: &Dataset, run: &Path, decisions: &[String]) -> RunInfo {
    let model = trainer.model();
    RunInfo {
        run: run.to_path_buf(),
        description: format!(
            "{} {}, {} parameters, loss {}",
            model.config().model.name(),
            model.layers(),
            grouped(model.trained_count()),
            model.config().loss.name()
        ),
        config: model.config().clone(),
        features: model.data().features,
        parameters: model.trained_count(),
        plan_bytes: trainer.bytes(),
        data_bytes: dataset.bytes(),
        samples: trainer.rows().len(),
        steps: trainer.steps(),
        epochs: trainer.epochs(),
        decisions: decisions.to_vec(),
    }
}
