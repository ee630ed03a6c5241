//! The L2 penalty `λ ‖θ‖²` on the weights, a term that every type may have.
//!
//! θ are the weights, or with `l2_biases` all parameters (the lecture's form; a bias that is pulled to 0 keeps units
//! from their thresholds, so it is not the default here). Its gradient adds `2λθ`, so λ is half of what PyTorch calls
//! `weight_decay` under SGD; AdamW's decoupled decay is another method, and here another key.

use crate::settings::{Range, settings};
use narrows_engine::{ParameterId, Parameters, Real, Tape, Var};

settings! {
    /// The keys of the penalty.
    L2Keys {
        l2: f64 = 0.0, "X", "lambda of lambda |theta|^2, a term of the objective (its gradient is 2 lambda theta)", in Range::<f64>::WEIGHT;
        l2_biases: bool = false, "BOOL", "whether that counts biases too", unless l2 is ["0"];
    }
}

/// The penalty.
#[derive(Debug, Clone)]
pub struct L2 {
    /// λ
    pub weight: f64,
    of: Vec<ParameterId>,
}

impl L2 {
    /// Over the weights that are there, and the biases if the keys say so; `None` for a weight of 0. Scales of a
    /// normalisation are no weights.
    pub fn new<T: Real>(keys: &L2Keys, parameters: &Parameters<T>) -> Option<Self> {
        let counts = |id: &ParameterId| {
            let (name, sizes) = (parameters.name(*id), parameters.sizes(*id));
            (name.ends_with(".weight") && sizes.len() > 1) || (keys.l2_biases && name.ends_with(".bias"))
        };
        (keys.l2 > 0.0).then(|| Self { weight: keys.l2, of: parameters.ids().filter(counts).collect() })
    }

    /// `‖θ‖²` over those of them for which `trained` holds.
    #[track_caller]
    pub fn record<T: Real>(&self, tape: &Tape<T>, trained: impl Fn(ParameterId) -> bool) -> Option<Var> {
        let vars: Vec<Var> = self.of.iter().filter(|id| trained(**id)).map(|&id| tape.parameter(id)).collect();
        // An operation has at most 64 inputs.
        vars.chunks(64).map(|some| tape.squared_norm(some)).reduce(|a, b| tape.add(a, b))
    }
}
