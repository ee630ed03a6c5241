//! # Adding an optimiser
