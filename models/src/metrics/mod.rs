//! Measures: how good a code or a reconstruction is, and what a simple method reaches beside it.
//!
//! * `evaluate`: a model's figures on some data.
//! * [`pca`]: principal component analysis, the linear yardstick of every run.

mod evaluate;
pub mod pca;

pub use evaluate::{Evaluation, Evaluator, evaluate};
pub use pca::Pca;
