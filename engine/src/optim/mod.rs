//! Optimisers over the flat parameter buffer: descent, its moments, clipping and the learning rate's course.
//!
//! * [`optimizer`]: SGD, Adam, AdamW and RMSprop as PyTorch defines them, with their state for checkpoints.
//! * [`average`](mod@average): a moving average of the weights.
//! * [`config`]: which of them, and their constants with the allowed ranges.
//! * [`clip`]: the gradient's global norm, and the factor that bounds it.
//! * [`lbfgs`]: L-BFGS with a strong Wolfe line search, for the loss of all data at once.
//! * [`schedule`]: warm-up and decay as a pure function of the step.
//!
//! All parameters lie in one buffer, so an optimiser is a loop over numbers that knows no names or shapes; the same
//! bits come out at any number of threads.
#![forbid(unsafe_code)]

pub mod average;
pub mod clip;
pub mod config;
pub mod lbfgs;
pub mod optimizer;
pub mod schedule;

pub use average::{average, average_decay};
pub use clip::{clip_factor, global_norm, global_norm_ranges};
pub use config::{OptimizerConfig, OutOfRange};
pub use lbfgs::{Converged, Iteration, Lbfgs, LbfgsConfig};
pub use optimizer::{Optimizer, OptimizerError};
pub use schedule::{Decay, Schedule};

#[cfg(test)]
mod tests;
