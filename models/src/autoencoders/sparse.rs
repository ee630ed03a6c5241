//! The sparse autoencoder: each unit of the code is on for a share ρ of the samples (Lee, Ekanadham & Ng 2008; Ng,
//! CS294A lecture notes, 2011).
//!
//! Objective: `L + β Ω`, Ω the divergence of the units' mean activations from ρ (see `objective/sparsity`). It needs h
//! in 0..1, a sigmoid.

use super::{Autoencoder, Base, Code, Parts, Sample, Type, Whole};
use crate::Result;
use crate::nn::Pass;
use crate::objective::{Builder, MeanName, Sparsity, SparsityKeys, check_sparsity};
use crate::settings::groups;
use narrows_engine::{ParameterId, Parameters, Real};

groups! {
    /// The keys of the type.
    SparseSettings {
        /// Those of every type.
        base: Base,
        /// Of the penalty.
        sparsity: SparsityKeys,
    }
}

/// The type.
#[derive(Debug)]
pub struct Sparse;

impl Type for Sparse {
    type Settings = SparseSettings;
    const NAME: &'static str = "sparse";
    const ABOUT: &'static str = "units that are on for a given share of the samples";
    const TRAINING: &'static [(&'static str, &'static str)] = &[("batch", "256"), ("lr", "1e-2")];

    fn settings() -> SparseSettings {
        SparseSettings { base: Base::shallow(100), sparsity: SparsityKeys::default() }
    }

    fn settle(settings: &mut SparseSettings, sample: &Sample) -> Result<Vec<String>> {
        let mut said = settings.base.settle(sample, false, "--loss mse")?;
        if settings.sparsity.sparsity_weight == 0.0 {
            said.push("sparsity_weight is 0: nothing makes the code sparse".into());
        }
        Ok(said)
    }

    fn build<T: Real>(
        settings: &SparseSettings,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> Result<Box<dyn Autoencoder<T>>> {
        check_sparsity("code_activation", settings.base.body.shared.general.code_activation)?;
        let parts = Parts::new(&settings.base, sample, parameters)?;
        let sparsity = Sparsity::new(&settings.sparsity, parts.body.code_size(), parameters)?;
        let of_batches = settings.sparsity.sparsity_mean == MeanName::Batch;
        let least = of_batches.then_some(settings.sparsity.sparsity);
        Ok(Box::new(SparseAutoencoder { parts: parts.penalised(&settings.base, parameters), sparsity, least }))
    }
}

/// The autoencoder.
#[derive(Debug)]
struct SparseAutoencoder<T: Real> {
    parts: Parts<T>,
    sparsity: Sparsity,
    /// ρ, where means are of batches.
    least: Option<f64>,
}

impl<T: Real> Autoencoder<T> for SparseAutoencoder<T> {
    fn parts(&self) -> &Parts<T> {
        &self.parts
    }

    fn initialise(&self, parameters: &mut Parameters<T>, seed: u64) {
        self.parts.body.initialise(parameters, seed);
        self.sparsity.initialise(parameters);
    }

    fn terms(&self, pass: &Pass<'_, T>, code: &Code, builder: &mut Builder) {
        self.sparsity.record(pass, code.value, builder);
    }

    fn kept(&self, parameters: &Parameters<T>) -> Vec<ParameterId> {
        let name = |id: &ParameterId| parameters.name(*id);
        parameters.ids().filter(|id| name(id) == "sparsity.mean" || name(id).ends_with(".running_moments")).collect()
    }

    fn moves(&self) -> Option<(&'static str, &'static str)> {
        self.sparsity.runs().then_some(("sparsity_mean", "batch"))
    }

    fn couples_samples(&self) -> bool {
        true
    }

    fn whole_term(&self, name: &str, whole: &Whole<'_>) -> Result<Option<f64>> {
        if name == "sparsity" { self.sparsity.divergence(whole.mean_activation).map(Some) } else { Ok(None) }
    }

    fn small_batch(&self, batch: usize) -> Option<String> {
        let rho = self.least.filter(|rho| batch as f64 * rho < 1.0)?;
        Some(format!(
            "a unit is to be on for {rho} of the samples, less than one of a batch of {batch}; give a larger batch, or \
             sparsity_mean running"
        ))
    }
}
