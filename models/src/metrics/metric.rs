//! What a metric is: it records what it needs on the tape of an evaluation, adds batch after batch, and puts figures by
//! name. Adding one is a file with an implementation and a line of `metrics!` in this folder's `mod.rs`.
//!
//! An evaluation records all its metrics once, over one plan; for each data set it then calls [`Metric::start`], after
//! each batch [`Metric::add`], and at the end [`Metric::put`]. What it puts is in the JSON of `eval` and `train`; what
//! it says to people, made of the figures, are [`Metric::words`] and [`Metric::line`].

use crate::data::ImageShape;
use crate::objective::{Objective, Reconstruction};
use crate::{Error, Result};
use narrows_engine::{Tape, Var, Workspace};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What an evaluation has recorded before its metrics.
#[derive(Debug, Clone, Copy)]
pub struct Vars<'a> {
    /// The samples, scaled, `[N, features]`.
    pub x: Var,
    /// What the code was decoded to, before an activation, `[N, features]`.
    pub raw: Var,
    /// What the model compares `raw` with `x` by.
    pub compared: &'a Reconstruction,
    /// Whether `raw` are logits of samples in 0..1.
    pub sigmoid: bool,
    /// The reconstruction, `[N, features]`.
    pub reconstruction: Var,
    /// The code, `[N, code]`.
    pub code: Var,
    /// The model's objective on these samples; of a distribution that of a code which is drawn from it.
    pub objective: &'a Objective,
    /// KL of each unit of the code from its prior, `[N, code]`, where the code is a distribution.
    pub divergences: Option<Var>,
    /// The entries of a codebook that the code is made of, and how many entries there are.
    pub indices: Option<(Var, usize)>,
    /// 1 where a number is present and 0 where it is missing, `[N, features]`, of data with missing values.
    pub mask: Option<Var>,
    /// The class of each sample, `[N, 1]`, of data with labels.
    pub labels: Option<Var>,
    /// What a classifier on the code says, `[N, classes]`.
    pub logits: Option<Var>,
    /// Whether the structural similarity is asked for, which takes longer than all else.
    pub ssim: bool,
}

/// What is known of some data before the first batch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct About {
    /// Numbers in a sample.
    pub features: usize,
    /// How a sample is an image, if it is one.
    pub image: Option<ImageShape>,
    /// Numbers in a code.
    pub code: usize,
    /// The range of values that a signal has, where all features share one.
    pub range: Option<f64>,
    /// Whether the labels are filled in.
    pub labelled: bool,
}

/// One figure, or a family of figures that come of the same sums.
pub trait Metric: Send {
    /// Records what it measures, and gives what the plan must keep for [`Self::add`]; nothing where what it needs is
    /// not there. The plan is tried at several sizes: what was recorded last counts.
    fn record(&mut self, tape: &Tape<f32>, vars: &Vars<'_>) -> Vec<Var>;

    /// Forgets what was added, and learns what comes.
    ///
    /// # Errors
    /// No memory.
    fn start(&mut self, about: &About) -> Result<()>;

    /// Adds the batch that has just been run.
    ///
    /// # Errors
    /// A value that the plan did not keep.
    fn add(&mut self, batch: &Workspace<f32>) -> Result<()>;

    /// Puts the figures of all that was added; those of the metrics before it in the list are there to be read.
    ///
    /// # Errors
    /// A name that is taken.
    fn put(&self, figures: &mut Figures) -> Result<()>;

    /// A few words for the line that metrics share, such as `mse 0.0123`, made of the figures of the whole evaluation.
    fn words(&self, _figures: &Figures) -> Option<String> {
        None
    }

    /// A line of its own, made of the same.
    fn line(&self, _figures: &Figures) -> Option<String> {
        None
    }
}

/// Figures by name, as JSON has them: a number that is not finite is null.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Figures(Map<String, Value>);

impl Figures {
    /// Puts a figure.
    ///
    /// # Errors
    /// A name that is taken; a figure that JSON cannot hold, such as a map whose keys are no words.
    pub fn put(&mut self, name: &str, figure: impl Serialize) -> Result<()> {
        let value = json(name, figure)?;
        if self.0.contains_key(name) {
            return Err(Error::usage(format!("two metrics put a figure `{name}`; rename one of them")));
        }
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// Puts each field of a struct as a figure of that name.
    ///
    /// # Errors
    /// As for [`Self::put`].
    pub fn put_all(&mut self, family: impl Serialize) -> Result<()> {
        let Value::Object(family) = json("a family of figures", family)? else {
            return Err(Error::usage("a family of figures has no names; give a struct, or put the figure by a name"));
        };
        family.into_iter().try_for_each(|(name, value)| self.put(&name, value))
    }

    /// Puts a figure in place of the one of that name.
    pub(super) fn replace(&mut self, name: &str, figure: impl Serialize) -> Result<()> {
        self.0.insert(name.to_owned(), json(name, figure)?);
        Ok(())
    }

    /// The figure of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The number of that name, where it is a finite one.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64()
    }

    /// A part of the figure of that name; `None` as for [`Self::read`].
    pub(super) fn part<T: DeserializeOwned>(&self, name: &str, part: &str) -> Option<T> {
        T::deserialize(self.get(name)?.get(part)?).ok()
    }

    /// The number of that name, and NaN where there is none that is finite.
    pub(super) fn or_nan(&self, name: &str) -> f64 {
        self.number(name).unwrap_or(f64::NAN)
    }

    /// The figure of that name as what was put; `None` where it is not there, or a number in it is not finite.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.get(name)?).ok()
    }

    /// The same of a family, each field of which is a figure.
    pub fn read_all<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(&self.0).ok()
    }

    /// All figures, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

fn json(name: &str, figure: impl Serialize) -> Result<Value> {
    serde_json::to_value(figure)
        .map_err(|error| Error::usage(format!("the figure `{name}` cannot be written as JSON: {error}")))
}

/// A sum over samples, and how many they are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    total: f64,
    count: f64,
}

impl Sum {
    /// Adds what came to `total` over `count`.
    pub(super) fn add(&mut self, total: f64, count: f64) {
        self.total += total;
        self.count += count;
    }

    /// Of nothing, not a number.
    pub(super) fn mean(self) -> f64 {
        self.total / self.count
    }
}

/// A single number that was recorded.
pub(super) fn number(batch: &Workspace<f32>, var: Var) -> Result<f64> {
    Ok(f64::from(batch.value(var)?[0]))
}
