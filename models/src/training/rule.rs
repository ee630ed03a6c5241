//! How parameters are moved: a step for each batch, or an iteration over all samples at once.

use crate::config::Config;
use crate::{Error, Result};
use narrows_engine::Plan;
use narrows_engine::optim::{Lbfgs, LbfgsConfig, Optimizer, OptimizerError};

/// An optimiser with its state.
pub(super) enum Rule {
    /// SGD, Adam and their relatives.
    Batches(Optimizer<f32>),
    /// L-BFGS.
    Whole(Box<Lbfgs<f32>>),
}

impl From<OptimizerError> for Error {
    fn from(error: OptimizerError) -> Self {
        Error::training(error.to_string())
    }
}

impl Rule {
    /// The configuration's, for the parameters that a plan trains.
    pub(super) fn new(config: &Config, plan: &Plan<f32>, len: usize) -> Result<Self> {
        let named = |error: OptimizerError| Error::usage(format!("optimizer {}: {error}", config.optimizer.name()));
        match config.optimizer_config() {
            Some(optimizer) => Optimizer::new(optimizer, len).map(Self::Batches).map_err(named),
            None => {
                let lbfgs = LbfgsConfig { history: config.lbfgs_memory, ..LbfgsConfig::default() };
                Lbfgs::new(lbfgs, len, plan.trained()).map(|lbfgs| Self::Whole(Box::new(lbfgs))).map_err(named)
            }
        }
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
                let names: Vec<&'static str> = optimizer.state().map(|(name, _)| name).collect();
                let mut values = vec![0.0; optimizer.len()];
                for name in names {
                    read(name, &mut values)?;
                    optimizer.restore(steps, name, &values).map_err(|error| Error::model(error.to_string()))?;
                }
                optimizer.restore_steps(steps);
                Ok(())
            }
            Self::Whole(lbfgs) => lbfgs.restore(numbers, &mut |name, to| read(name, to)),
        }
    }

    /// How many buffers as long as the parameters it keeps.
    pub(super) fn buffers(&self, history: usize) -> usize {
        match self {
            Self::Batches(optimizer) => optimizer.state().count(),
            // Pairs, and some vectors to work with.
            Self::Whole(_) => 2 * history + 5,
        }
    }
}
