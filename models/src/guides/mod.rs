//! How to add to this crate, a page each. Every page lists the places to touch, and its code is run as a test.
//!
//! | what | places | page |
//! |---|---|---|
//! | a type of autoencoder | 1 file, 1 line in a list; outside the crate 1 type | [`autoencoder`] |
//! | a key | 1 line, beside what reads it | [`key`] |
//! | a metric | 1 file, its lines in 2 lists; outside the crate 1 type | [`metric`] |
//! | an activation | the engine's 2 files if layers fuse it; 1 variant and its arm here | [`activation`] |
//! | a body | 1 file, 1 line in a list | [`body`] |
//! | a subcommand | 1 file, 3 lines | [`subcommand`] |
//!
//! An operation, a fused activation, an optimiser and an instruction set have pages in [the engine's
//! guides](crate::engine::guides).
#![forbid(unsafe_code)]

pub mod activation;
pub mod autoencoder;
pub mod body;
pub mod key;
pub mod metric;
pub mod subcommand;
