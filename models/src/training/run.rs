//! A run: its directory from a request, checkpoints on the way, and going on where it stopped.
//!
//! The directory holds `config.toml` (complete), `model.safetensors`, `state.safetensors`, `history.csv` and
//! `samples/`. Files are written beside their place and renamed, so a killed process leaves whole files; the state
//! is written every ten seconds or so and at the end, which is what such a process loses at most.

use super::observer::{Observer, RunInfo};
use super::state::{STATE_FILE, parse};
use super::trainer::{Stopped, Trainer};
use super::{history, load_test, load_train};
use crate::applications::reconstruct::write_samples;
use crate::config::{Config, LossName};
use crate::data::{Dataset, Scaler};
use crate::files::write_bytes_atomically;
use crate::metrics::{Evaluation, Evaluator, Pca};
use crate::model::{DataInfo, MODEL_FILE, Model};
use crate::{Error, Result};
use narrows_engine::{Backend, Split, Threads};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The configuration's file in a run directory.
pub(super) const CONFIG_FILE: &str = "config.toml";
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
    /// Whether all epochs are done.
    pub finished: bool,
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
    let (dataset, rows, validation) = load_train(&request.config)?;
    let (config, scaler, decisions) = resolve(request.config.clone(), &dataset, &rows)?;
    let data = DataInfo {
        name: dataset.name().into(),
        features: dataset.features(),
        image: dataset.image(),
        scaler,
    };
    let model = Model::new(config, data)?;
    let trainer = Trainer::new(model, &dataset, rows, validation)?;
    create_directory(&request.out)?;
    write_bytes_atomically(&request.out.join(CONFIG_FILE), trainer.model().config().to_toml()?.as_bytes())?;
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
    let bytes = std::fs::read(&state_path).map_err(|error| Error::io("read", &state_path, error))?;
    let saved = parse(&bytes, &state_path.display().to_string())?;
    let config_path = run.join(CONFIG_FILE);
    let text = std::fs::read_to_string(&config_path).map_err(|error| Error::io("read", &config_path, error))?;
    let mut config = Config::from_toml(&text, &config_path.display().to_string())?;
    let before = config.clone();
    changes.iter().try_for_each(|(key, value)| config.set(key, value))?;
    refuse_changes(&before, &config)?;
    let stored = Model::load(run)?;
    let (dataset, rows, validation) = load_train(&config)?;
    let model = Model::new(config, stored.data().clone())?;
    let mut trainer = Trainer::new(model, &dataset, rows, validation)?;
    trainer.restore(saved)?;
    drop(bytes);
    write_bytes_atomically(&config_path, trainer.model().config().to_toml()?.as_bytes())?;
    let learnt = threads.run(|split| learn(trainer, &dataset, run, max_steps, Vec::new(), split, observer))?;
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
        data: before.data.clone(),
        ..after.clone()
    };
    if allowed != *before {
        return Err(Error::usage(
            "a resumed run can change epochs, lr, schedule, clip, weight_decay and the path of its data only; \
             start a new run for anything else",
        ));
    }
    Ok(())
}

/// Fits the scaler, and settles what was left to the data; says what it chose.
fn resolve(mut config: Config, dataset: &Dataset, rows: &[u32]) -> Result<(Config, Scaler, Vec<String>)> {
    let scaler = Scaler::fit(config.scaling, dataset, rows)?;
    let mut decisions = vec![format!("scaling: {}", scaler.name())];
    match config.loss {
        LossName::Auto => {
            config.loss = if scaler.is_unit() { LossName::Bce } else { LossName::Mse };
            let why = if scaler.is_unit() { "the scaled data lie in 0..1" } else { "the scaled data leave 0..1" };
            decisions.push(format!("loss: {}, for {why}", config.loss.name()));
        }
        LossName::Bce if !scaler.is_unit() => {
            return Err(Error::usage(
                "loss is bce, but the scaled data leave 0..1; give --loss mse, or --scaling range or minmax",
            ));
        }
        LossName::Bce | LossName::Mse => {}
    }
    Ok((config, scaler, decisions))
}

/// Makes the run directory, or takes an empty one.
fn create_directory(out: &Path) -> Result<()> {
    let taken = [CONFIG_FILE, MODEL_FILE, STATE_FILE].iter().any(|file| out.join(file).exists());
    if taken {
        return Err(Error::usage(format!(
            "{} holds a run already; give another --out, or go on with --resume {}",
            out.display(),
            out.display()
        )));
    }
    std::fs::create_dir_all(out).map_err(|error| Error::io("create the folder", out, error))
}

/// What is left of a training when its data are gone.
struct Learnt {
    model: Model,
    pca: Pca,
    outcome: Outcome,
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
    // At once, so that a run that dies early can be resumed too.
    checkpoint(&trainer, run)?;
    let mut written = Instant::now();
    let stopped = trainer.run(split, max_steps, observer, &mut |trainer| {
        if written.elapsed() >= CHECKPOINT_EVERY {
            checkpoint(trainer, run)?;
            written = Instant::now();
        }
        Ok(false)
    });
    let stopped = match stopped {
        Ok(stopped) => stopped,
        Err(error) => {
            // What went before is of use still; the first error is what the caller must see.
            let _ = write_bytes_atomically(&run.join("history.csv"), history::to_csv(trainer.history()).as_bytes());
            return Err(error);
        }
    };
    checkpoint(&trainer, run)?;
    let samples: f64 = trainer.history().iter().map(|record| record.samples_per_second * record.seconds).sum();
    let outcome = Outcome {
        run: run.to_path_buf(),
        evaluation: Evaluation::default(),
        epochs: trainer.history().len() as u64,
        steps: trainer.step_count(),
        seconds: trainer.seconds(),
        samples_per_second: samples / trainer.seconds().max(1e-9),
        threads: split.threads(),
        isa: Backend::current().name().into(),
        finished: stopped == Stopped::Finished,
        decisions,
    };
    let rows = trainer.rows().to_vec();
    let model = trainer.into_model()?;
    let (scale, shift) = model.data().scaler.scale_shift(dataset.features())?;
    let pca = Pca::fit(dataset, Some(&rows), &scale, &shift, model.code_size(), split)?;
    Ok(Learnt { model, pca, outcome })
}

/// The figures on the test part, beside PCA's, and the picture.
fn finish(learnt: Learnt, run: &Path, split: Split) -> Result<Outcome> {
    let Learnt { model, pca, mut outcome } = learnt;
    let (test, rows, held_out) = load_test(model.config())?;
    let mut evaluation = Evaluator::new(&model)?.run(&test, &rows, split)?;
    evaluation.part = if held_out { "test" } else { "train" }.into();
    let (scale, shift) = model.data().scaler.scale_shift(model.data().features)?;
    evaluation.pca_squared_error = Some(pca.squared_error(&test, Some(&rows), &scale, &shift, split)?);
    write_samples(&model, &test, &rows, &run.join("samples").join("reconstructions.png"), split)?;
    outcome.evaluation = evaluation;
    Ok(outcome)
}

/// Writes the model, the state and the history.
fn checkpoint(trainer: &Trainer<'_>, run: &Path) -> Result<()> {
    trainer.model().save_with(&run.join(MODEL_FILE), trainer.chosen())?;
    trainer.state().save(&run.join(STATE_FILE))?;
    write_bytes_atomically(&run.join("history.csv"), history::to_csv(trainer.history()).as_bytes())
}

fn describe(trainer: &Trainer<'_>, dataset: &Dataset, run: &Path, decisions: &[String]) -> RunInfo {
    let model = trainer.model();
    RunInfo {
        run: run.to_path_buf(),
        description: format!(
            "{} {}, {} parameters, loss {}",
            model.config().model.name(),
            model.layers(),
            model.parameters().count(),
            model.config().loss.name()
        ),
        parameters: model.parameters().count(),
        plan_bytes: trainer.bytes(),
        data_bytes: dataset.bytes(),
        samples: trainer.rows().len(),
        steps: trainer.steps(),
        epochs: model.config().epochs,
        decisions: decisions.to_vec(),
    }
}
