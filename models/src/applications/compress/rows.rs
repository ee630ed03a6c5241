//! The samples that are compressed: their raw numbers, their labels, and what a session makes of their codes.

use crate::Result;
use crate::data::{Dataset, Rows, reserved};
use crate::model::{Given, Session};
use narrows_engine::{Context, RawRows, Split};

/// Samples that are encoded at a time.
const ENCODED: usize = 1024;

/// Some rows of a dataset.
pub(super) struct Samples<'a> {
    dataset: &'a Dataset,
    rows: &'a [u32],
    labels: Option<Vec<u32>>,
}

impl<'a> Samples<'a> {
    /// Rows that fit a session's model, with their labels if it takes them.
    pub(super) fn new(session: &Session, dataset: &'a Dataset, rows: &'a [u32]) -> Result<Self> {
        session.model().check_fits(dataset)?;
        let labels = dataset.labels().filter(|_| session.model().autoencoder().takes().labels);
        let labels =
            labels.map(|labels| rows.iter().map(|&row| labels.get(row as usize).copied().unwrap_or(0)).collect());
        Ok(Self { dataset, rows, labels })
    }

    /// How many they are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The label of each, of a model that takes them.
    pub(super) fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// The places of at most `most` of them, evenly apart.
    pub(super) fn some(&self, most: usize) -> Vec<usize> {
        let count = self.len().min(most.max(1));
        (0..count).map(|at| at * self.len() / count).collect()
    }

    /// The raw numbers of those at some places.
    pub(super) fn raw(&self, places: &[usize]) -> Result<Vec<f64>> {
        let count = places.len().saturating_mul(self.dataset.features());
        let mut raw = reserved(count, "samples")?;
        raw.resize(count, 0.0);
        let rows: Vec<u32> = places.iter().map(|&place| self.rows[place]).collect();
        self.dataset.read(&rows, &mut raw)?;
        Ok(raw)
    }

    /// What `encode` gives for all of them, a part after the other.
    pub(super) fn encoded(&self, mut encode: impl FnMut(Given<'_>) -> Result<Vec<f32>>) -> Result<Vec<f32>> {
        let mut codes = Vec::new();
        for first in (0..self.len()).step_by(ENCODED) {
            let places: Vec<usize> = (first..self.len().min(first + ENCODED)).collect();
            let raw = self.raw(&places)?;
            let labels = self.labels.as_ref().map(|labels| &labels[first..first + places.len()]);
            let given = Given::doubles(&raw);
            let part = encode(labels.map_or(given, |labels| given.labels(labels)))?;
            if first == 0 {
                codes = reserved(part.len().div_ceil(places.len().max(1)).saturating_mul(self.len()), "codes")?;
            }
            codes.extend_from_slice(&part);
        }
        Ok(codes)
    }

    /// What the codes of some of them stand for, as they are compared.
    pub(super) fn decoded(&self, session: &mut Session, codes: &[f32], places: &[usize]) -> Result<Vec<f32>> {
        let labels: Option<Vec<u32>> =
            self.labels.as_ref().map(|labels| places.iter().map(|&place| labels[place]).collect());
        let given = Given::new(codes);
        let raw = session.decode(labels.as_deref().map_or(given, |labels| given.labels(labels)))?.to_vec();
        compared(session, RawRows::Values(&raw), raw.len())
    }

    /// Some of them as they are compared.
    pub(super) fn comparable(&self, session: &Session, places: &[usize]) -> Result<Vec<f32>> {
        let raw = self.raw(places)?;
        compared(session, RawRows::Doubles(&raw), raw.len())
    }
}

/// Numbers as the model sees them: columns of tables have scales of their own; pixels all have one.
fn compared(session: &Session, raw: RawRows<'_, f32>, count: usize) -> Result<Vec<f32>> {
    let mut scaled = reserved(count, "samples")?;
    scaled.resize(count, 0.0);
    session.model().data().preprocessing.apply(Context::new(Split::Serial), raw, &mut scaled)?;
    Ok(scaled)
}
