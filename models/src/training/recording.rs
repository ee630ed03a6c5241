//! A phase of training as plans: its objective with a backward pass, and what validates it.

use super::trainer::raw;
use crate::Result;
use crate::autoencoders::{Objective, Phase};
use crate::data::Dataset;
use crate::model::Model;
use narrows_engine::Context;
use narrows_engine::random::Noise;
use narrows_engine::tape::TrainOptions;
use narrows_engine::{Plan, Shape, Split, Tape, Var, Workspace, gather};

/// How raw numbers become what a plan sees.
pub(super) struct Scaling {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
}

/// A plan with its inputs.
pub(super) struct Recording {
    pub(super) plan: Plan<f32>,
    pub(super) workspace: Workspace<f32>,
    pub(super) objective: Objective,
    x: Var,
}

impl Recording {
    /// The objective of a phase, for batches of up to `rows`.
    pub(super) fn training(model: &Model, phase: &Phase, rows: usize) -> Result<Self> {
        let tape = Tape::new(model.parameters(), rows);
        let x = tape.input("x", Shape::batch(&[model.data().features]));
        let objective = model.autoencoder().phase_objective(&tape, x, phase);
        let plan = tape.train_with(objective.total, TrainOptions { frozen: &objective.frozen })?;
        Ok(Self { workspace: plan.workspace()?, plan, objective, x })
    }

    /// What a phase is validated by: the same objective; its noise will be the same at every epoch.
    pub(super) fn validation(model: &Model, phase: &Phase, rows: usize) -> Result<Self> {
        let tape = Tape::new(model.parameters(), rows);
        let x = tape.input("x", Shape::batch(&[model.data().features]));
        let objective = model.autoencoder().phase_objective(&tape, x, phase);
        let plan = tape.infer(&[objective.total])?;
        Ok(Self { workspace: plan.workspace()?, plan, objective, x })
    }

    /// Gathers and scales some rows straight into the plan's input, and their classes if it takes them; sets the noise.
    pub(super) fn load(
        &mut self,
        dataset: &Dataset,
        rows: &[u32],
        scaling: &Scaling,
        noise: Noise,
        split: Split,
    ) -> Result<()> {
        self.workspace.set_rows(rows.len())?;
        self.workspace.set_noise(noise);
        let to = self.workspace.input_mut(self.x)?;
        gather(
            Context { backend: self.plan.backend(), split },
            raw(dataset),
            rows,
            &scaling.scale,
            &scaling.shift,
            to,
        )?;
        if let (Some(var), Some(labels)) = (self.objective.labels, dataset.labels()) {
            let to = self.workspace.input_mut(var)?;
            to.iter_mut().zip(rows).for_each(|(to, &row)| *to = labels[row as usize] as f32);
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
