//! The contractive autoencoder: its code changes little when its input does (Rifai, Vincent, Muller, Glorot & Bengio
//! 2011).
//!
//! Objective: `L + λ ‖∂h/∂x‖_F²`, averaged over samples, of an encoder of one layer, where the norm has a closed form
//! (see `objective/contraction`). A deep encoder's Jacobian has none, and the paper stacks layers instead: `--model
//! stacked --pretrain contractive`.

use super::{Autoencoder, Base, Code, Parts, Sample, Type};
use crate::nn::Pass;
use crate::objective::{Builder, Contraction, ContractionKeys};
use crate::settings::groups;
use crate::{Error, Result};
use narrows_engine::{Parameters, Real};

groups! {
    /// The keys of the type.
    ContractiveSettings {
        /// Those of every type.
        base: Base,
        /// Of the penalty.
        contraction: ContractionKeys,
    }
}

/// The type.
#[derive(Debug)]
pub struct Contractive;

impl Type for Contractive {
    type Settings = ContractiveSettings;
    const NAME: &'static str = "contractive";
    const ABOUT: &'static str = "a penalty on the encoder's Jacobian";

    fn settings() -> ContractiveSettings {
        let mut base = Base::shallow(64);
        base.body.dense.tied = true;
        ContractiveSettings { base, contraction: ContractionKeys::default() }
    }

    fn settle(settings: &mut ContractiveSettings, sample: &Sample) -> Result<Vec<String>> {
        let mut said = settings.base.settle(sample, false, "--loss mse")?;
        if settings.contraction.contraction == 0.0 {
            said.push("contraction is 0: nothing makes the code contract".into());
        }
        Ok(said)
    }

    fn build<T: Real>(
        settings: &ContractiveSettings,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> Result<Box<dyn Autoencoder<T>>> {
        let parts = Parts::new(&settings.base, sample, parameters)?.penalised(&settings.base, parameters);
        let needs = "a contractive autoencoder has one encoder layer of dense units, whose Jacobian has a closed form; give \
                     --hidden \"\" and --body dense, or use --model stacked --pretrain contractive for depth";
        let [layer] = parts.dense(needs)?.encoder.layers() else { return Err(Error::usage(needs)) };
        let contraction = Contraction::new(settings.contraction.contraction, layer, "code_activation")?;
        Ok(Box::new(ContractiveAutoencoder { parts, contraction }))
    }
}

/// The autoencoder.
#[derive(Debug)]
struct ContractiveAutoencoder<T: Real> {
    parts: Parts<T>,
    contraction: Contraction,
}

impl<T: Real> Autoencoder<T> for ContractiveAutoencoder<T> {
    fn parts(&self) -> &Parts<T> {
        &self.parts
    }

    fn terms(&self, pass: &Pass<'_, T>, code: &Code, builder: &mut Builder) {
        self.contraction.record(pass, code.value, builder);
    }
}
