//! What a session is handed, and what it refuses of that and of what comes of it.

use super::Model;
use crate::{Error, Result};
use narrows_engine::{Context, RawRows, Split};
use std::ops::Range;

/// How far scaled samples may be beyond 0..1 under cross-entropy: what rounding to f32 makes.
const UNIT_ROUNDING: f32 = 1e-6;

/// Numbers of either precision.
#[derive(Debug, Clone, Copy)]
pub(super) enum Numbers<'a> {
    Singles(&'a [f32]),
    Doubles(&'a [f64]),
}

impl<'a> Numbers<'a> {
    /// How many there are.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Singles(numbers) => numbers.len(),
            Self::Doubles(numbers) => numbers.len(),
        }
    }

    /// Some of them, in order; the range lies inside.
    pub(super) fn part(self, range: Range<usize>) -> Self {
        match self {
            Self::Singles(numbers) => Self::Singles(&numbers[range]),
            Self::Doubles(numbers) => Self::Doubles(&numbers[range]),
        }
    }

    /// As the engine gathers them.
    pub(super) fn rows(self) -> RawRows<'a, f32> {
        match self {
            Self::Singles(numbers) => RawRows::Values(numbers),
            Self::Doubles(numbers) => RawRows::Doubles(numbers),
        }
    }

    /// Copies them as they are, rounded to f32.
    pub(super) fn copy_to(self, out: &mut [f32]) {
        match self {
            Self::Singles(numbers) => out.copy_from_slice(numbers),
            Self::Doubles(numbers) => out.iter_mut().zip(numbers).for_each(|(to, &x)| *to = x as f32),
        }
    }

    /// Puts them in place of `out` where they are not missing.
    pub(super) fn keep_present(self, out: &mut [f32]) {
        match self {
            Self::Singles(numbers) => {
                out.iter_mut().zip(numbers).filter(|(_, x)| !x.is_nan()).for_each(|(to, &x)| *to = x);
            }
            Self::Doubles(numbers) => {
                out.iter_mut().zip(numbers).filter(|(_, x)| !x.is_nan()).for_each(|(to, &x)| *to = x as f32);
            }
        }
    }
}

/// Raw samples, and what some types take besides.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    pub(super) numbers: Numbers<'a>,
    pub(super) labels: Option<&'a [u32]>,
    pub(super) first: u64,
}

impl<'a> Given<'a> {
    /// Samples `[n, features]`, row by row. NaN stands for a number that is missing, of a type that takes that.
    pub fn new(numbers: &'a [f32]) -> Self {
        Self { numbers: Numbers::Singles(numbers), labels: None, first: 0 }
    }

    /// The same of double precision: what is large and differs little, such as times in seconds, keeps its digits until it
    /// is centred.
    pub fn doubles(numbers: &'a [f64]) -> Self {
        Self { numbers: Numbers::Doubles(numbers), labels: None, first: 0 }
    }

    /// The number at a place; `None` behind the last.
    pub fn number(&self, place: usize) -> Option<f64> {
        match self.numbers {
            Numbers::Singles(numbers) => numbers.get(place).map(|&x| f64::from(x)),
            Numbers::Doubles(numbers) => numbers.get(place).copied(),
        }
    }

    /// The numbers as the model sees them, into a buffer that grows where it must.
    pub(crate) fn scale(&self, model: &Model, out: &mut Vec<f32>) -> Result<()> {
        let count = self.numbers.len();
        out.clear();
        out.try_reserve(count).map_err(|_| Error::data(format!("no memory for {count} numbers")))?;
        out.resize(count, 0.0);
        model.data().preprocessing.apply(Context::new(Split::Serial), self.numbers.rows(), out)
    }

    /// With the class of each.
    #[must_use]
    pub fn labels(self, labels: &'a [u32]) -> Self {
        Self { labels: Some(labels), ..self }
    }

    /// With the number of the first sample, 0 if not given; the others follow. What is drawn for a sample is a function
    /// of the seed and of its number, so that many samples may come in several calls.
    #[must_use]
    pub fn from_row(self, first: u64) -> Self {
        Self { first, ..self }
    }
}

impl<'a, N: AsRef<[f32]> + ?Sized> From<&'a N> for Given<'a> {
    fn from(numbers: &'a N) -> Self {
        Self::new(numbers.as_ref())
    }
}

/// Refuses labels that are not as many as the samples, or name no class of the model's; a type that takes them needs
/// them.
pub(super) fn check_labels(labels: Option<&[u32]>, count: usize, model: &Model) -> Result<()> {
    let classes = model.data().classes.unwrap_or(0);
    match labels {
        None if model.autoencoder().takes().labels => Err(Error::usage(format!(
            "the model takes the class of each sample, 0 to {}; give labels",
            classes.max(1) - 1
        ))),
        Some(labels) if labels.len() != count => {
            Err(Error::data(format!("{} labels for {count} samples; give one for each", labels.len())))
        }
        Some(_) if classes == 0 => Err(Error::data("the model was trained without classes; leave labels away")),
        Some(labels) => match labels.iter().position(|&label| label as usize >= classes) {
            Some(row) => Err(Error::data(format!(
                "row {row} (from 0) has the class {}; the model knows {classes} classes, numbered from 0",
                labels[row]
            ))),
            None => Ok(()),
        },
        None => Ok(()),
    }
}

/// Refuses values that are not finite, and of samples, where `unit` says so, those beyond 0..1: cross-entropy calls what
/// is far beyond the best of all.
pub(super) fn check_values(values: &[f32], (first, width): (usize, usize), codes: bool, unit: bool) -> Result<()> {
    let fits = |x: f32| x.is_finite() && (!unit || (-UNIT_ROUNDING..=1.0 + UNIT_ROUNDING).contains(&x));
    let Some(at) = values.iter().position(|&x| !fits(x)) else { return Ok(()) };
    let place = format!("row {}, column {} (from 0)", first + at / width.max(1), at % width.max(1));
    Err(Error::data(match (codes, values[at].is_finite()) {
        (true, _) => format!("the code at {place} is NaN or infinite; replace it"),
        (false, false) => {
            format!("the value at {place} is NaN, infinite or too large once it is scaled; replace it")
        }
        (false, true) => format!(
            "the value at {place} is scaled to {}, and cross-entropy takes 0..1: it lies outside of what the model was \
             trained on; replace it, or train with loss mse",
            values[at]
        ),
    }))
}

/// Refuses results that are not finite: their sample is too far from all that the model was trained on.
pub(super) fn check_results(values: &[f32], (first, rows): (usize, usize)) -> Result<()> {
    match values.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(Error::data(format!(
            "row {} (from 0) is so far from the data that the model was trained on that f32 cannot hold what it makes of \
             it; replace it",
            first + at / (values.len() / rows.max(1)).max(1)
        ))),
        None => Ok(()),
    }
}
