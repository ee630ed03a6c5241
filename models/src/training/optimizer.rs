//! How a phase moves parameters: a step for each batch, or an iteration over all samples at once.

use super::TrainingSettings;
use crate::{Error, Result};
use narrows_engine::optim::{Lbfgs, LbfgsConfig, Optimizer};
use narrows_engine::{Parameters, Plan};

/// A phase's optimiser with its state.
pub(super) enum PhaseOptimizer {
    /// SGD, Adam and their relatives.
    Batches(Optimizer<f32>),
    /// L-BFGS.
    Whole(Box<Lbfgs<f32>>),
}

impl PhaseOptimizer {
    /// The settings', for the parameters that a plan trains.
    pub(super) fn new(config: &TrainingSettings, plan: &Plan<f32>, parameters: &Parameters<f32>) -> Result<Self> {
        let made = match config.optimizer_config() {
            Some(optimizer) => Optimizer::new(optimizer, parameters).map(Self::Batches),
            None => {
                let lbfgs = LbfgsConfig { history: config.lbfgs_memory, ..LbfgsConfig::default() };
                Lbfgs::new(lbfgs, plan).map(|lbfgs| Self::Whole(Box::new(lbfgs)))
            }
        };
        made.map_err(|error| Error::usage(format!("optimizer {}: {error}", config.optimizer.name())))
    }

    /// Its tensors, for a checkpoint.
    pub(super) fn state(&self) -> Vec<(&'static str, &[f32])> {
        match self {
            Self::Batches(optimizer) => optimizer.state().collect(),
            Self::Whole(lbfgs) => lbfgs.state().collect(),
        }
    }

    /// Its numbers.
    pub(super) fn numbers(&self) -> Vec<u64> {
        match self {
            Self::Batches(optimizer) => vec![optimizer.steps_taken()],
            Self::Whole(lbfgs) => lbfgs.numbers(),
        }
    }

    /// Puts back what [`Self::state`] and [`Self::numbers`] gave; `read` fills a tensor by its name.
    pub(super) fn restore(&mut self, numbers: &[u64], read: &dyn Fn(&str, &mut [f32]) -> Result<()>) -> Result<()> {
        match self {
            Self::Batches(optimizer) => {
                let &[steps] = numbers else {
                    return Err(Error::model("the state belongs to another optimiser"));
                };
                optimizer.restore(steps, &mut |name, to| read(name, to))
            }
            Self::Whole(lbfgs) => lbfgs.restore(numbers, &mut |name, to| read(name, to)),
        }
    }

    /// How many buffers as long as the parameters it keeps.
    pub(super) fn buffers(&self, history: usize) -> usize {
        match self {
            Self::Batches(optimizer) => optimizer.state().count(),
            // Pairs, and some vectors to work with.
            Self::Whole(_) => 2 * history + 4,
        }
    }
}
