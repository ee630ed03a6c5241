//! The types of autoencoders, one a file; the objective stands at the top of each.

mod undercomplete;

use crate::config::words;
use narrows_engine::{Real, Tape, Var};
pub use undercomplete::Undercomplete;

words! {
    /// A type of autoencoder.
    ModelKind, "model" {
        /// A bottleneck narrower than the data.
        Undercomplete = "undercomplete",
    }
}

/// One term of an objective, already averaged over samples.
#[derive(Debug, Clone)]
pub struct Term {
    /// What reports call it.
    pub name: &'static str,
    /// What it counts in the objective.
    pub weight: f64,
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
}

impl Objective {
    /// The weighted sum of `terms`, each of which stays readable.
    pub fn of<T: Real>(tape: &Tape<T>, terms: Vec<Term>) -> Self {
        let mut total = None;
        for term in &terms {
            tape.keep(term.value);
            let weighted = if term.weight == 1.0 { term.value } else { tape.scale(term.value, term.weight) };
            total = Some(total.map_or(weighted, |sum| tape.add(sum, weighted)));
        }
        let total = total.unwrap_or_else(|| {
            tape.fail("an objective without terms".into());
            tape.input("objective", narrows_engine::Shape::scalar())
        });
        Self { total, terms }
    }
}
