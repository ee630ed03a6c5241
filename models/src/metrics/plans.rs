//! The plans of an evaluation, none with a backward pass, and the sums that they are run for.
//!
//! * `Main`: reconstruction, objective and terms, code, divergences, classes, in one go.
//! * `Corrupted`: the reconstruction of corrupted samples. `Likelihood`: one importance weight for each sample.

use super::evaluate::{Denoised, Evaluation, LowerBound, Measure};
use super::images::psnr;
use crate::Result;
use crate::autoencoders::{Corruption, Mode, Reconstruction, Weight};
use crate::model::{INFERENCE_ROWS, Model, no_room};
use crate::training::TermRecord;
use narrows_engine::ops::{Axis, Reduction};
use narrows_engine::random::Noise;
use narrows_engine::{Parameters, Plan, Split, Var, Workspace};
use std::f64::consts::{E, TAU};

/// The seed of corruptions and samples: two evaluations of a model see the same.
const SEED: u64 = 0x4556_414c;

/// All that an evaluation records beforehand.
pub(super) struct Plans {
    pub(super) main: Main,
    pub(super) corrupting: Option<Corrupted>,
}

/// What is measured of clean samples.
pub(super) struct Main {
    pub(super) plan: Plan<f32>,
    x: Var,
    squared_error: Var,
    bce: Option<Var>,
    /// The mean squared error of a sampled code's reconstruction, where the likelihood takes its variance from all of
    /// them.
    sampled: Option<Var>,
    total: Var,
    terms: Vec<(&'static str, f64, Var)>,
    code: Var,
    reconstruction: Var,
    /// The mean divergence of each unit.
    divergences: Option<Var>,
    logits: Option<Var>,
}

/// What is measured of corrupted samples.
pub(super) struct Corrupted {
    plan: Plan<f32>,
    corruption: Corruption,
    x: Var,
    input_error: Var,
    error: Var,
}

impl Plans {
    pub(super) fn new(model: &Model, measure: &Measure) -> Result<Self> {
        let own = model.autoencoder().corruption().copied();
        let corruption = measure.corruption.unwrap_or(own);
        Ok(Self {
            main: Main::new(model)?,
            corrupting: corruption.map(|corruption| Corrupted::new(model, &corruption)).transpose()?,
        })
    }
}

impl Main {
    fn new(model: &Model) -> Result<Self> {
        let autoencoder = model.autoencoder();
        let (plan, x, record) = model.inference_plan(model.data().features, INFERENCE_ROWS, |tape, x| {
            let objective = autoencoder.objective(tape, x, Mode::Evaluation);
            // A distribution's objective is of a sample of its code; what is reconstructed is of the mean.
            let (code, raw) = match objective.raw.filter(|_| !autoencoder.is_variational()) {
                Some(raw) => (objective.code, raw),
                None => {
                    let code = autoencoder.encode(tape, x);
                    (code, autoencoder.decode_raw(tape, code))
                }
            };
            let reconstruction = autoencoder.reconstruction().output(tape, raw);
            let squared_error = tape.mean_squared_error(reconstruction, x, Reduction::SumOverFeatures);
            let sigmoid = autoencoder.reconstruction().is_sigmoid() && model.data().scaler.is_unit();
            let bce = sigmoid.then(|| tape.binary_cross_entropy(raw, x, Reduction::Mean));
            let optimal = matches!(autoencoder.reconstruction(), Reconstruction::OptimalGaussian { .. });
            let sampled = objective
                .raw
                .filter(|_| optimal)
                .map(|raw| tape.mean_squared_error(autoencoder.reconstruction().output(tape, raw), x, Reduction::Mean));
            let divergences = autoencoder.divergences(tape, x).map(|kl| tape.mean_over(kl, Axis::Column));
            let logits = autoencoder.classify(tape, x);
            let weight = |weight: Weight| match weight {
                Weight::Constant(weight) => weight,
                Weight::Ramp(_) => 0.0,
            };
            let terms: Vec<_> =
                objective.terms.iter().map(|term| (term.name, weight(term.weight), term.value)).collect();
            let mut outputs = vec![squared_error, objective.total, code, reconstruction];
            outputs.extend(terms.iter().map(|(_, _, value)| value));
            outputs.extend([bce, sampled, divergences, logits].into_iter().flatten());
            let total = objective.total;
            ((squared_error, bce, sampled, total, terms, code, reconstruction, divergences, logits), outputs)
        })?;
        let (squared_error, bce, sampled, total, terms, code, reconstruction, divergences, logits) = record;
        Ok(Self { plan, x, squared_error, bce, sampled, total, terms, code, reconstruction, divergences, logits })
    }
}

/// [`Main`] at work, with its sums over samples.
pub(super) struct Measured<'a> {
    main: &'a Main,
    workspace: Workspace<f32>,
    features: usize,
    /// Squared error, loss, cross-entropy, squared error of samples, terms.
    sums: Vec<f64>,
    divergences: Vec<f64>,
    correct: usize,
    labelled: bool,
}

impl<'a> Measured<'a> {
    pub(super) fn new(main: &'a Main, model: &Model) -> Result<Self> {
        Ok(Self {
            workspace: main.plan.workspace().map_err(|error| no_room(&main.plan, &error))?,
            features: model.data().features,
            sums: vec![0.0; 4 + main.terms.len()],
            divergences: vec![0.0; if main.divergences.is_some() { model.code_size() } else { 0 }],
            correct: 0,
            labelled: false,
            main,
        })
    }

    /// Adds a batch of scaled samples; with labels, those of all the data and the batch's rows among them.
    pub(super) fn run(
        &mut self,
        model: &Model,
        samples: &[f32],
        labels: Option<(&[u32], &[u32])>,
        number: u64,
        split: Split,
    ) -> Result<()> {
        self.run_with(model.parameters(), samples, labels, number, split)
    }

    pub(super) fn run_with(
        &mut self,
        parameters: &Parameters<f32>,
        samples: &[f32],
        labels: Option<(&[u32], &[u32])>,
        number: u64,
        split: Split,
    ) -> Result<()> {
        let main = self.main;
        let count = samples.len() / self.features;
        load(&mut self.workspace, main.x, samples, count, number)?;
        main.plan.forward(parameters, &mut self.workspace, split)?;
        let weight = count as f64;
        let values = [Some(main.squared_error), Some(main.total), main.bce, main.sampled].into_iter();
        let values = values.chain(main.terms.iter().map(|term| Some(term.2)));
        for (sum, value) in self.sums.iter_mut().zip(values) {
            if let Some(value) = value {
                *sum += weight * f64::from(self.workspace.value(value)?[0]);
            }
        }
        if let Some(divergences) = main.divergences {
            let means = self.workspace.value(divergences)?;
            self.divergences.iter_mut().zip(means).for_each(|(sum, &kl)| *sum += weight * f64::from(kl));
        }
        if let (Some(logits), Some((labels, rows))) = (main.logits, labels) {
            let logits = self.workspace.value(logits)?;
            let classes = logits.len() / rows.len();
            let found = logits.chunks(classes).zip(rows).filter(|(logits, row)| {
                let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(class, _)| class);
                best == Some(labels[**row as usize] as usize)
            });
            self.correct += found.count();
            self.labelled = true;
        }
        Ok(())
    }

    /// The codes of the last batch.
    pub(super) fn codes(&self) -> Result<&[f32]> {
        Ok(self.workspace.value(self.main.code)?)
    }

    /// The reconstructions of the last batch.
    pub(super) fn reconstructions(&self) -> Result<&[f32]> {
        Ok(self.workspace.value(self.main.reconstruction)?)
    }

    /// The share of samples whose class was found.
    pub(super) fn accuracy(&self, samples: usize) -> Option<f64> {
        self.labelled.then(|| self.correct as f64 / samples.max(1) as f64)
    }

    pub(super) fn finish(&self, model: &Model, samples: usize) -> Evaluation {
        let mean = |i: usize| self.sums[i] / samples.max(1) as f64;
        let terms = self.main.terms.iter().enumerate().map(|(i, &(name, weight, _))| TermRecord {
            name: name.into(),
            weight,
            value: mean(4 + i),
        });
        let mut evaluation = Evaluation {
            squared_error: mean(0),
            mse: mean(0) / model.data().features as f64,
            bce: self.main.bce.map(|_| mean(2)),
            loss: mean(1),
            accuracy: self.accuracy(samples),
            samples,
            terms: terms.collect(),
            ..Evaluation::default()
        };
        let variance = self.main.sampled.map(|_| mean(3));
        if let Some(variance) = variance {
            // One variance for all samples, not one for each batch.
            let features = model.data().features as f64;
            evaluation.correct("reconstruction", 0.5 * features * (TAU * E * variance.max(1e-12)).ln());
        }
        if self.main.divergences.is_some() {
            let term =
                |name: &str| evaluation.terms.iter().find(|term| term.name == name).map_or(0.0, |term| term.value);
            evaluation.lower_bound = Some(LowerBound {
                negative_elbo: term("reconstruction") + term("kl"),
                reconstruction: term("reconstruction"),
                kl: term("kl"),
                kl_per_unit: self.divergences.iter().map(|sum| sum / samples.max(1) as f64).collect(),
                variance,
                importance: None,
            });
        }
        evaluation
    }
}

impl Corrupted {
    fn new(model: &Model, corruption: &Corruption) -> Result<Self> {
        let autoencoder = model.autoencoder();
        let (plan, x, (input_error, error)) =
            model.inference_plan(model.data().features, INFERENCE_ROWS, |tape, x| {
                let input = corruption.record(tape, x).input;
                let input_error = tape.mean_squared_error(input, x, Reduction::SumOverFeatures);
                let reconstruction = autoencoder.reconstruct(tape, input);
                let error = tape.mean_squared_error(reconstruction, x, Reduction::SumOverFeatures);
                ((input_error, error), vec![input_error, error])
            })?;
        Ok(Self { plan, corruption: *corruption, x, input_error, error })
    }
}

/// [`Corrupted`] at work.
pub(super) struct Corrupting<'a> {
    plan: &'a Corrupted,
    workspace: Workspace<f32>,
    features: usize,
    sums: [f64; 2],
}

impl<'a> Corrupting<'a> {
    pub(super) fn new(plan: &'a Corrupted, model: &Model) -> Result<Self> {
        let workspace = plan.plan.workspace().map_err(|error| no_room(&plan.plan, &error))?;
        Ok(Self { plan, workspace, features: model.data().features, sums: [0.0; 2] })
    }

    pub(super) fn run(&mut self, model: &Model, samples: &[f32], number: u64, split: Split) -> Result<()> {
        // Its plan may take fewer samples at a time.
        for (part, samples) in samples.chunks(self.plan.plan.max_rows() * self.features).enumerate() {
            let count = samples.len() / self.features;
            load(&mut self.workspace, self.plan.x, samples, count, (number << 16) + part as u64)?;
            self.plan.plan.forward(model.parameters(), &mut self.workspace, split)?;
            for (sum, var) in self.sums.iter_mut().zip([self.plan.input_error, self.plan.error]) {
                *sum += count as f64 * f64::from(self.workspace.value(var)?[0]);
            }
        }
        Ok(())
    }

    pub(super) fn finish(self, features: usize, samples: usize, range: Option<f64>) -> Denoised {
        let [input, error] = self.sums.map(|sum| sum / samples.max(1) as f64);
        let mse = error / features as f64;
        Denoised {
            corruption: (self.plan.corruption.kind().name().into(), self.plan.corruption.level()),
            input_squared_error: input,
            squared_error: error,
            mse,
            psnr: range.map(|range| psnr(mse, range)),
        }
    }
}

/// A plan of one importance weight for each sample, and what it is run in.
pub(super) struct Likelihood {
    plan: Plan<f32>,
    x: Var,
    log_weights: Var,
    workspace: Workspace<f32>,
    /// For each sample of a batch the largest logarithm so far, and the sum of the weights over it.
    sums: Vec<(f64, f64)>,
}

impl Likelihood {
    /// `variance` is the likelihood's where the data's best one is taken.
    pub(super) fn new(model: &Model, variance: f64) -> Result<Self> {
        let autoencoder = model.autoencoder();
        let (plan, x, log_weights) = model.inference_plan(model.data().features, INFERENCE_ROWS, |tape, x| {
            // Asked for only where the code is a distribution.
            let weights = autoencoder.log_importance_weights(tape, x, variance).unwrap_or(x);
            (weights, vec![weights])
        })?;
        let workspace = plan.workspace().map_err(|error| no_room(&plan, &error))?;
        Ok(Self { plan, x, log_weights, workspace, sums: Vec::new() })
    }

    /// The most samples of a batch.
    pub(super) fn max_rows(&self) -> usize {
        self.plan.max_rows()
    }

    /// The sum over a batch of `ln (1/K Σ_k w_k)`; `(number, count)` are the batch's number and K.
    pub(super) fn run(
        &mut self,
        model: &Model,
        samples: &[f32],
        (number, count): (u64, usize),
        split: Split,
    ) -> Result<f64> {
        let rows = samples.len() / model.data().features;
        self.sums.clear();
        self.sums.resize(rows, (f64::NEG_INFINITY, 0.0));
        for k in 0..count {
            load(&mut self.workspace, self.x, samples, rows, (number << 24) + k as u64)?;
            self.plan.forward(model.parameters(), &mut self.workspace, split)?;
            for ((largest, sum), &log) in self.sums.iter_mut().zip(self.workspace.value(self.log_weights)?) {
                let log = f64::from(log);
                if log > *largest {
                    *sum = *sum * (*largest - log).exp() + 1.0;
                    *largest = log;
                } else {
                    *sum += (log - *largest).exp();
                }
            }
        }
        let count = (count.max(1) as f64).ln();
        Ok(self.sums.iter().map(|(largest, sum)| largest + sum.ln() - count).sum())
    }
}

/// Scaled samples into a plan's input, and noise that is the batch's own.
fn load(workspace: &mut Workspace<f32>, x: Var, samples: &[f32], rows: usize, step: u64) -> Result<()> {
    workspace.set_rows(rows)?;
    workspace.set_noise(Noise { seed: SEED, step });
    workspace.input_mut(x)?.copy_from_slice(samples);
    Ok(())
}
