//! What is left of a corruption: a plan of its own, over corrupted samples.

use super::batch::load;
use super::images::psnr;
use crate::Result;
use crate::autoencoders::Inputs;
use crate::figure::short;
use crate::model::{INFERENCE_ROWS, Model, Recorded, no_room};
use crate::objective::Corruption;
use narrows_engine::ops::Reduction;
use narrows_engine::{Plan, Split, Var, Workspace};
use serde::Serialize;

/// What is left of a corruption.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Denoised {
    /// The corruption's name.
    pub corruption: String,
    /// Its probability or deviation.
    pub corruption_level: f64,
    /// Squared error of the corrupted input against the clean one, summed over features.
    pub input_squared_error: f64,
    /// The same of its reconstruction.
    pub squared_error: f64,
    /// That per feature.
    pub mse: f64,
    /// That as peak signal to noise, in dB.
    pub psnr: Option<f64>,
}

impl Denoised {
    /// The figures in a line.
    pub fn line(&self) -> String {
        format!(
            "corrupted ({} {}): squared error {} of the input, {} of its reconstruction (mse {}{})",
            self.corruption,
            self.corruption_level,
            short(self.input_squared_error),
            short(self.squared_error),
            short(self.mse),
            self.psnr.map_or_else(String::new, |psnr| format!(", psnr {} dB", short(psnr)))
        )
    }
}

/// What is recorded of corrupted samples.
pub(super) struct Corrupted {
    plan: Plan<f32>,
    corruption: Corruption,
    inputs: Inputs,
    input_error: Var,
    error: Var,
}

impl Corrupted {
    pub(super) fn new(model: &Model, corruption: &Corruption) -> Result<Self> {
        let autoencoder = model.autoencoder();
        let recorded = model.recorded(INFERENCE_ROWS, |tape, inputs| {
            let x = inputs.x;
            let input = corruption.record(tape, x).input;
            let input_error = tape.mean_squared_error(input, x, Reduction::SumOverFeatures);
            let code = autoencoder.encode(tape, &Inputs { x: input, ..*inputs });
            let raw = autoencoder.decode(tape, &code, inputs);
            let reconstruction = autoencoder.parts().reconstruction.output(tape, raw);
            let error = tape.mean_squared_error(reconstruction, x, Reduction::SumOverFeatures);
            ((input_error, error), vec![input_error, error])
        })?;
        let Recorded { plan, inputs, outputs: (input_error, error) } = recorded;
        Ok(Self { plan, corruption: *corruption, inputs, input_error, error })
    }
}

/// [`Corrupted`] at work.
pub(super) struct Corrupting<'a> {
    plan: &'a Corrupted,
    workspace: Workspace<f32>,
    features: usize,
    sums: [f64; 2],
}

impl<'a> Corrupting<'a> {
    pub(super) fn new(plan: &'a Corrupted, model: &Model) -> Result<Self> {
        let workspace = plan.plan.workspace().map_err(|error| no_room(&plan.plan, &error))?;
        Ok(Self { plan, workspace, features: model.data().features, sums: [0.0; 2] })
    }

    pub(super) fn run(
        &mut self,
        model: &Model,
        samples: &[f32],
        labels: Option<(&[u32], &[u32])>,
        number: u64,
        split: Split,
    ) -> Result<()> {
        // Its plan may take fewer samples at a time.
        let most = self.plan.plan.max_rows();
        for (part, samples) in samples.chunks(most * self.features).enumerate() {
            let count = samples.len() / self.features;
            let labels = labels.map(|(all, rows)| (all, &rows[part * most..]));
            let number = (number << 16) + part as u64;
            load(&mut self.workspace, &self.plan.inputs, samples, labels, (count, number))?;
            self.plan.plan.forward(model.parameters(), &mut self.workspace, split)?;
            for (sum, var) in self.sums.iter_mut().zip([self.plan.input_error, self.plan.error]) {
                *sum += count as f64 * f64::from(self.workspace.value(var)?[0]);
            }
        }
        Ok(())
    }

    pub(super) fn finish(self, features: usize, samples: usize, range: Option<f64>) -> Denoised {
        let [input, error] = self.sums.map(|sum| sum / samples.max(1) as f64);
        let mse = error / features as f64;
        Denoised {
            corruption: self.plan.corruption.kind().name().into(),
            corruption_level: self.plan.corruption.level(),
            input_squared_error: input,
            squared_error: error,
            mse,
            psnr: range.map(|range| psnr(mse, range)),
        }
    }
}
