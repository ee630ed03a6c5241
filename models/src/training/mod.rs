//! Training: the loop, what watches it, and going on where it stopped.
//!
//! * `settings`: the keys of training; `config`: all keys of a run. `prepare`: what is left to the data, settled.
//! * `trainer`: phases and epochs; `step`: one step after the other over a plan (`recording`) by an optimiser
//!   (`optimizer`); none of them knows files.
//! * [`state`]: the state file; `checkpoint`: a trainer's state, and going on from one. `history`: what each epoch
//!   gave. `observer`: who watches.

mod checkpoint;
mod config;
mod history;
mod observer;
mod optimizer;
mod order;
mod prepare;
mod recording;
mod settings;
pub mod state;
mod step;
mod suit;
mod trainer;

pub use checkpoint::RateChange;
pub use config::Config;
pub use history::EpochRecord;
pub(crate) use history::to_csv as history_csv;
pub use observer::{Observer, Progress, RunInfo, Silent};
pub use prepare::{Prepared, fit, prepare, remarks};
pub use settings::{OptimizerName, ScheduleName, TrainingSettings};
pub use suit::suit;
pub use trainer::{Stopped, Trainer};
