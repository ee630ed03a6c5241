//! The likelihood of samples by importance sampling: a plan of its own, run many times for each batch.

use super::batch::load;
use crate::Result;
use crate::autoencoders::Inputs;
use crate::model::{INFERENCE_ROWS, Model, Recorded, no_room};
use narrows_engine::{Plan, Split, Var, Workspace};

/// A plan of one importance weight for each sample, and what it is run in.
pub(super) struct Likelihood {
    plan: Plan<f32>,
    inputs: Inputs,
    log_weights: Var,
    workspace: Workspace<f32>,
    /// For each sample of a batch the largest logarithm so far, and the sum of the weights over it.
    sums: Vec<(f64, f64)>,
}

impl Likelihood {
    /// `variance` is the likelihood's where the data's best one is taken.
    pub(super) fn new(model: &Model, variance: f64) -> Result<Self> {
        let autoencoder = model.autoencoder();
        let recorded = model.recorded(INFERENCE_ROWS, |tape, inputs| {
            // Asked for only where the code is a distribution.
            let weights = autoencoder.importance(tape, inputs, variance).map_or(inputs.x, |(weights, _)| weights);
            (weights, vec![weights])
        })?;
        let Recorded { plan, inputs, outputs: log_weights } = recorded;
        let workspace = plan.workspace().map_err(|error| no_room(&plan, &error))?;
        Ok(Self { plan, inputs, log_weights, workspace, sums: Vec::new() })
    }

    /// The most samples of a batch.
    pub(super) fn max_rows(&self) -> usize {
        self.plan.max_rows()
    }

    /// The sum over a batch of `ln (1/K Σ_k w_k)`; `(number, count)` are the batch's number and K.
    pub(super) fn run(
        &mut self,
        model: &Model,
        samples: &[f32],
        labels: Option<(&[u32], &[u32])>,
        (number, count): (u64, usize),
        split: Split,
    ) -> Result<f64> {
        let rows = samples.len() / model.data().features;
        self.sums.clear();
        self.sums.resize(rows, (f64::NEG_INFINITY, 0.0));
        for k in 0..count {
            load(&mut self.workspace, &self.inputs, samples, labels, (rows, (number << 24) + k as u64))?;
            self.plan.forward(model.parameters(), &mut self.workspace, split)?;
            for ((largest, sum), &log) in self.sums.iter_mut().zip(self.workspace.value(self.log_weights)?) {
                let log = f64::from(log);
                if log > *largest {
                    *sum = *sum * (*largest - log).exp() + 1.0;
                    *largest = log;
                } else {
                    *sum += (log - *largest).exp();
                }
            }
        }
        let count = (count.max(1) as f64).ln();
        Ok(self.sums.iter().map(|(largest, sum)| largest + sum.ln() - count).sum())
    }
}
