//! An array as a file holds it, and what samples and labels are made of it.
//!
//! [`Array::dataset`] says which shapes are samples: `[N]`, `[N, F]`, `[N, H, W]` (grey), `[N, C, H, W]` and
//! `[N, H, W, C]` with 1 or 3 channels. All that is not as it stands in the file (channels moved, numbers rounded, NaN
//! taken for missing) becomes a note.

use std::collections::BTreeMap;

use super::layout;
use crate::data::memory::reserved;
use crate::data::{Dataset, ImageShape, MAX_CLASSES, Samples};
use crate::error::{Error, Result};

/// An array in the order of C: its last dimension varies fastest.
#[derive(Debug)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) values: Values,
    /// How many integers f64 could not hold.
    pub(super) rounded: usize,
}

#[derive(Debug)]
pub(super) enum Values {
    Numbers(Samples),
    Words(Words),
}

/// Words, each kept once.
#[derive(Debug, Default)]
pub(super) struct Words {
    distinct: BTreeMap<String, u32>,
    /// Of each word its number, in order of first appearance.
    numbers: Vec<u32>,
}

impl Words {
    /// Adds a word; `false` if there are too many different ones to be classes.
    pub(super) fn push(&mut self, word: &str) -> bool {
        let next = self.distinct.len() as u32;
        let number = match self.distinct.get(word) {
            Some(&number) => number,
            None if next >= MAX_CLASSES => return false,
            None => {
                self.distinct.insert(word.to_owned(), next);
                next
            }
        };
        self.numbers.push(number);
        true
    }

    /// The words in their order of appearance.
    fn in_order(&self) -> Vec<String> {
        let mut names = vec![String::new(); self.distinct.len()];
        for (word, &number) in &self.distinct {
            if let Some(name) = names.get_mut(number as usize) {
                name.clone_from(word);
            }
        }
        let each = self.numbers.iter().filter_map(|&number| names.get(number as usize).cloned());
        each.collect()
    }
}

/// The class of each row.
#[derive(Debug)]
pub(super) enum Labels {
    Numbers(Vec<u32>),
    Words(Words),
}

impl Array {
    /// The samples, `[N, features]`. Messages call them `origin`.
    ///
    /// # Errors
    /// Words; a shape that no samples have; infinite values; no memory.
    pub(super) fn dataset(self, origin: &str) -> Result<Dataset> {
        let Values::Numbers(mut samples) = self.values else {
            return Err(Error::data(format!("{origin} holds words; give an array of numbers")));
        };
        let mut notes = Vec::new();
        if self.rounded > 0 {
            notes.push(format!("{origin}: {} whole numbers beyond 2^53 were rounded", self.rounded));
        }
        let mut shape = None;
        let features = match *self.shape.as_slice() {
            [_] => 1,
            [_, features] => features,
            [_, height, width] => image(&mut shape, 1, height, width),
            [_, channels @ (1 | 3), height, width] => image(&mut shape, channels, height, width),
            [_, height, width, channels @ (1 | 3)] => {
                layout::channels_first(&mut samples, height.saturating_mul(width), channels)?;
                notes.push(format!("{origin}: its channels, which stand last, were moved to [N, C, H, W]"));
                image(&mut shape, channels, height, width)
            }
            _ => {
                return Err(Error::data(format!(
                    "{origin} has the sizes {:?}; give [N], [N, F], [N, H, W], [N, C, H, W] or [N, H, W, C] with 1 or 3 \
                     channels C",
                    self.shape
                )));
            }
        };
        let missing = match &samples {
            Samples::U8(_) | Samples::File(_) => 0,
            Samples::F32(values) => values.iter().filter(|value| value.is_nan()).count(),
            Samples::F64(values) => values.iter().filter(|value| value.is_nan()).count(),
        };
        let total = samples.len();
        let mut data = match missing {
            0 => Dataset::new(origin, samples, features)?,
            _ => Dataset::with_missing(origin, samples, features)?,
        };
        if missing > 0 {
            notes.push(format!("{origin}: {missing} of its {total} values are NaN, and count as missing"));
        }
        if let Some(shape) = shape {
            data = data.with_image(shape)?;
        }
        Ok(notes.into_iter().fold(data, Dataset::with_note))
    }

    /// The classes, from `[N]` or `[N, 1]`.
    ///
    /// # Errors
    /// Another shape; numbers that are not whole ones below [`MAX_CLASSES`].
    pub(super) fn labels(self, origin: &str) -> Result<Labels> {
        if !matches!(self.shape.as_slice(), [_] | [_, 1]) {
            return Err(Error::data(format!(
                "{origin} has the sizes {:?} where labels have [N]; give the number of each sample's class",
                self.shape
            )));
        }
        let numbers = match self.values {
            Values::Words(words) => return Ok(Labels::Words(words)),
            Values::Numbers(samples) => samples,
        };
        let mut labels = reserved(numbers.len(), "labels")?;
        match numbers {
            Samples::U8(values) => labels.extend(values.into_iter().map(u32::from)),
            Samples::F32(values) => classes(values.into_iter().map(f64::from), origin, &mut labels)?,
            Samples::F64(values) => classes(values.into_iter(), origin, &mut labels)?,
            Samples::File(_) => {}
        }
        Ok(Labels::Numbers(labels))
    }

    /// The words of `[N]`, if it holds any.
    pub(super) fn words(self) -> Option<Vec<String>> {
        match (self.values, self.shape.as_slice()) {
            (Values::Words(words), [_]) => Some(words.in_order()),
            _ => None,
        }
    }
}

impl Labels {
    pub(super) fn are_words(&self) -> bool {
        matches!(self, Self::Words(_))
    }

    /// The data with these labels. Words are numbered in their sorted order, together with those of `other`, the labels
    /// of the other part, so that both parts have the same numbers.
    pub(super) fn give_to(self, data: Dataset, other: Option<Self>) -> Result<Dataset> {
        let words = match self {
            Self::Numbers(labels) => return data.with_labels(labels),
            Self::Words(words) => words,
        };
        let mut names: Vec<&String> = words.distinct.keys().collect();
        if let Some(Self::Words(other)) = &other {
            names.extend(other.distinct.keys());
        }
        names.sort_unstable();
        names.dedup();
        let place = |word: &String| names.binary_search(&word).unwrap_or_default() as u32;
        let mut places = vec![0; words.distinct.len()];
        for (word, &number) in &words.distinct {
            if let Some(to) = places.get_mut(number as usize) {
                *to = place(word);
            }
        }
        let labels = words.numbers.iter().filter_map(|&number| places.get(number as usize).copied()).collect();
        let names = names.into_iter().cloned().collect();
        data.with_labels(labels)?.with_class_names(names)
    }
}

fn image(shape: &mut Option<ImageShape>, channels: usize, height: usize, width: usize) -> usize {
    let image = ImageShape { channels, height, width };
    // A size of 0 gives 0 features, which `Dataset::new` refuses as holding no samples.
    let features = image.features().unwrap_or(0);
    *shape = Some(image);
    features
}

/// Numbers as classes.
fn classes(values: impl Iterator<Item = f64>, origin: &str, labels: &mut Vec<u32>) -> Result<()> {
    for (row, value) in values.enumerate() {
        if !(value.fract() == 0.0 && value >= 0.0 && value < f64::from(MAX_CLASSES)) {
            return Err(Error::data(format!(
                "{origin}: the label {value} of row {row} (from 0) is not a whole number below {MAX_CLASSES}; number \
                 the classes from 0, or give their names"
            )));
        }
        labels.push(value as u32);
    }
    Ok(())
}
