//! A trained autoencoder and its file.
//!
//! The file is safetensors: the weights under PyTorch's names and shapes, and in the metadata everything needed to
//! use them: format version, configuration, data. From the file alone the model is rebuilt. Reading checks the
//! version, the names, the shapes and that every weight is finite; nothing in a file can make it panic.

use crate::autoencoders::{self, Autoencoder, Mode};
use crate::config::Config;
use crate::data::{ImageShape, Scaler};
use crate::files::read_limited;
use crate::tensors::{LARGEST_FILE, copy_tensor, read_tensors, write_tensors};
use crate::{Error, Result};
use narrows_engine::{Parameters, Plan, Shape, Split, Tape, Threads, Var, Workspace};
use safetensors::tensor::SafeTensors;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The version of the model file's metadata.
pub const FORMAT: &str = "1";
/// The model's file in a run directory.
pub const MODEL_FILE: &str = "model.safetensors";
/// The most samples that inference takes at a time.
pub const INFERENCE_ROWS: usize = 256;
/// Bytes of a workspace above which inference takes fewer at a time.
const INFERENCE_BYTES: usize = 512 << 20;

/// What a model must know of its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataInfo {
    /// The data's name.
    pub name: String,
    /// Numbers in a sample.
    pub features: usize,
    /// How a sample is an image, if it is one.
    pub image: Option<ImageShape>,
    /// How values are scaled.
    pub scaler: Scaler,
    /// How many classes its labels tell apart, if it has labels.
    #[serde(default)]
    pub classes: Option<usize>,
}

impl DataInfo {
    /// What a model must know of `dataset`, scaled by `scaler`.
    pub fn of(dataset: &crate::data::Dataset, scaler: Scaler) -> Self {
        Self {
            name: dataset.name().into(),
            features: dataset.features(),
            image: dataset.image(),
            scaler,
            classes: dataset.labels().map(|_| dataset.classes()),
        }
    }
}

/// An autoencoder with its weights.
pub struct Model {
    config: Config,
    data: DataInfo,
    parameters: Parameters<f32>,
    autoencoder: Autoencoder,
}

/// The model file's metadata.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: String,
    version: String,
    config: Config,
    data: DataInfo,
}

/// What of the metadata is read in a file of any version.
#[derive(Debug, Deserialize)]
struct Version {
    format: String,
}

/// A description of a model for people and programs.
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
    /// The configuration.
    pub config: Config,
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

impl Model {
    /// A model with weights drawn by the configuration's seed. The loss must not be `auto` any more.
    ///
    /// # Errors
    /// A configuration that makes no sense for the data; no memory.
    pub fn new(config: Config, data: DataInfo) -> Result<Self> {
        config.validate()?;
        data.scaler.check(data.features)?;
        let mut parameters = Parameters::new();
        let autoencoder = Autoencoder::new(&config, data.features, data.image, data.classes, &mut parameters)?;
        autoencoder.initialise(&mut parameters, &config);
        Ok(Self { config, data, parameters, autoencoder })
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What it knows of its data.
    pub fn data(&self) -> &DataInfo {
        &self.data
    }

    /// The weights.
    pub fn parameters(&self) -> &Parameters<f32> {
        &self.parameters
    }

    /// Numbers that are trained: running means are not.
    pub fn trained_count(&self) -> usize {
        let kept = |id| self.parameters.name(id) == autoencoders::RUNNING_MEAN;
        let running: usize =
            self.parameters.ids().filter(|&id| kept(id)).map(|id| self.parameters.view(id).len()).sum();
        self.parameters.count() - running
    }

    /// The weights, to be changed.
    pub fn parameters_mut(&mut self) -> &mut Parameters<f32> {
        &mut self.parameters
    }

    /// The layers.
    pub fn autoencoder(&self) -> &Autoencoder {
        &self.autoencoder
    }

    /// Numbers in a code.
    pub fn code_size(&self) -> usize {
        self.autoencoder.code_size()
    }

    /// Sizes from the data to the code and back, as in `784-32-784`.
    pub fn layers(&self) -> String {
        self.autoencoder.layers()
    }

    /// Encodes samples that are scaled already: `[n, features]` gives `[n, code]`.
    ///
    /// # Errors
    /// A length that is no multiple of the features; no memory.
    pub fn encode(&self, samples: &[f32], threads: Threads<'_>) -> Result<Vec<f32>> {
        self.map(samples, self.data.features, threads, |tape, x| self.autoencoder.encode(tape, x))
    }

    /// Decodes codes: `[n, code]` gives `[n, features]`, scaled as the model's inputs are.
    ///
    /// # Errors
    /// A length that is no multiple of the code; no memory.
    pub fn decode(&self, codes: &[f32], threads: Threads<'_>) -> Result<Vec<f32>> {
        self.map(codes, self.code_size(), threads, |tape, code| self.autoencoder.decode(tape, code))
    }

    /// Encodes and decodes samples that are scaled already: `[n, features]` gives as many.
    ///
    /// # Errors
    /// As for [`Self::encode`].
    pub fn reconstruct(&self, samples: &[f32], threads: Threads<'_>) -> Result<Vec<f32>> {
        self.map(samples, self.data.features, threads, |tape, x| self.autoencoder.reconstruct(tape, x))
    }

    /// Refuses data of another kind than the model was trained on: another number of features, and for convolutions
    /// another shape of image.
    ///
    /// # Errors
    /// What does not fit, with both sizes.
    pub fn check_fits(&self, dataset: &crate::data::Dataset) -> Result<()> {
        let (name, features) = (dataset.name(), dataset.features());
        if features != self.data.features {
            let takes = self.data.features;
            return Err(Error::data(format!("{name} has {features} features; the model takes {takes}")));
        }
        let wanted = self.data.image.filter(|_| self.config.is_convolutional());
        match (wanted, dataset.image()) {
            (Some(wanted), Some(found)) if wanted == found => Ok(()),
            (Some(wanted), Some(found)) => {
                Err(Error::data(format!("{name} has images of {found}; the model takes images of {wanted}")))
            }
            (Some(wanted), None) => {
                Err(Error::data(format!("{name} has no images; the model takes images of {wanted}")))
            }
            (None, _) => Ok(()),
        }
    }

    /// A plan of what `record` records over inputs of `width` numbers, for as many samples at a time as memory within
    /// reason allows, and not more than `samples`; with the input and the outputs.
    pub(crate) fn inference_plan<O>(
        &self,
        width: usize,
        samples: usize,
        record: impl Fn(&Tape<f32>, Var) -> (O, Vec<Var>),
    ) -> Result<(Plan<f32>, Var, O)> {
        let planned = |rows: usize| -> Result<(Plan<f32>, Var, O)> {
            let tape = Tape::new(&self.parameters, rows);
            let x = tape.input("x", Shape::batch(&[width]));
            let (outputs, kept) = record(&tape, x);
            Ok((tape.infer(&kept)?, x, outputs))
        };
        let (one, two) = (planned(1)?, planned(2)?);
        let each = two.0.bytes().saturating_sub(one.0.bytes()).max(1);
        let rows = (INFERENCE_BYTES.saturating_sub(one.0.bytes()) / each).clamp(1, INFERENCE_ROWS.min(samples.max(1)));
        planned(rows)
    }

    /// Runs a recording over samples of `width` numbers, a batch at a time.
    fn map(
        &self,
        samples: &[f32],
        width: usize,
        threads: Threads<'_>,
        record: impl Fn(&Tape<f32>, Var) -> Var,
    ) -> Result<Vec<f32>> {
        if width == 0 || !samples.len().is_multiple_of(width) {
            return Err(Error::data(format!("{} numbers are no samples of {width}", samples.len())));
        }
        let count = samples.len() / width;
        let (plan, x, (y, elements)) = self.inference_plan(width, count, |tape, x| {
            let y = record(tape, x);
            ((y, tape.shape(y).sample_elements()), vec![y])
        })?;
        let mut workspace = plan.workspace().map_err(|error| no_room(&plan, &error))?;
        let mut outputs: Vec<f32> = Vec::new();
        let total = count.saturating_mul(elements);
        outputs.try_reserve_exact(total).map_err(|_| Error::data(format!("no memory for {total} numbers")))?;
        threads.run(|split| -> Result<()> {
            for batch in samples.chunks(plan.max_rows() * width) {
                run_batch(&plan, &self.parameters, &mut workspace, x, batch, width, split)?;
                outputs.extend_from_slice(workspace.value(y)?);
            }
            Ok(())
        })?;
        Ok(outputs)
    }

    /// What there is to say about it.
    ///
    /// # Errors
    /// No memory.
    pub fn describe(&self) -> Result<ModelInfo> {
        let (plan, ..) = self.inference_plan(self.data.features, INFERENCE_ROWS, |tape, x| {
            ((), vec![self.autoencoder.reconstruct(tape, x)])
        })?;
        let tape = Tape::new(&self.parameters, 1);
        let x = tape.input("x", Shape::batch(&[self.data.features]));
        let objective = self.autoencoder.objective(&tape, x, Mode::Training);
        let terms = objective.terms.iter().map(|term| (term.name.to_owned(), objective.weight(term, u64::MAX, 1)));
        let tensor = |id| (self.parameters.name(id).to_owned(), self.parameters.sizes(id).to_vec());
        Ok(ModelInfo {
            model: self.config.model.name().into(),
            layers: self.layers(),
            parameters: self.trained_count(),
            code: self.code_size(),
            loss: self.config.loss.name().into(),
            objective: terms.collect(),
            data: self.data.clone(),
            config: self.config.clone(),
            format: FORMAT.into(),
            operations: plan.operations().map(operation_line).collect(),
            plan_rows: plan.max_rows(),
            plan_bytes: plan.bytes(),
            tensors: self.parameters.ids().map(tensor).collect(),
        })
    }

    /// Writes the model file, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.save_with(path, &self.parameters)
    }

    /// The same with other weights of the same layout (the best ones, say).
    ///
    /// # Errors
    /// As for [`Self::save`].
    pub fn save_with(&self, path: &Path, parameters: &Parameters<f32>) -> Result<()> {
        let header = Header {
            format: FORMAT.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            config: self.config.clone(),
            data: self.data.clone(),
        };
        let metadata = serde_json::to_string(&header)
            .map_err(|error| Error::model(format!("cannot describe the model as JSON: {error}")))?;
        let tensors = parameters.ids().map(|id| (parameters.name(id), parameters.sizes(id), parameters.view(id)));
        write_tensors(path, tensors, metadata)
    }

    /// Reads a run directory's model, or a model file.
    ///
    /// # Errors
    /// No such file; a file that is not a whole model file of this version.
    pub fn load(path: &Path) -> Result<Self> {
        let file = if path.is_dir() { path.join(MODEL_FILE) } else { path.to_path_buf() };
        let bytes = read_limited(&file, LARGEST_FILE)?;
        Self::parse(&bytes, &file.display().to_string())
    }

    /// Reads a model file's bytes; `origin` names them in errors.
    ///
    /// # Errors
    /// As for [`Self::load`].
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self> {
        let (tensors, metadata) = read_tensors(bytes, origin)?;
        let unread = |error: serde_json::Error| Error::model(format!("{origin}: its metadata cannot be read: {error}"));
        // The version first: the rest of another version's metadata may have any form.
        let Version { format } = serde_json::from_str(&metadata).map_err(unread)?;
        if format != FORMAT {
            return Err(Error::model(format!(
                "{origin} is a model file of version {format}; this program reads version {FORMAT}"
            )));
        }
        let Header { config, data, .. } = serde_json::from_str(&metadata).map_err(unread)?;
        // The sizes that the metadata claim must be those that the file holds, before memory is reserved for them.
        check_claims(&config, &data, bytes.len(), origin)?;
        let mut model = Self::new(config, data)
            .map_err(|error| Error::model(format!("{origin} does not describe a model: {error}")))?;
        fill(&mut model.parameters, &tensors, origin)?;
        Ok(model)
    }
}

/// Refuses layers that need more weights than the file could hold.
fn check_claims(config: &Config, data: &DataInfo, bytes: usize, origin: &str) -> Result<()> {
    let weights = autoencoders::weights(config, data.features, data.image, data.classes);
    if weights.and_then(|n| n.checked_mul(4)).is_none_or(|needed| needed > bytes) {
        return Err(Error::model(format!(
            "{origin} is too short for the layers that it claims; restore it from a copy, or train again"
        )));
    }
    Ok(())
}

/// A workspace that could not be had, in words that name what it is for.
pub(crate) fn no_room(plan: &Plan<f32>, error: &narrows_engine::Error) -> Error {
    Error::data(format!("{error}, for {} samples at a time; use a smaller model or smaller images", plan.max_rows()))
}

/// Copies samples into a plan's input and runs it.
fn run_batch(
    plan: &Plan<f32>,
    parameters: &Parameters<f32>,
    workspace: &mut Workspace<f32>,
    x: Var,
    batch: &[f32],
    width: usize,
    split: Split,
) -> Result<()> {
    workspace.set_rows(batch.len() / width)?;
    workspace.input_mut(x)?.copy_from_slice(batch);
    Ok(plan.forward(parameters, workspace, split)?)
}

/// All parameters from a file, and nothing else in it.
fn fill(parameters: &mut Parameters<f32>, tensors: &SafeTensors<'_>, origin: &str) -> Result<()> {
    let ids: Vec<_> = parameters.ids().collect();
    for &id in &ids {
        let (name, sizes) = (parameters.name(id).to_owned(), parameters.sizes(id).to_vec());
        copy_tensor(tensors, &name, &sizes, parameters.view_mut(id), origin)?;
    }
    if tensors.len() != ids.len() {
        return Err(Error::model(format!("{origin} holds {} tensors; the model has {}", tensors.len(), ids.len())));
    }
    Ok(())
}

/// The run directory's model file.
pub fn model_file(run: &Path) -> PathBuf {
    run.join(MODEL_FILE)
}

/// One operation of a plan, for people and programs.
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
