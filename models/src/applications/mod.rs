//! Trained models put to use.

mod encoded;
pub mod filters;
pub mod neighbours;
pub mod probe;
pub mod reconstruct;
pub mod search;
