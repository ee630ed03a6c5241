//! What a writer is told of the rows beforehand, and the trait that all writers have.

use crate::data::{Column, ImageShape};
use crate::error::{Error, Result};

/// What rows that are put out are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Header {
    /// The columns, `[features]`; none of images.
    pub columns: Vec<Column>,
    /// The shape of a row as an image, where it is one.
    pub image: Option<ImageShape>,
    /// The values of black and white; of images in [`bytes`](Self::bytes) or in PNG, 0 and 255 if not given.
    pub range: Option<(f64, f64)>,
    /// The names of the classes if each row has a label; empty if they have no names.
    pub labels: Option<Vec<String>>,
    /// Numbers become bytes (rounded, cut at 0 and 255, missing ones 0) where the format has them: .npy, .npz and
    /// .safetensors.
    pub bytes: bool,
    /// Numbers stay doubles in those formats; else they become floats of 32 bits.
    pub doubles: bool,
}

impl Header {
    /// Of rows with these columns and no labels.
    pub fn of_columns(columns: Vec<Column>) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Of images of this shape without labels; `range` is black and white.
    pub fn of_images(image: ImageShape, range: Option<(f64, f64)>) -> Self {
        Self { image: Some(image), range, ..Self::default() }
    }

    /// The number of values in a row; 0 of nothing.
    pub fn features(&self) -> usize {
        match (self.columns.len(), self.image) {
            (0, Some(image)) => image.features().unwrap_or(0),
            (columns, _) => columns,
        }
    }

    /// # Errors
    /// No columns and no image; an image that has other than one value a column; a range that is none.
    pub(super) fn check(&self) -> Result<()> {
        if self.features() == 0 {
            return Err(Error::data("rows of no columns cannot be written; give at least one"));
        }
        if let Some(image) = self.image.filter(|image| image.features() != Some(self.features())) {
            return Err(Error::data(format!(
                "images of {image} do not have the {} values of a row that is to be written",
                self.features()
            )));
        }
        match self.range {
            Some((black, white)) if !(black.is_finite() && white.is_finite() && black != white) => {
                Err(Error::data(format!("{black} and {white} are not black and white; give two finite values")))
            }
            _ => Ok(()),
        }
    }

    /// The number of rows in `values`.
    ///
    /// # Errors
    /// Values that are not whole rows; labels where none were announced, or none where they were; another number of them.
    pub(super) fn rows(&self, values: &[f64], labels: Option<&[u32]>) -> Result<usize> {
        let rows = values.len() / self.features().max(1);
        if rows * self.features() != values.len() {
            return Err(Error::data(format!(
                "{} values are not whole rows of {}; give whole rows",
                values.len(),
                self.features()
            )));
        }
        match (&self.labels, labels) {
            (Some(_), Some(labels)) if labels.len() == rows => Ok(rows),
            (None, None) => Ok(rows),
            (announced, given) => Err(Error::data(format!(
                "{} labels for {rows} rows that are to be written, {} labels; give one each, or none",
                given.map_or(0, <[u32]>::len),
                if announced.is_some() { "with" } else { "without" }
            ))),
        }
    }

    /// The shape of `rows` rows as an array: `[N, F]`, `[N, H, W]` of grey images, `[N, C, H, W]` of others.
    pub(super) fn shape(&self, rows: usize) -> Vec<usize> {
        match self.image {
            Some(ImageShape { channels: 1, height, width }) => vec![rows, height, width],
            Some(ImageShape { channels, height, width }) => vec![rows, channels, height, width],
            None => vec![rows, self.features()],
        }
    }

    /// What the columns are called; pixels are numbered.
    pub(super) fn names(&self) -> Vec<String> {
        match self.columns.as_slice() {
            [] => (0..self.features()).map(|at| format!("pixel_{at}")).collect(),
            columns => columns.iter().map(|column| column.name.clone()).collect(),
        }
    }

    /// What the column of labels is called: `label`, with as many `_` as make it different from the others.
    pub(super) fn label_name(&self) -> String {
        let mut name = "label".to_owned();
        while self.columns.iter().any(|column| column.name == name) {
            name.push('_');
        }
        name
    }

    /// The name of a class, or its number if it has none.
    pub(super) fn class(&self, label: u32) -> String {
        let name = self.labels.as_ref().and_then(|names| names.get(label as usize));
        name.cloned().unwrap_or_else(|| label.to_string())
    }
}

/// Puts rows out. What was written is there when [`finish`](Self::finish) has succeeded; dropped before, a writer leaves
/// nothing behind (but what it wrote to standard output or a device).
pub trait RowWriter: Send {
    /// Writes the rows of `values`, `[n, features]`, raw, a missing one being NaN; and the class of each, `[n]`, if labels
    /// were announced.
    ///
    /// # Errors
    /// Values that are not whole rows; labels that were not announced or are missing; the system refuses.
    fn write(&mut self, values: &[f64], labels: Option<&[u32]>) -> Result<()>;

    /// Puts the file in place.
    ///
    /// # Errors
    /// The system refuses.
    fn finish(self: Box<Self>) -> Result<()>;

    /// Whether nobody reads on, as behind `| head`: what is written is lost, without an error, and may be spared.
    fn is_closed(&self) -> bool {
        false
    }
}
