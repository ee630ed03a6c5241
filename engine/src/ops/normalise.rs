//! What the normalisations share: how a batch is cut into parts whose sums are added in order, and the check of ε.

/// The most parts that a batch is cut into for sums over samples, and the fewest rows of one. They fix the order of
/// additions at any number of threads.
pub(super) const PARTS: usize = 8;
const ROWS: usize = 32;

/// Rows of a part of `rows`.
pub(super) fn part(rows: usize) -> usize {
    rows.div_ceil(PARTS).max(ROWS)
}

/// Refuses what is no small number to be added to a variance.
pub(super) fn check_epsilon(epsilon: f64) -> Result<(), String> {
    let allowed = (1e-12..=1.0).contains(&epsilon);
    if allowed { Ok(()) } else { Err(format!("epsilon is {epsilon}; it must be in 1e-12..=1")) }
}

/// `1 / √(variance + epsilon)`
pub(super) fn reciprocal(variance: f64, epsilon: f64) -> f64 {
    1.0 / (variance + epsilon).sqrt()
}
