//! The model's file: safetensors, the weights under PyTorch's names and shapes, and in the metadata everything needed
//! to use them: format version, type, settings, data. From the file alone the model is rebuilt. Reading checks the
//! version, the names, the shapes and that every weight is finite; nothing in a file can make it panic.
//!
//! The settings are stored whole, defaults too: a new default, or a new key, never changes an old model.

use super::{DataInfo, Model, Thresholds};
use crate::autoencoders::Registry;
use crate::data::DataSettings;
use crate::files::read_limited;
use crate::settings::{Settings, plain, set, table};
use crate::tensors::{Conversion, LARGEST_FILE, copy_tensor, read_tensors, write_tensors};
use crate::{Error, Result};
use narrows_engine::Parameters;
use safetensors::tensor::SafeTensors;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The version of the model file's metadata.
pub const FORMAT: &str = "2";
/// The model's file in a run directory.
pub const MODEL_FILE: &str = "model.safetensors";

/// The model file's metadata.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    model: toml::Table,
    source: toml::Table,
    #[serde(default)]
    training: toml::Table,
    data: DataInfo,
    /// Left out where there are none: such files are as they were before there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thresholds: Option<Thresholds>,
}

/// What of the metadata is read in a file of any version.
#[derive(Debug, Deserialize)]
struct Version {
    format: String,
}

impl Model {
    /// Writes the model file, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_with(path.as_ref(), &self.parameters)
    }

    /// The same with other weights of the same layout (the best ones, say).
    ///
    /// # Errors
    /// As for [`Self::save`].
    pub fn save_with(&self, path: &Path, parameters: &Parameters<f32>) -> Result<()> {
        let header = Header {
            format: FORMAT.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            kind: self.kind.name().into(),
            model: table(&*self.settings),
            source: table(&self.source),
            training: self.trained.clone(),
            data: self.data.clone(),
            thresholds: self.thresholds.clone(),
        };
        let metadata = serde_json::to_string(&header)
            .map_err(|error| Error::model(format!("cannot describe the model as JSON: {error}")))?;
        let tensors = parameters.ids().map(|id| (parameters.name(id), parameters.sizes(id), parameters.view(id)));
        write_tensors(path, tensors, metadata)
    }

    /// Reads a run directory's model, or a model file, of one of this crate's types.
    ///
    /// # Errors
    /// No such file; a file that is not a whole model file of this version.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path, &Registry::standard())
    }

    /// The same of one of a registry's types.
    ///
    /// # Errors
    /// As for [`Self::load`].
    pub fn load_with(path: impl AsRef<Path>, registry: &Registry) -> Result<Self> {
        let path = path.as_ref();
        let file = if path.is_dir() { path.join(MODEL_FILE) } else { path.to_path_buf() };
        let bytes = read_limited(&file, LARGEST_FILE)?;
        Self::parse_with(&bytes, &file.display().to_string(), registry)
    }

    /// Reads a model file's bytes; `origin` names them in errors.
    ///
    /// # Errors
    /// As for [`Self::load`].
    pub fn parse(bytes: &[u8], origin: &str) -> Result<Self> {
        Self::parse_with(bytes, origin, &Registry::standard())
    }

    /// The same of one of a registry's types.
    ///
    /// # Errors
    /// As for [`Self::load`].
    pub fn parse_with(bytes: &[u8], origin: &str, registry: &Registry) -> Result<Self> {
        let (tensors, metadata) = read_tensors(bytes, origin)?;
        let unread = |error: serde_json::Error| Error::model(format!("{origin}: its metadata cannot be read: {error}"));
        // The version first: the rest of another version's metadata may have any form.
        let Version { format } = serde_json::from_str(&metadata).map_err(unread)?;
        if format != FORMAT {
            return Err(Error::model(format!(
                "{origin} is a model file of version {format}; this program reads version {FORMAT}: train the model again"
            )));
        }
        let header: Header = serde_json::from_str(&metadata).map_err(unread)?;
        let wrong = |error: Error| Error::model(format!("{origin} does not describe a model: {error}"));
        let kind = registry.get(&header.kind).map_err(|error| {
            let with = "a type of another crate is read by Model::load_with and a registry that has it";
            Error::model(format!("{origin}: {error}; {with}"))
        })?;
        let (mut settings, mut source) = (kind.settings(), DataSettings::default());
        fill_settings(&mut *settings, &header.model).map_err(wrong)?;
        fill_settings(&mut source, &header.source).map_err(wrong)?;
        // The numbers that the settings claim must be those that the file holds, before memory is reserved for them;
        // a weight takes two bytes at least.
        header.thresholds.iter().try_for_each(Thresholds::check).map_err(wrong)?;
        let mut model = Self::within(kind, settings, source, header.data, bytes.len() / 2).map_err(wrong)?;
        model.trained = header.training;
        model.thresholds = header.thresholds;
        model.conversions = fill(&mut model.parameters, &tensors, origin)?;
        Ok(model)
    }
}

/// Sets every key that a table has.
fn fill_settings(settings: &mut dyn Settings, table: &toml::Table) -> Result<()> {
    table.iter().try_for_each(|(key, value)| {
        let text = plain(value).ok_or_else(|| Error::usage(format!("`{key}` is a {}", value.type_str())))?;
        set(settings, key, &text)
    })
}

/// All parameters from a file, and nothing else in it; which of them were converted.
fn fill(parameters: &mut Parameters<f32>, tensors: &SafeTensors<'_>, origin: &str) -> Result<Vec<Conversion>> {
    let ids: Vec<_> = parameters.ids().collect();
    let mut conversions = Vec::new();
    for &id in &ids {
        let (name, sizes) = (parameters.name(id).to_owned(), parameters.sizes(id).to_vec());
        conversions.extend(copy_tensor(tensors, &name, &sizes, parameters.view_mut(id), origin)?);
    }
    if tensors.len() != ids.len() {
        return Err(Error::model(format!("{origin} holds {} tensors; the model has {}", tensors.len(), ids.len())));
    }
    Ok(conversions)
}

/// The run directory's model file.
pub fn model_file(run: &Path) -> PathBuf {
    run.join(MODEL_FILE)
}
