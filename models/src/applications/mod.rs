//! Trained models put to use.

pub mod compress;
pub mod filters;
pub mod probe;
pub mod reconstruct;
