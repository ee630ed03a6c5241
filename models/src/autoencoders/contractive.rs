//! The contractive autoencoder: its code changes little when its input does (Rifai, Vincent, Muller, Glorot & Bengio
//! 2011).
//!
//! Objective: `L + λ ‖∂h/∂x‖_F²`, averaged over samples, of an encoder of one layer, where the norm has a closed form:
//! `Σ_j f'(z_j)² Σ_i W_ji²`, for sigmoid units `[h_j(1−h_j)]²`, for tanh `(1−h_j²)²`, for ReLU 1 where h_j > 0. It
//! costs O(d · dim h). A deep encoder's Jacobian has none, and the paper stacks layers instead:
//! `--model stacked --pretrain contractive`.

use super::body::Body;
use super::objective::Builder;
use crate::nn::{ActivationName, Linear};
use crate::{Error, Result};
use narrows_engine::{Real, Tape, Var};

/// The one layer of the encoder.
///
/// # Errors
/// An encoder that is deeper, or of convolutions; an activation whose derivative is not a function of its output.
pub(super) fn layer(body: &Body) -> Result<(Linear, ActivationName)> {
    let layers = body.dense().map(|body| body.encoder().layers());
    let Some([(layer, activation)]) = layers else {
        return Err(Error::usage(
            "a contractive autoencoder has one encoder layer of dense units, whose Jacobian has a closed form; give \
             --hidden \"\" and --body dense, or use --model stacked --pretrain contractive for depth",
        ));
    };
    check("code_activation", *activation)?;
    Ok((layer.clone(), *activation))
}

/// Refuses an activation that the closed form does not know; `key` is where it was set.
pub(super) fn check(key: &str, activation: ActivationName) -> Result<()> {
    if activation.fused::<f32>().is_none_or(|fused| !fused.is_differentiated_from_output()) {
        return Err(Error::usage(format!(
            "a contractive penalty needs the derivative as a function of the unit's output, which {} has not; give \
             --{} sigmoid or tanh",
            activation.name(),
            key.replace('_', "-")
        )));
    }
    Ok(())
}

/// Adds the term for the output `h` `[N, out]` of `layer`.
#[track_caller]
pub(super) fn record<T: Real>(
    tape: &Tape<T>,
    h: Var,
    (layer, activation): &(Linear, ActivationName),
    weight: f64,
    builder: &mut Builder,
) {
    // `check` has seen to it that there is one.
    let Some(fused) = activation.fused() else { return };
    builder.term("contraction", weight, tape.jacobian_norm(h, tape.parameter(layer.weight()), fused));
}
