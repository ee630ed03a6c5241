//! Trained models put to use.

pub mod codes;
pub mod filters;
pub mod manifold;
pub mod probe;
pub mod reconstruct;
pub mod shown;
