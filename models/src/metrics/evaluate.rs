//! What a model reaches on some data: squared error, MSE, cross-entropy, the loss and its terms.
//!
//! All figures are means over samples, of values as the model sees them (scaled). One plan without a backward pass
//! computes everything in one go over the data.

use crate::data::{Dataset, has_test};
use crate::model::{INFERENCE_ROWS, Model, no_room};
use crate::training::raw;
use crate::{Error, Result};
use narrows_engine::ops::Reduction;
use narrows_engine::{Plan, Split, Var, gather};
use std::time::Instant;

/// What a model reaches on a part of some data.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    /// `‖x̂ − x‖²`, summed over features, mean over samples.
    pub squared_error: f64,
    /// The same per feature.
    pub mse: f64,
    /// The binary cross-entropy per feature, where the loss is one.
    pub bce: Option<f64>,
    /// The objective: summed over features, mean over samples.
    pub loss: f64,
    /// Its terms, unweighted.
    pub terms: Vec<(String, f64)>,
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

/// A plan that measures one model.
pub struct Evaluator<'a> {
    model: &'a Model,
    plan: Plan<f32>,
    x: Var,
    squared_error: Var,
    total: Var,
    terms: Vec<(&'static str, Var)>,
}

impl<'a> Evaluator<'a> {
    /// Records what is measured.
    ///
    /// # Errors
    /// No memory.
    pub fn new(model: &'a Model) -> Result<Self> {
        let autoencoder = model.autoencoder();
        let (plan, x, (squared_error, total, terms)) =
            model.inference_plan(model.data().features, INFERENCE_ROWS, |tape, x| {
                let raw = autoencoder.reconstruct_raw(tape, x);
                let objective = autoencoder.objective(tape, raw, x);
                let reconstruction = autoencoder.reconstruction(tape, raw);
                let squared_error = tape.mean_squared_error(reconstruction, x, Reduction::SumOverFeatures);
                let terms: Vec<_> = objective.terms.iter().map(|term| (term.name, term.value)).collect();
                let mut outputs = vec![squared_error, objective.total];
                outputs.extend(terms.iter().map(|(_, value)| value));
                ((squared_error, objective.total, terms), outputs)
            })?;
        Ok(Self { model, plan, x, squared_error, total, terms })
    }

    /// Measures the given rows of `dataset`.
    ///
    /// # Errors
    /// Data with another number of features; no rows; no memory.
    pub fn run(&self, dataset: &Dataset, rows: &[u32], split: Split) -> Result<Evaluation> {
        let features = self.model.data().features;
        self.model.check_fits(dataset)?;
        if rows.is_empty() {
            return Err(Error::data(format!("{}: no samples to evaluate", dataset.name())));
        }
        let started = Instant::now();
        let (scale, shift) = self.model.data().scaler.scale_shift(features)?;
        let mut workspace = self.plan.workspace().map_err(|error| no_room(&self.plan, &error))?;
        let mut sums = vec![0.0; 2 + self.terms.len()];
        for rows in rows.chunks(self.plan.max_rows()) {
            workspace.set_rows(rows.len())?;
            let to = workspace.input_mut(self.x)?;
            gather(self.plan.backend(), split, raw(dataset), rows, &scale, &shift, to)?;
            self.plan.forward(self.model.parameters(), &mut workspace, split)?;
            let values = [self.squared_error, self.total].into_iter().chain(self.terms.iter().map(|term| term.1));
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += rows.len() as f64 * f64::from(workspace.value(value)?[0]);
            }
        }
        let samples = rows.len() as f64;
        sums.iter_mut().for_each(|sum| *sum /= samples);
        let seconds = started.elapsed().as_secs_f64();
        let reconstruction = self.terms.iter().position(|(name, _)| *name == "reconstruction");
        Ok(Evaluation {
            squared_error: sums[0],
            mse: sums[0] / features as f64,
            bce: reconstruction
                .filter(|_| self.model.autoencoder().is_bce())
                .map(|term| sums[2 + term] / features as f64),
            loss: sums[1],
            terms: self.terms.iter().zip(&sums[2..]).map(|((name, _), &sum)| ((*name).to_owned(), sum)).collect(),
            pca_squared_error: None,
            samples: rows.len(),
            seconds,
            samples_per_second: samples / seconds.max(1e-9),
            part: String::new(),
        })
    }
}

/// Measures a model on a source: its test part, or all of it where it has none. PCA is fitted on the training part.
///
/// # Errors
/// A source that cannot be read or does not fit the model.
pub fn evaluate(model: &Model, data: &str, split: Split) -> Result<Evaluation> {
    let mut config = model.config().clone();
    let same = config.data == data;
    config.data = data.to_owned();
    if !same && !has_test(data)? {
        // Data that the model never saw: nothing has to be held out.
        config.test_fraction = 0.0;
    }
    let (test, rows, held_out) = crate::training::load_test(&config)?;
    let mut evaluation = Evaluator::new(model)?.run(&test, &rows, split)?;
    evaluation.part = if held_out || !same { "test" } else { "train" }.into();
    let (scale, shift) = model.data().scaler.scale_shift(model.data().features)?;
    let (train, train_rows, _) = crate::training::load_train(&config)?;
    if train.features() == test.features() {
        let pca = super::Pca::fit(&train, Some(&train_rows), &scale, &shift, model.code_size(), split)?;
        evaluation.pca_squared_error = Some(pca.squared_error(&test, Some(&rows), &scale, &shift, split)?);
    }
    Ok(evaluation)
}
