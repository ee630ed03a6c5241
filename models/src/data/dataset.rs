//! A set of samples in memory: rows of features, and what is known of them.
//!
//! The samples lie row-major, `[N, features]`, in the type the source has; an image's features are `[C, H, W]`. What a
//! `Dataset` promises once it exists: at least one row, a whole number of rows, every value finite, one label per row
//! where there are labels. Readers, scalers and training rely on that and check it nowhere else.

use serde::{Deserialize, Serialize};

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
}

impl Samples {
    /// How many values there are, over all rows.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::F32(values) => values.len(),
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
        }
    }
}

/// The shape of one image, laid out `[C, H, W]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageShape {
    /// Colour planes: 1 for grey, 3 for red, green, blue.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

impl ImageShape {
    /// The number of values in one image, `channels * height * width`; `None` if that is 0 or overflows.
    pub fn features(&self) -> Option<usize> {
        let features = self.channels.checked_mul(self.height)?.checked_mul(self.width)?;
        (features > 0).then_some(features)
    }
}

impl std::fmt::Display for ImageShape {
    /// `[C, H, W]`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}, {}, {}]", self.channels, self.height, self.width)
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
    range: Option<(f32, f32)>,
}

impl Dataset {
    /// A data set of `samples`, `[N, features]`, that messages call `name`. Bytes have the natural range 0 to 255.
    ///
    /// # Errors
    /// If there is no sample, if the values are not a whole number of rows, if there are more than `u32::MAX` rows, or
    /// if a value is NaN or infinite (the message gives its row and column).
    pub fn new(name: impl Into<String>, samples: Samples, features: usize) -> Result<Self> {
        let name = name.into();
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
        let range = match &samples {
            Samples::U8(_) => Some((0.0, 255.0)),
            Samples::F32(values) => {
                check_finite(&name, values, features)?;
                None
            }
        };
        Ok(Self { name, samples, rows, features, image: None, labels: None, range })
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

    /// The same data with the range its values have by nature, such as 0 to 16.
    ///
    /// # Errors
    /// If an end is not finite or `max` is not greater than `min`.
    pub fn with_range(mut self, min: f32, max: f32) -> Result<Self> {
        if !(min.is_finite() && max.is_finite() && min < max) {
            return Err(Error::data(format!(
                "{}: {min} to {max} is not a range; give finite ends, the smaller first",
                self.name
            )));
        }
        self.range = Some((min, max));
        Ok(self)
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

    /// The number of classes: the greatest label plus one, 0 without labels; at most [`MAX_CLASSES`].
    pub fn classes(&self) -> usize {
        self.labels.as_deref().and_then(|labels| labels.iter().max()).map_or(0, |&greatest| greatest as usize + 1)
    }

    /// The range that the values have by nature, where it is known: pixels 0 to 255, the embedded digits 0 to 16.
    pub fn raw_range(&self) -> Option<(f32, f32)> {
        self.range
    }

    /// The memory reserved for samples and labels, in bytes.
    pub fn bytes(&self) -> usize {
        let labels = self.labels.as_ref().map_or(0, Vec::capacity).saturating_mul(size_of::<u32>());
        self.samples.bytes().saturating_add(labels)
    }

    /// Copies row `row`, unscaled, into `out`, `[features]`.
    ///
    /// # Errors
    /// If there is no such row, or `out` does not have [`features`](Self::features) elements.
    pub fn row_f32(&self, row: usize, out: &mut [f32]) -> Result<()> {
        if out.len() != self.features {
            return Err(Error::data(format!(
                "{}: a buffer of {} does not hold a row of {} features; give one of that length",
                self.name,
                out.len(),
                self.features
            )));
        }
        match &self.samples {
            Samples::U8(values) => {
                let values = self.row_of(values, row)?;
                out.iter_mut().zip(values).for_each(|(out, &value)| *out = f32::from(value));
            }
            Samples::F32(values) => out.copy_from_slice(self.row_of(values, row)?),
        }
        Ok(())
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
        };
        let mut subset = Self::new(self.name.as_str(), samples, self.features)?;
        subset.image = self.image;
        subset.range = self.range;
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

/// Refuses NaN and infinite values, naming the first one's row and column.
fn check_finite(name: &str, values: &[f32], features: usize) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Error::data(format!(
            "{name}: the value at row {}, column {} (from 0) is NaN or too large for f32; remove or replace it",
            at / features,
            at % features
        ))),
    }
}

/// An empty vector with room for exactly `count` elements, or an error that says what they were for.
pub(crate) fn reserved<T>(count: usize, purpose: &str) -> Result<Vec<T>> {
    let mut out = Vec::new();
    out.try_reserve_exact(count).map_err(|_| {
        let bytes = count.saturating_mul(size_of::<T>());
        Error::data(format!("not enough memory for {purpose}: {bytes} bytes; use less data or a larger machine"))
    })?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(count: u8) -> Samples {
        Samples::U8((0..count).collect())
    }

    #[test]
    fn rows_and_accessors() {
        let shape = ImageShape { channels: 1, height: 2, width: 3 };
        let data = Dataset::new("six", bytes(12), 6).unwrap().with_image(shape).unwrap();
        let data = data.with_labels(vec![4, 1]).unwrap().with_range(0.0, 16.0).unwrap().with_name("seven");
        assert_eq!((data.name(), data.len(), data.features(), data.classes()), ("seven", 2, 6, 5));
        assert_eq!(
            (data.image(), data.labels(), data.raw_range()),
            (Some(shape), Some(&[4, 1][..]), Some((0.0, 16.0)))
        );
        assert_eq!(data.bytes(), data.samples().bytes() + 8);
        let mut row = [0.0; 6];
        data.row_f32(1, &mut row).unwrap();
        assert_eq!(row, [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
        assert!(data.row_f32(2, &mut row).unwrap_err().to_string().contains("no row 2"));
        assert!(data.row_f32(usize::MAX, &mut row).is_err());
        assert!(data.row_f32(0, &mut row[..5]).is_err());
    }

    #[test]
    fn refuses_what_it_does_not_promise() {
        assert!(Dataset::new("none", Samples::U8(vec![]), 1).is_err());
        assert!(Dataset::new("none", bytes(3), 0).is_err());
        assert!(Dataset::new("ragged", bytes(5), 2).is_err());
        let message = Dataset::new("x", Samples::F32(vec![0.0, 1.0, 2.0, f32::NAN]), 2).unwrap_err().to_string();
        assert!(message.contains("row 1, column 1"), "{message}");
        assert!(Dataset::new("x", Samples::F32(vec![f32::INFINITY]), 1).is_err());
        let data = Dataset::new("four", bytes(4), 2).unwrap();
        assert!(data.clone().with_labels(vec![1]).unwrap_err().to_string().contains("1 labels do not match 2 samples"));
        assert!(data.clone().with_labels(vec![1, MAX_CLASSES]).is_err());
        assert!(data.clone().with_image(ImageShape { channels: 1, height: usize::MAX, width: 3 }).is_err());
        assert!(data.clone().with_range(1.0, 1.0).is_err());
        assert!(data.with_range(0.0, f32::NAN).is_err());
    }

    #[test]
    fn subset_keeps_order_type_and_labels() {
        let data = Dataset::new("d", bytes(8), 2).unwrap().with_labels(vec![0, 1, 2, 3]).unwrap();
        let part = data.subset(&[3u32, 0, 3]).unwrap();
        assert_eq!(part.samples(), &Samples::U8(vec![6, 7, 0, 1, 6, 7]));
        assert_eq!((part.labels(), part.raw_range()), (Some(&[3, 0, 3][..]), Some((0.0, 255.0))));
        assert_eq!(data.subset(&[1usize]).unwrap().len(), 1);
        assert!(data.subset(&[4usize]).unwrap_err().to_string().contains("rows are 0 to 3"));
        assert!(data.subset(&[-1i32]).is_err());
        assert!(data.subset::<u32>(&[]).is_err());
    }
}
