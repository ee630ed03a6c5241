//! The training loop: phases, epochs, steps. It knows no files.
//!
//! A run is one phase, or for a stacked autoencoder several; each has a plan and an optimiser of its own, made when it
//! begins. Shuffles and noise are functions of (seed, epoch, step), so the state of a run is the parameters, the
//! moments, the number of steps and the sums of the epoch at hand. `step` takes the steps, `checkpoint` makes a state
//! of them and goes on from one.

use super::EpochRecord;
use super::observer::{Observer, Progress};
use super::optimizer::PhaseOptimizer;
use super::recording::{Recording, Scaling};
use crate::autoencoders::Phase;
use crate::config::OptimizerName;
use crate::data::{Dataset, Samples};
use crate::metrics::Pca;
use crate::model::Model;
use crate::{Error, Result};
use narrows_engine::Context;
use narrows_engine::gemm::warm_up;
use narrows_engine::{Parameters, RawRows, Split};
use std::time::Instant;

/// Samples that a full batch is at least taken in at a time, where it may be taken in parts.
const PART: usize = 1000;

/// Why a call of [`Trainer::run`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// All epochs are done, or nothing got better for long enough.
    Finished,
    /// The given number of steps is reached.
    Steps,
    /// The caller's closure asked for it.
    Asked,
}

/// The best weights of a phase so far, by the loss over the validation part.
pub(super) struct Best {
    pub(super) loss: f64,
    /// The epoch that gave them; 0 before the first.
    pub(super) epoch: u64,
    pub(super) parameters: Parameters<f32>,
}

/// Training of one model on some rows of some data.
pub struct Trainer<'a> {
    pub(super) model: Model,
    pub(super) dataset: &'a Dataset,
    pub(super) rows: Vec<u32>,
    pub(super) validation: Vec<u32>,
    pub(super) scaling: Scaling,
    pub(super) phases: Vec<Phase>,
    /// The phase at work, and the steps taken in it.
    pub(super) phase: usize,
    pub(super) phase_step: u64,
    /// Whether the phase at work has come to its end before its epochs were over.
    pub(super) ended_early: bool,
    /// The plans of the phase at work; none for a model that is fitted.
    pub(super) recording: Option<Recording>,
    pub(super) validator: Option<Recording>,
    pub(super) optimizer: Option<PhaseOptimizer>,
    /// The moving average of the weights.
    pub(super) average: Option<Parameters<f32>>,
    /// The weights before a classifier's fine-tuning.
    pub(super) before: Option<Parameters<f32>>,
    pub(super) order: Vec<u32>,
    pub(super) batch: Vec<u32>,
    pub(super) order_epoch: Option<u64>,
    pub(super) step: u64,
    /// Sums over the samples of the epoch at hand: samples, loss, terms.
    pub(super) sums: Vec<f64>,
    pub(super) seconds: f64,
    pub(super) history: Vec<EpochRecord>,
    pub(super) best: Option<Best>,
    /// Epochs since the best one.
    pub(super) waited: u64,
    fitted: bool,
}

impl<'a> Trainer<'a> {
    /// Records the model's objective and reserves everything that training needs.
    ///
    /// # Errors
    /// No rows to train on; a configuration that makes no sense for the data; no memory.
    pub fn new(model: Model, dataset: &'a Dataset, rows: Vec<u32>, validation: Vec<u32>) -> Result<Self> {
        model.check_fits(dataset)?;
        if rows.is_empty() {
            return Err(Error::data(format!("{}: no rows to train on", dataset.name())));
        }
        let phases = model.autoencoder().phases(model.config());
        if model.autoencoder().has_classifier() {
            let known = model.data().classes.unwrap_or(0);
            if dataset.labels().is_none() || dataset.classes() > known {
                let (name, found) = (dataset.name(), dataset.classes());
                return Err(Error::data(format!(
                    "{name} has labels of {found} classes; the model's classifier tells {known} apart: give data with those \
                     labels"
                )));
            }
        }
        let (scale, shift) = model.data().scaler.scale_shift(model.data().features)?;
        let epochs: u64 = phases.iter().map(|phase| phase.epochs).sum();
        let best = match validation.is_empty() || phases.is_empty() {
            true => None,
            false => Some(Best { loss: f64::INFINITY, epoch: 0, parameters: model.parameters().try_clone()? }),
        };
        let average =
            (model.config().ema > 0.0 && !phases.is_empty()).then(|| model.parameters().try_clone()).transpose()?;
        let mut trainer = Self {
            order: vec![0; rows.len()],
            batch: vec![0; rows.len()],
            order_epoch: None,
            history: Vec::with_capacity(epochs.min(1 << 16) as usize),
            scaling: Scaling { scale, shift },
            phase: 0,
            phase_step: 0,
            ended_early: false,
            recording: None,
            validator: None,
            optimizer: None,
            before: None,
            step: 0,
            sums: Vec::new(),
            seconds: 0.0,
            waited: 0,
            fitted: false,
            model,
            dataset,
            rows,
            validation,
            phases,
            average,
            best,
        };
        trainer.begin_phase()?;
        Ok(trainer)
    }

    /// Makes the plans and the optimiser of the phase at work.
    pub(super) fn begin_phase(&mut self) -> Result<()> {
        let Some(phase) = self.phases.get(self.phase) else { return Ok(()) };
        let config = self.model.config();
        let rows = match (self.is_full_batch(), self.model.autoencoder().couples_samples()) {
            (true, true) => self.rows.len(),
            (true, false) => config.batch.max(PART).min(self.rows.len()),
            (false, _) => config.batch.min(self.rows.len()),
        };
        // The old plans' memory first.
        (self.recording, self.validator, self.optimizer) = (None, None, None);
        let recording = Recording::training(&self.model, phase, rows)?;
        if !self.validation.is_empty() {
            let all = self.validation.len();
            let rows = if self.model.autoencoder().couples_samples() { all } else { rows.min(all) };
            self.validator = Some(Recording::validation(&self.model, phase, rows)?);
        }
        self.optimizer = Some(PhaseOptimizer::new(config, &recording.plan, self.model.parameters())?);
        self.sums = vec![0.0; 2 + recording.objective.terms.len()];
        self.recording = Some(recording);
        if let Some(average) = &mut self.average {
            average.flat_mut().copy_from_slice(self.model.parameters().flat());
        }
        if let Some(best) = &mut self.best {
            (best.loss, best.epoch) = (f64::INFINITY, 0);
        }
        (self.phase_step, self.ended_early, self.waited) = (0, false, 0);
        Ok(())
    }

    /// Whether every step sees all samples.
    pub(super) fn is_full_batch(&self) -> bool {
        self.model.config().optimizer == OptimizerName::Lbfgs
    }

    /// Steps in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        if self.is_full_batch() { 1 } else { self.rows.len().div_ceil(self.model.config().batch) as u64 }
    }

    /// Steps of all epochs of all phases.
    pub fn steps(&self) -> u64 {
        let epochs = self.phases.iter().fold(0u64, |sum, phase| sum.saturating_add(phase.epochs));
        self.steps_per_epoch().saturating_mul(epochs)
    }

    /// Steps of the phase at work.
    pub(super) fn phase_steps(&self) -> u64 {
        self.phases.get(self.phase).map_or(0, |phase| self.steps_per_epoch().saturating_mul(phase.epochs))
    }

    /// Epochs of all phases.
    pub fn epochs(&self) -> u64 {
        self.phases.iter().map(|phase| phase.epochs).sum()
    }

    /// Steps taken.
    pub fn step_count(&self) -> u64 {
        self.step
    }

    /// Samples trained on, those before a resume included.
    pub fn samples(&self) -> f64 {
        self.history.len() as f64 * self.rows.len() as f64 + self.sums.first().copied().unwrap_or(0.0)
    }

    /// The first parameter or moment that holds something else than finite numbers, if one does.
    pub fn not_finite(&self) -> Option<&str> {
        let parameters = self.model.parameters();
        let broken = |values: &[f32]| values.iter().any(|x| !x.is_finite());
        let parameter = parameters.ids().find(|&id| broken(parameters.view(id))).map(|id| parameters.name(id));
        let state = || match &self.optimizer {
            Some(PhaseOptimizer::Batches(optimizer)) => {
                optimizer.state().find(|(_, values)| broken(values)).map(|(name, _)| name)
            }
            // Its own checks keep L-BFGS's pairs finite; what it holds of frozen parameters means nothing.
            _ => None,
        };
        parameter.or_else(state)
    }

    /// The rows that are trained on.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The model as it stands.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model, with the weights that are kept (see [`Self::chosen`]), and those before a classifier's fine-tuning.
    pub fn into_model(mut self) -> (Model, Option<Parameters<f32>>) {
        let chosen = self.best.take().filter(|best| best.epoch > 0).map(|best| best.parameters).or(self.average.take());
        if let Some(chosen) = chosen {
            self.model.parameters_mut().flat_mut().copy_from_slice(chosen.flat());
        }
        (self.model, self.before)
    }

    /// The weights that the model file should hold: the best by validation, or the moving average, or the last.
    pub fn chosen(&self) -> &Parameters<f32> {
        match (&self.best, &self.average) {
            (Some(best), _) if best.epoch > 0 => &best.parameters,
            (_, Some(average)) => average,
            _ => self.model.parameters(),
        }
    }

    /// The epoch whose weights are the best so far, if a validation part chooses them.
    pub fn best_epoch(&self) -> Option<u64> {
        self.best.as_ref().map(|best| best.epoch).filter(|&epoch| epoch > 0)
    }

    /// Whether the last phase ended because nothing got better.
    pub fn ended_early(&self) -> bool {
        self.ended_early
    }

    /// What the epochs gave.
    pub fn history(&self) -> &[EpochRecord] {
        &self.history
    }

    /// Seconds of training, those before a resume included.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Bytes of the workspace, the parameters, the moments and what else is as long as these.
    pub fn bytes(&self) -> usize {
        let flat = self.model.parameters().flat().len() * 4;
        let moments =
            self.optimizer.as_ref().map_or(0, |optimizer| optimizer.buffers(self.model.config().lbfgs_memory));
        let kept = [self.best.is_some(), self.average.is_some(), self.before.is_some()];
        let plans = [&self.recording, &self.validator].into_iter().flatten().map(|recording| recording.plan.bytes());
        plans.sum::<usize>() + flat * (1 + moments + kept.into_iter().filter(|&kept| kept).count())
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        let last = self.phase + 1 >= self.phases.len();
        last && (self.phase_step >= self.phase_steps() || self.ended_early)
    }

    /// Trains until all epochs are done, `limit` steps are taken, or `stop`, asked after every step, says so.
    ///
    /// # Errors
    /// A loss or a gradient that is not a finite number, by the name of its term.
    pub fn run(
        &mut self,
        split: Split,
        limit: Option<u64>,
        observer: &mut dyn Observer,
        stop: &mut dyn FnMut(&Self) -> Result<bool>,
    ) -> Result<Stopped> {
        if self.model.autoencoder().is_fitted() {
            self.fit(split)?;
            return Ok(Stopped::Finished);
        }
        if let Some(recording) = &self.recording {
            // Every thread's scratch memory now, so that no step has to reserve any.
            warm_up::<f32>(Context { backend: recording.plan.backend(), split });
        }
        while !self.is_done() {
            if limit.is_some_and(|limit| self.step >= limit) {
                return Ok(Stopped::Steps);
            }
            self.one(split, observer)?;
            if observer.stop() || stop(self)? {
                return Ok(if self.is_done() { Stopped::Finished } else { Stopped::Asked });
            }
        }
        Ok(Stopped::Finished)
    }

    /// A step, and what comes with the end of an epoch or of a phase.
    fn one(&mut self, split: Split, observer: &mut dyn Observer) -> Result<()> {
        if self.phase_step == 0 && self.phases.len() > 1 {
            observer.phase(&self.phases[self.phase].name);
        }
        let (steps, epochs, per_epoch) = (self.steps(), self.epochs(), self.steps_per_epoch());
        let started = Instant::now();
        let samples = self.take_step(split)?;
        self.seconds += started.elapsed().as_secs_f64();
        let loss = match self.is_full_batch() {
            true => self.sums[1] / self.sums[0].max(1.0),
            false => {
                self.recording.as_ref().map_or(Ok(0.0), |recording| recording.number(recording.objective.total))?
            }
        };
        let epoch = self.history.len() as u64 + 1;
        observer.step(&Progress { step: self.step, steps, epoch, epochs, samples, loss });
        if self.phase_step.is_multiple_of(per_epoch) {
            self.end_epoch(epoch, split)?;
            if let Some(record) = self.history.last() {
                observer.epoch(record);
            }
        }
        let over = self.phase_step >= self.phase_steps() || self.ended_early;
        if over && self.phase + 1 < self.phases.len() {
            self.next_phase()?;
        }
        Ok(())
    }

    /// Goes over to the next phase, from the weights that this one chose.
    fn next_phase(&mut self) -> Result<()> {
        let chosen = self.chosen().try_clone()?;
        self.model.parameters_mut().flat_mut().copy_from_slice(chosen.flat());
        if self.phases[self.phase].is_classifier() {
            self.before = Some(chosen);
        }
        self.phase += 1;
        self.begin_phase()
    }

    /// Fits a model that has a closed form.
    fn fit(&mut self, split: Split) -> Result<()> {
        if self.fitted {
            return Ok(());
        }
        let started = Instant::now();
        let Scaling { scale, shift } = &self.scaling;
        let pca = Pca::fit(self.dataset, Some(&self.rows), scale, shift, self.model.code_size(), split)?;
        let autoencoder = self.model.autoencoder().clone();
        autoencoder.fit(&pca, self.model.parameters_mut());
        self.fitted = true;
        self.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }
}

/// A dataset's numbers as the engine takes them.
pub(crate) fn raw(dataset: &Dataset) -> RawRows<'_, f32> {
    match dataset.samples() {
        Samples::U8(bytes) => RawRows::Bytes(bytes),
        Samples::F32(values) => RawRows::Values(values),
    }
}
