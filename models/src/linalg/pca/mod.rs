//! Principal component analysis: the best linear code of a given size, printed beside every model's own figure.
//!
//! The covariance `C = mean over samples of (x - mean)(x - mean)ᵀ` is summed in f64 over blocks of rows, upper panels
//! only; above `FORMED_LIMIT` features it is never formed and is applied through the data. Its leading eigenvectors
//! come from block subspace iteration with oversampling and Rayleigh-Ritz steps (Y. Saad, "Numerical Methods for Large
//! Eigenvalue Problems", 2011, ch. 5). A full eigen-decomposition was not taken: it costs d³ for a few dozen vectors.
//! Components are rows, `[k, features]`; a basis in work is laid out likewise. Memory: blocks of about 4 MB, the bases,
//! and d² numbers where C is formed.

mod arithmetic;
mod components;
mod covariance;
mod eigen;
mod subspace;

pub use components::Pca;

#[cfg(test)]
mod tests;
