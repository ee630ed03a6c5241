//! Samples to a compressed file and back.

use super::file::Packed;
use super::payload::{Content, Labels, MOST_APART};
use super::rows::Samples;
use super::steps::{Rate, Steps, quantised, restored};
use crate::data::{Dataset, reserved};
use crate::model::{Given, Model, Session};
use crate::report::{Grid, Tile};
use crate::{Error, Result};

/// A compressed file.
#[derive(Debug, Clone, PartialEq)]
pub struct Compressed {
    /// The file.
    pub bytes: Vec<u8>,
    /// How many of these bytes are codes; the rest says what they mean.
    pub payload: usize,
    /// Samples in it.
    pub rows: usize,
    /// Codes of a sample: numbers, or entries of a codebook.
    pub width: usize,
    /// The step of the numbers, see [`Rate::Step`]; none of a codebook's entries.
    pub step: Option<f64>,
}

/// Compresses rows of a dataset: encoded, quantised at a rate and coded.
///
/// # Errors
/// Data that do not fit the model; a model that cannot decode a code alone; a rate that makes no sense, or is asked of a
/// model with a codebook; no memory.
pub fn compress(session: &mut Session, dataset: &Dataset, rows: &[u32], rate: Option<Rate>) -> Result<Compressed> {
    let samples = Samples::new(session, dataset, rows)?;
    if samples.len() == 0 {
        return Err(Error::data(format!("{}: no samples to compress; give some", dataset.name())));
    }
    let model = session.model().fingerprint()? as u64;
    let labels = samples
        .labels()
        .map(|labels| Labels { classes: session.model().data().classes.unwrap_or(0), values: labels.to_vec() });
    let packed = |content| Packed { model, rows: samples.len(), labels: labels.clone(), content };
    let made = |packed: Packed, step| -> Result<Compressed> {
        let (bytes, payload) = packed.to_bytes()?;
        Ok(Compressed { bytes, payload, rows: packed.rows, width: packed.content.width(), step })
    };
    let codebook = session.model().autoencoder().entries().zip(session.model().autoencoder().entries_of_code());
    if let Some((entries, positions)) = codebook {
        if rate.is_some() {
            return Err(Error::usage("the entries of a codebook are not quantised; leave --bits and --step away"));
        }
        let found = samples.encoded(|given| session.entries(given).map(<[f32]>::to_vec))?;
        let mut values = reserved(found.len(), "codes")?;
        values.extend(found.iter().map(|&entry| entry as u32));
        let coded = |apart, values| made(packed(Content::Entries { entries, positions, apart, values }), None);
        let together = coded(false, values.clone())?;
        if positions > 1 && entries.saturating_mul(positions) <= MOST_APART {
            let apart = coded(true, values)?;
            return Ok(if apart.bytes.len() < together.bytes.len() { apart } else { together });
        }
        return Ok(together);
    }
    let codes = samples.encoded(|given| session.encode(given).map(<[f32]>::to_vec))?;
    let steps = Steps::measure(session, &samples, &codes)?;
    let step = steps.choose(session, &samples, &codes, rate.unwrap_or_default())?;
    let dimensions = steps.at(step);
    let values = quantised(&dimensions, &codes)?;
    made(packed(Content::Numbers { dimensions, values }), Some(step))
}

/// The raw samples `[rows, features]` of a compressed file; `origin` names it in errors.
///
/// # Errors
/// A damaged file, or one of another model; no memory.
pub fn decompress(session: &mut Session, bytes: &[u8], origin: &str) -> Result<Vec<f32>> {
    let packed = Packed::parse(bytes, origin)?;
    if packed.model != session.model().fingerprint()? as u64 {
        return Err(Error::data(format!("{origin} was made by another model; give the one that compressed it")));
    }
    let labels = packed.labels.as_ref().map(|labels| labels.values.as_slice());
    let decoded = match &packed.content {
        Content::Numbers { dimensions, .. } if dimensions.len() != session.model().code_size() => {
            Err(Error::data(format!("codes of {} are not of this model", dimensions.len())))
        }
        Content::Numbers { dimensions, values } => restored(dimensions, values).and_then(|codes| {
            let given = Given::new(&codes);
            session.decode(labels.map_or(given, |labels| given.labels(labels))).map(<[f32]>::to_vec)
        }),
        Content::Entries { values, .. } => {
            let entries: Vec<f32> = values.iter().map(|&entry| entry as f32).collect();
            let given = Given::new(&entries);
            session.decode_entries(labels.map_or(given, |labels| given.labels(labels))).map(<[f32]>::to_vec)
        }
    };
    decoded.map_err(|error| Error::data(format!("{origin}: {error}")))
}

/// A picture of raw samples `[n, features]`, as PNG.
///
/// # Errors
/// Too many samples for a picture.
pub fn picture(samples: &[f32], model: &Model) -> Result<Vec<u8>> {
    let features = model.data().features;
    let count = samples.len() / features.max(1);
    let per_row = (count as f64).sqrt().ceil().max(1.0) as usize;
    let ends = samples.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    let ends = if ends.0 < ends.1 { ends } else { (0.0, 1.0) };
    let range = model.data().preprocessing.range().map_or(ends, |(low, high)| (low as f32, high as f32));
    Grid::samples(samples, count, per_row, Tile::new(model.data().image, features)?, range)?.to_png()
}
