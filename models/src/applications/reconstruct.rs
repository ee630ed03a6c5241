//! Pictures of what a model reconstructs: originals over reconstructions.

use crate::data::Dataset;
use crate::files::write_bytes_atomically;
use crate::model::Model;
use crate::report::{Grid, Tile};
use crate::training::{load_test, raw};
use crate::{Error, Result};
use narrows_engine::random::{permutation, stream_id};
use narrows_engine::{Context, Split, Threads, gather};
use std::path::Path;

/// Samples in a run's own picture.
const SAMPLES: usize = 24;
/// Samples in a row of a picture.
const PER_ROW: usize = 12;
/// The operation number of the streams that samples are drawn from.
const PICK: u32 = 0x00ff_0005;

/// A picture and what it shows.
#[derive(Debug, Clone)]
pub struct Reconstructions {
    /// The picture.
    pub png: Vec<u8>,
    /// The rows that were drawn.
    pub rows: Vec<u32>,
    /// Their mean squared error, summed over features.
    pub squared_error: f64,
}

/// Draws up to `count` of the given rows by `seed`, reconstructs them and lays them out.
///
/// # Errors
/// Data that do not fit the model; too many samples for a picture.
pub fn reconstruct(
    model: &Model,
    dataset: &Dataset,
    rows: &[u32],
    count: usize,
    seed: u64,
    split: Split,
) -> Result<Reconstructions> {
    let features = model.data().features;
    if dataset.features() != features || rows.is_empty() || count == 0 {
        return Err(Error::data(format!(
            "{}: {count} of {} samples of {} features for a model of {features}",
            dataset.name(),
            rows.len(),
            dataset.features()
        )));
    }
    let mut order = vec![0; rows.len()];
    permutation(seed, stream_id(0, PICK), &mut order);
    let picked: Vec<u32> = order.iter().take(count).map(|&place| rows[place as usize]).collect();
    let (scale, shift) = model.data().scaler.scale_shift(features)?;
    let mut originals = vec![0.0; picked.len() * features];
    gather(Context::new(split), raw(dataset), &picked, &scale, &shift, &mut originals)?;
    let mut reconstructions = model.reconstruct(&originals, Threads::One)?;
    let error = originals.iter().zip(&reconstructions).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    // Shown as the data are: unscaled where that makes a picture, as they are otherwise.
    let range = match (model.data().image.is_some(), dataset.raw_range()) {
        (true, Some(range)) => {
            model.data().scaler.unscale(&mut originals, features)?;
            model.data().scaler.unscale(&mut reconstructions, features)?;
            range
        }
        _ => spread(&originals),
    };
    let tile = Tile::new(model.data().image, features)?;
    let grid = Grid::originals_over(&originals, &reconstructions, picked.len(), PER_ROW, tile, range)?;
    Ok(Reconstructions { png: grid.to_png()?, squared_error: error / picked.len() as f64, rows: picked })
}

/// Reconstructs samples of a source's test part (all of it where it has none).
///
/// # Errors
/// As for [`reconstruct`], and a source that cannot be read.
pub fn reconstruct_source(model: &Model, data: &str, count: usize, seed: u64, split: Split) -> Result<Reconstructions> {
    let mut config = model.config().clone();
    config.data = data.to_owned();
    let (dataset, rows, _) = load_test(&config)?;
    reconstruct(model, &dataset, &rows, count, seed, split)
}

/// A run's own picture.
pub(crate) fn write_samples(model: &Model, dataset: &Dataset, rows: &[u32], path: &Path, split: Split) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Error::io("create the folder", folder, error))?;
    }
    let picture = reconstruct(model, dataset, rows, SAMPLES, model.config().seed, split)?;
    write_bytes_atomically(path, &picture.png)
}

/// The least and the largest value, for a picture of values without a range of their own.
fn spread(values: &[f32]) -> (f32, f32) {
    let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    if low < high { (low, high) } else { (low, low + 1.0) }
}
