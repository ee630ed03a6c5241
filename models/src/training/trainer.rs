//! The training loop: phases, epochs, steps. It knows no files.
//!
//! A run is one phase, or for a stacked autoencoder several; each has a plan and an optimiser of its own, made when it
//! begins. Shuffles and noise are functions of (seed, epoch, step), so the state of a run is the parameters, the
//! moments, the number of steps and the sums of the epoch at hand. `step` takes the steps, `checkpoint` makes a state
//! of them and goes on from one.

use super::EpochRecord;
use super::observer::{Observer, Progress};
use super::optimizer::PhaseOptimizer;
use super::recording::Recording;
use super::{OptimizerName, TrainingSettings};
use crate::autoencoders::{Phase, Prepare};
use crate::data::{Dataset, Preprocessing};
use crate::model::Model;
use crate::{Error, Result};
use narrows_engine::Context;
use narrows_engine::gemm::warm_up;
use narrows_engine::{Parameters, Split};
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

/// One who moves parameters: plans and an optimiser.
pub(super) struct Seat {
    pub(super) recording: Recording,
    pub(super) optimizer: PhaseOptimizer,
}

/// Training of one model on some rows of some data.
pub struct Trainer<'a> {
    pub(super) model: Model,
    pub(super) settings: TrainingSettings,
    pub(super) dataset: &'a Dataset,
    pub(super) rows: Vec<u32>,
    pub(super) validation: Vec<u32>,
    pub(super) preprocessing: Preprocessing,
    pub(super) phases: Vec<Phase>,
    /// The phase at work, and the steps taken in it.
    pub(super) phase: usize,
    pub(super) phase_step: u64,
    /// Whether the phase at work has come to its end before its epochs were over.
    pub(super) ended_early: bool,
    /// The players of the phase at work; none for a model of closed form.
    pub(super) seats: Vec<Seat>,
    pub(super) validator: Option<Recording>,
    /// The moving average of the weights.
    pub(super) average: Option<Parameters<f32>>,
    /// The weights before a classifier's fine-tuning.
    pub(super) before: Option<Parameters<f32>>,
    pub(super) order: Vec<u32>,
    pub(super) batch: Vec<u32>,
    pub(super) order_epoch: Option<u64>,
    pub(super) step: u64,
    /// Sums over the samples of the epoch at hand: samples, loss, the terms of all players.
    pub(super) sums: Vec<f64>,
    pub(super) seconds: f64,
    pub(super) history: Vec<EpochRecord>,
    pub(super) best: Option<Best>,
    /// Epochs since the best one.
    pub(super) waited: u64,
    /// Whether first weights were made from the data.
    prepared: bool,
}

impl<'a> Trainer<'a> {
    /// Records the model's objective and reserves everything that training needs.
    ///
    /// # Errors
    /// No rows to train on; a configuration that makes no sense for the data; no memory.
    pub fn new(
        model: Model,
        settings: TrainingSettings,
        dataset: &'a Dataset,
        rows: Vec<u32>,
        validation: Vec<u32>,
    ) -> Result<Self> {
        model.check_fits(dataset)?;
        if rows.is_empty() {
            return Err(Error::data(format!("{}: no rows to train on", dataset.name())));
        }
        let phases = model.autoencoder().phases(settings.epochs);
        if phases.iter().any(|phase| model.autoencoder().phase_takes(phase).labels) {
            let known = model.data().classes.unwrap_or(0);
            if dataset.labels().is_none() || dataset.classes() > known {
                let (name, found) = (dataset.name(), dataset.classes());
                return Err(Error::data(format!(
                    "{name} has labels of {found} classes; the model tells {known} apart: give data with those labels"
                )));
            }
        }
        let preprocessing = model.data().preprocessing.clone();
        for rows in [&rows, &validation] {
            model.check_targets(dataset, rows)?;
        }
        if let Some(phase) = phases.iter().find(|phase| phase.players.iter().all(|player| player.steps == 0)) {
            let kind = model.kind().name();
            return Err(Error::model(format!(
                "nobody takes a step in the phase `{}` of {kind}; give it a player",
                phase.name
            )));
        }
        let epochs = phases.iter().fold(0u64, |sum, phase| sum.saturating_add(phase.epochs));
        let best = match validation.is_empty() || phases.is_empty() {
            true => None,
            false => Some(Best { loss: f64::INFINITY, epoch: 0, parameters: model.parameters().try_clone()? }),
        };
        let average = (settings.ema > 0.0 && !phases.is_empty()).then(|| model.parameters().try_clone()).transpose()?;
        let mut trainer = Self {
            order: vec![0; rows.len()],
            batch: vec![0; rows.len()],
            order_epoch: None,
            history: Vec::with_capacity(epochs.min(1 << 16) as usize),
            preprocessing,
            phase: 0,
            phase_step: 0,
            ended_early: false,
            seats: Vec::new(),
            validator: None,
            before: None,
            step: 0,
            sums: Vec::new(),
            seconds: 0.0,
            waited: 0,
            prepared: false,
            settings,
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
        let batch = self.settings.batch;
        let rows = match (self.is_full_batch(), self.model.autoencoder().couples_samples()) {
            (true, true) => self.rows.len(),
            (true, false) => batch.max(PART).min(self.rows.len()),
            (false, _) => batch.min(self.rows.len()),
        };
        // The old plans' memory first.
        (self.seats, self.validator) = (Vec::new(), None);
        for player in 0..phase.players.len() {
            let recording = Recording::training(&self.model, phase, player, rows)?;
            let optimizer = PhaseOptimizer::new(&self.settings, &recording.plan, self.model.parameters())?;
            self.seats.push(Seat { recording, optimizer });
        }
        if !self.validation.is_empty() {
            let all = self.validation.len();
            let rows = if self.model.autoencoder().couples_samples() { all } else { rows.min(all) };
            self.validator = Some(Recording::validation(&self.model, phase, rows)?);
        }
        let terms: usize = self.seats.iter().map(|seat| seat.recording.objective.terms.len()).sum();
        self.sums = vec![0.0; 2 + terms];
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
        self.settings.optimizer == OptimizerName::Lbfgs
    }

    /// Steps in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        if self.is_full_batch() { 1 } else { self.rows.len().div_ceil(self.settings.batch) as u64 }
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
        let state = || {
            self.seats.iter().find_map(|seat| match &seat.optimizer {
                PhaseOptimizer::Batches(optimizer) => {
                    optimizer.state().find(|(_, values)| broken(values)).map(|(name, _)| name)
                }
                // Its own checks keep L-BFGS's pairs finite; what it holds of frozen parameters means nothing.
                PhaseOptimizer::Whole(_) => None,
            })
        };
        parameter.or_else(state)
    }

    /// The rows that are trained on.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// How it is trained.
    pub fn settings(&self) -> &TrainingSettings {
        &self.settings
    }

    /// The data.
    pub fn dataset(&self) -> &'a Dataset {
        self.dataset
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
        let memory = self.settings.lbfgs_memory;
        let moments: usize = self.seats.iter().map(|seat| seat.optimizer.buffers(memory)).sum();
        let kept = [self.best.is_some(), self.average.is_some(), self.before.is_some()];
        let plans = self.seats.iter().map(|seat| &seat.recording).chain(&self.validator);
        let plans = plans.map(|recording| recording.plan.bytes());
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
        self.prepare(split)?;
        if let Some(seat) = self.seats.first() {
            // Every thread's scratch memory now, so that no step has to reserve any.
            warm_up::<f32>(Context { backend: seat.recording.plan.backend(), split });
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
                let first = self.seats.first().map(|seat| &seat.recording);
                first.map_or(Ok(0.0), |recording| recording.number(recording.objective.total))?
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
    pub(super) fn next_phase(&mut self) -> Result<()> {
        let chosen = self.chosen().try_clone()?;
        self.model.parameters_mut().flat_mut().copy_from_slice(chosen.flat());
        if self.phases[self.phase].keeps {
            self.before = Some(chosen);
        }
        self.phase += 1;
        self.begin_phase()
    }

    /// Makes first weights from the data, before the first step of all.
    fn prepare(&mut self, split: Split) -> Result<()> {
        if std::mem::replace(&mut self.prepared, true) || self.step > 0 {
            return Ok(());
        }
        let started = Instant::now();
        let (preprocessing, seed) = (&self.preprocessing, self.model.source().seed);
        let taken = self.model.started().to_vec();
        let data = Prepare { dataset: self.dataset, rows: &self.rows, preprocessing, started: &taken, seed, split };
        let (autoencoder, parameters) = self.model.parts_mut();
        autoencoder.prepare(&data, parameters)?;
        let parameters = &*parameters;
        // What follows the weights, or keeps the first ones, begins with them.
        let others = self.average.iter_mut().chain(self.best.iter_mut().map(|best| &mut best.parameters));
        others.for_each(|to| to.flat_mut().copy_from_slice(parameters.flat()));
        self.seconds += started.elapsed().as_secs_f64();
        Ok(())
    }
}
