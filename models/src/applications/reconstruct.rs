//! Pictures of what a model reconstructs: originals over reconstructions.

use crate::data::{Dataset, Rows, load_for};
use crate::files::write_bytes_atomically;
use crate::model::{Given, Session};
use crate::report::{Grid, Tile};
use crate::{Error, Result};
use narrows_engine::random::{permutation, stream_id};
use narrows_engine::{Context, RawRows, Split};
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
    /// What the reader of the data has to say, such as files that were left aside.
    pub notes: Vec<String>,
}

/// Draws up to `count` of the given rows by `seed`, reconstructs them and lays them out.
///
/// # Errors
/// Data that do not fit the model; too many samples for a picture.
pub fn reconstruct(
    session: &mut Session,
    dataset: &Dataset,
    rows: &[u32],
    count: usize,
    seed: u64,
) -> Result<Reconstructions> {
    let features = session.model().data().features;
    session.model().check_fits(dataset)?;
    if rows.is_empty() || count == 0 {
        return Err(Error::data(format!("{}: {count} of {} samples; give some", dataset.name(), rows.len())));
    }
    let mut order = vec![0; rows.len()];
    permutation(seed, stream_id(0, PICK), &mut order);
    let picked: Vec<u32> = order.iter().take(count).map(|&place| rows[place as usize]).collect();
    session.model().check_targets(dataset, &picked)?;
    let mut raw = vec![0.0; picked.len() * features];
    dataset.read(&picked, &mut raw)?;
    let originals: Vec<f32> = raw.iter().map(|&x| x as f32).collect();
    let labels = dataset.labels().filter(|_| session.model().autoencoder().takes().labels);
    let labels: Option<Vec<u32>> = labels.map(|labels| picked.iter().map(|&row| labels[row as usize]).collect());
    let given = Given::new(&originals);
    let given = labels.as_deref().map_or(given, |labels| given.labels(labels));
    let reconstructions = session.reconstruct(given)?.to_vec();
    let model = session.model();
    let preprocessing = &model.data().preprocessing;
    let context = Context::new(Split::Serial);
    let scaled = |numbers: &[f32]| -> Result<Vec<f32>> {
        let mut scaled = vec![0.0; numbers.len()];
        preprocessing.apply(context, RawRows::Values(numbers), &mut scaled)?;
        Ok(scaled)
    };
    // Compared as the model sees them; shown as the data are where that makes a picture.
    let (seen, made) = (scaled(&originals)?, scaled(&reconstructions)?);
    let error = seen.iter().zip(&made).map(|(a, b)| f64::from(a - b).powi(2)).filter(|x| x.is_finite()).sum::<f64>();
    let (originals, reconstructions, range) = match model.data().image {
        Some(_) => (originals, reconstructions, preprocessing.range()),
        None => (seen, made, None),
    };
    let range = range.or(dataset.raw_range()).map_or_else(|| spread(&originals), |(a, b)| (a as f32, b as f32));
    let tile = Tile::new(model.data().image, features)?;
    let grid = Grid::originals_over(&originals, &reconstructions, picked.len(), PER_ROW, tile, range)?;
    let squared_error = error / picked.len() as f64;
    Ok(Reconstructions { png: grid.to_png()?, squared_error, rows: picked, notes: dataset.notes().to_vec() })
}

/// Reconstructs samples of a source's test part (all of it where it has none).
///
/// # Errors
/// As for [`reconstruct`], and a source that cannot be read.
pub fn reconstruct_source(session: &mut Session, data: &str, count: usize, seed: u64) -> Result<Reconstructions> {
    let model = session.model();
    let (dataset, rows, _) = load_for(model.source(), data, &model.data().known())?;
    reconstruct(session, &dataset, &rows, count, seed)
}

/// A run's own picture.
pub(crate) fn write_samples(session: &mut Session, dataset: &Dataset, rows: &[u32], path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Error::io("create the folder", folder, error))?;
    }
    let seed = session.model().source().seed;
    let picture = reconstruct(session, dataset, rows, SAMPLES, seed)?;
    write_bytes_atomically(path, &picture.png)
}

/// The least and the largest value, for a picture of values without a range of their own.
fn spread(values: &[f32]) -> (f32, f32) {
    let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    if low < high { (low, high) } else { (low, low + 1.0) }
}
