//! Rows of a source as a model sees them and as it encodes them: what a search and a probe work on.

use crate::data::{Dataset, Rows, reserved};
use crate::model::{Given, Session};
use crate::{Error, Result};
use narrows_engine::{Context, Split};

/// Rows that are encoded at a time.
const BATCH: usize = 1024;

/// Scaled samples `[n, features]`.
///
/// # Errors
/// Data that do not fit the model; no memory.
pub(super) fn scaled(session: &Session, dataset: &Dataset, rows: &[u32], split: Split) -> Result<Vec<f32>> {
    let model = session.model();
    model.check_fits(dataset)?;
    let count = rows.len().saturating_mul(model.data().features);
    let mut samples = reserved(count, "scaled samples")?;
    samples.resize(count, 0.0f32);
    model.data().preprocessing.gather(Context::new(split), dataset, rows, &mut samples)?;
    Ok(samples)
}

/// Codes `[n, code]`.
///
/// # Errors
/// As for [`scaled`], and of a model that takes labels, data without.
pub(super) fn codes(session: &mut Session, dataset: &Dataset, rows: &[u32]) -> Result<Vec<f32>> {
    session.model().check_fits(dataset)?;
    let (features, size) = (session.model().data().features, session.model().code_size());
    let takes = session.model().autoencoder().takes().labels;
    let labels = dataset.labels().filter(|_| takes);
    let mut codes = reserved(rows.len().saturating_mul(size), "codes")?;
    let mut raw = reserved(BATCH.min(rows.len()).saturating_mul(features), "samples")?;
    for rows in rows.chunks(BATCH) {
        raw.resize(rows.len() * features, 0.0);
        dataset.read(rows, &mut raw)?;
        let labels: Option<Vec<u32>> = labels.map(|labels| pick(labels, rows));
        let given = Given::doubles(&raw);
        codes.extend_from_slice(session.encode(labels.as_deref().map_or(given, |labels| given.labels(labels)))?);
    }
    Ok(codes)
}

/// The labels of rows, where the source has any.
pub(super) fn labels(dataset: &Dataset, rows: &[u32]) -> Option<Vec<u32>> {
    dataset.labels().map(|labels| pick(labels, rows))
}

/// The same, where there must be some.
///
/// # Errors
/// A source without labels.
pub(super) fn known_labels(dataset: &Dataset, rows: &[u32]) -> Result<Vec<u32>> {
    labels(dataset, rows)
        .ok_or_else(|| Error::data(format!("{} has no labels to find; give data with labels", dataset.name())))
}

fn pick(labels: &[u32], rows: &[u32]) -> Vec<u32> {
    rows.iter().filter_map(|&row| labels.get(row as usize).copied()).collect()
}
