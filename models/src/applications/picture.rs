//! Pictures of what a use makes of samples: layers below each other, or one row for each sample.
//!
//! Images are shown in their own units, anything else as the model sees it, for columns of a table have no range in
//! common.

use super::samples::scaled;
use crate::Result;
use crate::model::Model;
use crate::report::{Grid, Tile};
use narrows_engine::{RawRows, Split};

/// Samples in a picture of layers, and in a row of it.
pub const SHOWN: usize = 24;
const PER_ROW: usize = 12;

/// Draws up to [`SHOWN`] samples of each layer, `[n, features]` raw, as rows of the first layer's over those of the
/// second, and so on. `range` is what is black and what is white of data whose scaling does not say so.
///
/// # Errors
/// Layers of unequal lengths, or without samples; no memory.
pub fn layers_png(model: &Model, range: Option<(f64, f64)>, layers: &[&[f32]]) -> Result<Vec<u8>> {
    let features = model.data().features;
    let count = layers.first().map_or(0, |layer| layer.len() / features).min(SHOWN);
    let per_row = count.min(PER_ROW);
    // Whole rows alone: a cell that is left empty in one layer would be taken by the next.
    let rows = count / per_row.max(1);
    let mut cells = Vec::new();
    for row in 0..rows {
        let part = row * per_row * features..(row + 1) * per_row * features;
        layers.iter().for_each(|layer| cells.extend_from_slice(layer.get(part.clone()).unwrap_or_default()));
    }
    grid_png(model, range, &cells, per_row)
}

/// Draws raw samples `[n, features]`, `per_row` in a row.
///
/// # Errors
/// No samples, or more than a picture holds; no memory.
pub fn grid_png(model: &Model, range: Option<(f64, f64)>, samples: &[f32], per_row: usize) -> Result<Vec<u8>> {
    let (info, count) = (model.data(), samples.len() / model.data().features);
    let made;
    let (samples, range) = match info.image {
        Some(_) => (samples, info.preprocessing.range().or(range)),
        None => {
            made = scaled(model, RawRows::Values(samples), Split::Serial)?;
            (&made[..], None)
        }
    };
    let range = range.map_or_else(|| spread(samples), |(low, high)| (low as f32, high as f32));
    let tile = Tile::new(info.image, info.features)?;
    Grid::samples(samples, count, per_row, tile, range)?.to_png()
}

/// The least and the largest value, for a picture of values without a range of their own.
fn spread(values: &[f32]) -> (f32, f32) {
    let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    if low < high { (low, high) } else { (low, low + 1.0) }
}

/// Draws what is hidden (NaN) between the darkest and the brightest of the originals.
pub fn grey_hidden(masked: &mut [f32], originals: &[f32]) {
    let (low, high) = originals.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    masked.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = 0.5 * (low + high));
}
