//! The sparse autoencoder: each unit of the code is to be on for a share ρ of the samples (Lee, Ekanadham & Ng 2008;
//! Ng, CS294A lecture notes, 2011).
//!
//! Objective: `L + β Ω`, `Ω = Σ_l ρ ln(ρ/ρ̂_l) + (1−ρ) ln((1−ρ)/(1−ρ̂_l))`, `ρ̂_l = (1/m) Σ_i h_l(x_i)`, at its minimum
//! 0 where every ρ̂_l is ρ. It needs h in 0..1, a sigmoid.
//!
//! ρ̂ is taken over the batch at hand, or (`sparsity_mean` running) is a running mean `γ ρ̂ + (1−γ) b` of batch means
//! b, for batches too small to show a small ρ. Its derivative by b is then taken as 1 and not as 1−γ, so that β means
//! the same.

use super::objective::{Builder, Mode};
use crate::config::{Config, MeanName};
use crate::nn::ActivationName;
use crate::{Error, Result};
use narrows_engine::ops::Axis;
use narrows_engine::{ParameterId, Parameters, Real, Shape, Split, Tape, Var};

/// The name of the running mean among the parameters.
pub(crate) const RUNNING_MEAN: &str = "sparsity.mean";

/// ρ, β and where a running mean stands.
#[derive(Debug, Clone)]
pub(super) struct Sparse {
    rho: f64,
    weight: f64,
    decay: f64,
    running: Option<ParameterId>,
}

/// Refuses units that are not in 0..1; `key` is where their activation was set.
pub(super) fn check(key: &str, activation: ActivationName) -> Result<()> {
    if activation != ActivationName::Sigmoid {
        return Err(Error::usage(format!(
            "sparsity compares mean activations in 0..1 with rho, and {key} is {}; give --{} sigmoid, or use --model l1 or \
             k-sparse",
            activation.name(),
            key.replace('_', "-")
        )));
    }
    Ok(())
}

impl Sparse {
    /// Ω for mean activations over any number of samples.
    pub(super) fn divergence(&self, means: &[f64]) -> Result<f64> {
        let none = Parameters::<f64>::new();
        let tape = Tape::new(&none, 1);
        let mean = tape.input("mean activations", Shape::fixed(&[means.len()]));
        let omega = tape.sparsity_divergence(mean, self.rho);
        let plan = tape.infer(&[omega])?;
        let mut workspace = plan.workspace()?;
        workspace.input_mut(mean)?.copy_from_slice(means);
        plan.forward(&none, &mut workspace, Split::Serial)?;
        Ok(workspace.value(omega)?[0])
    }

    /// Over batches.
    pub(super) fn of_batches(config: &Config) -> Self {
        Self { rho: config.sparsity, weight: config.sparsity_weight, decay: config.sparsity_decay, running: None }
    }

    /// For a code of `code` units; adds the running mean, if there is one, to the parameters.
    pub(super) fn new<T: Real>(config: &Config, code: usize, parameters: &mut Parameters<T>) -> Result<Self> {
        let running = match config.sparsity_mean {
            MeanName::Batch => None,
            MeanName::Running => Some(parameters.add(RUNNING_MEAN, &[code])?),
        };
        Ok(Self { running, ..Self::of_batches(config) })
    }

    /// A running mean begins at ρ, where it neither pulls nor pushes.
    pub(super) fn initialise<T: Real>(&self, parameters: &mut Parameters<T>) {
        if let Some(id) = self.running {
            parameters.view_mut(id).fill(T::from_f64(self.rho));
        }
    }

    /// Adds the term for the code `h` `[N, code]`.
    #[track_caller]
    pub(super) fn record<T: Real>(&self, tape: &Tape<T>, h: Var, mode: Mode, builder: &mut Builder) {
        let batch = tape.mean_over(h, Axis::Column);
        let mean = match (self.running, mode) {
            (Some(id), Mode::Training) => {
                // Its value is γ r + (1−γ) b, its derivative by b 1.
                let pull = tape.scale(tape.sub(tape.parameter(id), batch), self.decay);
                let mean = tape.add(batch, tape.stop_gradient(pull));
                builder.updates.push((id, mean));
                builder.frozen.push(id);
                mean
            }
            _ => batch,
        };
        builder.term("sparsity", self.weight, tape.sparsity_divergence(mean, self.rho));
    }
}
