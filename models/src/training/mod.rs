//! Training: the loop, what watches it, run directories, and going on where a run stopped.
//!
//! * `trainer`: phases and epochs; `step`: one step after the other over a plan (`recording`) by an optimiser
//!   (`optimizer`); neither knows files.
//! * `run`: a run directory from a request, checkpoints, resuming.
//! * [`state`]: the state file; `checkpoint`: a trainer's state, and going on from one. `history`: what each epoch
//!   gave. `observer`: who watches.

mod checkpoint;
mod history;
mod observer;
mod optimizer;
mod parts;
mod recording;
mod resolve;
mod run;
pub mod state;
mod step;
mod trainer;

pub use history::{EpochRecord, TermRecord};
pub use observer::{Observer, Progress, RunInfo, Silent};
pub use parts::{load_test, load_train};
pub use resolve::prepare;
pub use run::{Outcome, TrainRequest, read_config, read_config_over, resume, train};
pub(crate) use trainer::raw;
pub use trainer::{Stopped, Trainer};
