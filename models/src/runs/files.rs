//! The names of a run's files, and the three that are written together.

use crate::files::write_bytes_atomically;
use crate::model::MODEL_FILE;
use crate::training::state::STATE_FILE;
use crate::training::{Trainer, history_csv};
use crate::{Error, Result};
use std::path::Path;

/// The configuration's file in a run directory.
pub(super) const CONFIG_FILE: &str = "config.toml";
/// The history's file in a run directory.
pub(super) const HISTORY_FILE: &str = "history.csv";
/// The page for people.
pub(super) const REPORT_FILE: &str = "report.html";
/// The folder of pictures in a run directory.
pub(super) const SAMPLES_FOLDER: &str = "samples";
/// The picture of originals over reconstructions, in that folder.
pub(super) const RECONSTRUCTIONS_FILE: &str = "reconstructions.png";
/// The picture of the inputs that fire the first layer's units most, in that folder.
pub(super) const FILTERS_FILE: &str = "filters.png";
/// No configuration is as long as this; a file given by mistake may be.
pub(super) const LONGEST_CONFIG: u64 = 1 << 20;

/// Writes the model, the state and the history. `fingerprint` is that of the data.
pub(super) fn checkpoint(trainer: &Trainer<'_>, run: &Path, fingerprint: &str) -> Result<()> {
    if let Some(name) = trainer.not_finite() {
        let (step, lr) = (trainer.step_count(), trainer.settings().lr);
        return Err(Error::training(format!(
            "step {step}: `{name}` holds what is not a finite number; lower lr (now {lr:e}) or set clip"
        )));
    }
    trainer.model().save_with(&run.join(MODEL_FILE), trainer.chosen())?;
    trainer.state().with_fingerprint(fingerprint).save(&run.join(STATE_FILE))?;
    write_history(trainer, run)
}

/// Writes what the epochs gave.
pub(super) fn write_history(trainer: &Trainer<'_>, run: &Path) -> Result<()> {
    write_bytes_atomically(&run.join(HISTORY_FILE), history_csv(trainer.history()).as_bytes())
}
