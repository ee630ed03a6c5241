//! Linear algebra that models and their yardstick share: principal components, and centres of many points.
//!
//! It reads data and multiplies with the engine; it knows no model, no training and no report.

mod kmeans;
pub mod pca;

pub use kmeans::kmeans;
pub use pca::Pca;
