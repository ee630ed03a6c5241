//! The L1-sparse autoencoder: few units of the code are far from 0.
//!
//! Objective: `L + λ Σ_l |h_l|`, averaged over samples (see `objective/l1`).

use super::{Autoencoder, Base, Code, Parts, Sample, Type};
use crate::Result;
use crate::nn::{ActivationName, Pass};
use crate::objective::{Builder, L1Keys, record_l1};
use crate::settings::groups;
use narrows_engine::{Parameters, Real};

groups! {
    /// The keys of the type.
    L1Settings {
        /// Those of every type.
        base: Base,
        /// Of the penalty.
        l1: L1Keys,
    }
}

/// The type.
#[derive(Debug)]
pub struct L1;

impl Type for L1 {
    type Settings = L1Settings;
    const NAME: &'static str = "l1";
    const ABOUT: &'static str = "an L1 penalty on the code";

    fn settings() -> L1Settings {
        let mut base = Base::shallow(128);
        base.body.shared.general.code_activation = ActivationName::Relu;
        L1Settings { base, l1: L1Keys { l1: 0.1 } }
    }

    fn settle(settings: &mut L1Settings, sample: &Sample) -> Result<Vec<String>> {
        let mut said = settings.base.settle(sample, false, "--loss mse")?;
        if settings.l1.l1 == 0.0 {
            said.push("l1 is 0: nothing makes the code sparse".into());
        }
        Ok(said)
    }

    fn build<T: Real>(
        settings: &L1Settings,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> Result<Box<dyn Autoencoder<T>>> {
        let parts = Parts::new(&settings.base, sample, parameters)?.penalised(&settings.base, parameters);
        Ok(Box::new(L1Autoencoder { parts, weight: settings.l1.l1 }))
    }
}

/// The autoencoder.
#[derive(Debug)]
struct L1Autoencoder<T: Real> {
    parts: Parts<T>,
    weight: f64,
}

impl<T: Real> Autoencoder<T> for L1Autoencoder<T> {
    fn parts(&self) -> &Parts<T> {
        &self.parts
    }

    fn terms(&self, pass: &Pass<'_, T>, code: &Code, builder: &mut Builder) {
        record_l1(pass, code.value, self.weight, builder);
    }
}
