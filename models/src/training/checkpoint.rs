//! A trainer's state, and going on from one.

use super::state::{Saved, State};
use super::trainer::Trainer;
use crate::{Error, Result};

impl Trainer<'_> {
    /// Everything that a later process needs to go on.
    pub fn state(&self) -> State<'_> {
        State {
            config: self.model.config(),
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
            optimizer: self.optimizer.as_ref(),
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
        let torn = "the state's numbers contradict each other; restore it from a copy, or train again";
        if self.phases.is_empty() {
            // Fitted, not trained: the weights are all there is.
            return saved.copy("parameters", self.model.parameters_mut().flat_mut());
        }
        if saved.phase >= self.phases.len() as u64 {
            return Err(Error::model(torn));
        }
        self.phase = saved.phase as usize;
        if self.phase > 0 {
            self.begin_phase()?;
        }
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
        let last = self.phase + 1 == self.phases.len();
        let sound = saved.phase_step <= saved.step
            && (self.phase > 0 || saved.phase_step == saved.step)
            && saved.step <= saved.phase_step.saturating_add(self.steps())
            && (last || saved.phase_step < self.phase_steps())
            && epochs <= saved.step
            && epochs >= saved.phase_step / self.steps_per_epoch()
            && saved.waited <= epochs
            && (0.0..f64::MAX).contains(&saved.seconds)
            && saved.sums.iter().all(|sum| sum.is_finite());
        if !(sound && records && best) {
            return Err(Error::model(torn));
        }
        if saved.phase_step > self.phase_steps() {
            let (taken, steps) = (saved.step, saved.step - saved.phase_step + self.phase_steps());
            return Err(Error::usage(format!("the run has taken {taken} steps already; {steps} are asked for")));
        }
        saved.copy("parameters", self.model.parameters_mut().flat_mut())?;
        if let Some(optimizer) = &mut self.optimizer {
            optimizer.restore(&saved.optimizer, &|name, to| saved.copy(name, to))?;
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
        // Without patience, or with more of it, an early end is none any more.
        let patience = self.model.config().patience;
        self.ended_early = saved.ended_early && patience == saved.config.patience;
        self.history.extend(saved.history);
        Ok(())
    }
}
