//! A trained autoencoder: its settings, its weights, and what it must know of its data.
//!
//! `activating`: what fires its units most. `file`: the model's file. `describe`: what there is to say about it. `session`: put to use, in the data's own units;
//! `given` is what it is handed, `job` each kind of its work.
//! `open`: data for it. `recorder`: plans over it. `fingerprint`: what tells it from others. `start`: first weights from
//! another file. `thresholds`: from which score on a sample is odd.

mod activating;
mod describe;
mod file;
mod fingerprint;
mod given;
mod job;
mod open;
mod recorder;
mod session;
mod start;
mod thresholds;

pub use activating::Activating;
pub use describe::{ModelInfo, OperationLine};
pub use file::{FORMAT, MODEL_FILE, model_file};
pub use given::Given;
pub use recorder::{INFERENCE_ROWS, Recorded, inputs};
pub(crate) use recorder::{mask_missing, no_room};
pub use session::{Scored, Session};
pub use start::Started;
pub use thresholds::{Thresholds, TrainingScores};

use crate::autoencoders::{AnyType, Autoencoder, Sample};
use crate::data::{Column, DataSettings, Dataset, ImageShape, Known, Preprocessing, Rows, Schema};
use crate::objective::Reconstruction;
use crate::settings::Settings;
use crate::tensors::Conversion;
use crate::{Error, Result};
use narrows_engine::Parameters;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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
    /// What is done to values before the model sees them.
    pub preprocessing: Preprocessing,
    /// How many classes its labels tell apart, if it has labels.
    #[serde(default)]
    pub classes: Option<usize>,
    /// What the classes are called, where the source said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<String>,
    /// The columns, where the source has names for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Column>>,
    /// Whether values may be missing.
    #[serde(default)]
    pub missing: bool,
}

impl DataInfo {
    /// What a model must know of `dataset`, preprocessed so.
    pub fn of(dataset: &Dataset, preprocessing: Preprocessing) -> Self {
        Self {
            name: dataset.name().into(),
            features: dataset.features(),
            image: dataset.image(),
            preprocessing,
            classes: dataset.labels().map(|_| dataset.classes()),
            class_names: dataset.class_names().unwrap_or_default().to_vec(),
            columns: dataset.columns().map(<[Column]>::to_vec),
            missing: dataset.has_missing(),
        }
    }

    /// What data that come later are read by.
    pub fn known(&self) -> Known {
        let schema = self.columns.as_ref().map(|columns| {
            Arc::new(Schema { columns: columns.clone(), classes: self.class_names.clone(), label: None })
        });
        Known { patches: self.preprocessing.patches(), schema, image: self.image }
    }

    /// The same as a type sees it.
    pub fn sample(&self) -> Sample {
        Sample {
            features: self.features,
            image: self.image,
            classes: self.classes,
            unit: self.preprocessing.is_unit(),
            columns: self.columns.as_deref().map(Arc::from),
            missing: self.missing,
        }
    }
}

/// An autoencoder with its weights.
pub struct Model {
    kind: &'static dyn AnyType,
    settings: Box<dyn Settings>,
    source: DataSettings,
    trained: toml::Table,
    conversions: Vec<Conversion>,
    started: Vec<String>,
    thresholds: Option<Thresholds>,
    data: DataInfo,
    parameters: Parameters<f32>,
    autoencoder: Box<dyn Autoencoder<f32>>,
}

impl Model {
    /// A model with weights drawn by the seed of `source`, the keys of its data. What its settings leave to the data
    /// must be settled ([`AnyType::settle`]).
    ///
    /// # Errors
    /// Settings that make no sense for the data; no memory.
    pub fn new(
        kind: &'static dyn AnyType,
        settings: Box<dyn Settings>,
        source: DataSettings,
        data: DataInfo,
    ) -> Result<Self> {
        Self::within(kind, settings, source, data, usize::MAX)
    }

    /// The same for a model of at most `most` numbers.
    fn within(
        kind: &'static dyn AnyType,
        settings: Box<dyn Settings>,
        source: DataSettings,
        data: DataInfo,
        most: usize,
    ) -> Result<Self> {
        data.preprocessing.check(data.features)?;
        // Counted first, so that memory is reserved once, and not at all for what is too large.
        let mut counted = Parameters::counting(most);
        kind.build(&*settings, &data.sample(), &mut counted)?;
        let mut parameters = Parameters::new();
        parameters.reserve_like(&counted)?;
        let autoencoder = kind.build(&*settings, &data.sample(), &mut parameters)?;
        autoencoder.initialise(&mut parameters, source.seed);
        Ok(Self {
            kind,
            settings,
            source,
            trained: toml::Table::new(),
            conversions: Vec::new(),
            started: Vec::new(),
            thresholds: None,
            data,
            parameters,
            autoencoder,
        })
    }

    /// The type.
    pub fn kind(&self) -> &'static dyn AnyType {
        self.kind
    }

    /// The type's settings.
    pub fn settings(&self) -> &dyn Settings {
        &*self.settings
    }

    /// The value of one of them as text; `None` if the type has no such key.
    pub fn setting(&self, key: &str) -> Option<String> {
        crate::settings::get(&*self.settings, key)
    }

    /// The keys of the data that it was made for.
    pub fn source(&self) -> &DataSettings {
        &self.source
    }

    /// Notes how it was trained, for whoever reads its file.
    pub fn set_trained(&mut self, trained: toml::Table) {
        self.trained = trained;
    }

    /// From which score on a sample is called odd, if that was fitted.
    pub fn thresholds(&self) -> Option<&Thresholds> {
        self.thresholds.as_ref()
    }

    /// Stores it, for the next [`save`](Self::save); nothing else of the model changes.
    pub fn set_thresholds(&mut self, thresholds: Option<Thresholds>) {
        self.thresholds = thresholds;
    }

    /// The tensors that its file held in another type, each now f32.
    pub fn conversions(&self) -> &[Conversion] {
        &self.conversions
    }

    /// What it knows of its data.
    pub fn data(&self) -> &DataInfo {
        &self.data
    }

    /// The weights.
    pub fn parameters(&self) -> &Parameters<f32> {
        &self.parameters
    }

    /// The weights, to be changed.
    pub fn parameters_mut(&mut self) -> &mut Parameters<f32> {
        &mut self.parameters
    }

    /// The autoencoder, and the weights to be changed.
    pub fn parts_mut(&mut self) -> (&dyn Autoencoder<f32>, &mut Parameters<f32>) {
        (&*self.autoencoder, &mut self.parameters)
    }

    /// Numbers that are trained: running means and codebooks are not.
    pub fn trained_count(&self) -> usize {
        let kept = self.autoencoder.kept(&self.parameters);
        self.parameters.count() - kept.iter().map(|&id| self.parameters.view(id).len()).sum::<usize>()
    }

    /// The layers and the objective.
    pub fn autoencoder(&self) -> &dyn Autoencoder<f32> {
        &*self.autoencoder
    }

    /// Numbers in a code.
    pub fn code_size(&self) -> usize {
        self.autoencoder.parts().body.code_size()
    }

    /// Sizes from the data to the code and back, as in `784-32-784`.
    pub fn layers(&self) -> String {
        self.autoencoder.parts().body.layers()
    }

    /// Whether cross-entropy is the loss, whose least value is the entropy of the sample itself.
    pub fn has_cross_entropy(&self) -> bool {
        matches!(self.autoencoder.parts().reconstruction, Reconstruction::CrossEntropy)
    }

    /// Refuses rows whose values the model cannot compare with what it makes of them: beyond 0..1 once they are scaled,
    /// where cross-entropy is the loss; too large for f32; missing, unless it takes that.
    ///
    /// # Errors
    /// The first such value, with its row, its column and what helps.
    pub fn check_targets(&self, dataset: &Dataset, rows: &[u32]) -> Result<()> {
        let unit = self.has_cross_entropy();
        self.data.preprocessing.check_targets(dataset, rows, unit, self.autoencoder.takes().mask)
    }

    /// Refuses data of another kind than the model was trained on: another number of features, another shape of image,
    /// and no labels or more classes where it takes them.
    ///
    /// # Errors
    /// What does not fit, with both sizes.
    pub fn check_fits(&self, dataset: &Dataset) -> Result<()> {
        let (name, features) = (dataset.name(), dataset.features());
        if features != self.data.features {
            let takes = self.data.features;
            return Err(Error::data(format!("{name} has {features} features; the model takes {takes}")));
        }
        match (self.data.image, dataset.image()) {
            (Some(wanted), Some(found)) if wanted != found => {
                return Err(Error::data(format!("{name} has images of {found}; the model takes images of {wanted}")));
            }
            _ => {}
        }
        let known = self.data.classes.unwrap_or(0);
        if self.autoencoder.takes().labels && (dataset.labels().is_none() || dataset.classes() > known) {
            let found = dataset.classes();
            return Err(Error::data(format!(
                "{name} has labels of {found} classes; the model takes those of {known}: give data with those labels"
            )));
        }
        Ok(())
    }
}
