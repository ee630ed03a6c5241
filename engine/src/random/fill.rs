//! Slices of random numbers, from any position of a stream.
//!
//! Element `i` of a stream is the same number however it is reached: a fill of `[offset, offset + len)` gives the
//! elements that a fill of the whole would have put there, so threads may split anywhere. Words and uniform numbers
//! are the same bits on every backend; normal ones differ by a few units in the last place, as `ln` and `sincospi` do.
//! The streams of `f32`, `f64` and words under one seed share their randomness; give each use a stream of its own.

use crate::simd::{Backend, Float, PhiloxKernels};

/// The raw words from `offset` on, uniform in `0..2^32`.
pub fn fill_bits(seed: u64, stream: u64, offset: u64, out: &mut [u32]) {
    fill_bits_on(Backend::current(), seed, stream, offset, out);
}

/// [`fill_bits`] on a backend of the caller's choice.
pub fn fill_bits_on(backend: Backend, seed: u64, stream: u64, offset: u64, out: &mut [u32]) {
    PhiloxKernels::<f32>::of(backend).bits(seed, stream, offset, out);
}

/// Uniform numbers in `[low, high)`: `low + (high - low) u`, where `u` has 24 bits in `f32` and 53 in `f64`.
///
/// `high - low` must be finite. Where rounding would give `high`, the number is `low`, as it always is when the
/// interval is empty.
pub fn fill_uniform<T: Float>(seed: u64, stream: u64, offset: u64, low: T, high: T, out: &mut [T]) {
    fill_uniform_on(Backend::current(), seed, stream, offset, low, high, out);
}

/// [`fill_uniform`] on a backend of the caller's choice.
pub fn fill_uniform_on<T: Float>(
    backend: Backend,
    seed: u64,
    stream: u64,
    offset: u64,
    low: T,
    high: T,
    out: &mut [T],
) {
    T::random(backend).uniform(seed, stream, offset, low, high - low, out);
}

/// Normal numbers of the given mean and standard deviation, by Box and Muller's transformation (1958).
///
/// A pair takes two uniform variables, of 32 and 24 bits in `f32` (so no number lies further out than 6.66
/// deviations) and of 53 bits in `f64` (8.57).
pub fn fill_normal<T: Float>(seed: u64, stream: u64, offset: u64, mean: T, deviation: T, out: &mut [T]) {
    fill_normal_on(Backend::current(), seed, stream, offset, mean, deviation, out);
}

/// [`fill_normal`] on a backend of the caller's choice.
pub fn fill_normal_on<T: Float>(
    backend: Backend,
    seed: u64,
    stream: u64,
    offset: u64,
    mean: T,
    deviation: T,
    out: &mut [T],
) {
    T::random(backend).normal(seed, stream, offset, mean, deviation, out);
}

#[cfg(test)]
#[path = "fill_tests.rs"]
mod tests;
