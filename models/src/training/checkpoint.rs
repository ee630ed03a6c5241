//! A trainer's state, and going on from one.

use super::TrainingSettings;
use super::state::{Saved, State};
use super::trainer::Trainer;
use crate::{Error, Result};

/// What is said of numbers that no run leaves.
const TORN: &str = "the state's numbers contradict each other; restore it from a copy, or train again";

/// The learning rate of the last step taken and of the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateChange {
    /// That of the last step.
    pub last: f64,
    /// That of the next one.
    pub next: f64,
}

impl Trainer<'_> {
    /// Everything that a later process needs to go on.
    pub fn state(&self) -> State<'_> {
        State {
            model: &self.model,
            config: &self.settings,
            rows: self.rows.len() as u64,
            step: self.step,
            phase: self.phase as u64,
            phase_step: self.phase_step,
            ended_early: self.ended_early,
            waited: self.waited,
            sums: &self.sums,
            seconds: self.seconds,
            history: &self.history,
            best: self.best.as_ref().map(|best| (best.loss, best.epoch, best.parameters.flat())),
            average: self.average.as_ref().map(|average| average.flat()),
            before: self.before.as_ref().map(|before| before.flat()),
            parameters: self.model.parameters().flat(),
            optimizers: self.seats.iter().map(|seat| &seat.optimizer).collect(),
            fingerprint: None,
        }
    }

    /// Goes on from a state that [`super::state`] has read.
    ///
    /// # Errors
    /// A state of another model or another configuration.
    pub fn restore(&mut self, saved: Saved<'_>) -> Result<()> {
        if saved.rows != self.rows.len() as u64 {
            let (rows, now) = (saved.rows, self.rows.len());
            return Err(Error::data(format!("the run was trained on {rows} samples; the data now give {now}")));
        }
        if self.phases.is_empty() {
            // Fitted, not trained: the weights are all there is.
            return saved.copy("parameters", self.model.parameters_mut().flat_mut());
        }
        if saved.phase >= self.phases.len() as u64 {
            return Err(Error::model(TORN));
        }
        self.phase = saved.phase as usize;
        if self.phase > 0 {
            self.begin_phase()?;
        }
        self.check(&saved)?;
        saved.copy("parameters", self.model.parameters_mut().flat_mut())?;
        if saved.optimizers.len() != self.seats.len() {
            return Err(Error::model("the state belongs to another number of players"));
        }
        for (player, (seat, numbers)) in self.seats.iter_mut().zip(&saved.optimizers).enumerate() {
            let copy = |name: &str, to: &mut [f32]| saved.copy(&super::state::of_player(name, player), to);
            seat.optimizer.restore(numbers, &copy)?;
        }
        if let (Some(best), Some((loss, epoch))) = (&mut self.best, saved.best) {
            (best.loss, best.epoch) = (loss, epoch);
            saved.copy("best", best.parameters.flat_mut())?;
        }
        if let Some(average) = &mut self.average {
            saved.copy("average", average.flat_mut())?;
        }
        if saved.before {
            let mut before = self.model.parameters().try_clone()?;
            saved.copy("before", before.flat_mut())?;
            self.before = Some(before);
        }
        self.sums.copy_from_slice(&saved.sums);
        (self.step, self.phase_step, self.seconds) = (saved.step, saved.phase_step, saved.seconds);
        self.waited = saved.waited;
        // Without patience, or with more of it, an early end by it is none any more; with less than has been waited
        // already the phase is over. An optimiser that has converged has nothing to do at any patience.
        let converged = saved.ended_early && !self.is_waited_out(saved.config.patience);
        self.ended_early = converged || self.is_waited_out(self.settings.patience);
        self.history.extend(saved.history);
        if self.ended_early && !self.is_last_phase() { self.next_phase() } else { Ok(()) }
    }

    /// Refuses numbers that no run of this configuration leaves; its phase is the one at work.
    fn check(&self, saved: &Saved<'_>) -> Result<()> {
        let same = saved.sums.len() == self.sums.len()
            && saved.best.is_some() == self.best.is_some()
            && saved.average == self.average.is_some();
        if !same {
            return Err(Error::model("the state belongs to another objective or another validation setting"));
        }
        let epochs = saved.history.len() as u64;
        let known = |name: &str| self.phases.iter().any(|phase| phase.name == name);
        let records = saved
            .history
            .iter()
            .enumerate()
            .all(|(i, record)| record.epoch == i as u64 + 1 && record.step <= saved.step && known(&record.phase));
        // The best is one of the epochs, or none has been looked at.
        let best = saved
            .best
            .is_none_or(|(loss, epoch)| !loss.is_nan() && epoch <= epochs && (epoch > 0) == (loss < f64::INFINITY));
        let sound = saved.phase_step <= saved.step
            && (self.phase > 0 || saved.phase_step == saved.step)
            && saved.step <= saved.phase_step.saturating_add(self.steps())
            && (self.is_last_phase() || saved.phase_step < self.phase_steps())
            && epochs <= saved.step
            && epochs >= saved.phase_step / self.steps_per_epoch()
            && saved.waited <= epochs
            && (0.0..f64::MAX).contains(&saved.seconds)
            && saved.sums.iter().all(|sum| sum.is_finite());
        if !(sound && records && best) {
            return Err(Error::model(TORN));
        }
        if saved.phase_step > self.phase_steps() {
            let (taken, steps) = (saved.step, saved.step - saved.phase_step + self.phase_steps());
            return Err(Error::usage(format!("the run has taken {taken} steps already; {steps} are asked for")));
        }
        Ok(())
    }

    fn is_last_phase(&self) -> bool {
        self.phase + 1 == self.phases.len()
    }

    /// Whether the validation loss has not fallen for as many epochs as `patience` says.
    fn is_waited_out(&self, patience: u64) -> bool {
        self.best.is_some() && patience > 0 && self.waited >= patience
    }

    /// Epochs since the best one on the validation part.
    pub fn waited(&self) -> u64 {
        self.waited
    }

    /// Whether the last phase ended because the optimiser found nothing to improve, not for want of patience.
    pub fn has_converged(&self) -> bool {
        self.ended_early && !self.is_waited_out(self.settings.patience)
    }

    /// How the learning rate moves where a run goes on with another configuration than `before`; `None` if it is the
    /// one that `before` would have gone on with, or if there was no step or will be none.
    pub fn rate_change(&self, before: &TrainingSettings) -> Option<RateChange> {
        let phase = self.phases.get(self.phase)?;
        let old = self.model.autoencoder().phases(before.epochs);
        let steps = self.steps_per_epoch().saturating_mul(old.get(self.phase)?.epochs);
        let rate = |config: &TrainingSettings, step, steps| {
            config.lr * config.learning_rate_schedule(steps).factor(step, steps)
        };
        let last = rate(before, self.phase_step.checked_sub(1)?, steps);
        let now = self.steps_per_epoch().saturating_mul(phase.epochs);
        let next = rate(&self.settings, self.phase_step, now);
        let same = next == rate(before, self.phase_step, steps);
        (!same && self.phase_step < now && !self.is_full_batch()).then_some(RateChange { last, next })
    }
}
