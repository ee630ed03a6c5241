//! Objectives: a weighted sum of terms, each of which has a name, a weight and a value that reports show.

use narrows_engine::{ParameterId, Real, Shape, Tape, Var};

/// What an objective is recorded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Training: inputs are corrupted, weights rise over their warm-up.
    Training,
    /// Measuring: inputs are clean, weights are at their ends. Samples of a code are drawn all the same.
    Evaluation,
}

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
    /// The input for the class of each sample, `[N, 1]`, where the objective has one.
    pub labels: Option<Var>,
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
pub(super) struct Builder {
    terms: Vec<Term>,
    ramps: Vec<Ramp>,
    pub(super) updates: Vec<(ParameterId, Var)>,
    pub(super) labels: Option<Var>,
    pub(super) raw: Option<Var>,
    pub(super) frozen: Vec<ParameterId>,
}

impl Builder {
    /// Adds a term of constant weight.
    pub(super) fn term(&mut self, name: &'static str, weight: f64, value: Var) {
        self.terms.push(Term { name, weight: Weight::Constant(weight), value });
    }

    /// Adds a term whose weight is the ramp of that number.
    pub(super) fn ramped(&mut self, name: &'static str, ramp: usize, value: Var) {
        self.terms.push(Term { name, weight: Weight::Ramp(ramp), value });
    }

    /// Adds a number that rises to `to`, and gives its place among the ramps and on the tape.
    pub(super) fn ramp<T: Real>(&mut self, tape: &Tape<T>, name: &str, to: f64, epochs: u64) -> (usize, Var) {
        let var = tape.input(name, Shape::scalar());
        self.ramps.push(Ramp { var, to, epochs });
        (self.ramps.len() - 1, var)
    }

    /// The weighted sum, each term of which stays readable.
    pub(super) fn finish<T: Real>(self, tape: &Tape<T>, code: Var) -> Objective {
        let mut total = None;
        for term in &self.terms {
            tape.keep(term.value);
            let weighted = match term.weight {
                Weight::Constant(0.0) => continue,
                Weight::Constant(1.0) => term.value,
                Weight::Constant(weight) => tape.scale(term.value, weight),
                Weight::Ramp(number) => tape.mul(term.value, self.ramps[number].var),
            };
            total = Some(total.map_or(weighted, |sum| tape.add(sum, weighted)));
        }
        let total = total.unwrap_or_else(|| {
            tape.fail("an objective without terms".into());
            tape.input("objective", Shape::scalar())
        });
        self.updates.iter().for_each(|(_, value)| tape.keep(*value));
        let Self { terms, ramps, updates, labels, raw, frozen } = self;
        Objective { total, terms, code, raw, ramps, updates, labels, frozen }
    }
}
