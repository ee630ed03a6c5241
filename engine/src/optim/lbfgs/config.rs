//! What L-BFGS is told, its constants, and what an iteration answers: the loss, and whether to stop.
//!
//! Whoever trains fills in [`LbfgsConfig`] and reads [`Iteration`]; `Lbfgs::new` checks once, so that an iteration
//! checks no constant again. Apart from the algorithm because none of it depends on the type of the numbers.

use crate::base::Error;
use crate::optim::method::check;

/// The longest history that a configuration may ask for.
pub const MAX_HISTORY: usize = 100;

/// The constants of [`Lbfgs`](super::Lbfgs).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LbfgsConfig {
    /// How many pairs are kept, 1 to [`MAX_HISTORY`]; each costs twice the parameters' memory.
    pub history: usize,
    /// Evaluations that one line search may take, 1 to 1000; a best step that was not the last costs one more.
    pub max_evaluations: usize,
    /// Converged when no trained element of the gradient is larger.
    pub tolerance_gradient: f64,
    /// Converged when an iteration lowers the loss by no more than this part of it.
    pub tolerance_change: f64,
}

impl Default for LbfgsConfig {
    /// 10 pairs, 25 evaluations, and PyTorch's tolerances of 1e-7 and 1e-9 (its change is absolute, ours relative).
    fn default() -> Self {
        Self { history: 10, max_evaluations: 25, tolerance_gradient: 1e-7, tolerance_change: 1e-9 }
    }
}

impl LbfgsConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is outside its range.
    pub fn check(&self) -> Result<(), Error> {
        let whole = |x: usize| x as f64;
        for (holds, field, value, allowed) in [
            ((1..=MAX_HISTORY).contains(&self.history), "history", whole(self.history), "in 1..=100"),
            ((1..=1000).contains(&self.max_evaluations), "max_evaluations", whole(self.max_evaluations), "in 1..=1000"),
            (tolerance(self.tolerance_gradient), "tolerance_gradient", self.tolerance_gradient, "finite, 0 or more"),
            (tolerance(self.tolerance_change), "tolerance_change", self.tolerance_change, "finite, 0 or more"),
        ] {
            check(holds, field, value, allowed)?;
        }
        Ok(())
    }
}

fn tolerance(x: f64) -> bool {
    (0.0..=f64::MAX).contains(&x)
}

/// Why there is nothing left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Converged {
    /// The gradient was within its tolerance before the iteration, which moved nothing.
    Gradient,
    /// The iteration moved, but hardly lowered the loss.
    Change,
    /// No lower loss was found, along the gradient neither; nothing was moved. Rounding allows no more.
    LineSearch,
}

/// What an iteration came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Iteration {
    /// The loss at the parameters as they stand now.
    pub loss: f64,
    /// How often the loss was evaluated.
    pub evaluations: usize,
    /// Whether to stop, and why.
    pub converged: Option<Converged>,
}
