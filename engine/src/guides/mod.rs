//! How to add to the engine, a page each. Every page lists the places to touch, and its code is run as a test.
//!
//! | what | places | page |
//! |---|---|---|
//! | an operation | 1 file, 1 word in a list (for some a line in a test); outside the crate 1 type | [`operation`] |
//! | a fused activation | 2 files | [`activation`] |
//! | an optimiser | 1 file, 1 word in a list | [`optimizer`] |
//! | an instruction set | 1 folder, 1 line in a list | [`instruction_set`] |
#![forbid(unsafe_code)]

pub mod activation;
pub mod instruction_set;
pub mod operation;
pub mod optimizer;
