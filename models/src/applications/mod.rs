//! Trained models put to use.

pub mod reconstruct;
