//! A model at work, in the data's own units: raw numbers in, raw numbers out.
//!
//! A session records each plan once, when it is first asked for, and then takes any number of samples at a time.
//! Results lie in buffers of the session's own, so that after the first call of a kind nothing is allocated but where a
//! call is larger than all before. Clones share the model and the plans and have buffers of their own: one for each
//! thread.
//!
//! ```
//! use narrows::data::{Dataset, Samples};
//! use narrows::model::Session;
//! use narrows::training::{Config, fit};
//!
//! # fn main() -> narrows::Result<()> {
//! let numbers: Vec<f32> = (0..600).map(|i| 1000.0 + (i * i % 97) as f32).collect();
//! let dataset = Dataset::new("mine", Samples::F32(numbers.clone()), 6)?;
//! let config = Config::of("undercomplete")?.with(&[("hidden", "8"), ("code", "3"), ("epochs", "2")])?;
//! let mut session = Session::new(fit(&config, &dataset)?);
//! assert_eq!(session.encode(&numbers[..60])?.len(), 10 * 3);
//! let scores = session.score(&numbers[..60])?;
//! assert_eq!((scores.total.len(), scores.features.len()), (10, 60));
//! # Ok(())
//! # }
//! ```

use super::given::{Given, Numbers, check_labels, check_results, check_values};
use super::job::{JOBS, Job, Outputs, record};
use super::recorder::mask_missing;
use super::{Model, Recorded, no_room};
use crate::objective::Reconstruction;
use crate::{Error, Result};
use narrows_engine::random::Noise;
use narrows_engine::{Context, Split, Workspace};
use std::sync::{Arc, OnceLock};

/// What each sample adds to the objective, unweighted: small for what is like the data that were trained on. Which terms
/// there are is the type's [`scores`](crate::autoencoders::Autoencoder::scores): the reconstruction, and KL of a
/// distribution; penalties on weights and codes say nothing of a sample, and are not among them.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// The sum of the terms, one a sample.
    pub total: &'a [f32],
    /// The names of the terms, the reconstruction's first.
    pub names: &'a [&'static str],
    /// Their values, a row for each sample.
    pub terms: &'a [f32],
    /// What each feature adds to the reconstruction (before a likelihood's variance and constants), `[n, features]`.
    pub features: &'a [f32],
}

/// What clones share.
struct Shared {
    model: Arc<Model>,
    plans: [OnceLock<Recorded<Outputs>>; JOBS],
}

/// A model at work.
pub struct Session {
    shared: Arc<Shared>,
    workspaces: [Option<Workspace<f32>>; JOBS],
    split: Split,
    /// Results of the last call, one buffer for each value.
    results: [Vec<f32>; 3],
    total: Vec<f32>,
    /// Codes that only their number counts of.
    zeros: Vec<f32>,
    /// Results in the data's own units.
    raw: Vec<f64>,
}

impl Clone for Session {
    fn clone(&self) -> Self {
        let (shared, split) = (Arc::clone(&self.shared), self.split);
        Self {
            shared,
            split,
            workspaces: Default::default(),
            results: Default::default(),
            total: Vec::new(),
            zeros: Vec::new(),
            raw: Vec::new(),
        }
    }
}

impl Session {
    /// Puts a model to work, on one thread unless [`Self::on`] says otherwise.
    pub fn new(model: impl Into<Arc<Model>>) -> Self {
        Self {
            shared: Arc::new(Shared { model: model.into(), plans: Default::default() }),
            workspaces: Default::default(),
            split: Split::Serial,
            results: Default::default(),
            total: Vec::new(),
            zeros: Vec::new(),
            raw: Vec::new(),
        }
    }

    /// The same on several threads: hand down what [`Threads::run`](narrows_engine::Threads::run) gives, and stay
    /// inside it.
    #[must_use]
    pub fn on(mut self, split: Split) -> Self {
        self.split = split;
        self
    }

    /// Where it runs.
    pub(crate) fn split(&self) -> Split {
        self.split
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.shared.model
    }

    /// The codes of raw samples: `[n, features]` gives `[n, code]`, of a distribution the mean.
    ///
    /// # Errors
    /// A length that is no whole number of samples; values that the model cannot take, by row and column; no memory.
    pub fn encode<'a>(&mut self, samples: impl Into<Given<'a>>) -> Result<&[f32]> {
        self.run(Job::Encode, samples.into(), 0)?;
        Ok(&self.results[0])
    }

    /// The numbers of the codebook's entries that the codes of raw samples are made of, in their order: as many for each
    /// sample as its code has entries, whole numbers from 0.
    ///
    /// # Errors
    /// As for [`Self::encode`], and a type without a codebook.
    pub fn entries<'a>(&mut self, samples: impl Into<Given<'a>>) -> Result<&[f32]> {
        self.run(Job::Entries, samples.into(), 0)?;
        Ok(&self.results[0])
    }

    /// How uncertain the codes of raw samples are: the variances `[n, code]` of the distributions whose means are
    /// [`Self::encode`]'s.
    ///
    /// # Errors
    /// As for [`Self::encode`], and a type whose code is no distribution.
    pub fn variances<'a>(&mut self, samples: impl Into<Given<'a>>) -> Result<&[f32]> {
        self.run(Job::Variances, samples.into(), 0)?;
        Ok(&self.results[0])
    }

    /// What codes stand for: `[n, code]` gives raw samples `[n, features]`.
    ///
    /// # Errors
    /// As for [`Self::encode`], and a model that cannot decode a code alone.
    pub fn decode<'a>(&mut self, codes: impl Into<Given<'a>>) -> Result<&[f32]> {
        self.run(Job::Decode, codes.into(), 0)?;
        self.unscale()
    }

    /// What entries of a codebook stand for, by the numbers that [`Self::entries`] gives: raw samples `[n, features]`.
    ///
    /// # Errors
    /// As for [`Self::decode`]; a number that is no entry's, and a type without a codebook.
    pub fn decode_entries<'a>(&mut self, entries: impl Into<Given<'a>>) -> Result<&[f32]> {
        self.run(Job::DecodeEntries, entries.into(), 0)?;
        self.unscale()
    }

    /// Raw samples encoded and decoded: as many raw samples.
    ///
    /// # Errors
    /// As for [`Self::encode`].
    pub fn reconstruct<'a>(&mut self, samples: impl Into<Given<'a>>) -> Result<&[f32]> {
        self.run(Job::Reconstruct, samples.into(), 0)?;
        self.unscale()
    }

    /// What each raw sample adds to the objective, term by term and feature by feature; see [`Scored`].
    ///
    /// # Errors
    /// As for [`Self::encode`]; of a model with cross-entropy, values beyond the range that is scaled to 0..1.
    pub fn score<'a>(&mut self, samples: impl Into<Given<'a>>) -> Result<Scored<'_>> {
        self.run(Job::Score, samples.into(), 0)?;
        let names = &self.recorded(Job::Score)?.outputs.1;
        let count = names.len().max(1);
        self.total.clear();
        self.total.extend(self.results[1].chunks_exact(count).map(|terms| terms.iter().sum::<f32>()));
        let names = &self.shared.plans[Job::Score as usize].get().map_or(&[][..], |plan| &plan.outputs.1);
        Ok(Scored { total: &self.total, names, terms: &self.results[1], features: &self.results[0] })
    }

    /// Raw samples whose missing numbers, which are NaN, are filled by the mean that the model gives them beside what is
    /// present, over 64 weighted draws of the code: as many raw samples, what is present as it was. What is drawn for a
    /// sample is a function of `seed` and of its number ([`Given::from_row`]).
    ///
    /// # Errors
    /// As for [`Self::encode`], and a type, or settings of it, that takes no missing values.
    pub fn impute<'a>(&mut self, samples: impl Into<Given<'a>>, seed: u64) -> Result<&[f32]> {
        self.fill(Job::Impute, samples.into(), seed)
    }

    /// The same, filled by one draw in place of the mean, by sampling importance resampling (Mattei & Frellsen 2019):
    /// one of the 64 codes by its weight, and of a Gaussian likelihood its noise. Draws by several seeds are what
    /// multiple imputation takes.
    ///
    /// # Errors
    /// As for [`Self::impute`].
    pub fn impute_draw<'a>(&mut self, samples: impl Into<Given<'a>>, seed: u64) -> Result<&[f32]> {
        self.fill(Job::ImputeDraw, samples.into(), seed)
    }

    fn fill(&mut self, job: Job, given: Given<'_>, seed: u64) -> Result<&[f32]> {
        self.run(job, given, seed)?;
        self.unscale()?;
        // Scaling there and back rounds; what is present is what it was.
        given.numbers.keep_present(&mut self.results[0]);
        Ok(&self.results[0])
    }

    /// Whether the model has a prior to [`Self::sample`] from.
    pub fn has_prior(&self) -> bool {
        self.recorded(Job::Sample).is_ok()
    }

    /// `count` new raw samples from the prior, drawn by `seed`; `labels` are their classes, of a type that takes them.
    ///
    /// # Errors
    /// A type without a prior; no memory.
    pub fn sample(&mut self, count: usize, labels: Option<&[u32]>, seed: u64) -> Result<&[f32]> {
        let mut zeros = std::mem::take(&mut self.zeros);
        zeros.clear();
        grow(&mut zeros, count.saturating_mul(self.model().code_size()))?;
        let done = self.run(Job::Sample, Given { numbers: Numbers::Singles(&zeros), labels, first: 0 }, seed);
        self.zeros = zeros;
        done?;
        self.unscale()
    }

    /// The plan of a job, recorded when it is first asked for.
    fn recorded(&self, job: Job) -> Result<&Recorded<Outputs>> {
        let place = &self.shared.plans[job as usize];
        if let Some(recorded) = place.get() {
            return Ok(recorded);
        }
        let recorded = record(&self.shared.model, job)?;
        // Another thread may have been quicker; one of two equal plans is as good as the other.
        Ok(place.get_or_init(|| recorded))
    }

    /// Runs a job over rows of any number, a batch at a time, into the buffers.
    fn run(&mut self, job: Job, given: Given<'_>, seed: u64) -> Result<()> {
        let (codes, width, takes) = (job.takes_codes(), job.width(self.model()), self.model().autoencoder().takes());
        let count = given.numbers.len() / width.max(1);
        if !given.numbers.len().is_multiple_of(width.max(1)) {
            let (len, what) = (given.numbers.len(), if codes { "codes" } else { "samples" });
            return Err(Error::data(format!("{len} numbers are no {what} of {width}; give whole rows")));
        }
        check_labels(given.labels, count, self.model())?;
        self.recorded(job)?;
        let Self { shared, workspaces, results, split, .. } = self;
        let Some(Recorded { plan, inputs, outputs }) = shared.plans[job as usize].get() else { return Ok(()) };
        let workspace = match &mut workspaces[job as usize] {
            Some(workspace) => workspace,
            none => none.insert(plan.workspace().map_err(|error| no_room(plan, &error))?),
        };
        results.iter_mut().for_each(Vec::clear);
        // Noise is by the place in a batch: rows lie where they would if the first one had the number 0.
        let most = plan.max_rows().max(1);
        let before = (given.first % most as u64) as usize;
        let mut first = 0;
        for batch in 0..(before + count).div_ceil(most) {
            let skipped = if batch == 0 { before } else { 0 };
            let rows = (most - skipped).min(count - first);
            let numbers = given.numbers.part(first * width..(first + rows) * width);
            workspace.set_rows(skipped + rows)?;
            workspace.set_noise(Noise { seed, step: (given.first / most as u64).wrapping_add(batch as u64) });
            let (empty, x) = workspace.input_mut(inputs.x)?.split_at_mut(skipped * width);
            empty.fill(0.0);
            if codes {
                numbers.copy_to(x);
            } else {
                let context = Context { backend: plan.backend(), split: *split };
                shared.model.data().preprocessing.apply(context, numbers.rows(), x)?;
                if let Some(mask) = inputs.mask {
                    mask_missing(workspace, inputs.x, mask)?;
                }
            }
            let unit = job == Job::Score
                && matches!(shared.model.autoencoder().parts().reconstruction, Reconstruction::CrossEntropy);
            check_values(&workspace.input_mut(inputs.x)?[skipped * width..], (first, width), codes, unit)?;
            if let (Some(to), Some(labels), true) = (inputs.labels, given.labels, takes.labels) {
                let to = workspace.input_mut(to)?;
                to.fill(0.0);
                to.iter_mut().skip(skipped).zip(&labels[first..]).for_each(|(to, &label)| *to = label as f32);
            }
            plan.forward(shared.model.parameters(), workspace, *split)?;
            collect(results, workspace, outputs, (skipped, first, rows))?;
            first += rows;
        }
        Ok(())
    }

    /// The first result, scaled back.
    fn unscale(&mut self) -> Result<&[f32]> {
        let Self { shared, results, raw, .. } = self;
        raw.clear();
        raw.try_reserve(results[0].len()).map_err(|_| Error::data("no memory for raw numbers"))?;
        raw.resize(results[0].len(), 0.0);
        shared.model.data().preprocessing.invert(&results[0], raw)?;
        results[0].iter_mut().zip(raw).for_each(|(to, &mut x)| *to = x as f32);
        Ok(&results[0])
    }
}

/// Appends a batch's values to the buffers, those of a score's terms, a column each, as a row for each sample.
fn collect(
    results: &mut [Vec<f32>; 3],
    workspace: &Workspace<f32>,
    (values, names): &Outputs,
    (skipped, first, rows): (usize, usize, usize),
) -> Result<()> {
    let value = |var| Ok::<_, Error>(kept(workspace.value(var)?, skipped, rows));
    for &var in values {
        check_results(value(var)?, (first, rows))?;
    }
    append(&mut results[0], value(values[0])?)?;
    let start = results[1].len();
    grow(&mut results[1], rows * names.len())?;
    for (column, (&var, name)) in values[1..].iter().zip(names).enumerate() {
        let values = value(var)?;
        if values.len() != rows {
            let found = values.len();
            return Err(Error::model(format!(
                "the score `{name}` has {found} values for {rows} samples, not one each"
            )));
        }
        let to = results[1][start..].iter_mut().skip(column).step_by(names.len().max(1));
        to.zip(values).for_each(|(to, &x)| *to = x);
    }
    Ok(())
}

/// The values of a batch without those of the rows that only stand before its own.
fn kept(values: &[f32], skipped: usize, rows: usize) -> &[f32] {
    &values[values.len() / (skipped + rows).max(1) * skipped..]
}

/// Appends values where memory allows.
fn append(to: &mut Vec<f32>, values: &[f32]) -> Result<()> {
    to.try_reserve(values.len()).map_err(|_| Error::data(format!("no memory for {} numbers", values.len())))?;
    to.extend_from_slice(values);
    Ok(())
}

/// Appends zeros where memory allows.
fn grow(to: &mut Vec<f32>, count: usize) -> Result<()> {
    to.try_reserve(count).map_err(|_| Error::data(format!("no memory for {count} numbers")))?;
    to.resize(to.len() + count, 0.0);
    Ok(())
}
