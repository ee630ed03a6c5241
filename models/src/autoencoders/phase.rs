//! What is trained one after the other, by whom, from what, and what is looked at after each step.

use crate::data::{Dataset, Preprocessing};
use crate::{Error, Result};
use narrows_engine::random::Noise;
use narrows_engine::{Context, Real, Split, Var, Workspace};

/// A part of a training run with objectives of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// What reports call it.
    pub name: String,
    /// Passes over the training part.
    pub epochs: u64,
    /// What the type knows it by.
    pub number: usize,
    /// Who plays in it, in turn for each batch.
    pub players: Vec<Player>,
    /// Whether its result is kept beside the final weights, for comparison.
    pub keeps: bool,
}

/// One who moves parameters of its own, by an objective and an optimiser of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Player {
    /// What reports call it.
    pub name: &'static str,
    /// Its learning rate, as a multiple of the run's.
    pub rate: f64,
    /// Its steps for each batch.
    pub steps: u32,
}

impl Phase {
    /// A phase of one player.
    pub fn of(name: impl Into<String>, epochs: u64) -> Self {
        let player = Player { name: "model", rate: 1.0, steps: 1 };
        Self { name: name.into(), epochs, number: 0, players: vec![player], keeps: false }
    }
}

/// Training data, for first weights that depend on them.
pub struct Prepare<'a> {
    /// The data.
    pub dataset: &'a Dataset,
    /// The rows that are trained on.
    pub rows: &'a [u32],
    /// How they are scaled.
    pub preprocessing: &'a Preprocessing,
    /// Parameters that took their values from another file, and are not to be made anew.
    pub started: &'a [String],
    /// The seed of what is drawn.
    pub seed: u64,
    /// The threads.
    pub split: Split,
}

impl Prepare<'_> {
    /// The first `count` rows (all, if there are fewer), scaled, `[count, features]`.
    ///
    /// # Errors
    /// No memory.
    pub fn samples(&self, count: usize) -> Result<Vec<f32>> {
        let rows = &self.rows[..count.min(self.rows.len())];
        let features = self.dataset.features();
        let mut samples = crate::data::reserved(rows.len() * features, "scaled samples")?;
        samples.resize(rows.len() * features, 0.0f32);
        self.preprocessing.gather(Context::new(self.split), self.dataset, rows, &mut samples)?;
        Ok(samples)
    }
}

/// A step that was taken, for [`after_step`](super::Autoencoder::after_step).
pub struct StepView<'a, T: Real> {
    workspace: &'a Workspace<T>,
    watched: &'a [(&'static str, Var)],
    /// The phase's number, as the type knows it.
    pub phase: usize,
    /// The player.
    pub player: usize,
    /// The seed and the number of the step, of what is drawn.
    pub noise: Noise,
}

impl<'a, T: Real> StepView<'a, T> {
    /// Of a workspace after its step.
    pub fn new(
        workspace: &'a Workspace<T>,
        watched: &'a [(&'static str, Var)],
        (phase, player): (usize, usize),
        noise: Noise,
    ) -> Self {
        Self { workspace, watched, phase, player, noise }
    }

    /// The value that the objective watched under `name`, over the batch at hand.
    ///
    /// # Errors
    /// There is none.
    pub fn value(&self, name: &str) -> Result<&[T]> {
        let found = self.watched.iter().find(|(watched, _)| *watched == name);
        let (_, var) = found.ok_or_else(|| Error::training(format!("the objective watches no `{name}`")))?;
        Ok(self.workspace.value(*var)?)
    }
}
