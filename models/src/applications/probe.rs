//! A linear classifier on the codes of a trained model: how far its code tells classes apart, though it never saw one.
//!
//! Softmax regression on standardised codes of the training part, judged on the test part (see `metrics::Probe`);
//! beside it the same on principal components of as many numbers, and on the data themselves.

use crate::data::Dataset;
use crate::metrics::{Pca, Probe, ProbeOptions};
use crate::model::Model;
use crate::training::{load_test, load_train, raw};
use crate::{Error, Result};
use narrows_engine::{Context, Split, Threads, gather};

/// What linear classifiers reach on the test part, as shares of samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    /// On the model's code.
    pub accuracy: f64,
    /// On as many principal components (fewer, if the data have fewer features).
    pub pca_accuracy: f64,
    /// On the data themselves.
    pub raw_accuracy: f64,
    /// How many principal components these were.
    pub components: usize,
    /// Classes.
    pub classes: usize,
    /// Samples that were judged.
    pub samples: usize,
    /// The part they are of: `test`, or `train` where nothing was held out.
    pub part: String,
}

/// Samples, scaled, with their classes.
struct Labelled {
    samples: Vec<f32>,
    labels: Vec<u32>,
}

impl Labelled {
    fn new(model: &Model, dataset: &Dataset, rows: &[u32], split: Split) -> Result<Self> {
        model.check_fits(dataset)?;
        let labels = dataset
            .labels()
            .ok_or_else(|| Error::data(format!("{} has no labels to find; give data with labels", dataset.name())))?;
        let features = model.data().features;
        let (scale, shift) = model.data().scaler.scale_shift(features)?;
        let mut samples = crate::data::reserved(rows.len() * features, "scaled samples")?;
        samples.resize(rows.len() * features, 0.0f32);
        gather(Context::new(split), raw(dataset), rows, &scale, &shift, &mut samples)?;
        Ok(Self { samples, labels: rows.iter().map(|&row| labels[row as usize]).collect() })
    }
}

/// Steps below which a classifier is far from where it settles.
const LEAST_STEPS: u64 = 3000;

/// Fits and judges the classifiers on a source, divided as the model's own data were, each for as many epochs as the
/// options say, or more where these would be fewer than 3000 steps.
///
/// # Errors
/// A source that cannot be read, does not fit the model or has no labels.
pub fn probe(model: &Model, data: &str, options: &ProbeOptions, split: Split) -> Result<Probed> {
    let mut config = model.config().clone();
    config.data = data.to_owned();
    let (dataset, mut rows, validation) = load_train(&config)?;
    rows.extend(validation);
    let train = Labelled::new(model, &dataset, &rows, split)?;
    let (scale, shift) = model.data().scaler.scale_shift(model.data().features)?;
    let (features, size) = (model.data().features, model.code_size());
    let pca = Pca::fit(&dataset, Some(&rows), &scale, &shift, size.min(features), split)?;
    drop(dataset);
    let (dataset, rows, held_out) = load_test(&config)?;
    let test = Labelled::new(model, &dataset, &rows, split)?;
    drop(dataset);
    let per_epoch = train.labels.len().div_ceil(options.batch.max(1)).max(1) as u64;
    let options = &ProbeOptions { epochs: options.epochs.max(LEAST_STEPS.div_ceil(per_epoch)), ..*options };
    let threads = if split == Split::Serial { Threads::One } else { Threads::Current };
    let judge = |encode: &dyn Fn(&[f32]) -> Result<Vec<f32>>, size: usize| -> Result<(f64, usize)> {
        let probe = Probe::fit(&encode(&train.samples)?, &train.labels, size, options, split)?;
        Ok((probe.accuracy(&encode(&test.samples)?, &test.labels)?, probe.classes()))
    };
    let components = |samples: &[f32]| -> Result<Vec<f32>> {
        let mut codes = vec![0.0; samples.len() / features * pca.components()];
        pca.encode(samples, &mut codes, split)?;
        Ok(codes)
    };
    let (accuracy, classes) = judge(&|samples| model.encode(samples, threads), size)?;
    Ok(Probed {
        accuracy,
        components: pca.components(),
        pca_accuracy: judge(&components, pca.components())?.0,
        raw_accuracy: judge(&|samples| Ok(samples.to_vec()), features)?.0,
        classes,
        samples: rows.len(),
        part: if held_out { "test" } else { "train" }.into(),
    })
}
