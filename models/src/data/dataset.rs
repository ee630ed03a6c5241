//! A set of samples in memory: rows of features, and what is known of them.
//!
//! The samples lie row-major, `[N, features]`, in the type the source has; an image's features are `[C, H, W]`. What a
//! `Dataset` promises once it exists: at least one row, a whole number of rows, every value finite (or NaN, for a
//! missing one, where [`Dataset::with_missing`] made it), one label per row where there are labels. Readers, scalers
//! and training rely on that and check it nowhere else.

use super::memory::reserved;
use super::patches::Patches;
use super::rows::{Column, ImageShape, Rows};
use super::spill::Spill;
use crate::error::{Error, Result};

/// Labels are below this number, so that a table with an entry per class is always small.
pub const MAX_CLASSES: u32 = 1 << 16;

/// The values of all samples, row-major `[N, features]`, in the source's own type.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Samples {
    /// Bytes, as pixels are.
    U8(Vec<u8>),
    /// Single-precision numbers.
    F32(Vec<f32>),
    /// Double-precision numbers, which are rounded to single ones only when they are centred and scaled.
    F64(Vec<f64>),
    /// Doubles in a temporary file, where they are too many for memory.
    File(Spill),
}

impl Samples {
    /// How many values there are, over all rows.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::File(spill) => spill.len(),
        }
    }

    /// Whether there is no value at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory reserved for the values, in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::U8(values) => values.capacity(),
            Self::F32(values) => values.capacity().saturating_mul(size_of::<f32>()),
            Self::F64(values) => values.capacity().saturating_mul(size_of::<f64>()),
            Self::File(_) => 0,
        }
    }
}

/// Samples in memory, `[N, features]`, with an image shape, labels and a natural range where these are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    name: String,
    samples: Samples,
    rows: usize,
    features: usize,
    image: Option<ImageShape>,
    labels: Option<Vec<u32>>,
    range: Option<(f64, f64)>,
    class_names: Option<Vec<String>>,
    columns: Option<Vec<Column>>,
    missing: bool,
    notes: Vec<String>,
    patches: Option<Patches>,
}

impl Dataset {
    /// A data set of `samples`, `[N, features]`, that messages call `name`.
    ///
    /// # Errors
    /// If there is no sample, if the values are not a whole number of rows, if there are more than `u32::MAX` rows, or
    /// if a value is NaN or infinite (the message gives its row and column).
    pub fn new(name: impl Into<String>, samples: Samples, features: usize) -> Result<Self> {
        Self::made(name.into(), samples, features, false)
    }

    /// The same of samples in which NaN stands for a value that is missing. Only what is made for such data takes it.
    ///
    /// # Errors
    /// As for [`new`](Self::new), but for NaN.
    pub fn with_missing(name: impl Into<String>, samples: Samples, features: usize) -> Result<Self> {
        Self::made(name.into(), samples, features, true)
    }

    fn made(name: String, samples: Samples, features: usize, missing: bool) -> Result<Self> {
        if features == 0 || samples.is_empty() {
            return Err(Error::data(format!("{name} holds no samples; give a source with at least one")));
        }
        let values = samples.len();
        if !values.is_multiple_of(features) {
            return Err(Error::data(format!(
                "{name}: {values} values are not whole rows of {features} features; check the number of features"
            )));
        }
        let rows = values / features;
        if u32::try_from(rows).is_err() {
            return Err(Error::data(format!("{name}: {rows} rows are over the limit of {}; divide it", u32::MAX)));
        }
        match &samples {
            // A file's were looked at as they were written.
            Samples::U8(_) | Samples::File(_) => {}
            Samples::F32(values) => check(&name, values, features, missing)?,
            Samples::F64(values) => check(&name, values, features, missing)?,
        }
        Ok(Self {
            name,
            samples,
            rows,
            features,
            image: None,
            labels: None,
            range: None,
            class_names: None,
            columns: None,
            missing,
            notes: Vec::new(),
            patches: None,
        })
    }

    /// The same data under another name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same data, each row being an image of `shape`, `[C, H, W]`.
    ///
    /// # Errors
    /// If an image of that shape does not have exactly [`features`](Self::features) values.
    pub fn with_image(mut self, shape: ImageShape) -> Result<Self> {
        if shape.features() != Some(self.features) {
            return Err(Error::data(format!(
                "{}: images of {shape} do not have the {} features of a row; check the image's shape",
                self.name, self.features
            )));
        }
        self.image = Some(shape);
        Ok(self)
    }

    /// The same data with the class of each row, `[N]`.
    ///
    /// # Errors
    /// If there is not exactly one label per row, or if one is not below [`MAX_CLASSES`].
    pub fn with_labels(mut self, labels: Vec<u32>) -> Result<Self> {
        if labels.len() != self.rows {
            return Err(Error::data(format!(
                "{}: {} labels do not match {} samples; give the labels of this set",
                self.name,
                labels.len(),
                self.rows
            )));
        }
        if let Some((row, label)) = labels.iter().enumerate().find(|(_, label)| **label >= MAX_CLASSES) {
            return Err(Error::data(format!(
                "{}: the label {label} of row {row} (from 0) is not below {MAX_CLASSES}; number the classes from 0",
                self.name
            )));
        }
        self.labels = Some(labels);
        Ok(self)
    }

    /// The same data with a name for each class, the first for label 0.
    ///
    /// # Errors
    /// If a label has no name.
    pub fn with_class_names(mut self, names: Vec<String>) -> Result<Self> {
        if names.len() < self.classes() {
            return Err(Error::data(format!(
                "{}: {} names for {} classes; name each",
                self.name,
                names.len(),
                self.classes()
            )));
        }
        self.class_names = Some(names);
        Ok(self)
    }

    /// The same data with the range its values have by nature, such as 0 to 16. Where none is given, a scaler measures
    /// one.
    ///
    /// # Errors
    /// If an end is not finite or `max` is not greater than `min`.
    pub fn with_range(mut self, min: f64, max: f64) -> Result<Self> {
        if !(min.is_finite() && max.is_finite() && min < max) {
            return Err(Error::data(format!(
                "{}: {min} to {max} is not a range; give finite ends, the smaller first",
                self.name
            )));
        }
        self.range = Some((min, max));
        Ok(self)
    }

    /// The same data with names and kinds for its columns, `[features]`.
    ///
    /// # Errors
    /// If there is not exactly one column per feature.
    pub fn with_columns(mut self, columns: Vec<Column>) -> Result<Self> {
        if columns.len() != self.features {
            return Err(Error::data(format!(
                "{}: {} columns for {} features; name each",
                self.name,
                columns.len(),
                self.features
            )));
        }
        self.columns = Some(columns);
        Ok(self)
    }

    /// The same data, with how it was cut from photographs.
    #[must_use]
    pub(super) fn with_patches(mut self, patches: Patches) -> Self {
        self.patches = Some(patches);
        self
    }

    /// The same data with another thing to be said of how it was read.
    #[must_use]
    pub(super) fn with_note(mut self, note: String) -> Self {
        self.notes.push(note);
        self
    }

    /// What messages and reports call this data.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All values, row-major `[N, features]`.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The number of rows, N: at least 1, at most `u32::MAX`.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows; no data set is ever empty.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The number of values in a row: at least 1.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The shape of a row as an image, where it is one.
    pub fn image(&self) -> Option<ImageShape> {
        self.image
    }

    /// The class of each row, `[N]`, where known.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// What the classes are called, where the source says so.
    pub fn class_names(&self) -> Option<&[String]> {
        self.class_names.as_deref()
    }

    /// The number of classes: the greatest label plus one, 0 without labels; at most [`MAX_CLASSES`].
    pub fn classes(&self) -> usize {
        self.labels.as_deref().and_then(|labels| labels.iter().max()).map_or(0, |&greatest| greatest as usize + 1)
    }

    /// The range that the values have by nature, where the source says so: the embedded digits 0 to 16.
    pub fn raw_range(&self) -> Option<(f64, f64)> {
        self.range
    }

    /// What there is to be said of how it was read: what was damaged and left out, what lay beside it.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// How it was cut from photographs, if it was.
    pub fn patches(&self) -> Option<Patches> {
        self.patches
    }

    /// Whether its samples are in a file, so that rows far apart are slow to read.
    pub fn is_in_file(&self) -> bool {
        matches!(self.samples, Samples::File(_))
    }

    /// The memory reserved for samples and labels, in bytes.
    pub fn bytes(&self) -> usize {
        let labels = self.labels.as_ref().map_or(0, Vec::capacity).saturating_mul(size_of::<u32>());
        self.samples.bytes().saturating_add(labels)
    }

    /// A copy of the rows `rows`, in that order and in the same type, with their labels. Takes indices of any integer
    /// type, `u32` as [`split`](super::split()) gives them or `usize`.
    ///
    /// # Errors
    /// If `rows` is empty or names a row that does not exist, or if memory runs out.
    pub fn subset<I: Copy + TryInto<usize>>(&self, rows: &[I]) -> Result<Self> {
        // An index that is no usize cannot name a row either: it fails like any other that is too large.
        let indices = || rows.iter().map(|&row| row.try_into().unwrap_or(usize::MAX));
        let samples = match &self.samples {
            Samples::U8(values) => Samples::U8(self.gather(values, rows.len(), indices())?),
            Samples::F32(values) => Samples::F32(self.gather(values, rows.len(), indices())?),
            Samples::F64(values) => Samples::F64(self.gather(values, rows.len(), indices())?),
            Samples::File(spill) => {
                let rows: Vec<u32> = indices().map(|row| u32::try_from(row).unwrap_or(u32::MAX)).collect();
                spill.with_rows(&rows, |values| {
                    let mut out = reserved(values.len(), "a subset")?;
                    out.extend_from_slice(values);
                    Ok(Samples::F64(out))
                })?
            }
        };
        let mut subset = Self::made(self.name.clone(), samples, self.features, self.missing)?;
        (subset.image, subset.range, subset.patches) = (self.image, self.range, self.patches);
        (subset.columns, subset.notes) = (self.columns.clone(), self.notes.clone());
        subset.class_names = self.class_names.clone();
        if let Some(labels) = &self.labels {
            let mut chosen = reserved(rows.len(), "the labels of a subset")?;
            chosen.extend(indices().filter_map(|row| labels.get(row).copied()));
            subset = subset.with_labels(chosen)?;
        }
        Ok(subset)
    }

    fn gather<T: Copy>(&self, values: &[T], count: usize, rows: impl Iterator<Item = usize>) -> Result<Vec<T>> {
        let mut out = reserved(count.saturating_mul(self.features), "a subset")?;
        for row in rows {
            out.extend_from_slice(self.row_of(values, row)?);
        }
        Ok(out)
    }

    fn row_of<'a, T>(&self, values: &'a [T], row: usize) -> Result<&'a [T]> {
        let start = row.checked_mul(self.features);
        let end = start.and_then(|start| start.checked_add(self.features));
        start
            .zip(end)
            .and_then(|(start, end)| values.get(start..end))
            .ok_or_else(|| Error::data(format!("{} has no row {row}; its rows are 0 to {}", self.name, self.rows - 1)))
    }
}

impl Rows for Dataset {
    fn name(&self) -> &str {
        &self.name
    }

    fn count(&self) -> Option<usize> {
        Some(self.rows)
    }

    fn features(&self) -> usize {
        self.features
    }

    fn image(&self) -> Option<ImageShape> {
        self.image
    }

    fn columns(&self) -> Option<&[Column]> {
        self.columns.as_deref()
    }

    fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    fn has_missing(&self) -> bool {
        self.missing
    }

    fn read(&self, rows: &[u32], out: &mut [f64]) -> Result<()> {
        if rows.len().checked_mul(self.features) != Some(out.len()) {
            return Err(Error::data(format!(
                "{}: a buffer of {} does not hold {} rows of {} features; give one of that length",
                self.name,
                out.len(),
                rows.len(),
                self.features
            )));
        }
        if let Samples::File(spill) = &self.samples {
            return spill.with_rows(rows, |values| {
                out.copy_from_slice(values);
                Ok(())
            });
        }
        for (&row, out) in rows.iter().zip(out.chunks_exact_mut(self.features)) {
            let row = usize::try_from(row).unwrap_or(usize::MAX);
            match &self.samples {
                Samples::U8(values) => copy(self.row_of(values, row)?, out),
                Samples::F32(values) => copy(self.row_of(values, row)?, out),
                Samples::F64(values) => copy(self.row_of(values, row)?, out),
                Samples::File(_) => {}
            }
        }
        Ok(())
    }
}

fn copy<T: Copy + Into<f64>>(from: &[T], to: &mut [f64]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = from.into());
}

/// Refuses infinite values, and NaN where nothing may be missing, naming the first one's row and column.
fn check<T: Copy + Into<f64>>(name: &str, values: &[T], features: usize, missing: bool) -> Result<()> {
    let good = |&value: &T| {
        let value: f64 = value.into();
        value.is_finite() || (missing && value.is_nan())
    };
    match values.iter().position(|value| !good(value)) {
        None => Ok(()),
        Some(at) => Err(Error::data(format!(
            "{name}: the value at row {}, column {} (from 0) is NaN or infinite; remove or replace it",
            at / features,
            at % features
        ))),
    }
}

#[cfg(test)]
#[path = "dataset_tests.rs"]
mod tests;
