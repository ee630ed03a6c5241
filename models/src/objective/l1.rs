//! The L1 penalty on a code: few units are far from 0.
//!
//! `λ Σ_l |h_l|`, averaged over samples. With ReLU units many become exactly 0. Source: sparse coding's penalty
//! (Olshausen & Field 1996) on an encoder's output; as in Chollet, "Building Autoencoders in Keras", 2016, whose
//! `activity_regularizer` λ' with a loss averaged over d features is λ = λ' d here.

use super::Builder;
use crate::settings::{Range, settings};
use narrows_engine::ops::Axis;
use narrows_engine::{Real, Tape, Var};

settings! {
    /// The key of the penalty.
    L1Keys {
        l1: f64 = 1e-3, "X", "lambda of lambda sum |h|, the weight of the code's absolute activations", in Range::<f64>::WEIGHT;
    }
}

/// Adds the term for the code `h` `[N, code]`.
#[track_caller]
pub fn record<T: Real>(tape: &Tape<T>, h: Var, weight: f64, builder: &mut Builder) {
    builder.term("l1", weight, tape.mean(tape.sum_over(tape.abs(h), Axis::Row)));
}
