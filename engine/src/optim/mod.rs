//! Optimisers over the flat parameter buffer: descent, its moments, clipping and the learning rate's course.
//!
//! * [`optimizer`]: an optimiser with its state, stepped along the gradients of a plan.
//! * [`methods`]: the optimisers with their constants, one a file. `method`: what each of them states.
//! * [`clip`]: the gradient's global norm, and the factor that bounds it.
//! * [`average`](mod@average): a moving average of the weights.
//! * [`lbfgs`]: L-BFGS with a strong Wolfe line search, for the loss of all data at once.
//! * [`schedule`]: warm-up and decay as a pure function of the step.
//!
//! All parameters lie in one buffer, so an optimiser is a loop over numbers that knows no names or shapes; the same
//! bits come out at any number of threads. What moves, how it is laid out and which instructions are used is the plan's
//! to say: functions take the plan first, and `split`, which a plan does not know, last.
#![forbid(unsafe_code)]

pub mod average;
#[cfg(test)]
mod cases;
pub mod clip;
pub mod lbfgs;
mod method;
pub mod methods;
pub mod optimizer;
pub mod schedule;

pub use average::{average, average_decay};
pub use clip::{clip_factor, global_norm};
pub use lbfgs::{Converged, Iteration, Lbfgs, LbfgsConfig};
pub use methods::*;
pub use optimizer::{Optimizer, StepOptions};
pub use schedule::{Decay, Schedule};

#[cfg(test)]
mod tests;
