//! Linear algebra that models and their yardstick share: principal components, centres of many points, mixtures
//! of normal distributions.
//!
//! It reads data and multiplies with the engine; it knows no model, no training and no report.

mod kmeans;
mod mixture;
pub mod pca;

pub use kmeans::kmeans;
pub use mixture::Mixture;
pub use pca::Pca;
