//! A linear classifier on codes (softmax regression): the usual judge of features that were learned without labels (P.
//! Vincent et al. 2010; G. Alain & Y. Bengio, "Understanding Intermediate Layers Using Linear Classifier Probes",
//! 2016).
//!
//! Protocol: codes are standardised by the mean and the deviation (with N − 1, plus 1e-6) of the training codes; one
//! linear layer, started as PyTorch starts it; Adam with an L2 penalty and the cross-entropy over 15 epochs of batches
//! of 256. No convergence is sought: figures compare because the protocol is the same. A batch is standardised on its
//! way into the plan, so no copy of the codes is made. The bits are the same at any number of threads.

use super::codes::{CodeStatistics, check_finite_codes};
use crate::data::{MAX_CLASSES, reserved};
use crate::{Error, Result};
use narrows_engine::gemm::Activation;
use narrows_engine::ops::Reduction;
use narrows_engine::optim::{Adam, Optimizer, StepOptions};
use narrows_engine::random::{fill_uniform, permutation, stream_id};
use narrows_engine::{ParameterId, Parameters, Plan, Shape, Split, Tape, Var, Workspace};

/// The operation number of the probe's streams: step 0 draws the weights, step `e` the order of epoch `e`, from 1.
const PROBE: u32 = 0x00ff_0007;
/// What every deviation is enlarged by, so that a unit that never changes divides by something.
const FLOOR: f64 = 1e-6;
/// Samples that prediction takes at a time.
const ROWS: usize = 256;

/// How a probe is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbeOptions {
    /// Passes over the samples: 15.
    pub epochs: u64,
    /// Samples in a step: 256.
    pub batch: usize,
    /// Adam's learning rate: 1e-3.
    pub lr: f64,
    /// The factor of the L2 penalty: 1e-5.
    pub weight_decay: f64,
    /// Of the first weights and of the shuffles: 0.
    pub seed: u64,
}

impl Default for ProbeOptions {
    fn default() -> Self {
        Self { epochs: 15, batch: 256, lr: 1e-3, weight_decay: 1e-5, seed: 0 }
    }
}

/// A linear classifier of codes.
#[derive(Debug)]
pub struct Probe {
    parameters: Parameters<f32>,
    /// `[classes, code]`
    weight: ParameterId,
    /// `[classes]`
    bias: ParameterId,
    /// `[code]`, of the training codes; the deviation with `FLOOR` added.
    mean: Vec<f64>,
    deviation: Vec<f64>,
    classes: usize,
}

impl Probe {
    /// Trains a probe on `codes` `[N, code]` with the class of each sample, `labels` `[N]`, counted from 0; there are
    /// as many classes as the greatest label plus one. 4·N·code·classes flops an epoch.
    ///
    /// # Errors
    /// No samples; codes that are not whole or not finite; a number of labels other than N; labels that are all the
    /// same or not below [`MAX_CLASSES`]; options out of range, or so large that training diverges; no memory.
    pub fn fit(codes: &[f32], labels: &[u32], code: usize, options: &ProbeOptions, split: Split) -> Result<Self> {
        options.check()?;
        check_labels(check_codes(codes, code)?, labels.len())?;
        let classes = count_classes(labels)?;
        let (mean, deviation) = standardisation(codes, code)?;
        let mut parameters = Parameters::new();
        let weight = parameters.add("weight", &[classes, code])?;
        let bias = parameters.add("bias", &[classes])?;
        let bound = (1.0 / (code as f64).sqrt()) as f32;
        let drawn = parameters.view(weight).len() as u64;
        for (id, offset) in [(weight, 0), (bias, drawn)] {
            fill_uniform(options.seed, stream_id(0, PROBE), offset, -bound, bound, parameters.view_mut(id));
        }
        let mut probe = Self { parameters, weight, bias, mean, deviation, classes };
        probe.train(codes, labels, options, split)?;
        Ok(probe)
    }

    /// How many classes it tells apart.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The length of a code.
    pub fn code(&self) -> usize {
        self.mean.len()
    }

    /// The weights over standardised codes, `[classes, code]`.
    pub fn weight(&self) -> &[f32] {
        self.parameters.view(self.weight)
    }

    /// The biases, `[classes]`.
    pub fn bias(&self) -> &[f32] {
        self.parameters.view(self.bias)
    }

    /// The class of each of the codes `[N, code]`: that of the greatest logit, the first where several are.
    ///
    /// # Errors
    /// No samples; codes that are not whole or not finite; no memory.
    pub fn predict(&self, codes: &[f32]) -> Result<Vec<u32>> {
        let samples = check_codes(codes, self.code())?;
        let rows = ROWS.min(samples);
        let tape = Tape::new(&self.parameters, rows);
        let (x, logits) = self.record(&tape);
        let plan = tape.infer(&[logits])?;
        let mut workspace = plan.workspace()?;
        let mut predicted = reserved(samples, "the classes of codes")?;
        for batch in codes.chunks(rows * self.code()) {
            workspace.set_rows(batch.len() / self.code())?;
            let to = workspace.input_mut(x)?;
            for (code, to) in batch.chunks_exact(self.code()).zip(to.chunks_exact_mut(self.code())) {
                self.standardise(code, to);
            }
            plan.forward(&self.parameters, &mut workspace, Split::Serial)?;
            predicted.extend(workspace.value(logits)?.chunks_exact(self.classes).map(greatest));
        }
        Ok(predicted)
    }

    /// The fraction of the codes `[N, code]` whose predicted class is their label, `[N]`. A label that training did not
    /// know counts as missed.
    ///
    /// # Errors
    /// As for [`Self::predict`]; a number of labels other than N.
    pub fn accuracy(&self, codes: &[f32], labels: &[u32]) -> Result<f64> {
        let predicted = self.predict(codes)?;
        check_labels(predicted.len(), labels.len())?;
        let hits = predicted.iter().zip(labels).filter(|(predicted, label)| predicted == label).count();
        Ok(hits as f64 / labels.len() as f64)
    }

    /// Records the layer; gives the codes and the logits.
    fn record(&self, tape: &Tape<f32>) -> (Var, Var) {
        let x = tape.input("codes", Shape::batch(&[self.code()]));
        let (weight, bias) = (tape.parameter(self.weight), tape.parameter(self.bias));
        (x, tape.linear(x, weight, Some(bias), Activation::Identity))
    }

    fn standardise(&self, code: &[f32], to: &mut [f32]) {
        for ((to, &h), (mean, deviation)) in to.iter_mut().zip(code).zip(self.mean.iter().zip(&self.deviation)) {
            *to = ((f64::from(h) - mean) / deviation) as f32;
        }
    }

    fn train(&mut self, codes: &[f32], labels: &[u32], options: &ProbeOptions, split: Split) -> Result<()> {
        let tape = Tape::new(&self.parameters, options.batch.min(labels.len()));
        let (x, logits) = self.record(&tape);
        let classes = tape.input("classes", Shape::batch(&[1]));
        let loss = tape.softmax_cross_entropy(logits, classes, Reduction::SumOverFeatures);
        let plan = tape.train(loss)?;
        let mut step = Step { workspace: plan.workspace()?, plan, x, classes, loss };
        let adam = Adam { weight_decay: options.weight_decay, ..Adam::default() };
        let refused = |error| Error::usage(format!("probe: {error}"));
        let mut optimizer = Optimizer::new(adam, &self.parameters).map_err(refused)?;
        let at = StepOptions::new(options.lr);
        let mut order = reserved(labels.len(), "the order of the codes")?;
        order.resize(labels.len(), 0);
        for epoch in 1..=options.epochs {
            permutation(options.seed, stream_id(epoch, PROBE), &mut order);
            for rows in order.chunks(options.batch) {
                step.differentiate(self, (codes, labels), rows, split)?;
                let moved = optimizer.step(&step.plan, &mut self.parameters, &step.workspace, at, split);
                moved.map_err(refused)?;
            }
        }
        finite("a weight", self.parameters.flat())
    }
}

/// What one step of training needs.
struct Step {
    plan: Plan<f32>,
    workspace: Workspace<f32>,
    x: Var,
    classes: Var,
    loss: Var,
}

impl Step {
    /// Runs the samples `rows` forward and backward.
    fn differentiate(
        &mut self,
        probe: &Probe,
        (codes, labels): (&[f32], &[u32]),
        rows: &[u32],
        split: Split,
    ) -> Result<()> {
        let code = probe.code();
        self.workspace.set_rows(rows.len())?;
        let to = self.workspace.input_mut(self.x)?;
        for (&row, to) in rows.iter().zip(to.chunks_exact_mut(code)) {
            probe.standardise(&codes[row as usize * code..][..code], to);
        }
        // Below 2^16, so that an f32 holds them exactly.
        let to = self.workspace.input_mut(self.classes)?;
        to.iter_mut().zip(rows).for_each(|(to, &row)| *to = labels[row as usize] as f32);
        self.plan.forward(&probe.parameters, &mut self.workspace, split)?;
        finite("the loss", self.workspace.value(self.loss)?)?;
        Ok(self.plan.backward(&probe.parameters, &mut self.workspace, split)?)
    }
}

/// Refuses results of training that are no numbers.
fn finite(what: &str, values: &[f32]) -> Result<()> {
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(()),
        Some(value) => Err(Error::training(format!("probe: {what} is {value}; lower its lr"))),
    }
}

impl ProbeOptions {
    fn check(&self) -> Result<()> {
        if self.epochs == 0 || self.batch == 0 {
            let Self { epochs, batch, .. } = self;
            return Err(Error::usage(format!("probe: {epochs} epochs of batches of {batch}; give at least 1 of each")));
        }
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return Err(Error::usage(format!("probe: lr is {}; give a positive number, such as 1e-3", self.lr)));
        }
        Ok(())
    }
}

/// The number of codes; refuses none, parts of codes and values that are not finite.
fn check_codes(codes: &[f32], code: usize) -> Result<usize> {
    if codes.is_empty() || code == 0 {
        return Err(Error::data("probe: no codes to look at; give those of at least one sample"));
    }
    check_finite_codes(codes, code, 0)?;
    Ok(codes.len() / code)
}

fn check_labels(samples: usize, labels: usize) -> Result<()> {
    if samples == labels {
        return Ok(());
    }
    Err(Error::data(format!("probe: {labels} labels do not match {samples} codes; give the labels of these samples")))
}

/// The greatest label plus one; refuses fewer than two classes, and more than a table should have.
fn count_classes(labels: &[u32]) -> Result<usize> {
    let greatest = labels.iter().copied().max().unwrap_or(0);
    if greatest >= MAX_CLASSES {
        return Err(Error::data(format!(
            "probe: the label {greatest} is not below {MAX_CLASSES}; number the classes from 0"
        )));
    }
    if labels.iter().all(|&label| label == greatest) {
        return Err(Error::data(format!(
            "probe: every label is {greatest}; give samples of at least two classes to tell apart"
        )));
    }
    Ok(greatest as usize + 1)
}

/// The mean and the deviation of each unit, as PyTorch's `mean` and `std` give them, the latter with [`FLOOR`] added.
fn standardisation(codes: &[f32], code: usize) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut statistics = CodeStatistics::new(code);
    statistics.add(codes)?;
    let summary = statistics.finish();
    let n = summary.samples as f64;
    let unbiased = n / (n - 1.0).max(1.0);
    let deviation = summary.variances.iter().map(|variance| (variance * unbiased).sqrt() + FLOOR).collect();
    Ok((summary.mean_activation, deviation))
}

/// The place of the greatest logit.
fn greatest(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (class, &logit) in logits.iter().enumerate() {
        if logit > logits[best] {
            best = class;
        }
    }
    best as u32
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
