//! Steps: a batch, forward, backward, the optimiser; and what the end of an epoch brings.
//!
//! A step gathers and scales a batch straight into the plan's input, runs forward and backward, and makes one pass over
//! the parameters. Nothing is allocated. With L-BFGS a step is an iteration over all samples, in parts whose gradients
//! are added in order.

use super::history::EpochRecord;
use super::optimizer::PhaseOptimizer;
use super::recording::Recording;
use super::trainer::{Seat, Trainer};
use crate::autoencoders::StepView;
use crate::data::{Dataset, Preprocessing};
use crate::objective::TermRecord;
use crate::{Error, Result};
use narrows_engine::optim::{StepOptions, average, average_decay, clip_factor, global_norm};
use narrows_engine::random::Noise;
use narrows_engine::{Parameters, Split};

/// Makes the seed of a further player's noise another than the first one's.
const PLAYER: u64 = 0x504c_4159_0000_0000;

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
        self.update_average(split)?;
        self.step += 1;
        self.phase_step += 1;
        Ok(samples)
    }

    fn step_of_batch(&mut self, split: Split) -> Result<u64> {
        let per_epoch = self.steps_per_epoch();
        let (batch, seed) = (self.settings.batch, self.model.source().seed);
        let (epoch, place) = (self.step / per_epoch, (self.phase_step % per_epoch) as usize);
        if self.order_epoch != Some(epoch) {
            self.shuffle(epoch);
        }
        let order = &self.order[place * batch..self.order.len().min((place + 1) * batch)];
        let samples = order.len();
        self.batch[..samples].iter_mut().zip(order).for_each(|(to, &from)| *to = self.rows[from as usize]);
        let mut terms = 0;
        for player in 0..self.seats.len() {
            let steps = self.phases[self.phase].players[player].steps;
            for turn in 0..steps {
                let number = u64::from(turn) << 16 | player as u64;
                let noise = Noise { seed: if number == 0 { seed } else { seed ^ PLAYER ^ number }, step: self.step };
                let Seat { recording, .. } = &mut self.seats[player];
                recording.load(self.dataset, &self.batch[..samples], &self.preprocessing, noise, split)?;
                recording.set_ramps(self.phase_step, per_epoch)?;
                recording.plan.forward(self.model.parameters(), &mut recording.workspace, split)?;
                if turn == 0 {
                    terms = self.add_up(player, terms, samples)?;
                }
                let Seat { recording, .. } = &mut self.seats[player];
                recording.plan.backward(self.model.parameters(), &mut recording.workspace, split)?;
                self.update(player, split)?;
                self.update_others(player, noise)?;
            }
        }
        Ok(samples as u64)
    }

    /// Adds the losses of a player's step to the epoch's sums, its terms from place `first` on, and refuses what is not a
    /// number; gives the place after them.
    fn add_up(&mut self, player: usize, first: usize, samples: usize) -> Result<usize> {
        let recording = &self.seats[player].recording;
        let weight = samples as f64;
        for (i, term) in recording.objective.terms.iter().enumerate() {
            let value = recording.number(term.value)?;
            check_term(term.name, value, self.step, self.settings.lr)?;
            self.sums[2 + first + i] += weight * value;
        }
        if player == 0 {
            self.sums[0] += weight;
            self.sums[1] += weight * recording.number(recording.objective.total)?;
        }
        Ok(first + recording.objective.terms.len())
    }

    /// The learning rate of step `step` of the phase, from 0.
    fn learning_rate(&self, step: u64) -> f64 {
        if self.is_full_batch() {
            return 0.0;
        }
        let steps = self.phase_steps();
        self.settings.lr * self.settings.learning_rate_schedule(steps).factor(step, steps)
    }

    /// A player's optimiser's pass, with clipping.
    fn update(&mut self, player: usize, split: Split) -> Result<()> {
        let rate = self.phases[self.phase].players[player].rate;
        let lr = self.learning_rate(self.phase_step) * rate;
        let Seat { recording, optimizer: PhaseOptimizer::Batches(optimizer) } = &mut self.seats[player] else {
            return Ok(());
        };
        let mut options = StepOptions::new(lr);
        if self.settings.clip > 0.0 {
            let norm = global_norm(&recording.plan, &recording.workspace, split)?;
            if !norm.is_finite() {
                let step = self.step + 1;
                return Err(Error::training(format!("step {step}: the gradient's norm is {norm}; lower lr")));
            }
            options = options.clip(clip_factor(norm, self.settings.clip));
        }
        let parameters = self.model.parameters_mut();
        let moved = optimizer.step(&recording.plan, parameters, &recording.workspace, options, split);
        moved.map_err(|error| Error::training(error.to_string()))
    }

    /// What follows a player's optimiser: running means among the parameters, and what the type itself changes.
    fn update_others(&mut self, player: usize, noise: Noise) -> Result<()> {
        let Some(Seat { recording, .. }) = self.seats.get(player) else { return Ok(()) };
        for &(id, value) in &recording.objective.updates {
            self.model.parameters_mut().view_mut(id).copy_from_slice(recording.workspace.value(value)?);
        }
        let phase = self.phases[self.phase].number;
        let view = StepView::new(&recording.workspace, &recording.objective.watched, (phase, player), noise);
        let (autoencoder, parameters) = self.model.parts_mut();
        autoencoder.after_step(parameters, &view)
    }

    /// The moving average of the weights.
    fn update_average(&mut self, split: Split) -> Result<()> {
        if let Some(to) = &mut self.average {
            let decay = average_decay(self.settings.ema, self.phase_step);
            average(self.model.parameters(), to, decay, split)?;
        }
        Ok(())
    }

    /// An iteration of L-BFGS over all rows; noise is the same in all of them.
    fn iterate(&mut self, split: Split) -> Result<u64> {
        let per_epoch = self.steps_per_epoch();
        let (seed, step, phase_step) = (self.model.source().seed, self.step, self.phase_step);
        let Some(Seat { recording, optimizer: PhaseOptimizer::Whole(lbfgs) }) = self.seats.first_mut() else {
            return Ok(0);
        };
        recording.set_ramps(phase_step, per_epoch)?;
        let (dataset, rows, preprocessing) = (self.dataset, &self.rows, &self.preprocessing);
        let mut evaluations: Vec<Evaluated> = Vec::new();
        let mut evaluate = |parameters: &Parameters<f32>, gradients: &mut [f32]| -> Result<f64> {
            let evaluated = whole(recording, (dataset, rows, preprocessing), seed, parameters, gradients, split)?;
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
        if let Some(Seat { recording, .. }) = self.seats.first() {
            for (term, sum) in recording.objective.terms.iter().zip(&self.sums[2..]) {
                check_term(term.name, sum / samples, step, self.settings.lr)?;
            }
        }
        self.update_others(0, Noise { seed, step })?;
        self.ended_early |= iteration.converged.is_some();
        Ok(self.rows.len() as u64)
    }

    /// Notes what the epoch gave, keeps the weights if they are the best, and ends the phase if nothing got better.
    pub(super) fn end_epoch(&mut self, epoch: u64, split: Split) -> Result<()> {
        let validation_loss = self.validation_loss(split)?;
        let patience = self.settings.patience;
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
        let objectives = self.seats.iter().map(|seat| &seat.recording.objective);
        let all = objectives.flat_map(|objective| objective.terms.iter().map(move |term| (objective, term)));
        let terms = all.zip(&self.sums[2..]).map(|((objective, term), sum)| TermRecord {
            name: term.name.to_owned(),
            weight: objective.weight(term, last, per_epoch),
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
        let seed = self.model.source().seed;
        let parameters = self.average.as_ref().unwrap_or(self.model.parameters());
        let per_epoch = 1;
        validator.set_ramps(u64::MAX, per_epoch)?;
        let mut sum = 0.0;
        for (number, rows) in self.validation.chunks(validator.plan.max_rows()).enumerate() {
            let noise = Noise { seed: seed ^ VALIDATION, step: number as u64 };
            validator.load(self.dataset, rows, &self.preprocessing, noise, split)?;
            validator.plan.forward(parameters, &mut validator.workspace, split)?;
            sum += rows.len() as f64 * validator.number(validator.objective.total)?;
        }
        Ok(Some(sum / self.validation.len() as f64))
    }
}

/// Loss, terms and gradient over all rows, in parts.
fn whole(
    recording: &mut Recording,
    (dataset, rows, preprocessing): (&Dataset, &[u32], &Preprocessing),
    seed: u64,
    parameters: &Parameters<f32>,
    gradients: &mut [f32],
    split: Split,
) -> Result<Evaluated> {
    gradients.fill(0.0);
    let mut evaluated = Evaluated { loss: 0.0, terms: vec![0.0; recording.objective.terms.len()] };
    for (number, part) in rows.chunks(recording.plan.max_rows()).enumerate() {
        let share = part.len() as f64 / rows.len() as f64;
        recording.load(dataset, part, preprocessing, Noise { seed, step: number as u64 }, split)?;
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
fn check_term(name: &str, value: f64, step: u64, lr: f64) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    let step = step + 1;
    Err(Error::training(format!("step {step}: the loss term `{name}` is {value}; lower lr (now {lr:e}) or set clip")))
}
