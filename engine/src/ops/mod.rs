//! The operations: one differentiable function per file, with its formula, its shape rule, both passes and its cases.
//!
//! Every file ends in its cases, behind the feature `cases`, so that ordinary builds have none of them. The gradient
//! check, the comparison with a scalar reference and the check of determinism (`tests/operations.rs`) walk the one list
//! `cases()`. To add an operation: one file, one word in the list below.
#![forbid(unsafe_code)]

mod activation;
mod binary;
mod broadcast;
#[cfg(feature = "cases")]
pub mod cases;
mod channels;
mod conv_options;
mod convolution;
mod fused;
mod normalise;
mod pairwise;
mod planes;
mod pointwise;
mod reduce;
mod select;

/// The list of operations: a module each, its cases gathered by `cases()`.
macro_rules! operations {
    ($($name:ident)*) => {
        $(mod $name;)*

        /// Every operation's cases.
        #[cfg(feature = "cases")]
        pub fn cases() -> Vec<cases::Case> {
            let mut all = Vec::new();
            $(all.extend($name::cases::all());)*
            all
        }
    };
}

operations! {
    abs add add_scalar argmax avg_pool2d batch_moments batch_norm binary_cross_entropy clamp column_likelihood concatenate conv2d
    conv_transpose2d crop2d div dropout elu exp gather_rows gelu jacobian_norm layer_norm leaky_relu linear ln matmul
    max_pool2d max_unpool2d maximum mean mean_squared_error mul nearest_kernel normal_noise one_hot
    one_hot_columns permute random_mask relu
    reshape scale sigmoid silu slice softmax softmax_cross_entropy softplus sparsity_divergence sqrt square squared_norm
    stop_gradient sub sum tanh top_k upsample2d
}

pub use column_likelihood::ColumnLikelihood;
pub use conv_options::{Conv1dOptions, ConvOptions, ConvTranspose1dOptions, ConvTransposeOptions};
pub use reduce::Axis;

/// How the losses add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Summed over features, averaged over samples: the convention of Narrows.
    SumOverFeatures,
    /// Averaged over everything: what PyTorch calls `mean`.
    Mean,
}

/// Elements below which waking a second thread costs more than it saves.
const GATE: usize = 32_768;
/// Elements of a part handed to a thread.
const GRAIN: usize = 8_192;
/// Elements of a partial sum. It fixes the order of additions at any number of threads.
const CHUNK: usize = 8_192;

/// Refuses an infinite parameter and NaN.
fn finite(p: f64) -> Result<(), String> {
    if p.is_finite() { Ok(()) } else { Err(format!("its parameter is {p}; it must be finite")) }
}
