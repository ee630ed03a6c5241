//! A linear classifier on the codes of a trained model: how far its code tells classes apart, though it never saw one.
//!
//! Softmax regression on standardised codes of the training part, judged on the test part (see `metrics::Probe`);
//! beside it the same on principal components of as many numbers, and on the data themselves.

use crate::data::{Dataset, Rows, load_test, load_train};
use crate::linalg::Pca;
use crate::metrics::{Probe, ProbeOptions};
use crate::model::{Given, Model, Session};

use crate::{Error, Result};
use narrows_engine::{Context, Split};
use serde::Serialize;
use std::sync::Arc;

/// What linear classifiers reach on the test part, as shares of samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probed {
    /// On the model's code.
    pub accuracy: f64,
    /// On as many principal components (fewer, if the data have fewer features).
    pub pca_accuracy: f64,
    /// On the data themselves.
    pub raw_accuracy: f64,
    /// How many principal components these were.
    #[serde(rename = "pca_components")]
    pub components: usize,
    /// Classes.
    pub classes: usize,
    /// Samples that were judged.
    pub samples: usize,
    /// The part they are of: `test`, or `train` where nothing was held out.
    pub part: String,
}

/// Samples, scaled, with their codes and their classes.
struct Labelled {
    samples: Vec<f32>,
    codes: Vec<f32>,
    labels: Vec<u32>,
}

/// Samples that are encoded at a time.
const ENCODED: usize = 1024;

impl Labelled {
    fn new(session: &mut Session, dataset: &Dataset, rows: &[u32], split: Split) -> Result<Self> {
        let model = session.model();
        model.check_fits(dataset)?;
        let labels = dataset
            .labels()
            .ok_or_else(|| Error::data(format!("{} has no labels to find; give data with labels", dataset.name())))?;
        let labels: Vec<u32> = rows.iter().map(|&row| labels[row as usize]).collect();
        let features = model.data().features;
        let mut samples = crate::data::reserved(rows.len() * features, "scaled samples")?;
        samples.resize(rows.len() * features, 0.0f32);
        model.data().preprocessing.gather(Context::new(split), dataset, rows, &mut samples)?;
        let takes = model.autoencoder().takes().labels;
        let mut codes = crate::data::reserved(rows.len() * model.code_size(), "codes")?;
        let mut raw = vec![0.0; ENCODED.min(rows.len()) * features];
        for (rows, labels) in rows.chunks(ENCODED).zip(labels.chunks(ENCODED)) {
            let raw = &mut raw[..rows.len() * features];
            dataset.read(rows, raw)?;
            let numbers: Vec<f32> = raw.iter().map(|&x| x as f32).collect();
            let given = Given::new(&numbers);
            codes.extend_from_slice(session.encode(if takes { given.labels(labels) } else { given })?);
        }
        Ok(Self { samples, codes, labels })
    }
}

/// Steps below which a classifier is far from where it settles.
const LEAST_STEPS: u64 = 3000;

/// Fits and judges the classifiers on a source, divided as the model's own data were, each for as many epochs as the
/// options say, or more where these would be fewer than 3000 steps.
///
/// # Errors
/// A source that cannot be read, does not fit the model or has no labels.
pub fn probe(model: Arc<Model>, data: &str, options: &ProbeOptions, split: Split) -> Result<Probed> {
    let mut session = Session::new(Arc::clone(&model)).on(split);
    let mut source = model.source().clone();
    source.source = data.to_owned();
    let (dataset, mut rows, validation) = load_train(&source)?;
    rows.extend(validation);
    let train = Labelled::new(&mut session, &dataset, &rows, split)?;
    let (features, size) = (model.data().features, model.code_size());
    let pca = Pca::fit(&dataset, Some(&rows), &model.data().preprocessing, size.min(features), split)?;
    drop(dataset);
    let (dataset, rows, held_out) = load_test(&source, &model.data().known())?;
    let test = Labelled::new(&mut session, &dataset, &rows, split)?;
    drop(dataset);
    let per_epoch = train.labels.len().div_ceil(options.batch.max(1)).max(1) as u64;
    let options = &ProbeOptions { epochs: options.epochs.max(LEAST_STEPS.div_ceil(per_epoch)), ..*options };
    let judge = |fitted: &[f32], judged: &[f32], size: usize| -> Result<(f64, usize)> {
        let probe = Probe::fit(fitted, &train.labels, size, options, split)?;
        Ok((probe.accuracy(judged, &test.labels)?, probe.classes()))
    };
    let components = |samples: &[f32]| -> Result<Vec<f32>> {
        let mut codes = vec![0.0; samples.len() / features * pca.components()];
        pca.encode(samples, &mut codes, split)?;
        Ok(codes)
    };
    let (accuracy, classes) = judge(&train.codes, &test.codes, size)?;
    let (of_train, of_test) = (components(&train.samples)?, components(&test.samples)?);
    Ok(Probed {
        accuracy,
        components: pca.components(),
        pca_accuracy: judge(&of_train, &of_test, pca.components())?.0,
        raw_accuracy: judge(&train.samples, &test.samples, features)?.0,
        classes,
        samples: rows.len(),
        part: if held_out { "test" } else { "train" }.into(),
    })
}
