//! The overcomplete autoencoder: `dim h > dim x`, kept from copying its input by an L2 penalty on its weights.
//!
//! Objective: `L + λ ‖θ‖²`, θ the weights, or with `l2_biases` all parameters (the lecture's form; a bias that is
//! pulled to 0 keeps units from their thresholds, so it is not the default here). Its gradient adds `2λθ`, so λ is half
//! of what PyTorch calls `weight_decay` under SGD; AdamW's decoupled decay is another method, and here another key. The
//! penalty is a term that every type may have (`l2`); this type has it by default.

use crate::config::Config;
use crate::{Error, Result};
use narrows_engine::{ParameterId, Parameters, Real, Tape, Var};

/// Refuses a code that is not larger than the data.
pub(super) fn check(code: usize, features: usize) -> Result<()> {
    if code <= features {
        return Err(Error::usage(format!(
            "code is {code} for data of {features} features; an overcomplete autoencoder has a larger code: give one, or \
             use --model undercomplete"
        )));
    }
    Ok(())
}

/// The penalty `λ ‖θ‖²`.
#[derive(Debug, Clone)]
pub(super) struct L2 {
    pub(super) weight: f64,
    of: Vec<ParameterId>,
}

impl L2 {
    /// Over the weights that are there, and the biases if the configuration says so; `None` for a weight of 0.
    pub(super) fn new<T: Real>(config: &Config, parameters: &Parameters<T>) -> Option<Self> {
        let counts = |id: &ParameterId| {
            let name = parameters.name(*id);
            name.ends_with(".weight") || (config.l2_biases && name.ends_with(".bias"))
        };
        (config.l2 > 0.0).then(|| Self { weight: config.l2, of: parameters.ids().filter(counts).collect() })
    }

    /// `‖θ‖²` over those of them for which `trained` holds.
    #[track_caller]
    pub(super) fn record<T: Real>(&self, tape: &Tape<T>, trained: impl Fn(ParameterId) -> bool) -> Option<Var> {
        let vars: Vec<Var> = self.of.iter().filter(|id| trained(**id)).map(|&id| tape.parameter(id)).collect();
        // An operation has at most 64 inputs.
        vars.chunks(64).map(|some| tape.squared_norm(some)).reduce(|a, b| tape.add(a, b))
    }
}
