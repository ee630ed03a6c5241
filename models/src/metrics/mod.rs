//! Measures: how good a code or a reconstruction is, and what a simple method reaches beside it.
//!
//! * `evaluate`: a model's figures on some data; `plans`: how they are recorded.
//! * `images`: signal to noise and structural similarity. `codes`: how a code is used. `probe`: a linear classifier on
//!   codes.
//! * [`pca`]: principal component analysis, the linear yardstick of every run.

mod codes;
mod evaluate;
mod images;
pub mod pca;
mod plans;
mod probe;

pub use codes::{ACTIVE_VARIANCE, CodeStatistics, CodeSummary, DEAD_SPAN, NonZeros};
pub use evaluate::{Denoised, Evaluation, Evaluator, LowerBound, Measure, evaluate};
pub use images::{Ssim, psnr, ssim};
pub use pca::Pca;
pub use probe::{Probe, ProbeOptions};
