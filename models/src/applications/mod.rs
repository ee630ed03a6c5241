//! Trained models put to use.

pub mod filters;
pub mod probe;
pub mod reconstruct;
mod uses;

pub use uses::uses;
