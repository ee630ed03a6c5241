//! The codes of samples, to be searched.

use super::metric::Metric;
use crate::applications::encoded;
use crate::applications::neighbours::Neighbours;
use crate::data::{Dataset, reserved};
use crate::model::{Given, Session};
use crate::{Error, Result};
use narrows_engine::scan::{Request, nearest_hamming, pack_bits};
use narrows_engine::{Context, Split};

/// Codes as they are compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Codes {
    /// `[n, code]`
    Numbers(Vec<f32>),
    /// `[n, words]`: whether each number of a code is above its `thresholds`, `[code]`.
    Bits { words: Vec<u64>, thresholds: Vec<f32> },
}

/// The codes of samples by one model, with the labels of these and their numbers in their source.
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    pub(super) metric: Metric,
    /// Numbers in a code.
    pub(super) size: usize,
    pub(super) codes: Codes,
    pub(super) rows: Vec<u32>,
    pub(super) labels: Option<Vec<u32>>,
    pub(super) class_names: Option<Vec<String>>,
    pub(super) source: String,
    pub(super) model: String,
}

impl Index {
    /// Encodes `rows` of `dataset`, which messages call `source`, as `load_train` and the like know it.
    ///
    /// # Errors
    /// No rows; data that do not fit the model; no memory.
    pub fn build(session: &mut Session, dataset: &Dataset, rows: &[u32], source: &str, metric: Metric) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::data(format!("{}: no rows to search; give some", dataset.name())));
        }
        let (size, model) = (session.model().code_size(), format!("{:032x}", session.model().fingerprint()?));
        let numbers = encoded::codes(session, dataset, rows)?;
        let codes = match metric {
            Metric::Hamming => {
                let thresholds = medians(&numbers, size)?;
                Codes::Bits { words: packed(&numbers, &thresholds)?, thresholds }
            }
            Metric::Cosine | Metric::Euclidean => Codes::Numbers(numbers),
        };
        let labels = encoded::labels(dataset, rows);
        let class_names = dataset.class_names().map(<[String]>::to_vec);
        Ok(Self { metric, size, codes, rows: rows.to_vec(), labels, class_names, source: source.into(), model })
    }

    /// The nearest of the index to raw samples, by their codes.
    ///
    /// # Errors
    /// Another model than the index was made by; samples that it does not take; a `k` of 0; no memory.
    pub fn search<'a>(&self, session: &mut Session, samples: impl Into<Given<'a>>, k: usize) -> Result<Neighbours> {
        self.check_model(session)?;
        let split = session.split();
        self.search_codes(split, session.encode(samples)?, k, None)
    }

    /// The same for codes, `[q, code]`; `exclude` is the place of a row that each query leaves out.
    ///
    /// # Errors
    /// Codes of another size, or not finite; a `k` of 0; no memory.
    pub fn search_codes(&self, split: Split, codes: &[f32], k: usize, exclude: Option<&[u32]>) -> Result<Neighbours> {
        if !codes.len().is_multiple_of(self.size.max(1)) {
            let len = codes.len();
            return Err(Error::data(format!("{len} numbers are no codes of {}; give whole codes", self.size)));
        }
        match &self.codes {
            Codes::Numbers(rows) => {
                Neighbours::find(split, self.metric.of_numbers(), [codes, rows], self.size, k, exclude)
            }
            Codes::Bits { words, thresholds } => {
                let queries = packed(codes, thresholds)?;
                let mut found = Neighbours::room(codes.len() / self.size.max(1), k)?;
                let mut bits = reserved(found.places.len(), "distances")?;
                bits.resize(found.places.len(), 0);
                let request = Request::new(&queries, words, thresholds.len().div_ceil(64), k);
                let request = exclude.map_or(request, |exclude| request.excluding(exclude));
                nearest_hamming(Context::new(split), &request, &mut found.places, &mut bits)?;
                found.distances.iter_mut().zip(bits).filter(|(_, bits)| *bits < u32::MAX).for_each(|(to, bits)| {
                    *to = bits as f32;
                });
                Ok(found)
            }
        }
    }

    /// Refuses a session of another model than the index was made by.
    ///
    /// # Errors
    /// Another model.
    pub fn check_model(&self, session: &Session) -> Result<()> {
        if format!("{:032x}", session.model().fingerprint()?) != self.model {
            return Err(Error::model(format!(
                "the index of {} was made by another model, or before this one was trained further; make it again",
                self.source
            )));
        }
        Ok(())
    }

    /// How many samples it holds.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it holds none; no index is ever empty.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How codes are compared.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The numbers of the samples in their source, `[n]`.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Their labels, `[n]`, where the source has any.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// What classes are called, where the source says so.
    pub fn class_names(&self) -> Option<&[String]> {
        self.class_names.as_deref()
    }

    /// Where the samples are from.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// A bit for each number of each code.
fn packed(codes: &[f32], thresholds: &[f32]) -> Result<Vec<u64>> {
    let count = codes.len() / thresholds.len().max(1) * thresholds.len().div_ceil(64);
    let mut words = reserved(count, "bits of codes")?;
    words.resize(count, 0);
    pack_bits(codes, thresholds, &mut words)?;
    Ok(words)
}

/// The median of each dimension (the lower one of two): about half of all codes are above it.
fn medians(codes: &[f32], size: usize) -> Result<Vec<f32>> {
    let mut column = reserved(codes.len() / size.max(1), "a dimension of codes")?;
    let mut medians = reserved(size, "medians")?;
    for dimension in 0..size {
        column.clear();
        column.extend(codes.iter().skip(dimension).step_by(size));
        let middle = column.len().saturating_sub(1) / 2;
        if middle < column.len() {
            medians.push(*column.select_nth_unstable_by(middle, f32::total_cmp).1);
        }
    }
    Ok(medians)
}
