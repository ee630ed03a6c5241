//! The training loop: shuffling, batches, steps, epochs. It knows no files.
//!
//! A step gathers and scales a batch straight into the plan's input, runs forward and backward, and makes one pass
//! over the parameters. Nothing is allocated. Shuffles are functions of (seed, epoch), so the state of a run is the
//! parameters, the moments, the number of steps and the sums of the epoch at hand.

use super::observer::{Observer, Progress};
use super::{EpochRecord, state::State};
use crate::data::{Dataset, Samples};
use crate::model::Model;
use crate::{Error, Result};
use narrows_engine::gemm::warm_up;
use narrows_engine::optim::{Optimizer, clip_factor, global_norm};
use narrows_engine::random::{permutation, stream_id};
use narrows_engine::tape::Noise;
use narrows_engine::{Parameters, Plan, RawRows, Shape, Split, Tape, Var, Workspace, gather};
use std::time::Instant;

/// The operation number of the streams that shuffles are drawn from.
const SHUFFLE: u32 = 0x00ff_0004;

/// Why a call of [`Trainer::run`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// All epochs are done.
    Finished,
    /// The given number of steps is reached.
    Steps,
    /// The caller's closure asked for it.
    Asked,
}

/// Training of one model on some rows of some data.
pub struct Trainer<'a> {
    model: Model,
    dataset: &'a Dataset,
    rows: Vec<u32>,
    validation: Vec<u32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    plan: Plan<f32>,
    workspace: Workspace<f32>,
    x: Var,
    total: Var,
    terms: Vec<(&'static str, f64, Var)>,
    optimizer: Optimizer<f32>,
    order: Vec<u32>,
    batch: Vec<u32>,
    order_epoch: Option<u64>,
    step: u64,
    /// Sums over the samples of the epoch at hand: samples, loss, terms.
    sums: Vec<f64>,
    seconds: f64,
    history: Vec<EpochRecord>,
    best: Option<(f64, u64, Parameters<f32>)>,
}

impl<'a> Trainer<'a> {
    /// Records the model's objective and reserves everything that training needs.
    ///
    /// # Errors
    /// No rows to train on; a configuration that makes no sense for the data; no memory.
    pub fn new(model: Model, dataset: &'a Dataset, rows: Vec<u32>, validation: Vec<u32>) -> Result<Self> {
        let (config, features) = (model.config().clone(), model.data().features);
        model.check_fits(dataset)?;
        if rows.is_empty() {
            return Err(Error::data(format!("{}: no rows to train on", dataset.name())));
        }
        let largest = config.batch.min(rows.len());
        let tape = Tape::new(model.parameters(), largest);
        let x = tape.input("x", Shape::batch(&[features]));
        let autoencoder = model.autoencoder();
        let objective = autoencoder.objective(&tape, autoencoder.reconstruct_raw(&tape, x), x);
        let plan = tape.train(objective.total)?;
        let workspace = plan.workspace()?;
        let (scale, shift) = model.data().scaler.scale_shift(features)?;
        let optimizer = Optimizer::new(config.optimizer_config(), model.parameters().flat().len())
            .map_err(|error| Error::usage(format!("optimizer {}: {error}", config.optimizer.name())))?;
        let best = match validation.is_empty() {
            true => None,
            false => Some((f64::INFINITY, 0, model.parameters().try_clone()?)),
        };
        let terms: Vec<_> = objective.terms.iter().map(|term| (term.name, term.weight, term.value)).collect();
        Ok(Self {
            order: vec![0; rows.len()],
            batch: vec![0; largest],
            order_epoch: None,
            sums: vec![0.0; 2 + terms.len()],
            history: Vec::with_capacity(config.epochs.min(1 << 16) as usize),
            total: objective.total,
            step: 0,
            seconds: 0.0,
            model,
            dataset,
            rows,
            validation,
            scale,
            shift,
            plan,
            workspace,
            x,
            terms,
            optimizer,
            best,
        })
    }

    /// Steps in an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.rows.len().div_ceil(self.model.config().batch) as u64
    }

    /// Steps of all epochs.
    pub fn steps(&self) -> u64 {
        self.steps_per_epoch().saturating_mul(self.model.config().epochs)
    }

    /// Steps taken.
    pub fn step_count(&self) -> u64 {
        self.step
    }

    /// Samples trained on, those before a resume included.
    pub fn samples(&self) -> f64 {
        self.history.len() as f64 * self.rows.len() as f64 + self.sums[0]
    }

    /// The first parameter or moment that holds something else than finite numbers, if one does.
    pub fn not_finite(&self) -> Option<&str> {
        let parameters = self.model.parameters();
        let broken = |values: &[f32]| values.iter().any(|x| !x.is_finite());
        let parameter = parameters.ids().find(|&id| broken(parameters.view(id))).map(|id| parameters.name(id));
        parameter.or_else(|| self.optimizer.state().find(|(_, values)| broken(values)).map(|(name, _)| name))
    }

    /// The rows that are trained on.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The model as it stands.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model, with the best weights if a validation part chooses them, else with the last.
    ///
    /// # Errors
    /// None yet; kept for models that must be rebuilt.
    pub fn into_model(mut self) -> Result<Model> {
        if let Some((_, epoch, best)) = self.best.take().filter(|(_, epoch, _)| *epoch > 0) {
            let _ = epoch;
            self.model.parameters_mut().flat_mut().copy_from_slice(best.flat());
        }
        Ok(self.model)
    }

    /// The weights that the model file should hold: the best, or the last.
    pub fn chosen(&self) -> &Parameters<f32> {
        match &self.best {
            Some((_, epoch, best)) if *epoch > 0 => best,
            _ => self.model.parameters(),
        }
    }

    /// The epoch whose weights are the best so far, if a validation part chooses them.
    pub fn best_epoch(&self) -> Option<u64> {
        self.best.as_ref().map(|best| best.1).filter(|&epoch| epoch > 0)
    }

    /// What the epochs gave.
    pub fn history(&self) -> &[EpochRecord] {
        &self.history
    }

    /// Seconds of training, those before a resume included.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Bytes of the workspace, the parameters, the moments and the best weights.
    pub fn bytes(&self) -> usize {
        let flat = self.model.parameters().flat().len() * 4;
        self.plan.bytes() + flat * (1 + self.optimizer.state().count() + usize::from(self.best.is_some()))
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
        let (steps, epochs, per_epoch) = (self.steps(), self.model.config().epochs, self.steps_per_epoch());
        // Every thread's scratch memory now, so that no step has to reserve any.
        warm_up::<f32>(self.plan.backend(), split);
        while self.step < steps {
            if limit.is_some_and(|limit| self.step >= limit) {
                return Ok(Stopped::Steps);
            }
            let started = Instant::now();
            let samples = self.take_step(split)?;
            self.seconds += started.elapsed().as_secs_f64();
            let loss = f64::from(self.workspace.value(self.total)?[0]);
            let epoch = (self.step - 1) / per_epoch + 1;
            observer.step(&Progress { step: self.step, steps, epoch, epochs, samples, loss });
            if self.step.is_multiple_of(per_epoch) {
                self.end_epoch(epoch, split)?;
                if let Some(record) = self.history.last() {
                    observer.epoch(record);
                }
            }
            if observer.stop() || stop(self)? {
                return Ok(if self.step < steps { Stopped::Asked } else { Stopped::Finished });
            }
        }
        Ok(Stopped::Finished)
    }

    /// One step: a batch, forward, backward, the optimiser. Gives the number of samples.
    ///
    /// # Errors
    /// A loss or a gradient that is not a finite number.
    pub fn take_step(&mut self, split: Split) -> Result<u64> {
        let config = self.model.config();
        let (batch, seed) = (config.batch, config.seed);
        let (epoch, place) = (self.step / self.steps_per_epoch(), (self.step % self.steps_per_epoch()) as usize);
        if self.order_epoch != Some(epoch) {
            permutation(seed, stream_id(epoch, SHUFFLE), &mut self.order);
            self.order_epoch = Some(epoch);
        }
        let order = &self.order[place * batch..self.order.len().min((place + 1) * batch)];
        let picked = &mut self.batch[..order.len()];
        picked.iter_mut().zip(order).for_each(|(to, &from)| *to = self.rows[from as usize]);
        self.workspace.set_rows(picked.len())?;
        self.workspace.set_noise(Noise { seed, step: self.step });
        let to = self.workspace.input_mut(self.x)?;
        gather(self.plan.backend(), split, raw(self.dataset), picked, &self.scale, &self.shift, to)?;
        let samples = picked.len() as u64;
        self.plan.forward(self.model.parameters(), &mut self.workspace, split)?;
        self.add_up(samples)?;
        self.plan.backward(self.model.parameters(), &mut self.workspace, split)?;
        self.update(split)?;
        self.step += 1;
        Ok(samples)
    }

    /// Adds the losses of a step to the epoch's sums, and refuses what is not a number.
    fn add_up(&mut self, samples: u64) -> Result<()> {
        let weight = samples as f64;
        for (i, (name, _, value)) in self.terms.iter().enumerate() {
            let value = f64::from(self.workspace.value(*value)?[0]);
            if !value.is_finite() {
                return Err(Error::training(format!(
                    "step {}: the loss term `{name}` is {value}; lower lr (now {:e}) or set clip",
                    self.step + 1,
                    self.model.config().lr
                )));
            }
            self.sums[2 + i] += weight * value;
        }
        self.sums[0] += weight;
        self.sums[1] += weight * f64::from(self.workspace.value(self.total)?[0]);
        Ok(())
    }

    /// The learning rate of step `step`, from 0.
    fn learning_rate(&self, step: u64) -> f64 {
        let steps = self.steps();
        self.model.config().lr * self.model.config().learning_rate_schedule(steps).factor(step, steps)
    }

    /// The optimiser's pass, with clipping.
    fn update(&mut self, split: Split) -> Result<()> {
        let (lr, backend) = (self.learning_rate(self.step), self.plan.backend());
        let gradients = self.workspace.gradients();
        let mut clip = 1.0;
        if self.model.config().clip > 0.0 {
            let norm = global_norm(split, backend, gradients);
            if !norm.is_finite() {
                let step = self.step + 1;
                return Err(Error::training(format!("step {step}: the gradient's norm is {norm}; lower lr")));
            }
            clip = clip_factor(norm, self.model.config().clip);
        }
        let parameters = self.model.parameters_mut().flat_mut();
        let ranges = self.plan.trained();
        self.optimizer
            .step_ranges(split, backend, lr, clip, parameters, gradients, ranges)
            .map_err(|error| Error::training(error.to_string()))
    }

    /// Notes what the epoch gave, and keeps the weights if they are the best.
    fn end_epoch(&mut self, epoch: u64, split: Split) -> Result<()> {
        let validation_loss = match self.validation.is_empty() {
            true => None,
            false => Some(self.validation_loss(split)?),
        };
        if let (Some(loss), Some(best)) = (validation_loss, &mut self.best)
            && loss < best.0
        {
            best.0 = loss;
            best.1 = epoch;
            best.2.flat_mut().copy_from_slice(self.model.parameters().flat());
        }
        let before: f64 = self.history.iter().map(|record| record.seconds).sum();
        let (samples, seconds) = (self.sums[0].max(1.0), self.seconds - before);
        let terms = self.terms.iter().zip(&self.sums[2..]);
        self.history.push(EpochRecord {
            epoch,
            step: self.step,
            lr: self.learning_rate(self.step - 1),
            loss: self.sums[1] / samples,
            terms: terms.map(|((name, ..), sum)| ((*name).to_owned(), sum / samples)).collect(),
            validation_loss,
            seconds,
            samples_per_second: samples / seconds.max(1e-9),
        });
        self.sums.fill(0.0);
        Ok(())
    }

    /// The mean loss over the validation part, batch by batch.
    fn validation_loss(&mut self, split: Split) -> Result<f64> {
        let mut sum = 0.0;
        for rows in self.validation.chunks(self.plan.max_rows()) {
            self.workspace.set_rows(rows.len())?;
            let to = self.workspace.input_mut(self.x)?;
            gather(self.plan.backend(), split, raw(self.dataset), rows, &self.scale, &self.shift, to)?;
            self.plan.forward(self.model.parameters(), &mut self.workspace, split)?;
            sum += rows.len() as f64 * f64::from(self.workspace.value(self.total)?[0]);
        }
        Ok(sum / self.validation.len() as f64)
    }

    /// Everything that a later process needs to go on.
    pub fn state(&self) -> State<'_> {
        State {
            config: self.model.config(),
            rows: self.rows.len() as u64,
            step: self.step,
            sums: &self.sums,
            seconds: self.seconds,
            history: &self.history,
            best: self.best.as_ref().map(|(loss, epoch, parameters)| (*loss, *epoch, parameters.flat())),
            parameters: self.model.parameters().flat(),
            optimizer: &self.optimizer,
        }
    }

    /// Goes on from a state that [`super::state`] has read.
    ///
    /// # Errors
    /// A state of another model or another configuration.
    pub fn restore(&mut self, saved: super::state::Saved<'_>) -> Result<()> {
        if saved.sums.len() != self.sums.len() || saved.best.is_some() != self.best.is_some() {
            return Err(Error::model("the state belongs to another objective or another validation setting"));
        }
        if saved.rows != self.rows.len() as u64 {
            let (rows, now) = (saved.rows, self.rows.len());
            return Err(Error::data(format!("the run was trained on {rows} samples; the data now give {now}")));
        }
        let sound = saved.step == saved.optimizer_steps
            && saved.history.len() as u64 == saved.step / self.steps_per_epoch()
            && (0.0..f64::MAX).contains(&saved.seconds)
            && saved.sums.iter().all(|sum| sum.is_finite());
        if !sound {
            return Err(Error::model(
                "the state's numbers contradict each other; restore it from a copy, or train again",
            ));
        }
        if saved.step > self.steps() {
            let (taken, steps) = (saved.step, self.steps());
            return Err(Error::usage(format!("the run has taken {taken} steps already; {steps} are asked for")));
        }
        saved.copy("parameters", self.model.parameters_mut().flat_mut())?;
        let names: Vec<&'static str> = self.optimizer.state().map(|(name, _)| name).collect();
        let mut values = vec![0.0; self.model.parameters().flat().len()];
        for name in names {
            saved.copy(name, &mut values)?;
            let restored = self.optimizer.restore(saved.optimizer_steps, name, &values);
            restored.map_err(|error| Error::model(error.to_string()))?;
        }
        self.optimizer.restore_steps(saved.optimizer_steps);
        if let (Some(best), Some((loss, epoch))) = (&mut self.best, saved.best) {
            best.0 = loss;
            best.1 = epoch;
            saved.copy("best", best.2.flat_mut())?;
        }
        self.sums.copy_from_slice(&saved.sums);
        (self.step, self.seconds) = (saved.step, saved.seconds);
        self.history.extend(saved.history);
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
