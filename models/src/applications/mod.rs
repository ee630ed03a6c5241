//! Trained models put to use.

pub mod detect;
pub mod filters;
pub mod probe;
pub mod reconstruct;
