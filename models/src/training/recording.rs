//! A player of a phase as plans: its objective with a backward pass, and what validates it.

use crate::Result;
use crate::autoencoders::{Inputs, Phase};
use crate::data::{Dataset, Preprocessing};
use crate::model::{Model, inputs};
use crate::nn::{Mode, Pass};
use crate::objective::Objective;
use narrows_engine::random::Noise;
use narrows_engine::tape::TrainOptions;
use narrows_engine::{Context, Plan, Split, Tape, Var, Workspace};

/// A plan with its inputs.
pub(super) struct Recording {
    pub(super) plan: Plan<f32>,
    pub(super) workspace: Workspace<f32>,
    pub(super) objective: Objective,
    inputs: Inputs,
}

impl Recording {
    /// The objective of a player, for batches of up to `rows`.
    pub(super) fn training(model: &Model, phase: &Phase, player: usize, rows: usize) -> Result<Self> {
        let autoencoder = model.autoencoder();
        let tape = Tape::new(model.parameters(), rows);
        let pass = Pass::new(&tape, Mode::Training);
        let inputs = inputs(&tape, model.data().features, autoencoder.phase_takes(phase));
        let objective = autoencoder.turn(&pass, &inputs, phase, player);
        let mut frozen = objective.frozen.clone();
        frozen.extend(autoencoder.kept(model.parameters()));
        let plan = tape.train_with(objective.total, TrainOptions { frozen: &frozen })?;
        Ok(Self { workspace: plan.workspace()?, plan, objective, inputs })
    }

    /// What a phase is validated by: its first player's objective; its noise will be the same at every epoch.
    pub(super) fn validation(model: &Model, phase: &Phase, rows: usize) -> Result<Self> {
        let autoencoder = model.autoencoder();
        let tape = Tape::new(model.parameters(), rows);
        let pass = Pass::new(&tape, Mode::Training);
        let inputs = inputs(&tape, model.data().features, autoencoder.phase_takes(phase));
        let objective = autoencoder.turn(&pass, &inputs, phase, 0);
        let plan = tape.infer(&[objective.total])?;
        Ok(Self { workspace: plan.workspace()?, plan, objective, inputs })
    }

    /// Gathers and scales some rows straight into the plan's input, and what else it takes; sets the noise.
    pub(super) fn load(
        &mut self,
        dataset: &Dataset,
        rows: &[u32],
        preprocessing: &Preprocessing,
        noise: Noise,
        split: Split,
    ) -> Result<()> {
        self.workspace.set_rows(rows.len())?;
        self.workspace.set_noise(noise);
        let to = self.workspace.input_mut(self.inputs.x)?;
        let context = Context { backend: self.plan.backend(), split };
        preprocessing.gather(context, dataset, rows, to)?;
        if let (Some(var), Some(labels)) = (self.inputs.labels, dataset.labels()) {
            let to = self.workspace.input_mut(var)?;
            to.iter_mut().zip(rows).for_each(|(to, &row)| *to = labels[row as usize] as f32);
        }
        if let Some(mask) = self.inputs.mask {
            crate::model::mask_missing(&mut self.workspace, self.inputs.x, mask)?;
        }
        Ok(())
    }

    /// Writes what rises with the steps.
    pub(super) fn set_ramps(&mut self, step: u64, per_epoch: u64) -> Result<()> {
        for ramp in &self.objective.ramps {
            self.workspace.input_mut(ramp.var)?[0] = ramp.at(step, per_epoch) as f32;
        }
        Ok(())
    }

    /// The value of a number that was kept.
    pub(super) fn number(&self, var: Var) -> Result<f64> {
        Ok(f64::from(self.workspace.value(var)?[0]))
    }
}
