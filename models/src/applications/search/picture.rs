//! A picture of queries, each with its neighbours beside it.

use crate::applications::encoded;
use crate::applications::neighbours::Neighbours;
use crate::data::{Dataset, Rows, reserved};
use crate::model::Session;
use crate::report::{Grid, Tile};
use crate::{Error, Result};

/// Draws each query, a row of `queries`, and to its right its neighbours, places among `samples`. Images are drawn raw,
/// other data as the model sees them.
///
/// # Errors
/// No queries; rows that do not exist; a picture that would be too large.
pub fn neighbours_png(
    session: &Session,
    queries: (&Dataset, &[u32]),
    samples: (&Dataset, &[u32]),
    found: &Neighbours,
) -> Result<Vec<u8>> {
    let data = session.model().data();
    let columns = found.k.saturating_add(1);
    let count = queries.1.len().saturating_mul(columns);
    let mut values = reserved(count.saturating_mul(data.features), "a picture")?;
    for (query, row) in queries.1.iter().enumerate() {
        values.extend(shown(session, queries.0, &[*row])?);
        let place = |place: u32| samples.1.get(place as usize).copied();
        let rows: Vec<u32> = found.of(query).filter_map(|(at, _)| place(at)).collect();
        values.extend(shown(session, samples.0, &rows)?);
        // Where there are fewer, the row ends early.
        values.resize((query + 1) * columns * data.features, 0.0);
    }
    let range = data.preprocessing.range().or(samples.0.raw_range()).filter(|_| data.image.is_some());
    let range = range.map_or_else(|| spread(&values), |(low, high)| (low as f32, high as f32));
    Grid::samples(&values, count, columns, Tile::new(data.image, data.features)?, range)?.to_png()
}

/// The numbers that are drawn of some rows.
fn shown(session: &Session, dataset: &Dataset, rows: &[u32]) -> Result<Vec<f32>> {
    if session.model().data().image.is_none() {
        return encoded::scaled(session, dataset, rows, session.split());
    }
    let count = rows.len().checked_mul(dataset.features()).ok_or_else(|| Error::data("too many samples to draw"))?;
    let mut raw = reserved(count, "a picture")?;
    raw.resize(count, 0.0);
    dataset.read(rows, &mut raw)?;
    Ok(raw.iter().map(|&x| x as f32).collect())
}

/// The least and the largest value, for a picture of values without a range of their own.
fn spread(values: &[f32]) -> (f32, f32) {
    let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    if low < high { (low, high) } else { (low, low + 1.0) }
}
