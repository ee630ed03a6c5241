//! What a new run and one that goes on have in common: training with checkpoints, then the figures on the test part.

use super::files::{FILTERS_FILE, RECONSTRUCTIONS_FILE, REPORT_FILE, SAMPLES_FOLDER, checkpoint, write_history};
use super::page::{Effort, Shown, page};
use crate::applications::filters::write_filters;
use crate::applications::reconstruct::write_samples;
use crate::applications::uses;
use crate::data::{Dataset, load_test};
use crate::figure::grouped;
use crate::linalg::Pca;
use crate::metrics::{Evaluation, Evaluator, Measure};
use crate::model::{Model, Session};
use crate::objective::Reconstruction;
use crate::training::{Config, EpochRecord, Observer, RunInfo, Stopped, Trainer};
use crate::{Error, ErrorKind, Result};
use narrows_engine::{Backend, Parameters, Split};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a checkpoint is written.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(10);

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
    /// What the model can be put to use for, as the tool calls it; see [`uses`].
    pub uses: Vec<&'static str>,
}

/// A training that is about to start, in a run directory that is claimed.
pub(super) struct Work<'a> {
    pub(super) run: &'a Path,
    pub(super) config: &'a Config,
    pub(super) max_steps: Option<u64>,
    /// What was chosen for the user, in words.
    pub(super) decisions: Vec<String>,
    /// The training data's.
    pub(super) fingerprint: &'a str,
}

/// What is left of a training when its data are gone.
pub(super) struct Learnt {
    model: Arc<Model>,
    config: Config,
    /// The weights before a classifier's fine-tuning.
    before: Option<Parameters<f32>>,
    /// Or why there is none.
    pca: Result<Pca>,
    outcome: Outcome,
    history: Vec<EpochRecord>,
}

impl Work<'_> {
    /// Trains to the end, with checkpoints, and fits PCA on the same data.
    pub(super) fn learn(
        self,
        mut trainer: Trainer<'_>,
        dataset: &Dataset,
        split: Split,
        observer: &mut dyn Observer,
    ) -> Result<Learnt> {
        observer.plan(&describe(&trainer, self.config, self.run, &self.decisions));
        let stopped = self.train(&mut trainer, split, observer)?;
        checkpoint(&trainer, self.run, self.fingerprint)?;
        observer.phase("PCA of the same code size");
        let outcome = Outcome {
            run: self.run.to_path_buf(),
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
            decisions: self.decisions,
            uses: uses(trainer.model()),
        };
        let (rows, history) = (trainer.rows().to_vec(), trainer.history().to_vec());
        let (model, before) = trainer.into_model();
        let pca = Pca::fit(dataset, Some(&rows), &model.data().preprocessing, model.code_size(), split);
        Ok(Learnt { model: Arc::new(model), config: self.config.clone(), before, pca, outcome, history })
    }

    /// Trains, with a checkpoint every now and then.
    fn train(&self, trainer: &mut Trainer<'_>, split: Split, observer: &mut dyn Observer) -> Result<Stopped> {
        let mut written = Instant::now();
        let mut kept = trainer.step_count();
        let stopped = trainer.run(split, self.max_steps, observer, &mut |trainer| {
            if written.elapsed() >= CHECKPOINT_EVERY {
                checkpoint(trainer, self.run, self.fingerprint)?;
                (written, kept) = (Instant::now(), trainer.step_count());
            }
            Ok(false)
        });
        stopped.map_err(|error| {
            // What went before is of use still; the first error is what the caller must see.
            let _ = write_history(trainer, self.run);
            match error.kind() {
                ErrorKind::Training => {
                    Error::training(format!("{error}; {} holds the weights of step {kept}", self.run.display()))
                }
                _ => error,
            }
        })
    }
}

impl Learnt {
    /// The figures on the test part, beside PCA's, and the pictures.
    pub(super) fn finish(self, split: Split, observer: &mut dyn Observer) -> Result<Outcome> {
        observer.phase("the figures on the test part");
        let Learnt { model, config, before, pca, mut outcome, history } = self;
        let (test, rows, held_out) = load_test(model.source(), &model.data().known())?;
        let mut evaluator = Evaluator::new(&model, Measure::default())?;
        let mut evaluation = evaluator.run(&test, &rows, split)?;
        if let Some(before) = &before {
            evaluation.accuracy_before_fine_tuning = evaluator.accuracy_with(before, &test, &rows, split)?;
        }
        evaluation.part = if held_out { "test" } else { "train" }.into();
        if !evaluation.loss().is_finite() || !evaluation.squared_error().is_finite() {
            let (part, loss, lr) = (&evaluation.part, evaluation.loss(), config.training.lr);
            return Err(Error::training(format!(
                "the loss on the {part} part is {loss}; lower lr (now {lr:e}) or set clip"
            )));
        }
        let preprocessing = &model.data().preprocessing;
        let beside = pca.as_ref().map(|pca| pca.squared_error(&test, Some(&rows), preprocessing, split));
        match beside {
            Ok(Ok(error)) => evaluation.pca_squared_error = Some(error),
            Ok(Err(why)) => evaluation.no_pca = Some(why.to_string()),
            Err(why) => evaluation.no_pca = Some(why.to_string()),
        }
        let samples = outcome.run.join(SAMPLES_FOLDER);
        let mut session = Session::new(Arc::clone(&model)).on(split);
        write_samples(&mut session, &test, &rows, &samples.join(RECONSTRUCTIONS_FILE))?;
        write_filters(&model, &samples.join(FILTERS_FILE))?;
        outcome.evaluation = evaluation;
        observer.phase("the report");
        let effort = Effort {
            epochs: outcome.epochs,
            steps: outcome.steps,
            seconds: outcome.seconds,
            samples_per_second: outcome.samples_per_second,
            threads: outcome.threads,
            isa: &outcome.isa,
        };
        let page = page(&mut Shown {
            run: &outcome.run,
            session: &mut session,
            config: &config,
            evaluation: &outcome.evaluation,
            effort,
            history: &history,
            decisions: &outcome.decisions,
            test: &test,
            rows: &rows,
            pca: pca.as_ref().ok(),
            split,
        });
        // The run is whole without its page.
        if let Err(error) = page.write(&outcome.run.join(REPORT_FILE)) {
            outcome.decisions.push(format!("no report: {error}"));
        }
        Ok(outcome)
    }
}

/// Reads the test part and lets it go, for it is better to fail before the training than after it.
///
/// It comes after the large reservations: freeing so much makes the system's allocator keep later blocks of that size
/// in its heap, where growing them left holes (134 against 122 MB for 784-1000-500-250-30, 2026-11-23).
pub(super) fn try_test(model: &Model) -> Result<()> {
    let preprocessing = &model.data().preprocessing;
    let (dataset, rows, _) = load_test(model.source(), &model.data().known())?;
    model.check_fits(&dataset)?;
    let autoencoder = model.autoencoder();
    let unit = matches!(autoencoder.parts().reconstruction, Reconstruction::CrossEntropy);
    preprocessing.check_targets(&dataset, &rows, unit, autoencoder.takes().mask)?;
    // What evaluation will need is there, before hours are spent on training.
    Evaluator::new(model, Measure::default()).map(|_| ())
}

fn describe(trainer: &Trainer<'_>, config: &Config, run: &Path, decisions: &[String]) -> RunInfo {
    let model = trainer.model();
    RunInfo {
        run: run.to_path_buf(),
        description: format!(
            "{} {}, {} parameters, loss {}",
            model.kind().name(),
            model.layers(),
            grouped(model.trained_count()),
            model.setting("loss").unwrap_or_default()
        ),
        config: config.clone(),
        features: model.data().features,
        parameters: model.trained_count(),
        plan_bytes: trainer.bytes(),
        data_bytes: trainer.dataset().bytes(),
        samples: trainer.rows().len(),
        steps: trainer.steps(),
        epochs: trainer.epochs(),
        decisions: decisions.to_vec(),
    }
}
