//! Objectives: a weighted sum of terms, each of which has a name, a weight and a value that reports show.

use crate::nn::Pass;
use narrows_engine::{ParameterId, Real, Shape, Tape, Var};
use serde::{Deserialize, Serialize};

/// A number that rises from 0 over the first steps of a phase: β of a variational autoencoder, its capacity.
#[derive(Debug, Clone, Copy)]
pub struct Ramp {
    /// The input to write it to before each step.
    pub var: Var,
    /// What it rises to.
    pub to: f64,
    /// Over how many epochs; 0 to start there.
    pub epochs: u64,
}

impl Ramp {
    /// What it is in step `step` (from 0) of a phase with `per_epoch` steps in an epoch.
    pub fn at(&self, step: u64, per_epoch: u64) -> f64 {
        let steps = self.epochs.saturating_mul(per_epoch);
        if step >= steps { self.to } else { self.to * step as f64 / steps as f64 }
    }
}

/// What a term counts.
#[derive(Debug, Clone, Copy)]
pub enum Weight {
    /// Always the same.
    Constant(f64),
    /// The ramp of this number among the objective's.
    Ramp(usize),
}

/// One term of an objective, already averaged over samples.
#[derive(Debug, Clone)]
pub struct Term {
    /// What reports call it.
    pub name: &'static str,
    /// What it counts in the objective; one that counts nothing is only watched.
    pub weight: Weight,
    /// Its value on the tape, a single number.
    pub value: Var,
}

/// A term of the objective over many samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TermRecord {
    /// Its name.
    pub name: String,
    /// What it counted at their end.
    pub weight: f64,
    /// Its mean over the samples, unweighted.
    pub value: f64,
}

/// An objective on a tape.
#[derive(Debug, Clone)]
pub struct Objective {
    /// The weighted sum of the terms.
    pub total: Var,
    /// The terms.
    pub terms: Vec<Term>,
    /// The code that was decoded, `[N, code]`.
    pub code: Var,
    /// What it was decoded to, before an activation of the output; `None` where nothing was.
    pub raw: Option<Var>,
    /// What rises with the steps.
    pub ramps: Vec<Ramp>,
    /// Parameters that no gradient changes but that take a value after each step, such as a running mean.
    pub updates: Vec<(ParameterId, Var)>,
    /// Values that the type looks at after each step, by name.
    pub watched: Vec<(&'static str, Var)>,
    /// Parameters that this objective leaves as they are.
    pub frozen: Vec<ParameterId>,
}

impl Objective {
    /// What a term counts in step `step` of a phase.
    pub fn weight(&self, term: &Term, step: u64, per_epoch: u64) -> f64 {
        match term.weight {
            Weight::Constant(weight) => weight,
            Weight::Ramp(number) => self.ramps.get(number).map_or(0.0, |ramp| ramp.at(step, per_epoch)),
        }
    }
}

/// An objective while it is put together.
#[derive(Debug, Default)]
pub struct Builder {
    terms: Vec<Term>,
    ramps: Vec<Ramp>,
    watched: Vec<(&'static str, Var)>,
    /// What the code was decoded to, if it was.
    pub raw: Option<Var>,
    /// Parameters that this objective leaves as they are.
    pub frozen: Vec<ParameterId>,
}

impl Builder {
    /// Adds a term of constant weight.
    pub fn term(&mut self, name: &'static str, weight: f64, value: Var) {
        self.terms.push(Term { name, weight: Weight::Constant(weight), value });
    }

    /// Adds a term whose weight is the ramp of that number.
    pub fn ramped(&mut self, name: &'static str, ramp: usize, value: Var) {
        self.terms.push(Term { name, weight: Weight::Ramp(ramp), value });
    }

    /// Adds a number that rises to `to`, and gives its place among the ramps and on the tape.
    pub fn ramp<T: Real>(&mut self, tape: &Tape<T>, name: &str, to: f64, epochs: u64) -> (usize, Var) {
        let var = tape.input(name, Shape::scalar());
        self.ramps.push(Ramp { var, to, epochs });
        (self.ramps.len() - 1, var)
    }

    /// Keeps a value for [`after_step`](crate::autoencoders::Autoencoder::after_step), by name.
    pub fn watch(&mut self, name: &'static str, value: Var) {
        self.watched.push((name, value));
    }

    /// The weighted sum, each term of which stays readable; what the pass has noted goes with it.
    pub fn finish<T: Real>(mut self, pass: &Pass<'_, T>, code: Var) -> Objective {
        let mut total = None;
        for term in &self.terms {
            pass.keep(term.value);
            let weighted = match term.weight {
                Weight::Constant(0.0) => continue,
                Weight::Constant(1.0) => term.value,
                Weight::Constant(weight) => pass.scale(term.value, weight),
                Weight::Ramp(number) => match self.ramps.get(number) {
                    Some(ramp) => pass.mul(term.value, ramp.var),
                    None => {
                        pass.fail(format!("the term {} has a ramp that was not added", term.name));
                        term.value
                    }
                },
            };
            total = Some(total.map_or(weighted, |sum| pass.add(sum, weighted)));
        }
        let total = total.unwrap_or_else(|| {
            pass.fail("an objective without terms".into());
            pass.input("objective", Shape::scalar())
        });
        let updates = pass.take_updates();
        let kept = updates.iter().map(|(_, value)| *value).chain(self.watched.iter().map(|(_, value)| *value));
        kept.for_each(|value| pass.keep(value));
        self.frozen.extend(updates.iter().map(|(id, _)| *id));
        let Self { terms, ramps, watched, raw, frozen } = self;
        Objective { total, terms, code, raw, ramps, updates, watched, frozen }
    }
}
