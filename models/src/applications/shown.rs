//! Pictures and rows that show what a model does with samples: what it makes of corrupted ones, which it reconstructs
//! worst and best.

use super::codes::{Coded, distance, given, labels_of, read, scaled};
use crate::data::{Dataset, Rows};
use crate::model::{Model, Recorded, Session};
use crate::report::{Grid, Tile};
use crate::{Error, Result};
use narrows_engine::random::Noise;
use narrows_engine::{Context, Split};

/// A corrupted sample and what becomes of it.
#[derive(Debug, Clone, Default)]
pub struct Repaired {
    /// Raw samples, `[n, features]`.
    pub originals: Vec<f32>,
    /// The same, corrupted.
    pub corrupted: Vec<f32>,
    /// What the model makes of the latter.
    pub reconstructions: Vec<f32>,
}

/// Corrupts rows as the model's inputs are while it is trained, and reconstructs them; `seed` draws the noise. `None`
/// of a model that is trained on clean inputs.
///
/// # Errors
/// Data that do not fit the model; no memory.
pub fn repair(model: &Model, dataset: &Dataset, rows: &[u32], seed: u64) -> Result<Option<Repaired>> {
    model.check_fits(dataset)?;
    let autoencoder = model.autoencoder();
    let Some(corruption) = &autoencoder.parts().corruption else { return Ok(None) };
    let recorded = model.recorded(rows.len(), |pass, inputs| {
        let mut seen = *inputs;
        seen.x = corruption.record(pass, inputs.x).input;
        let code = autoencoder.encode(pass, &seen);
        let made = autoencoder.parts().reconstruction.output(pass, autoencoder.decode(pass, &code, inputs));
        ((seen.x, made), vec![seen.x, made])
    })?;
    let Recorded { plan, inputs, outputs: (input, made) } = recorded;
    let mut workspace = plan.workspace()?;
    let (mut seen, mut repaired) = ((Vec::new(), Vec::new()), Repaired::default());
    for (step, rows) in rows.chunks(plan.max_rows()).enumerate() {
        workspace.set_rows(rows.len())?;
        workspace.set_noise(Noise { seed, step: step as u64 });
        let context = Context { backend: plan.backend(), split: Split::Serial };
        model.data().preprocessing.gather(context, dataset, rows, workspace.input_mut(inputs.x)?)?;
        if let Some(mask) = inputs.mask {
            crate::model::mask_missing(&mut workspace, inputs.x, mask)?;
        }
        if let (Some(to), Some(labels)) = (inputs.labels, labels_of(dataset, rows)) {
            let to = workspace.input_mut(to)?;
            to.iter_mut().zip(labels).for_each(|(to, label)| *to = label as f32);
        }
        plan.forward(model.parameters(), &mut workspace, Split::Serial)?;
        seen.0.extend_from_slice(workspace.value(input)?);
        seen.1.extend_from_slice(workspace.value(made)?);
        repaired.originals.extend(read(dataset, rows)?.iter().map(|&x| x as f32));
    }
    repaired.corrupted = raw(model, &seen.0)?;
    repaired.reconstructions = raw(model, &seen.1)?;
    Ok(Some(repaired))
}

/// Scaled samples in the data's own units.
fn raw(model: &Model, scaled: &[f32]) -> Result<Vec<f32>> {
    let mut raw = crate::data::reserved(scaled.len(), "raw numbers")?;
    raw.resize(scaled.len(), 0.0);
    model.data().preprocessing.invert(scaled, &mut raw)?;
    Ok(raw.iter().map(|&x| x as f32).collect())
}

/// Draws layers of samples of a model's images, `[n, features]` each, above each other, so many samples in a row.
///
/// # Errors
/// Data that are no images; layers of different lengths; a picture that would be too large.
pub fn layers_png(model: &Model, dataset: &Dataset, layers: &[&[f32]], per_row: usize) -> Result<Vec<u8>> {
    let tile = tile(model)?;
    let count = layers.first().map_or(0, |layer| layer.len()) / model.data().features.max(1);
    Grid::layers(layers, count, per_row, tile, range(model, dataset, layers)?)?.to_png()
}

/// Draws samples of a model's images, `[n, features]`, so many in a row.
///
/// # Errors
/// As for [`layers_png`].
pub fn rows_png(model: &Model, dataset: &Dataset, samples: &[f32], per_row: usize) -> Result<Vec<u8>> {
    let count = samples.len() / model.data().features.max(1);
    Grid::samples(samples, count, per_row, tile(model)?, range(model, dataset, &[samples])?)?.to_png()
}

fn tile(model: &Model) -> Result<Tile> {
    let data = model.data();
    match data.image {
        Some(image) => Tile::new(Some(image), data.features),
        None => Err(Error::usage(format!("{} are no images; there is no picture of them", data.name))),
    }
}

/// What is black and what is white: the range that the data have, or else that of what is drawn.
fn range(model: &Model, dataset: &Dataset, layers: &[&[f32]]) -> Result<(f32, f32)> {
    if let Some((low, high)) = model.data().preprocessing.range().or(dataset.raw_range()) {
        return Ok((low as f32, high as f32));
    }
    let first = layers.first().copied().unwrap_or_default();
    let ends = |(low, high): (f32, f32), &x: &f32| (low.min(x), high.max(x));
    let (low, high) = first.iter().filter(|x| x.is_finite()).fold((f32::MAX, f32::MIN), ends);
    Ok(if low < high { (low, high) } else { (low, low + 1.0) })
}

/// Places among coded samples.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extremes {
    /// Those with the greatest errors, the greatest first.
    pub worst: Vec<usize>,
    /// Those with the least, the least first.
    pub best: Vec<usize>,
}

/// The samples that are reconstructed worst and best, up to `count` of either.
pub fn extremes(coded: &Coded, count: usize) -> Extremes {
    let mut order: Vec<usize> = (0..coded.errors.len()).collect();
    order.sort_by(|&a, &b| coded.errors[a].total_cmp(&coded.errors[b]).then(a.cmp(&b)));
    let count = count.min(order.len() / 2);
    Extremes {
        worst: order.iter().rev().take(count).copied().collect(),
        best: order.iter().take(count).copied().collect(),
    }
}

/// Rows, raw, over their reconstructions: `[n, features]` each.
///
/// # Errors
/// Data that do not fit the model; no memory.
pub fn pairs(session: &mut Session, dataset: &Dataset, rows: &[u32]) -> Result<(Vec<f64>, Vec<f32>)> {
    let (raw, labels) = (read(dataset, rows)?, labels_of(dataset, rows));
    let given = given(session.model(), &raw, labels.as_deref());
    let made = session.reconstruct(given)?.to_vec();
    Ok((raw, made))
}

/// A number of a sample, and what the model makes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Missed {
    /// The column's name, or its number from 0.
    pub column: String,
    /// What it is, raw.
    pub value: f64,
    /// What it is reconstructed as, raw.
    pub reconstruction: f64,
    /// Its share of the sample's squared error.
    pub share: f64,
}

/// The numbers of each row that are missed most, up to `count` of a row.
///
/// # Errors
/// As for [`pairs`].
pub fn missed(session: &mut Session, dataset: &Dataset, rows: &[u32], count: usize) -> Result<Vec<Vec<Missed>>> {
    let (raw, made) = pairs(session, dataset, rows)?;
    let (seen, compared) = scaled(session.model(), &raw, &made)?;
    let features = dataset.features();
    let name = |column: usize| {
        let named = dataset.columns().and_then(|columns| columns.get(column));
        named.map_or_else(|| format!("column {column}"), |column| column.name.clone())
    };
    let row = |number: usize| {
        let from = number * features..(number + 1) * features;
        let (seen, compared) = (&seen[from.clone()], &compared[from.clone()]);
        let total = distance(seen, compared).max(f64::MIN_POSITIVE);
        let error = |column: usize| {
            let square = f64::from(seen[column] - compared[column]).powi(2);
            if square.is_finite() { square } else { 0.0 }
        };
        let mut order: Vec<usize> = (0..features).collect();
        order.sort_by(|&a, &b| error(b).total_cmp(&error(a)).then(a.cmp(&b)));
        let missed = |&column: &usize| Missed {
            column: name(column),
            value: raw[from.start + column],
            reconstruction: made[from.start + column].into(),
            share: error(column) / total,
        };
        order.iter().take(count).map(missed).collect()
    };
    Ok((0..rows.len()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::super::codes::encode_rows;
    use super::*;
    use crate::data::digits;
    use crate::training::{Config, fit};

    #[test]
    fn corrupted_samples_and_the_worst_and_best_of_them() {
        let dataset = digits().unwrap();
        let config = Config::of("denoising").unwrap().with(&[("epochs", "1"), ("code", "4")]).unwrap();
        let mut session = Session::new(fit(&config, &dataset).unwrap());
        let rows: Vec<u32> = (0..30).collect();
        let repaired = repair(session.model(), &dataset, &rows, 1).unwrap().unwrap();
        assert_eq!([&repaired.originals, &repaired.corrupted, &repaired.reconstructions].map(Vec::len), [30 * 64; 3]);
        let first: Vec<f32> = read(&dataset, &[0]).unwrap().iter().map(|&x| x as f32).collect();
        assert!(repaired.corrupted != repaired.originals && repaired.originals[..64] == first);
        let layers = [&repaired.originals[..], &repaired.corrupted, &repaired.reconstructions];
        assert!(layers_png(session.model(), &dataset, &layers, 6).unwrap().starts_with(b"\x89PNG"));
        assert!(rows_png(session.model(), &dataset, &repaired.corrupted, 5).is_ok());

        let coded = encode_rows(&mut session, &dataset, &rows).unwrap();
        let Extremes { worst, best } = extremes(&coded, 5);
        assert!(worst.len() == 5 && coded.errors[worst[0]] >= coded.errors[worst[4]]);
        assert!(coded.errors[best[0]] <= coded.errors[best[4]] && coded.errors[best[4]] <= coded.errors[worst[4]]);
        let missed = missed(&mut session, &dataset, &rows[..2], 3).unwrap();
        assert!(missed.len() == 2 && missed[0].len() == 3 && missed[0][0].share >= missed[0][1].share);
        assert!(missed[0][0].column.starts_with("column ") && missed[0].iter().map(|m| m.share).sum::<f64>() <= 1.0);
    }
}
