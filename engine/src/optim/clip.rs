//! Gradient clipping by the global norm (Pascanu, Mikolov and Bengio 2013).
//!
//! The norm is a sum over chunks of a fixed size, added as a binary tree whose shape depends on the length alone, in
//! `f64`: the same bits on any number of threads, and without memory for the partial sums. The factor is then applied
//! inside the optimiser's pass, so clipping reads the gradient once more and writes nothing.

use crate::base::{Error, Split};
use crate::simd::kernels::Updates;
use crate::tape::{Plan, Real, Workspace};

/// Elements summed by one kernel call.
const CHUNK: usize = 4096;
/// Below so many elements threads cost more than they save.
const GATE: usize = 1 << 16;

/// `sqrt(sum g^2)` over the gradients of all parameters that `plan` trains.
///
/// # Errors
/// When `plan` has not just run backward on `workspace`.
pub fn global_norm<T: Real>(plan: &Plan<T>, workspace: &Workspace<T>, split: Split) -> Result<f64, Error> {
    let gradients = workspace.gradients_of(plan)?;
    let kernels = T::updates(plan.backend());
    let parts = plan.trained().iter().filter_map(|range| gradients.get(range.clone()));
    Ok(parts.map(|part| sum_squares(split, kernels, part)).sum::<f64>().sqrt())
}

/// What to multiply the gradient by so that its norm is at most `max_norm`: `min(1, max_norm / norm)`.
///
/// A norm that is zero, infinite or NaN gives 1: there is nothing to scale, or scaling would hide that training
/// diverged. (PyTorch divides by `norm + 1e-6`; the difference is below `f32`'s rounding for norms above 20.)
pub fn clip_factor(norm: f64, max_norm: f64) -> f64 {
    if norm.is_finite() && norm > max_norm { (max_norm / norm).max(0.0) } else { 1.0 }
}

fn sum_squares<T: Real>(split: Split, kernels: &Updates<T>, x: &[T]) -> f64 {
    if x.len() <= CHUNK {
        return kernels.sum_squares(x);
    }
    let middle = (x.len() / 2).next_multiple_of(CHUNK);
    let (left, right) = x.split_at(middle);
    let (mut a, mut b) = (0.0, 0.0);
    split
        .gated(x.len(), GATE)
        .join(|| a = sum_squares(split, kernels, left), || b = sum_squares(split, kernels, right));
    a + b
}
