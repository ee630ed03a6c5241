//! What a model reaches on some data: errors, the objective and its terms, likelihoods, how its code is used.
//!
//! All figures are means over samples, of values as the model sees them (scaled). `plans` records what is measured;
//! here it is run over the data and added up.

use super::images::{Ssim, psnr};
use super::plans::{Corrupting, Likelihood, Measured, Plans};
use super::{CodeStatistics, CodeSummary, Pca};
use crate::autoencoders::Corruption;
use crate::data::{Dataset, has_test};
use crate::model::Model;
use crate::training::{TermRecord, raw};
use crate::{Error, Result};
use narrows_engine::{Context, Split, gather};
use std::time::Instant;

/// What to measure besides what every evaluation does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measure {
    /// The structural similarity of images, which takes longer than all the rest.
    pub ssim: bool,
    /// Importance samples of the likelihood of a variational autoencoder, for each sample of the data; 0 for none.
    pub importance: usize,
    /// Another corruption to be undone than the model's own; `Some(None)` for none.
    pub corruption: Option<Option<Corruption>>,
}

/// The negative evidence lower bound of a variational autoencoder, in nats for each sample.
#[derive(Debug, Clone, PartialEq)]
pub struct LowerBound {
    /// `−E_q ln p(x|z) + KL`, with weight 1 whatever β was.
    pub negative_elbo: f64,
    /// `−E_q ln p(x|z)`, with one z for each sample.
    pub reconstruction: f64,
    /// `KL(q(z|x) ‖ p(z))`
    pub kl: f64,
    /// KL of each unit of the code.
    pub kl_per_unit: Vec<f64>,
    /// The variance of a likelihood that takes the one that fits all samples best.
    pub variance: Option<f64>,
    /// `−ln p(x)` by importance sampling, and of how many samples (K).
    pub importance: Option<(f64, usize)>,
}

/// What is left of a corruption.
#[derive(Debug, Clone, PartialEq)]
pub struct Denoised {
    /// Its name, and its probability or deviation.
    pub corruption: (String, f64),
    /// Squared error of the corrupted input against the clean one, summed over features.
    pub input_squared_error: f64,
    /// The same of its reconstruction.
    pub squared_error: f64,
    /// That per feature.
    pub mse: f64,
    /// That as peak signal to noise, in dB.
    pub psnr: Option<f64>,
}

/// What a model reaches on a part of some data.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    /// `‖x̂ − x‖²`, summed over features, mean over samples.
    pub squared_error: f64,
    /// The same per feature.
    pub mse: f64,
    /// Peak signal to noise, in dB: 10 log10(L²/MSE), L being 1 for data in 0..1, and the range of data that are not
    /// scaled; there is none for features each scaled in its own way.
    pub psnr: Option<f64>,
    /// The structural similarity, mean over images, where it was asked for.
    pub ssim: Option<f64>,
    /// The binary cross-entropy per feature, where the output is a sigmoid.
    pub bce: Option<f64>,
    /// The objective: summed over features, mean over samples.
    pub loss: f64,
    /// Its terms.
    pub terms: Vec<TermRecord>,
    /// The lower bound, where the code is a distribution.
    pub lower_bound: Option<LowerBound>,
    /// How much of a corruption is undone, of a model that was trained with one or where one was given.
    pub denoised: Option<Denoised>,
    /// How the code is used.
    pub code: Option<CodeSummary>,
    /// The share of samples whose class is found, of a model with a classifier, on data with labels.
    pub accuracy: Option<f64>,
    /// The same before the classifier was fine-tuned together with the encoder.
    pub accuracy_before_fine_tuning: Option<f64>,
    /// What PCA with as many components reaches, fitted on the training part.
    pub pca_squared_error: Option<f64>,
    /// Samples looked at.
    pub samples: usize,
    /// Seconds it took.
    pub seconds: f64,
    /// Samples a second.
    pub samples_per_second: f64,
    /// The part: `test`, or `train` where nothing was held out.
    pub part: String,
}

impl Evaluation {
    /// Puts the value of a term over all samples in place of the mean of its values over batches, in the loss too.
    pub(super) fn correct(&mut self, name: &str, whole: f64) {
        for term in self.terms.iter_mut().filter(|term| term.name == name) {
            self.loss += term.weight * (whole - term.value);
            term.value = whole;
        }
    }
}

/// Plans that measure one model.
pub struct Evaluator<'a> {
    model: &'a Model,
    measure: Measure,
    plans: Plans,
}

impl<'a> Evaluator<'a> {
    /// Records what is measured.
    ///
    /// # Errors
    /// No memory.
    pub fn new(model: &'a Model, measure: Measure) -> Result<Self> {
        Ok(Self { plans: Plans::new(model, &measure)?, measure, model })
    }

    /// Measures the given rows of `dataset`.
    ///
    /// # Errors
    /// Data with another number of features; no rows; no memory.
    pub fn run(&self, dataset: &Dataset, rows: &[u32], split: Split) -> Result<Evaluation> {
        let (model, features) = (self.model, self.model.data().features);
        model.check_fits(dataset)?;
        if rows.is_empty() {
            return Err(Error::data(format!("{}: no samples to evaluate", dataset.name())));
        }
        let started = Instant::now();
        let mut reader = Reader::new(model, dataset)?;
        let range = match &model.data().scaler {
            scaler if scaler.is_unit() => Some(1.0),
            crate::data::Scaler::None {} => Some(reader.range(rows, split)?).filter(|&range| range > 0.0),
            _ => None,
        };
        let image = model.data().image.filter(|_| self.measure.ssim).zip(range);
        let mut ssim = image.map(|(image, range)| Ssim::new(image, range).map(|ssim| (ssim, 0.0))).transpose()?;
        let mut codes = CodeStatistics::new(model.code_size());
        let mut main = Measured::new(&self.plans.main, model)?;
        let mut corrupting = self.plans.corrupting.as_ref().map(|plan| Corrupting::new(plan, model)).transpose()?;
        let labels = dataset.labels();
        for (number, rows) in rows.chunks(self.plans.main.plan.max_rows()).enumerate() {
            let samples = reader.read(rows, split)?;
            main.run(model, samples, labels.map(|labels| (labels, rows)), number as u64, split)?;
            // What is not finite shows in the loss, and has no statistics.
            if main.codes()?.iter().all(|h| h.is_finite()) {
                codes.add(main.codes()?)?;
            }
            if let Some((ssim, sum)) = &mut ssim {
                for (x, y) in samples.chunks(features).zip(main.reconstructions()?.chunks(features)) {
                    *sum += ssim.measure(x, y)?;
                }
            }
            if let Some(corrupting) = &mut corrupting {
                corrupting.run(model, samples, number as u64, split)?;
            }
        }
        let samples = rows.len() as f64;
        let mut evaluation = main.finish(model, rows.len());
        let count = self.measure.importance;
        if let Some(bound) = evaluation.lower_bound.as_mut().filter(|_| count > 0) {
            let mut likelihood = Likelihood::new(model, bound.variance.unwrap_or(1.0))?;
            let mut sum = 0.0;
            for (number, rows) in rows.chunks(likelihood.max_rows()).enumerate() {
                sum += likelihood.run(model, reader.read(rows, split)?, (number as u64, count), split)?;
            }
            bound.importance = Some((-sum / samples, count));
        }
        evaluation.psnr = range.map(|range| psnr(evaluation.mse, range));
        evaluation.ssim = ssim.map(|(_, sum)| sum / samples);
        evaluation.denoised = corrupting.map(|corrupting| corrupting.finish(features, rows.len(), range));
        let code = codes.finish();
        // Of all samples, not of each batch.
        if let Some(whole) = model.autoencoder().sparsity(&code.mean_activation)? {
            evaluation.correct("sparsity", whole);
        }
        let kl = evaluation.lower_bound.as_ref().map(|bound| bound.kl);
        if let Some((capacity, kl)) = model.autoencoder().capacity().zip(kl) {
            evaluation.correct("capacity", (kl - capacity).abs());
        }
        evaluation.code = Some(code);
        evaluation.seconds = started.elapsed().as_secs_f64();
        evaluation.samples_per_second = samples / evaluation.seconds.max(1e-9);
        Ok(evaluation)
    }

    /// The share of samples whose class a model's classifier finds with other weights; `None` without classifier or
    /// labels.
    ///
    /// # Errors
    /// As for [`Self::run`].
    pub fn accuracy_with(
        &self,
        parameters: &narrows_engine::Parameters<f32>,
        dataset: &Dataset,
        rows: &[u32],
        split: Split,
    ) -> Result<Option<f64>> {
        let Some(labels) = dataset.labels() else { return Ok(None) };
        let mut reader = Reader::new(self.model, dataset)?;
        let mut main = Measured::new(&self.plans.main, self.model)?;
        for rows in rows.chunks(self.plans.main.plan.max_rows()) {
            main.run_with(parameters, reader.read(rows, split)?, Some((labels, rows)), 0, split)?;
        }
        Ok(main.accuracy(rows.len()))
    }
}

/// Rows of a dataset, scaled, in a buffer of their own.
struct Reader<'a> {
    dataset: &'a Dataset,
    scale: Vec<f32>,
    shift: Vec<f32>,
    samples: Vec<f32>,
}

impl<'a> Reader<'a> {
    fn new(model: &Model, dataset: &'a Dataset) -> Result<Self> {
        let (scale, shift) = model.data().scaler.scale_shift(model.data().features)?;
        Ok(Self { dataset, scale, shift, samples: Vec::new() })
    }

    fn read(&mut self, rows: &[u32], split: Split) -> Result<&[f32]> {
        self.samples.resize(rows.len() * self.dataset.features(), 0.0);
        let Self { dataset, scale, shift, samples } = self;
        gather(Context::new(split), raw(dataset), rows, scale, shift, samples)?;
        Ok(samples)
    }

    /// The largest less the smallest value of some rows.
    fn range(&mut self, rows: &[u32], split: Split) -> Result<f64> {
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for rows in rows.chunks(1024) {
            for &x in self.read(rows, split)? {
                (low, high) = (low.min(x), high.max(x));
            }
        }
        Ok(f64::from(high) - f64::from(low))
    }
}

/// Whether two names are of one file or folder.
fn is_one_path(a: &str, b: &str) -> bool {
    let whole = |path: &str| std::fs::canonicalize(path).ok();
    whole(a).is_some_and(|a| whole(b) == Some(a))
}

/// Measures a model on a source: its test part, or all of it where it has none. PCA is fitted on the training part.
///
/// # Errors
/// A source that cannot be read or does not fit the model.
pub fn evaluate(model: &Model, data: &str, measure: Measure, split: Split) -> Result<Evaluation> {
    let mut config = model.config().clone();
    let same = config.data == data || is_one_path(&config.data, data);
    if !same {
        config.data = data.to_owned();
    }
    if !same {
        // Data that the model never saw: nothing has to be held out.
        config.validation = 0.0;
        if !has_test(data)? {
            config.test_fraction = 0.0;
        }
    }
    let (test, rows, held_out) = crate::training::load_test(&config)?;
    let mut evaluation = Evaluator::new(model, measure)?.run(&test, &rows, split)?;
    evaluation.part = if held_out || !same { "test" } else { "train" }.into();
    let (scale, shift) = model.data().scaler.scale_shift(model.data().features)?;
    // Fitted to what the model was fitted to; if that is gone, there is nothing to compare with.
    let own = crate::training::load_train(model.config());
    if let Ok((train, train_rows, _)) = own
        && train.features() == test.features()
    {
        let pca = Pca::fit(&train, Some(&train_rows), &scale, &shift, model.code_size(), split)?;
        evaluation.pca_squared_error = Some(pca.squared_error(&test, Some(&rows), &scale, &shift, split)?);
    }
    Ok(evaluation)
}
