//! What any source of samples is to those who read it: raw numbers in blocks, and what is known of them.
//!
//! [`Rows`] is what scalers are fitted to and what targets are checked in. Numbers come raw and in f64, which holds
//! every byte, whole number of 32 bits, float and double as it is: centring and scaling is the reader's work, once, in
//! [`Preprocessing`](super::Preprocessing). A missing value is NaN, and only where [`Rows::has_missing`] says so.
//! Training does not come through here: its batches are gathered from a [`Dataset`](super::Dataset)'s own bytes.

use serde::{Deserialize, Serialize};

use super::memory::filled;
use crate::error::{Error, Result};

/// About how many values a block has.
const BLOCK_VALUES: usize = 1 << 16;

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

    /// Reads `HEIGHTxWIDTH` or `CHANNELSxHEIGHTxWIDTH`.
    ///
    /// # Errors
    /// Text that is neither.
    pub fn read(text: &str) -> Result<Self> {
        let sizes: Option<Vec<usize>> = text.split('x').map(|size| size.trim().parse().ok()).collect();
        let shape = match sizes.as_deref() {
            Some(&[height, width]) => Some(Self { channels: 1, height, width }),
            Some(&[channels, height, width]) => Some(Self { channels, height, width }),
            _ => None,
        };
        shape.filter(|shape| shape.features().is_some()).ok_or_else(|| {
            Error::usage(format!(
                "image is `{text}`; give HEIGHTxWIDTH as in 28x28, or CHANNELSxHEIGHTxWIDTH as in 3x32x32"
            ))
        })
    }
}

impl std::fmt::Display for ImageShape {
    /// `[C, H, W]`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}, {}, {}]", self.channels, self.height, self.width)
    }
}

/// What the numbers of a column mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// A quantity.
    #[default]
    Numeric,
    /// The number of a class, from 0.
    Categorical,
    /// 0 or 1.
    Boolean,
}

/// A column of samples that have columns (images have pixels).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// What the source calls it.
    pub name: String,
    /// What its numbers mean.
    pub kind: ColumnKind,
    /// The words that the numbers 0, 1, .. stand for: of a class its levels, of a boolean the words for no and yes; else
    /// empty. The number after the last level of a class stands for all that were not seen in training.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
}

impl Column {
    /// A column of quantities.
    pub fn numeric(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: ColumnKind::Numeric, levels: Vec::new() }
    }
}

/// Some samples, raw.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The number of each row in its source.
    pub rows: Vec<u32>,
    /// `[rows, features]`
    pub values: Vec<f64>,
}

/// Samples, wherever they are.
pub trait Rows {
    /// What messages call them.
    fn name(&self) -> &str;

    /// How many there are; `None` of a stream that has not ended.
    fn count(&self) -> Option<usize>;

    /// The number of values in a row: at least 1.
    fn features(&self) -> usize;

    /// The shape of a row as an image, where it is one.
    fn image(&self) -> Option<ImageShape>;

    /// The columns, `[features]`, where the source has names for them.
    fn columns(&self) -> Option<&[Column]>;

    /// The class of each row, where known.
    fn labels(&self) -> Option<&[u32]>;

    /// Whether a value may be missing, which is NaN then.
    fn has_missing(&self) -> bool;

    /// Copies the given rows, raw, to `out`, `[rows, features]`.
    ///
    /// # Errors
    /// A row that does not exist; an `out` of another size; a source that cannot be read.
    fn read(&self, rows: &[u32], out: &mut [f64]) -> Result<()>;

    /// The given rows (all, if `None`) block after block. A stream gives its rows as they come.
    fn blocks<'a>(&'a self, rows: Option<&'a [u32]>) -> Box<dyn Iterator<Item = Result<Block>> + 'a> {
        let each = (BLOCK_VALUES / self.features().max(1)).max(1);
        let count = rows.map_or_else(|| self.count().unwrap_or(0), <[u32]>::len);
        Box::new((0..count).step_by(each).map(move |first| {
            let places = first..count.min(first + each);
            let rows: Vec<u32> = match rows {
                Some(rows) => rows[places].to_vec(),
                None => (places.start as u32..places.end as u32).collect(),
            };
            let mut values = filled(rows.len() * self.features(), 0.0, "a block of rows")?;
            self.read(&rows, &mut values)?;
            Ok(Block { rows, values })
        }))
    }
}
