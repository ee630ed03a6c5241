//! The sparsity penalty: each unit of a code is to be on for a share ρ of the samples (Lee, Ekanadham & Ng 2008; Ng,
//! CS294A lecture notes, 2011).
//!
//! `β Ω`, `Ω = Σ_l ρ ln(ρ/ρ̂_l) + (1−ρ) ln((1−ρ)/(1−ρ̂_l))`, `ρ̂_l = (1/m) Σ_i h_l(x_i)`, at its minimum 0 where every
//! ρ̂_l is ρ. It needs h in 0..1, a sigmoid.
//!
//! ρ̂ is taken over the batch at hand, or (`sparsity_mean` running) is a running mean `γ ρ̂ + (1−γ) b` of batch means
//! b, for batches too small to show a small ρ. Its derivative by b is then taken as 1 and not as 1−γ, so that β means
//! the same.

use super::Builder;
use crate::nn::{ActivationName, Mode, Pass};
use crate::settings::{Range, settings, word};
use crate::{Error, Result};
use narrows_engine::ops::Axis;
use narrows_engine::{ParameterId, Parameters, Real, Shape, Split, Tape, Var};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// Over what a unit's mean activation is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum MeanName {
    /// The batch at hand.
    Batch,
    /// A running mean over batches, `sparsity_decay` of which stays at each step.
    Running,
}

word!(MeanName, "sparsity_mean");

settings! {
    /// The keys of the penalty.
    SparsityKeys {
        sparsity: f64 = 0.005, "RHO", "rho, the mean activation that each unit of the code should have", in Range::<f64>::INSIDE;
        sparsity_weight: f64 = 1.0, "X", "beta, the weight of the divergence from rho", in Range::<f64>::WEIGHT;
        sparsity_mean: MeanName = MeanName::Batch, "NAME", "over what the mean activation is taken";
        sparsity_decay: f64 = 0.9, "X", "share of a running mean that stays at each step", in Range::<f64>::FRACTION,
            where sparsity_mean is ["running"];
    }
}

/// ρ, β and where a running mean stands.
#[derive(Debug, Clone)]
pub struct Sparsity {
    rho: f64,
    weight: f64,
    decay: f64,
    running: Option<ParameterId>,
}

/// Refuses units that are not in 0..1; `key` is where their activation was set.
///
/// # Errors
/// Another activation than a sigmoid.
pub fn check(key: &str, activation: ActivationName) -> Result<()> {
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

impl Sparsity {
    /// Over batches.
    pub fn of_batches(keys: &SparsityKeys) -> Self {
        Self { rho: keys.sparsity, weight: keys.sparsity_weight, decay: keys.sparsity_decay, running: None }
    }

    /// For a code of `code` units; adds the running mean, if there is one, to the parameters.
    ///
    /// # Errors
    /// No memory.
    pub fn new<T: Real>(keys: &SparsityKeys, code: usize, parameters: &mut Parameters<T>) -> Result<Self> {
        let running = match keys.sparsity_mean {
            MeanName::Batch => None,
            MeanName::Running => Some(parameters.add("sparsity.mean", &[code])?),
        };
        Ok(Self { running, ..Self::of_batches(keys) })
    }

    /// Whether its mean changes from step to step besides the weights.
    pub fn runs(&self) -> bool {
        self.running.is_some()
    }

    /// A running mean begins at ρ, where it neither pulls nor pushes.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>) {
        if let Some(id) = self.running {
            parameters.view_mut(id).fill(T::from_f64(self.rho));
        }
    }

    /// Adds the term for the code `h` `[N, code]`.
    #[track_caller]
    pub fn record<T: Real>(&self, pass: &Pass<'_, T>, h: Var, builder: &mut Builder) {
        let batch = pass.mean_over(h, Axis::Column);
        let mean = match (self.running, pass.mode()) {
            (Some(id), Mode::Training) => {
                // Its value is γ r + (1−γ) b, its derivative by b 1.
                let pull = pass.scale(pass.sub(pass.parameter(id), batch), self.decay);
                let mean = pass.add(batch, pass.stop_gradient(pull));
                pass.update(id, mean);
                mean
            }
            _ => batch,
        };
        builder.term("sparsity", self.weight, pass.sparsity_divergence(mean, self.rho));
    }

    /// Ω for mean activations over any number of samples.
    ///
    /// # Errors
    /// No memory.
    pub fn divergence(&self, means: &[f64]) -> Result<f64> {
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
}
