//! The k-sparse autoencoder: of a linear code only the k largest units of each sample are kept (Makhzani & Frey 2013).
//!
//! `z = W x + b`, all but the k largest become 0, and by the paper the same W decodes (tied weights, the default).
//! Objective: the reconstruction alone. When nothing is trained αk units are kept, α in 1 to 3. The gradient goes
//! through those kept.

use super::{Autoencoder, Base, Code, Inputs, Parts, Sample, Type};
use crate::nn::{ActivationName, Mode, Pass};
use crate::objective::LossName;
use crate::settings::{Range, groups, settings};
use crate::{Error, Result};
use narrows_engine::{Parameters, Real};

settings! {
    /// The keys of what is kept.
    Keys {
        k: usize = 16, "K", "how many units of the code are kept", in Range::<usize>::COUNT;
        k_test: f64 = 1.0, "X", "how many times as many are kept when nothing is trained, 1 to 3", in Range::<f64>::ONE_TO_THREE;
    }
}

groups! {
    /// The keys of the type.
    KSparseSettings {
        /// Those of every type.
        base: Base,
        /// Of what is kept.
        keys: Keys,
    }
}

/// The type.
#[derive(Debug)]
pub struct KSparse;

impl Type for KSparse {
    type Settings = KSparseSettings;
    const NAME: &'static str = "k-sparse";
    const ABOUT: &'static str = "the k largest units of a code";

    fn settings() -> KSparseSettings {
        let mut base = Base::shallow(128);
        base.body.shared.general.code_activation = ActivationName::Linear;
        base.body.dense.tied = true;
        base.reconstruction.loss = LossName::Mse;
        KSparseSettings { base, keys: Keys::default() }
    }

    fn settle(settings: &mut KSparseSettings, sample: &Sample) -> Result<Vec<String>> {
        settings.base.settle(sample, false, "--loss mse")
    }

    fn build<T: Real>(
        settings: &KSparseSettings,
        sample: &Sample,
        parameters: &mut Parameters<T>,
    ) -> Result<Box<dyn Autoencoder<T>>> {
        let parts = Parts::new(&settings.base, sample, parameters)?.penalised(&settings.base, parameters);
        let (k, code) = (settings.keys.k, parts.body.code_size());
        if k > code {
            return Err(Error::usage(format!(
                "k is {k} and the code has {code} units; give a k of at most {code}, or a larger code"
            )));
        }
        let k_test = ((settings.keys.k_test * k as f64).round() as usize).min(code);
        Ok(Box::new(KSparseAutoencoder { parts, k, k_test }))
    }
}

/// The autoencoder: k, and α k.
#[derive(Debug)]
struct KSparseAutoencoder<T: Real> {
    parts: Parts<T>,
    k: usize,
    k_test: usize,
}

impl<T: Real> Autoencoder<T> for KSparseAutoencoder<T> {
    fn parts(&self) -> &Parts<T> {
        &self.parts
    }

    fn encode(&self, pass: &Pass<'_, T>, inputs: &Inputs) -> Code {
        let code = self.parts.encode(pass, inputs);
        let kept = if pass.mode() == Mode::Training { self.k } else { self.k_test };
        Code { value: pass.top_k(code.value, kept), ..code }
    }

    fn remarks(&self, _: &Sample, _: u64) -> Vec<String> {
        let all = self.k == self.parts.body.code_size();
        all.then(|| format!("k is {}: all units are kept", self.k)).into_iter().collect()
    }
}
