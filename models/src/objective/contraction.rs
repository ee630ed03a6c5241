//! The contractive penalty: a layer's output changes little when its input does (Rifai, Vincent, Muller, Glorot &
//! Bengio 2011).
//!
//! `λ ‖∂h/∂x‖_F²`, averaged over samples, of one layer, where the norm has a closed form: `Σ_j f'(z_j)² Σ_i W_ji²`, for
//! sigmoid units `[h_j(1−h_j)]²`, for tanh `(1−h_j²)²`, for ReLU 1 where h_j > 0. It costs O(d · dim h).

use super::Builder;
use crate::nn::{ActivationName, Linear};
use crate::settings::{Range, settings};
use crate::{Error, Result};
use narrows_engine::{Real, Tape, Var};

settings! {
    /// The key of the penalty.
    ContractionKeys {
        contraction: f64 = 0.1, "X", "lambda of lambda |dh/dx|^2, the weight of the Jacobian's squared norm", in Range::<f64>::WEIGHT;
    }
}

/// The penalty on one layer.
#[derive(Debug, Clone)]
pub struct Contraction {
    weight: f64,
    layer: Linear,
    activation: ActivationName,
}

impl Contraction {
    /// On `layer` with its activation; `key` is where that was set.
    ///
    /// # Errors
    /// An activation whose derivative is not a function of its output.
    pub fn new(weight: f64, (layer, activation): &(Linear, ActivationName), key: &str) -> Result<Self> {
        if activation.fused::<f32>().is_none_or(|fused| !fused.is_differentiated_from_output()) {
            return Err(Error::usage(format!(
                "a contractive penalty needs the derivative as a function of the unit's output, which {} has not; give \
                 --{} sigmoid or tanh",
                activation.name(),
                key.replace('_', "-")
            )));
        }
        Ok(Self { weight, layer: layer.clone(), activation: *activation })
    }

    /// Adds the term for the layer's output `h` `[N, out]`.
    #[track_caller]
    pub fn record<T: Real>(&self, tape: &Tape<T>, h: Var, builder: &mut Builder) {
        // `new` has seen to it that there is one.
        let Some(fused) = self.activation.fused() else { return };
        builder.term("contraction", self.weight, tape.jacobian_norm(h, tape.parameter(self.layer.weight()), fused));
    }
}
