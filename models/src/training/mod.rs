//! Training: the loop, what watches it, run directories, and going on where a run stopped.
//!
//! * `trainer`: one step after the other over a plan; knows no files.
//! * `run`: a run directory from a request, checkpoints, resuming.
//! * [`state`]: the state file. `history`: what each epoch gave. `observer`: who watches.

mod history;
mod observer;
mod parts;
mod run;
pub mod state;
mod trainer;

pub use history::EpochRecord;
pub use observer::{Observer, Progress, RunInfo, Silent};
pub use parts::{load_test, load_train};
pub use run::{Outcome, TrainRequest, read_config, read_config_over, resume, train};
pub(crate) use trainer::raw;
pub use trainer::{Stopped, Trainer};
