//! Plans over a model that compute and train nothing.

use super::Model;
use crate::autoencoders::{Inputs, Takes};
use crate::nn::{Mode, Pass};
use crate::{Error, Result};
use narrows_engine::{Plan, Real, Shape, Tape, Var, Workspace};

/// The most samples that inference takes at a time.
pub const INFERENCE_ROWS: usize = 256;
/// Bytes of a workspace above which inference takes fewer at a time.
const INFERENCE_BYTES: usize = 512 << 20;

/// A plan, its inputs, and what was recorded.
pub struct Recorded<O> {
    /// The plan.
    pub plan: Plan<f32>,
    /// What it is recorded over.
    pub inputs: Inputs,
    /// What the recording gave.
    pub outputs: O,
}

/// Records the inputs that an autoencoder takes.
#[track_caller]
pub fn inputs<T: Real>(tape: &Tape<T>, features: usize, takes: Takes) -> Inputs {
    let x = tape.input("x", Shape::batch(&[features]));
    let labels = takes.labels.then(|| tape.input("labels", Shape::batch(&[1])));
    let mask = takes.mask.then(|| tape.input("mask", Shape::batch(&[features])));
    Inputs { x, labels, mask }
}

impl Model {
    /// A plan of what `record` records over samples, for as many at a time as memory within reason allows, and not more
    /// than `samples`. `record` gives what it likes and the values that are kept.
    ///
    /// # Errors
    /// What cannot be recorded; no memory.
    pub fn recorded<O>(
        &self,
        samples: usize,
        record: impl FnMut(&Pass<'_, f32>, &Inputs) -> (O, Vec<Var>),
    ) -> Result<Recorded<O>> {
        self.recorded_over(samples, self.data.features, record)
    }

    /// The same over rows of `width` numbers in place of samples.
    ///
    /// # Errors
    /// As for [`Self::recorded`].
    pub fn recorded_over<O>(
        &self,
        samples: usize,
        width: usize,
        mut record: impl FnMut(&Pass<'_, f32>, &Inputs) -> (O, Vec<Var>),
    ) -> Result<Recorded<O>> {
        let mut planned = |rows: usize| -> Result<Recorded<O>> {
            let tape = Tape::new(&self.parameters, rows);
            let pass = Pass::new(&tape, Mode::Evaluation);
            let inputs = inputs(&tape, width, self.autoencoder.takes());
            let (outputs, kept) = record(&pass, &inputs);
            Ok(Recorded { plan: tape.infer(&kept)?, inputs, outputs })
        };
        let (one, two) = (planned(1)?, planned(2)?);
        let each = two.plan.bytes().saturating_sub(one.plan.bytes()).max(1);
        let room = INFERENCE_BYTES.saturating_sub(one.plan.bytes()) / each;
        planned(room.clamp(1, INFERENCE_ROWS.min(samples.max(1))))
    }
}

/// A workspace that could not be had, in words that name what it is for.
pub(crate) fn no_room(plan: &Plan<f32>, error: &narrows_engine::Error) -> Error {
    Error::data(format!("{error}, for {} samples at a time; use a smaller model or smaller images", plan.max_rows()))
}

/// Writes 1 to the mask where a number of `x` is present, and 0 to both where it is NaN.
pub(crate) fn mask_missing(workspace: &mut Workspace<f32>, x: Var, mask: Var) -> Result<()> {
    let count = workspace.input_mut(x)?.len();
    for at in 0..count {
        // One after the other: a workspace lends one input at a time.
        let value = &mut workspace.input_mut(x)?[at];
        let missing = value.is_nan();
        if missing {
            *value = 0.0;
        }
        workspace.input_mut(mask)?[at] = if missing { 0.0 } else { 1.0 };
    }
    Ok(())
}
