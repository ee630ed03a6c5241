//! Optimisers over the flat parameter buffer: descent, its moments, clipping and the learning rate's course.
//!
//! * [`optimizer`]: SGD, Adam, AdamW and RMSprop as PyTorch defines them, with their state for checkpoints.
//! * [`config`]: which of them, and their constants with the allowed ranges.
//! * [`clip`]: the gradient's global norm, and the factor that bounds it.
//! * [`schedule`]: warm-up and decay as a pure function of the step.
//!
//! All parameters lie in one buffer, so an optimiser is a loop over numbers that knows no names or shapes; the same
//! bits come out at any number of threads.
#![forbid(unsafe_code)]

pub mod clip;
pub mod config;
pub mod optimizer;
pub mod schedule;

pub use clip::{clip_factor, global_norm, global_norm_ranges};
pub use config::{OptimizerConfig, OutOfRange};
pub use optimizer::{Optimizer, OptimizerError};
pub use schedule::{Decay, Schedule};

#[cfg(test)]
mod tests;
