//! Run directories: claimed, written, and gone on with.
//!
//! A directory holds `config.toml` (complete), `model.safetensors`, `state.safetensors`, `history.csv`, `report.html`,
//! `samples/` and `run.lock`. Files are written beside their place and renamed, so a killed process leaves whole files;
//! the state is written every ten seconds or so and at the end, which is what such a process loses at most.
//!
//! * `claim`: one process writes a directory, and a beginning that was cut short is told from a run.
//! * `train`: a new run; `resume`: an old one; `learn`: what both do, to the figures at the end.
//! * `gallery`: figures of a lecture. `page`: the report. `files`: names and checkpoints. `configuration`: the file that is
//!   read. `fingerprint`: whether data are the same.

mod claim;
mod configuration;
mod files;
mod fingerprint;
pub mod gallery;
mod learn;
mod page;
mod resume;
mod train;

pub use configuration::{config_text, read_config};
pub use learn::Outcome;
pub use resume::{ResumeRequest, resume};
pub use train::{TrainRequest, train};
