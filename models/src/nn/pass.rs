//! What layers are recorded into: a tape, what it is recorded for, and what changes beside the gradients.

use narrows_engine::{ParameterId, Real, Tape, Var};
use std::cell::RefCell;
use std::ops::Deref;

/// What is recorded: training, or use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Training: inputs are corrupted, units dropped, weights of terms rise over their warm-up.
    Training,
    /// Measuring and use: inputs are clean, weights of terms at their ends. Samples of a code are drawn all the same.
    Evaluation,
}

/// A tape while a model is recorded on it; its operations are the tape's own.
pub struct Pass<'a, T: Real> {
    tape: &'a Tape<T>,
    mode: Mode,
    updates: RefCell<Vec<(ParameterId, Var)>>,
}

impl<'a, T: Real> Pass<'a, T> {
    /// On a tape, for training or for use.
    pub fn new(tape: &'a Tape<T>, mode: Mode) -> Self {
        Self { tape, mode, updates: RefCell::default() }
    }

    /// The tape.
    pub fn tape(&self) -> &'a Tape<T> {
        self.tape
    }

    /// What it is recorded for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Notes that a parameter, which no gradient moves, takes `value` after each step: a running mean.
    pub fn update(&self, parameter: ParameterId, value: Var) {
        self.updates.borrow_mut().push((parameter, value));
    }

    /// Drops a share of hidden units while training.
    #[track_caller]
    pub fn drop(&self, x: Var, share: f64) -> Var {
        if self.mode == Mode::Training { self.tape.dropout(x, share) } else { x }
    }

    /// What was noted so far, which is forgotten with that.
    pub fn take_updates(&self) -> Vec<(ParameterId, Var)> {
        self.updates.take()
    }
}

impl<T: Real> Deref for Pass<'_, T> {
    type Target = Tape<T>;

    fn deref(&self) -> &Tape<T> {
        self.tape
    }
}
