//! What a model reaches on some data: all metrics over one plan, and what takes plans of its own.
//!
//! All figures are means over samples, of values as the model sees them (scaled).

use super::batch::load;
use super::denoised::{Corrupted, Corrupting};
use super::evaluation::Evaluation;
use super::likelihood::Likelihood;
use super::metric::{About, Figures, Metric, Vars};
use super::terms::{best_variance, correct};
use crate::autoencoders::{Inputs, Whole};
use crate::data::{Dataset, Preprocessing, Scaler, load_for, load_train};
use crate::linalg::Pca;
use crate::model::{INFERENCE_ROWS, Model, Recorded, no_room};
use crate::nn::Pass;
use crate::objective::{Corruption, Reconstruction};
use crate::{Error, Result};
use narrows_engine::{Context, Parameters, Plan, Shape, Split, Var};
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

/// Plans that measure one model.
pub struct Evaluator<'a> {
    model: &'a Model,
    measure: Measure,
    metrics: Vec<Box<dyn Metric>>,
    plan: Plan<f32>,
    inputs: Inputs,
    corrupted: Option<Corrupted>,
}

impl<'a> Evaluator<'a> {
    /// Records what is measured.
    ///
    /// # Errors
    /// No memory.
    pub fn new(model: &'a Model, measure: Measure) -> Result<Self> {
        Self::with(model, measure, Vec::new())
    }

    /// The same with more metrics than this crate's, which come before them.
    ///
    /// # Errors
    /// A metric that cannot be recorded; no memory.
    pub fn with(model: &'a Model, measure: Measure, more: Vec<Box<dyn Metric>>) -> Result<Self> {
        let mut metrics = <dyn Metric>::standard();
        metrics.extend(more);
        let Recorded { plan, inputs, outputs: labels } =
            model.recorded(INFERENCE_ROWS, |pass, inputs| record(model, pass, (inputs, measure.ssim), &mut metrics))?;
        let corruption = measure.corruption.unwrap_or(model.autoencoder().parts().corruption);
        let corrupted = corruption.map(|corruption| Corrupted::new(model, &corruption)).transpose()?;
        Ok(Self { model, measure, metrics, plan, inputs: Inputs { labels, ..inputs }, corrupted })
    }

    /// Measures the given rows of `dataset`.
    ///
    /// # Errors
    /// Data with another number of features; no rows; two metrics with a figure of one name; no memory.
    pub fn run(&mut self, dataset: &Dataset, rows: &[u32], split: Split) -> Result<Evaluation> {
        let model = self.model;
        model.check_fits(dataset)?;
        if rows.is_empty() {
            return Err(Error::data(format!("{}: no samples to evaluate", dataset.name())));
        }
        let started = Instant::now();
        model.check_targets(dataset, rows)?;
        let mut reader = Reader::new(model, dataset);
        let range = match model.data().preprocessing.scaler() {
            scaler if scaler.is_unit() => Some(1.0),
            Scaler::None {} => Some(reader.range(rows, split)?).filter(|&range| range > 0.0),
            _ => None,
        };
        let mut figures = self.figures(model.parameters(), &mut reader, (rows, range), split)?;
        self.put_likelihood(&mut figures, &mut reader, rows, split)?;
        let mut lines = self.lines(&figures);
        let denoised = self.corrupted.as_ref().map(|corrupted| {
            let mut corrupting = Corrupting::new(corrupted, model)?;
            for (number, rows) in rows.chunks(self.plan.max_rows()).enumerate() {
                let labels = dataset.labels().map(|labels| (labels, rows));
                corrupting.run(model, reader.read(rows, split)?, labels, number as u64, split)?;
            }
            Ok::<_, Error>(corrupting.finish(model.data().features, rows.len(), range))
        });
        let denoised = denoised.transpose()?;
        lines.extend(denoised.as_ref().map(|denoised| denoised.line()));
        let seconds = started.elapsed().as_secs_f64();
        let samples_per_second = rows.len() as f64 / seconds.max(1e-9);
        Ok(Evaluation {
            figures,
            lines,
            denoised,
            samples: rows.len(),
            seconds,
            samples_per_second,
            ..Evaluation::default()
        })
    }

    /// The share of samples whose class a model's classifier finds with other weights; `None` without classifier or
    /// labels.
    ///
    /// # Errors
    /// As for [`Self::run`].
    pub fn accuracy_with(
        &mut self,
        parameters: &Parameters<f32>,
        dataset: &Dataset,
        rows: &[u32],
        split: Split,
    ) -> Result<Option<f64>> {
        let figures = self.figures(parameters, &mut Reader::new(self.model, dataset), (rows, None), split)?;
        Ok(figures.number("accuracy"))
    }

    /// The figures of all metrics with some weights.
    fn figures(
        &mut self,
        parameters: &Parameters<f32>,
        reader: &mut Reader<'_>,
        (rows, range): (&[u32], Option<f64>),
        split: Split,
    ) -> Result<Figures> {
        let (model, labels) = (self.model, reader.dataset.labels());
        let about = About {
            features: model.data().features,
            image: model.data().image,
            code: model.code_size(),
            range,
            labelled: labels.is_some(),
        };
        self.metrics.iter_mut().try_for_each(|metric| metric.start(&about))?;
        let mut workspace = self.plan.workspace().map_err(|error| no_room(&self.plan, &error))?;
        for (number, rows) in rows.chunks(self.plan.max_rows()).enumerate() {
            let labels = labels.map(|labels| (labels, rows));
            let samples = reader.read(rows, split)?;
            load(&mut workspace, &self.inputs, samples, labels, (rows.len(), number as u64))?;
            self.plan.forward(parameters, &mut workspace, split)?;
            self.metrics.iter_mut().try_for_each(|metric| metric.add(&workspace))?;
        }
        let mut figures = Figures::default();
        self.metrics.iter().try_for_each(|metric| metric.put(&mut figures))?;
        // Of all samples, not of each batch.
        if let Some(means) = figures.part::<Vec<f64>>("codes", "mean_activation_per_unit") {
            let whole = Whole { mean_activation: &means, kl: figures.number("elbo_kl") };
            correct(&mut figures, |name| model.autoencoder().whole_term(name, &whole))?;
        }
        Ok(figures)
    }

    /// Puts the likelihood beside a lower bound: null where it was not asked for.
    fn put_likelihood(&self, figures: &mut Figures, reader: &mut Reader<'_>, rows: &[u32], split: Split) -> Result<()> {
        let Some(_) = figures.get("negative_elbo") else { return Ok(()) };
        let (model, count) = (self.model, self.measure.importance);
        let mut nll = None;
        if count > 0 {
            let optimal = matches!(model.autoencoder().parts().reconstruction, Reconstruction::OptimalGaussian { .. });
            let reconstruction = figures.number("elbo_reconstruction").filter(|_| optimal);
            let variance = reconstruction.map_or(1.0, |nats| best_variance(nats, model.data().features));
            let mut likelihood = Likelihood::new(model, variance)?;
            let mut sum = 0.0;
            for (number, rows) in rows.chunks(likelihood.max_rows()).enumerate() {
                let labels = reader.dataset.labels().map(|labels| (labels, rows));
                let samples = reader.read(rows, split)?;
                sum += likelihood.run(model, samples, labels, (number as u64, count), split)?;
            }
            nll = Some(-sum / rows.len() as f64);
        }
        figures.put("nll", nll)?;
        figures.put("importance_samples", nll.map(|_| count))
    }

    /// What the metrics say of their figures, in their order; the line that they share stands where its first words do.
    fn lines(&self, figures: &Figures) -> Vec<String> {
        let (mut lines, mut shared, mut place) = (Vec::new(), Vec::new(), 0);
        for metric in &self.metrics {
            if let Some(words) = metric.words(figures) {
                place = if shared.is_empty() { lines.len() } else { place };
                shared.push(words);
            }
            lines.extend(metric.line(figures));
        }
        if !shared.is_empty() {
            lines.insert(place, shared.join(", "));
        }
        lines
    }
}

/// Records a model over clean samples, and what the metrics make of it; gives the input of the labels, where something
/// reads them, and what the plan must keep.
fn record(
    model: &Model,
    pass: &Pass<'_, f32>,
    (inputs, ssim): (&Inputs, bool),
    metrics: &mut [Box<dyn Metric>],
) -> (Option<Var>, Vec<Var>) {
    let autoencoder = model.autoencoder();
    let compared = &autoencoder.parts().reconstruction;
    let objective = autoencoder.objective(pass, inputs);
    // A distribution's objective is of a sample of its code; what is reconstructed is of the mean.
    let clean = objective.raw.filter(|_| !autoencoder.draws());
    let (code, raw) = match clean {
        Some(raw) => (objective.code, raw),
        None => {
            let code = autoencoder.encode(pass, inputs);
            let raw = autoencoder.decode(pass, &code, inputs);
            (code.value, raw)
        }
    };
    let indices = autoencoder.entries().and_then(|count| Some((autoencoder.encode(pass, inputs).indices?, count)));
    let logits = autoencoder.classify(pass, inputs);
    let labels = inputs.labels.or_else(|| logits.map(|_| pass.input("labels", Shape::batch(&[1]))));
    let vars = Vars {
        x: inputs.x,
        raw,
        compared,
        sigmoid: compared.is_sigmoid() && model.data().preprocessing.is_unit(),
        reconstruction: compared.output(pass, raw),
        code,
        objective: &objective,
        divergences: autoencoder.divergences(pass, inputs),
        indices,
        mask: inputs.mask,
        labels,
        logits,
        ssim,
    };
    let kept = metrics.iter_mut().flat_map(|metric| metric.record(pass, &vars)).chain(labels).collect();
    (labels, kept)
}

/// Rows of a dataset, scaled, in a buffer of their own.
struct Reader<'a> {
    dataset: &'a Dataset,
    preprocessing: &'a Preprocessing,
    samples: Vec<f32>,
}

impl<'a> Reader<'a> {
    fn new(model: &'a Model, dataset: &'a Dataset) -> Self {
        Self { dataset, preprocessing: &model.data().preprocessing, samples: Vec::new() }
    }

    fn read(&mut self, rows: &[u32], split: Split) -> Result<&[f32]> {
        self.samples.resize(rows.len() * self.dataset.features(), 0.0);
        self.preprocessing.gather(Context::new(split), self.dataset, rows, &mut self.samples)?;
        Ok(&self.samples)
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

/// Measures a model on a source: its test part, or all of it where it has none. PCA is fitted on the training part.
///
/// # Errors
/// A source that cannot be read or does not fit the model.
pub fn evaluate(model: &Model, data: &str, measure: Measure, split: Split) -> Result<Evaluation> {
    let (test, rows, part) = load_for(model.source(), data, &model.data().known())?;
    let mut evaluation = Evaluator::new(model, measure)?.run(&test, &rows, split)?;
    evaluation.part = part.into();
    evaluation.lines.extend(test.notes().iter().cloned());
    // Fitted to what the model was fitted to; if that is gone, there is nothing to compare with.
    match beside(model, &test, &rows, split) {
        Ok(error) => evaluation.pca_squared_error = Some(error),
        Err(error) => evaluation.no_pca = Some(error.to_string()),
    }
    Ok(evaluation)
}

/// What PCA of the model's code size reaches on some rows, fitted to the data that the model was fitted to.
fn beside(model: &Model, test: &Dataset, rows: &[u32], split: Split) -> Result<f64> {
    let (train, train_rows, _) = load_train(model.source())?;
    model.check_fits(&train)?;
    let preprocessing = &model.data().preprocessing;
    let pca = Pca::fit(&train, Some(&train_rows), preprocessing, model.code_size(), split)?;
    pca.squared_error(test, Some(rows), preprocessing, split)
}
