//! What there is to say about a model, for people and programs.

use super::{DataInfo, FORMAT, INFERENCE_ROWS, Model, Recorded, inputs};
use crate::Result;
use crate::nn::{Mode, Pass};
use crate::settings::table;
use narrows_engine::Tape;
use serde::Serialize;

/// A description of a model.
#[derive(Debug, Clone, Serialize)]
pub struct ModelInfo {
    /// The type.
    pub model: String,
    /// Units from the data to the code and back, as in `784-32-784`.
    pub layers: String,
    /// Numbers that are trained.
    pub parameters: usize,
    /// Numbers in a code.
    pub code: usize,
    /// The loss.
    pub loss: String,
    /// The terms of the objective, each with its weight.
    pub objective: Vec<(String, f64)>,
    /// What the data were.
    pub data: DataInfo,
    /// The type's settings.
    pub settings: toml::Table,
    /// The keys of the data.
    pub source: toml::Table,
    /// How it was trained.
    pub training: toml::Table,
    /// The version of the file.
    pub format: String,
    /// The operations of a reconstruction, for a batch of `plan_rows`.
    pub operations: Vec<OperationLine>,
    /// Samples at a time: [`INFERENCE_ROWS`], or fewer where they would take much memory.
    pub plan_rows: usize,
    /// Bytes of the workspace for that.
    pub plan_bytes: usize,
    /// Each parameter's name and sizes.
    pub tensors: Vec<(String, Vec<usize>)>,
}

/// One operation of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct OperationLine {
    /// The operation.
    pub name: String,
    /// The parameters it reads.
    pub parameters: Vec<String>,
    /// The shape of its result, `N` standing for the batch.
    pub output: String,
    /// Additions and multiplications for a full batch.
    pub flops: u64,
    /// Bytes read and written for a full batch.
    pub bytes: u64,
    /// Bytes of memory of use only while it runs.
    pub scratch_bytes: u64,
}

impl Model {
    /// What there is to say about it.
    ///
    /// # Errors
    /// No memory.
    pub fn describe(&self) -> Result<ModelInfo> {
        let autoencoder = self.autoencoder();
        let Recorded { plan, .. } = self.recorded(INFERENCE_ROWS, |pass, inputs| {
            let code = autoencoder.encode(pass, inputs);
            let raw = autoencoder.decode(pass, &code, inputs);
            ((), vec![autoencoder.parts().reconstruction.output(pass, raw)])
        })?;
        let tape = Tape::new(&self.parameters, 1);
        let pass = Pass::new(&tape, Mode::Training);
        let inputs = inputs(&tape, self.data.features, autoencoder.takes());
        let objective = autoencoder.objective(&pass, &inputs);
        let terms = objective.terms.iter().map(|term| (term.name.to_owned(), objective.weight(term, u64::MAX, 1)));
        let tensor = |id| (self.parameters.name(id).to_owned(), self.parameters.sizes(id).to_vec());
        Ok(ModelInfo {
            model: self.kind.name().into(),
            layers: self.layers(),
            parameters: self.trained_count(),
            code: self.code_size(),
            loss: self.setting("loss").unwrap_or_default(),
            objective: terms.collect(),
            data: self.data.clone(),
            settings: table(self.settings()),
            source: table(&self.source),
            training: self.trained.clone(),
            format: FORMAT.into(),
            operations: plan.operations().map(operation_line).collect(),
            plan_rows: plan.max_rows(),
            plan_bytes: plan.bytes(),
            tensors: self.parameters.ids().map(tensor).collect(),
        })
    }
}

fn operation_line(info: narrows_engine::tape::OperationInfo) -> OperationLine {
    OperationLine {
        name: info.name.into(),
        parameters: info.parameters,
        output: info.output.to_string(),
        flops: info.flops,
        bytes: info.bytes,
        scratch_bytes: info.scratch_bytes,
    }
}
