//! Measures: how good a code or a reconstruction is, and what a simple method reaches beside it.
//!
//! * `metric`: what a metric is, and `metrics!` below all of them; one figure or family a file: `errors`, `by_column`, `similarity`, `terms`,
//!   `lower_bound`, `codebook`, `code_use`, `accuracy`.
//! * `evaluate`: a model's figures on some data (an `evaluation`), by all metrics over one plan. What takes another
//!   plan is no metric: `denoised`, of corrupted samples, and `likelihood`, of many draws. `batch` fills their inputs.
//! * `corrupter`: noise on samples, for what a model is to clean.
//! * `images`: signal to noise and structural similarity. `codes`: statistics of a code. `probe`: a linear classifier
//!   on codes.

mod batch;
mod codes;
mod corrupter;
mod denoised;
mod evaluate;
mod evaluation;
mod images;
mod likelihood;
mod metric;
mod probe;

pub use codebook::CodebookUse;
pub use codes::{ACTIVE_VARIANCE, CodeStatistics, CodeSummary, DEAD_SPAN, NonZeros};
pub use corrupter::Corrupter;
pub use denoised::Denoised;
pub use evaluate::{Evaluator, Measure, evaluate};
pub use evaluation::Evaluation;
pub use images::{Ssim, psnr, ssim};
pub use lower_bound::LowerBound;
pub use metric::{About, Figures, Metric, Vars};
pub use probe::{Probe, ProbeOptions};

macro_rules! metrics {
    ($($module:ident::{$($Name:ident),*},)*) => {
        $(mod $module;)*
        $(pub use $module::{$($Name),*};)*

        impl dyn Metric {
            /// One of each metric of this crate, in the order in which they are told.
            pub fn standard() -> Vec<Box<dyn Metric>> {
                vec![$($(Box::<$Name>::default() as Box<dyn Metric>,)*)*]
            }
        }
    };
}

metrics! {
    accuracy::{Accuracy},
    terms::{Terms},
    errors::{SquaredError, CrossEntropy},
    by_column::{ByColumn},
    similarity::{Similarity},
    lower_bound::{Bound},
    codebook::{Codebook},
    code_use::{CodeUse},
}

#[cfg(test)]
mod evaluate_tests;
#[cfg(test)]
mod metric_tests;
