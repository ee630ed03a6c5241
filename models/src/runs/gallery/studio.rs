//! Where the models of a gallery are trained: the data, divided and drawn, and the models that several sections share.

use super::options::GalleryOptions;
use crate::applications::samples::{Samples, pick};
use crate::data::{DataSettings, Dataset, ImageShape, Known, load_test, load_train};
use crate::figure::grouped;
use crate::model::Session;
use crate::settings;
use crate::training::{Config, Silent, Trainer, prepare};
use crate::{Error, Result};
use narrows_engine::Split;
use std::cell::OnceCell;

/// Rows and columns of a patch of a photograph.
pub(super) const SIDE: usize = 12;
/// Samples of a step.
const BATCH: &str = "64";
/// The most passes over few samples.
const MOST_EPOCHS: f64 = 2000.0;

/// Rows of a source, as a model is trained on them.
pub(super) struct Material {
    pub(super) settings: DataSettings,
    pub(super) dataset: Dataset,
    pub(super) rows: Vec<u32>,
    /// How many there were to choose from.
    available: usize,
}

/// The data and the models.
pub(super) struct Studio<'a> {
    pub(super) options: &'a GalleryOptions,
    pub(super) split: Split,
    /// What models are trained on.
    pub(super) train: Material,
    /// What they are tried on.
    pub(super) test: Dataset,
    pub(super) tried: Vec<u32>,
    /// Patches of photographs, where there are any.
    pub(super) photographs: Option<Material>,
    image: ImageShape,
    denoising: OnceCell<Session>,
    variational: OnceCell<Session>,
    narrow: OnceCell<Session>,
}

impl<'a> Studio<'a> {
    /// Reads the data.
    pub(super) fn open(options: &'a GalleryOptions, split: Split) -> Result<Self> {
        let mut data = DataSettings { seed: options.seed, ..DataSettings::default() };
        settings::set(&mut data, "source", &options.source)?;
        let train = Material::read(data.clone(), options.rows)?;
        let (test, rows, _) = load_test(&data, &Known::default())?;
        let image = train.dataset.image().ok_or_else(|| {
            Error::usage(format!("a gallery is of images, and {} has none; give digits, say", train.dataset.name()))
        })?;
        let photographs = options.photographs.as_deref().map(|folder| patches(options, folder)).transpose()?;
        let tried = pick(&rows, Some(options.tried), options.seed);
        let (denoising, variational, narrow) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Ok(Self { options, split, train, test, tried, photographs, image, denoising, variational, narrow })
    }

    /// What the page is of.
    pub(super) fn words(&self) -> String {
        let Material { dataset, rows, available, .. } = &self.train;
        let of = match rows.len() < *available {
            true => format!(" of the {} training images, drawn by the seed", grouped(*available)),
            false => " images".to_owned(),
        };
        format!(
            "{}, {} x {} pixels: models are trained on {}{of}, and tried on {} others; seed {}. Every picture and \
             figure below was computed for this page.",
            dataset.name(),
            self.image.height,
            self.image.width,
            grouped(rows.len()),
            grouped(self.tried.len()),
            self.options.seed
        )
    }

    /// The shape of the images.
    pub(super) fn image(&self) -> ImageShape {
        self.image
    }

    /// Numbers of an image.
    pub(super) fn features(&self) -> usize {
        self.train.dataset.features()
    }

    /// Trains a model of a kind with some keys on so many samples in all, the same ones again and again.
    pub(super) fn fit(
        &self,
        material: &Material,
        kind: &str,
        keys: &[(&str, &str)],
        samples: usize,
    ) -> Result<Session> {
        let Material { settings, dataset, rows, .. } = material;
        let passes = samples as f64 * self.options.length / rows.len().max(1) as f64;
        // A float's cast to an integer saturates.
        let epochs = passes.ceil().clamp(1.0, MOST_EPOCHS) as u64;
        let mut config = Config::of(kind)?.with(&[("batch", BATCH)])?.with(keys)?;
        config.data = settings.clone();
        config.training.epochs = epochs;
        let prepared = prepare(&config, dataset, rows)?;
        let mut trainer = Trainer::new(prepared.model, prepared.config.training, dataset, rows.clone(), Vec::new())?;
        trainer.run(self.split, None, &mut Silent, &mut |_| Ok(false))?;
        Ok(Session::new(trainer.into_model().0).on(self.split))
    }

    /// A deep denoising autoencoder, for masks of a half.
    pub(super) fn denoising(&self) -> Result<Session> {
        let keys = [
            ("hidden", "256"),
            ("code", "64"),
            ("activation", "relu"),
            ("code_activation", "relu"),
            ("corruption", "masking"),
            ("corruption_level", "0.5"),
        ];
        self.shared(&self.denoising, "denoising", &keys)
    }

    /// A variational autoencoder with a code of 10 numbers.
    pub(super) fn variational(&self) -> Result<Session> {
        self.shared(&self.variational, "variational", &[("hidden", "256"), ("code", "10")])
    }

    /// An autoencoder with a narrow code: 32 numbers, of small images a quarter of their pixels.
    pub(super) fn narrow(&self) -> Result<Session> {
        let code = (self.features() / 4).clamp(1, 32).to_string();
        self.shared(&self.narrow, "undercomplete", &[("hidden", "256,128"), ("code", &code)])
    }

    fn shared(&self, cell: &OnceCell<Session>, kind: &str, keys: &[(&str, &str)]) -> Result<Session> {
        if let Some(session) = cell.get() {
            return Ok(session.clone());
        }
        let session = self.fit(&self.train, kind, keys, 200_000)?;
        Ok(cell.get_or_init(|| session).clone())
    }

    /// The first of the test images.
    pub(super) fn some(&self, session: &Session, count: usize) -> Result<Samples> {
        Samples::read(session.model(), &self.test, self.tried.get(..count).unwrap_or(&self.tried))
    }

    /// What a class is called.
    pub(super) fn class(&self, label: u32) -> String {
        let names = self.train.dataset.class_names();
        names.and_then(|names| names.get(label as usize)).cloned().unwrap_or_else(|| label.to_string())
    }

    /// The classes of test images, where there are any.
    pub(super) fn labels(&self, rows: &[u32]) -> Option<Vec<u32>> {
        labels(&self.test, rows)
    }
}

/// Patches of the photographs of a folder.
fn patches(options: &GalleryOptions, folder: &str) -> Result<Material> {
    let settings = DataSettings {
        source: format!("photographs:{}", folder.strip_prefix("photographs:").unwrap_or(folder)),
        seed: options.seed,
        patch: SIDE,
        patches: options.patches,
        ..DataSettings::default()
    };
    Material::read(settings, usize::MAX)
}

/// The classes of rows, where there are any.
pub(super) fn labels(dataset: &Dataset, rows: &[u32]) -> Option<Vec<u32>> {
    let labels = dataset.labels()?;
    rows.iter().map(|&row| labels.get(row as usize).copied()).collect()
}

impl Material {
    /// The training part of a source, and so many of its rows at most.
    pub(super) fn read(settings: DataSettings, most: usize) -> Result<Self> {
        let (dataset, rows, _) = load_train(&settings)?;
        let available = rows.len();
        let rows = if available > most { pick(&rows, Some(most), settings.seed) } else { rows };
        Ok(Self { settings, dataset, rows, available })
    }
}
