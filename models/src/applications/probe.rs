//! A linear classifier on the codes of a trained model: how far its code tells classes apart, though it never saw one.
//!
//! Softmax regression on standardised codes of the training part, judged on the test part (see `metrics::Probe`);
//! beside it the same on principal components of as many numbers, and on the data themselves. And without any classifier:
//! the class that most of the nearest codes of the training part have, beside that of the nearest samples.

use super::encoded;
use super::neighbours::{Neighbours, places_of};
use crate::data::{Dataset, load_test, load_train};
use crate::linalg::Pca;
use crate::metrics::{Probe, ProbeOptions};
use crate::model::{Model, Session};

use crate::Result;
use narrows_engine::Split;
use narrows_engine::scan::Distance;
use serde::Serialize;
use std::sync::Arc;

/// Neighbours that vote on a class unless another number is asked for.
pub const NEIGHBOURS: usize = 5;

/// What linear classifiers and neighbours reach on the test part, as shares of samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probed {
    /// On the model's code.
    pub accuracy: f64,
    /// On as many principal components (fewer, if the data have fewer features).
    pub pca_accuracy: f64,
    /// On the data themselves.
    pub raw_accuracy: f64,
    /// By the vote of as many nearest codes as `neighbours` says (Euclidean distance; of equals the nearest decides).
    pub knn_accuracy: f64,
    /// The same of the nearest samples, scaled.
    pub knn_raw_accuracy: f64,
    /// How many neighbours voted.
    pub neighbours: usize,
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

impl Labelled {
    fn new(session: &mut Session, dataset: &Dataset, rows: &[u32], split: Split) -> Result<Self> {
        let labels = encoded::known_labels(dataset, rows)?;
        let samples = encoded::scaled(session, dataset, rows, split)?;
        Ok(Self { samples, codes: encoded::codes(session, dataset, rows)?, labels })
    }
}

/// Steps below which a classifier is far from where it settles.
const LEAST_STEPS: u64 = 3000;

/// Fits and judges the classifiers on a source, divided as the model's own data were, each for as many epochs as the
/// options say, or more where these would be fewer than 3000 steps; `neighbours` codes and samples vote on each class.
///
/// # Errors
/// A source that cannot be read, does not fit the model or has no labels.
pub fn probe(model: Arc<Model>, data: &str, options: &ProbeOptions, neighbours: usize, split: Split) -> Result<Probed> {
    let mut session = Session::new(Arc::clone(&model)).on(split);
    let mut source = model.source().clone();
    source.source = data.to_owned();
    // A model of one class is probed on all of them.
    source.classes.clear();
    let (dataset, mut rows, validation) = load_train(&source)?;
    rows.extend(validation);
    let train = Labelled::new(&mut session, &dataset, &rows, split)?;
    let (features, size) = (model.data().features, model.code_size());
    let fitted_rows = rows.clone();
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
    // Where nothing was held out, a sample is not its own neighbour.
    let exclude = (!held_out).then(|| places_of(&rows, &fitted_rows));
    let vote = |queries: &[f32], fitted: &[f32], size: usize| -> Result<f64> {
        let operands = [queries, fitted];
        let found = Neighbours::find(split, Distance::Euclidean, operands, size, neighbours, exclude.as_deref())?;
        Ok(found.accuracy(&test.labels, &train.labels).unwrap_or(f64::NAN))
    };
    let (accuracy, classes) = judge(&train.codes, &test.codes, size)?;
    let (of_train, of_test) = (components(&train.samples)?, components(&test.samples)?);
    Ok(Probed {
        accuracy,
        components: pca.components(),
        pca_accuracy: judge(&of_train, &of_test, pca.components())?.0,
        raw_accuracy: judge(&train.samples, &test.samples, features)?.0,
        knn_accuracy: vote(&test.codes, &train.codes, size)?,
        knn_raw_accuracy: vote(&test.samples, &train.samples, features)?,
        neighbours,
        classes,
        samples: rows.len(),
        part: if held_out { "test" } else { "train" }.into(),
    })
}
