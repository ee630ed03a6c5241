//! Random numbers as a function: of a seed, a stream and a position, with no state to keep in step.
//!
//! * [`philox`]: the generator, Philox 4x32-10, for `rand`'s traits and as a plain function.
//! * [`fill`](mod@fill): slices of uniform and normal numbers, in vectors, from any position of a stream.
//! * [`shuffle`]: permutations, written out so that their order never changes.
//!
//! A run needs only its seed and its step to make the same noise again, on any number of threads. A sequential
//! generator was rejected for that: its order would depend on who draws first.
#![forbid(unsafe_code)]

pub mod fill;
pub mod philox;
pub mod shuffle;

pub use fill::{fill_bits, fill_bits_on, fill_normal, fill_normal_on, fill_uniform, fill_uniform_on};
pub use philox::{Philox, philox4x32_10};
pub use shuffle::permutation;

/// What random operations are functions of, besides the operation and the element.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Noise {
    /// The run's seed.
    pub seed: u64,
    /// The step of training.
    pub step: u64,
}

/// The stream of the operation numbered `operation` in training step `step`.
///
/// `step * 2^24 + operation`: no two coincide while there are fewer than `2^24` operations and `2^40` steps (a
/// thousand steps a second for 34 years); beyond, the numbers wrap and streams may repeat. Element `i` of a stream is
/// reached by its offset, so a noise value is a function of (seed, step, operation, element).
pub const fn stream_id(step: u64, operation: u32) -> u64 {
    (step << 24).wrapping_add(operation as u64)
}
