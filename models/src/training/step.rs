//! Steps: a batch, forward, backward, the optimiser; and what the end of an epoch brings.
//!
//! A step gathers and scales a batch straight into the plan's input, runs forward and backward, and makes one pass over
//! the parameters. Nothing is allocated. With L-BFGS a step is an iteration over all samples, in parts whose gradients
//! are added in order.

use super::history::{EpochRecord, TermRecord};
use super::optimizer::PhaseOptimizer;
use super::recording::Recording;
use super::trainer::Trainer;
use crate::config::Config;
use crate::{Error, Result};
use narrows_engine::optim::{StepOptions, average, average_decay, clip_factor, global_norm};
use narrows_engine::random::Noise;
use narrows_engine::random::{permutation, stream_id};
use narrows_engine::{Parameters, Split};

/// The operation number of the streams that shuffles are drawn from.
const SHUFFLE: u32 = 0x00ff_0004;

/// Makes the seed of validation's noise another than that of training's.
const VALIDATION: u64 = 0x5641_4c49_4400_0000;

/// The sums of one evaluation of a full batch: loss, terms.
struct Evaluated {
    loss: f64,
    terms: Vec<f64>,
}

impl Trainer<'_> {
    /// One step: a batch, forward, backward, the optimiser. Gives the number of samples.
    ///
    /// # Errors
    /// A loss or a gradient that is not a finite number.
    pub fn take_step(&mut self, split: Split) -> Result<u64> {
        let samples = if self.is_full_batch() { self.iterate(split)? } else { self.step_of_batch(split)? };
        self.update_others(split)?;
        self.step += 1;
        self.phase_step += 1;
        Ok(samples)
    }

    fn step_of_batch(&mut self, split: Split) -> Result<u64> {
        let per_epoch = self.steps_per_epoch();
        let config = self.model.config();
        let (batch, seed) = (config.batch, config.seed);
        let (epoch, place) = (self.step / per_epoch, (self.phase_step % per_epoch) as usize);
        if self.order_epoch != Some(epoch) {
            permutation(seed, stream_id(epoch, SHUFFLE), &mut self.order);
            self.order_epoch = Some(epoch);
        }
        let order = &self.order[place * batch..self.order.len().min((place + 1) * batch)];
        let picked = &mut self.batch[..order.len()];
        picked.iter_mut().zip(order).for_each(|(to, &from)| *to = self.rows[from as usize]);
        let Some(recording) = &mut self.recording else { return Ok(0) };
        recording.load(self.dataset, picked, &self.scaling, Noise { seed, step: self.step }, split)?;
        recording.set_ramps(self.phase_step, per_epoch)?;
        let samples = picked.len() as u64;
        recording.plan.forward(self.model.parameters(), &mut recording.workspace, split)?;
        self.add_up(samples)?;
        if let Some(recording) = &mut self.recording {
            recording.plan.backward(self.model.parameters(), &mut recording.workspace, split)?;
        }
        self.update(split)?;
        Ok(samples)
    }

    /// Adds the losses of a step to the epoch's sums, and refuses what is not a number.
    fn add_up(&mut self, samples: u64) -> Result<()> {
        let Some(recording) = &self.recording else { return Ok(()) };
        let weight = samples as f64;
        for (i, term) in recording.objective.terms.iter().enumerate() {
            let value = recording.number(term.value)?;
            check_term(term.name, value, self.step, self.model.config())?;
            self.sums[2 + i] += weight * value;
        }
        self.sums[0] += weight;
        self.sums[1] += weight * recording.number(recording.objective.total)?;
        Ok(())
    }

    /// The learning rate of step `step` of the phase, from 0.
    fn learning_rate(&self, step: u64) -> f64 {
        if self.is_full_batch() {
            return 0.0;
        }
        let steps = self.phase_steps();
        self.model.config().lr * self.model.config().learning_rate_schedule(steps).factor(step, steps)
    }

    /// The optimiser's pass, with clipping.
    fn update(&mut self, split: Split) -> Result<()> {
        let lr = self.learning_rate(self.phase_step);
        let (Some(recording), Some(PhaseOptimizer::Batches(optimizer))) = (&self.recording, &mut self.optimizer) else {
            return Ok(());
        };
        let mut options = StepOptions::new(lr);
        if self.model.config().clip > 0.0 {
            let norm = global_norm(&recording.plan, &recording.workspace, split)?;
            if !norm.is_finite() {
                let step = self.step + 1;
                return Err(Error::training(format!("step {step}: the gradient's norm is {norm}; lower lr")));
            }
            options = options.clip(clip_factor(norm, self.model.config().clip));
        }
        let parameters = self.model.parameters_mut();
        let moved = optimizer.step(&recording.plan, parameters, &recording.workspace, options, split);
        moved.map_err(|error| Error::training(error.to_string()))
    }

    /// What follows the optimiser: running means among the parameters, and the moving average.
    fn update_others(&mut self, split: Split) -> Result<()> {
        let Some(recording) = &self.recording else { return Ok(()) };
        for &(id, value) in &recording.objective.updates {
            self.model.parameters_mut().view_mut(id).copy_from_slice(recording.workspace.value(value)?);
        }
        if let Some(to) = &mut self.average {
            let decay = average_decay(self.model.config().ema, self.phase_step);
            average(self.model.parameters(), to, decay, split)?;
        }
        Ok(())
    }

    /// An iteration of L-BFGS over all rows; noise is the same in all of them.
    fn iterate(&mut self, split: Split) -> Result<u64> {
        let per_epoch = self.steps_per_epoch();
        let (config, step, phase_step) = (self.model.config().clone(), self.step, self.phase_step);
        let (Some(recording), Some(PhaseOptimizer::Whole(lbfgs))) = (&mut self.recording, &mut self.optimizer) else {
            return Ok(0);
        };
        recording.set_ramps(phase_step, per_epoch)?;
        let (dataset, rows, scaling) = (self.dataset, &self.rows, &self.scaling);
        let mut evaluations: Vec<Evaluated> = Vec::new();
        let mut evaluate = |parameters: &Parameters<f32>, gradients: &mut [f32]| -> Result<f64> {
            let evaluated = whole(recording, dataset, rows, scaling, &config, parameters, gradients, split)?;
            let loss = evaluated.loss;
            evaluations.push(evaluated);
            Ok(loss)
        };
        let iteration = lbfgs.iterate(self.model.parameters_mut(), &mut evaluate, split)?;
        let samples = self.rows.len() as f64;
        (self.sums[0], self.sums[1]) = (samples, samples * iteration.loss);
        // The terms of the evaluation that was taken; where none was made (nothing moved), those of the epoch before.
        let taken = evaluations.iter().rev().find(|evaluated| evaluated.loss == iteration.loss);
        match (taken, self.history.last()) {
            (Some(taken), _) => self.sums[2..].iter_mut().zip(&taken.terms).for_each(|(to, term)| *to = samples * term),
            (None, Some(last)) => {
                self.sums[2..].iter_mut().zip(&last.terms).for_each(|(to, term)| *to = samples * term.value);
            }
            (None, None) => {}
        }
        if let Some(recording) = &self.recording {
            for (term, sum) in recording.objective.terms.iter().zip(&self.sums[2..]) {
                check_term(term.name, sum / samples, step, self.model.config())?;
            }
        }
        self.ended_early |= iteration.converged.is_some();
        Ok(self.rows.len() as u64)
    }

    /// Notes what the epoch gave, keeps the weights if they are the best, and ends the phase if nothing got better.
    pub(super) fn end_epoch(&mut self, epoch: u64, split: Split) -> Result<()> {
        let validation_loss = self.validation_loss(split)?;
        let patience = self.model.config().patience;
        if let (Some(loss), Some(best)) = (validation_loss, &mut self.best) {
            if loss < best.loss {
                (best.loss, best.epoch, self.waited) = (loss, epoch, 0);
                let from = self.average.as_ref().unwrap_or(self.model.parameters());
                best.parameters.flat_mut().copy_from_slice(from.flat());
            } else {
                self.waited += 1;
                self.ended_early |= patience > 0 && self.waited >= patience;
            }
        }
        let before: f64 = self.history.iter().map(|record| record.seconds).sum();
        let (samples, seconds) = (self.sums[0].max(1.0), self.seconds - before);
        let per_epoch = self.steps_per_epoch();
        let last = self.phase_step.saturating_sub(1);
        let Some(recording) = &self.recording else { return Ok(()) };
        let terms = recording.objective.terms.iter().zip(&self.sums[2..]).map(|(term, sum)| TermRecord {
            name: term.name.to_owned(),
            weight: recording.objective.weight(term, last, per_epoch),
            value: sum / samples,
        });
        self.history.push(EpochRecord {
            epoch,
            phase: self.phases[self.phase].name.clone(),
            step: self.step,
            lr: self.learning_rate(last),
            loss: self.sums[1] / samples,
            terms: terms.collect(),
            validation_loss,
            seconds,
            samples_per_second: samples / seconds.max(1e-9),
        });
        self.sums.fill(0.0);
        Ok(())
    }

    /// The mean loss over the validation part, batch by batch, of the weights that would be kept; `None` without one.
    /// Noise and samples of a code are drawn alike at every epoch, from streams that training does not use.
    fn validation_loss(&mut self, split: Split) -> Result<Option<f64>> {
        let Some(validator) = &mut self.validator else { return Ok(None) };
        let seed = self.model.config().seed;
        let parameters = self.average.as_ref().unwrap_or(self.model.parameters());
        let per_epoch = 1;
        validator.set_ramps(u64::MAX, per_epoch)?;
        let mut sum = 0.0;
        for (number, rows) in self.validation.chunks(validator.plan.max_rows()).enumerate() {
            let noise = Noise { seed: seed ^ VALIDATION, step: number as u64 };
            validator.load(self.dataset, rows, &self.scaling, noise, split)?;
            validator.plan.forward(parameters, &mut validator.workspace, split)?;
            sum += rows.len() as f64 * validator.number(validator.objective.total)?;
        }
        Ok(Some(sum / self.validation.len() as f64))
    }
}

/// Loss, terms and gradient over all rows, in parts.
#[allow(clippy::too_many_arguments)]
fn whole(
    recording: &mut Recording,
    dataset: &crate::data::Dataset,
    rows: &[u32],
    scaling: &super::recording::Scaling,
    config: &Config,
    parameters: &Parameters<f32>,
    gradients: &mut [f32],
    split: Split,
) -> Result<Evaluated> {
    gradients.fill(0.0);
    let mut evaluated = Evaluated { loss: 0.0, terms: vec![0.0; recording.objective.terms.len()] };
    for (number, part) in rows.chunks(recording.plan.max_rows()).enumerate() {
        let share = part.len() as f64 / rows.len() as f64;
        recording.load(dataset, part, scaling, Noise { seed: config.seed, step: number as u64 }, split)?;
        recording.plan.forward(parameters, &mut recording.workspace, split)?;
        evaluated.loss += share * recording.number(recording.objective.total)?;
        for (to, term) in evaluated.terms.iter_mut().zip(&recording.objective.terms) {
            *to += share * recording.number(term.value)?;
        }
        recording.plan.backward(parameters, &mut recording.workspace, split)?;
        for range in recording.plan.trained() {
            let from = &recording.workspace.gradients()[range.clone()];
            gradients[range.clone()].iter_mut().zip(from).for_each(|(to, g)| *to += share as f32 * g);
        }
    }
    Ok(evaluated)
}

/// Refuses a term that is not a number.
fn check_term(name: &str, value: f64, step: u64, config: &Config) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    let (step, lr) = (step + 1, config.lr);
    Err(Error::training(format!("step {step}: the loss term `{name}` is {value}; lower lr (now {lr:e}) or set clip")))
}
