//! Queries of a source searched for among the training part of the same or another, with the data themselves, searched
//! in the same way, beside the codes.

use super::index::Index;
use super::metric::Metric;
use super::picture::neighbours_png;
use crate::applications::encoded;
use crate::applications::neighbours::{Neighbours, places_of};
use crate::data::{Dataset, Rows, Samples, is_same, load_for, load_test, load_train, read_picture};
use crate::model::Session;
use crate::{Error, Result};
use narrows_engine::scan::NO_ROW;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Queries up to which the neighbours of each are listed, and drawn.
const LISTED: usize = 16;

/// What is searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Queries {
    /// The test part of the data.
    #[default]
    Test,
    /// Some rows of it, by their place, from 0.
    Rows(Vec<usize>),
    /// The test part of another source, or all of it where it has none.
    Source(String),
    /// A PNG or JPEG file, of the size of the model's images.
    Picture(PathBuf),
}

/// What to search for, and among what.
#[derive(Debug, Clone, Default)]
pub struct SearchOptions {
    /// The source whose training part is searched; the model's own if `None`.
    pub data: Option<String>,
    /// What is searched for.
    pub queries: Queries,
    /// Neighbours of each query.
    pub k: usize,
    /// How codes are compared; as in the index that is read, or by angles, if `None`.
    pub metric: Option<Metric>,
    /// An index that is read if it is there, and written if not.
    pub index: Option<PathBuf>,
    /// Whether to draw the first queries with their neighbours.
    pub picture: bool,
}

/// A neighbour of a query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Neighbour {
    /// Its number in the source.
    pub row: u32,
    /// Its label, where there are any.
    pub label: Option<u32>,
    /// What that class is called, where the source says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// How far it is.
    pub distance: f32,
}

/// A query and its neighbours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// Its number in its source; `None` of a picture.
    pub row: Option<u32>,
    /// Its label, where there are any.
    pub label: Option<u32>,
    /// The nearest first.
    pub neighbours: Vec<Neighbour>,
}

/// What a search gives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Searched {
    /// The share of the neighbours that have the query's label, by codes, the mean over queries; `None` without labels.
    pub precision: Option<f64>,
    /// The same by the scaled data themselves; `None` too where an index was read, and where values are missing.
    pub raw_precision: Option<f64>,
    /// Neighbours of each query.
    pub k: usize,
    /// How codes were compared.
    pub metric: Metric,
    /// How many queries there were, and among how many samples.
    pub queries: usize,
    /// Samples searched.
    pub indexed: usize,
    /// Queries whose codes are looked for a second, and how many are encoded a second before that.
    pub queries_per_second: f64,
    /// Queries encoded a second.
    pub encoded_per_second: f64,
    /// As `queries_per_second`, of the data themselves.
    pub raw_queries_per_second: Option<f64>,
    /// Each query with its neighbours, of at most 16 queries; empty where there are more.
    pub neighbours: Vec<Found>,
    /// The first queries, each with its neighbours beside it, as PNG, if that was asked for.
    #[serde(skip)]
    pub picture: Option<Vec<u8>>,
    /// What the reader of the data has to say.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// Rows of a dataset.
struct Chosen {
    dataset: Dataset,
    rows: Vec<u32>,
}

/// An index and, if it was made now or must be shown, the samples.
struct Searchable {
    index: Index,
    samples: Option<Chosen>,
}

/// Searches for the queries that the options name.
///
/// # Errors
/// Sources that cannot be read or do not fit the model, or each other; an index of another model, or of another metric
/// than was asked for; a `k` of 0; no memory.
pub fn search(session: &mut Session, options: &SearchOptions) -> Result<Searched> {
    let mut searchable = Searchable::open(session, options)?;
    let (queries, exclude) = queries(session, options, &searchable.index)?;
    let Chosen { dataset, rows } = &queries;
    let split = session.split();
    let start = Instant::now();
    let codes = encoded::codes(session, dataset, rows)?;
    let encoded_per_second = rate(rows.len(), start);
    let index = &searchable.index;
    let start = Instant::now();
    let found = index.search_codes(split, &codes, options.k, exclude.as_deref())?;
    let queries_per_second = rate(rows.len(), start);
    let labels = encoded::labels(dataset, rows);
    let precision = |found: &Neighbours| labels.as_deref().zip(index.labels()).and_then(|(a, b)| found.precision(a, b));
    let mut searched = Searched {
        precision: precision(&found),
        raw_precision: None,
        k: options.k,
        metric: index.metric(),
        queries: rows.len(),
        indexed: index.len(),
        queries_per_second,
        encoded_per_second,
        raw_queries_per_second: None,
        neighbours: listed(&queries, index, &found),
        picture: None,
        notes: dataset.notes().to_vec(),
    };
    let is_whole = |samples: &Chosen| !samples.dataset.has_missing() && !dataset.has_missing();
    if let Some(samples) = searchable.samples.as_ref().filter(|samples| is_whole(samples)) {
        let raw = encoded::scaled(session, &samples.dataset, &samples.rows, split)?;
        let wanted = encoded::scaled(session, dataset, rows, split)?;
        let (distance, width) = (index.metric().of_numbers(), session.model().data().features);
        let start = Instant::now();
        let found = Neighbours::find(split, distance, [&wanted, &raw], width, options.k, exclude.as_deref())?;
        searched.raw_queries_per_second = Some(rate(rows.len(), start));
        searched.raw_precision = precision(&found);
    }
    if options.picture {
        let shown = &rows[..rows.len().min(LISTED)];
        let samples = searchable.samples(session)?;
        searched.picture = Some(neighbours_png(session, (dataset, shown), (&samples.dataset, &samples.rows), &found)?);
    }
    Ok(searched)
}

impl Searchable {
    fn open(session: &mut Session, options: &SearchOptions) -> Result<Self> {
        match &options.index {
            Some(path) if path.exists() => Self::read(session, path, options),
            path => {
                let data = options.data.as_deref().unwrap_or(&session.model().source().source).to_owned();
                let samples = training(session, &data)?;
                let metric = options.metric.unwrap_or_default();
                let index = Index::build(session, &samples.dataset, &samples.rows, &data, metric)?;
                path.as_ref().map_or(Ok(()), |path| index.save(path))?;
                Ok(Self { index, samples: Some(samples) })
            }
        }
    }

    fn read(session: &Session, path: &Path, options: &SearchOptions) -> Result<Self> {
        let index = Index::load(path)?;
        index.check_model(session)?;
        let (name, remedy) = (path.display(), "leave it away, or name another file");
        if let Some(metric) = options.metric.filter(|&metric| metric != index.metric()) {
            return Err(Error::usage(format!("{name} is an index by {}, not {metric}; {remedy}", index.metric())));
        }
        if let Some(data) = options.data.as_deref().filter(|data| !is_same(data, index.source())) {
            return Err(Error::usage(format!("{name} is an index of {}, not {data}; {remedy}", index.source())));
        }
        Ok(Self { index, samples: None })
    }

    /// The samples, read again if they are not there.
    fn samples(&mut self, session: &Session) -> Result<&Chosen> {
        let chosen = match self.samples.take() {
            Some(samples) => samples,
            None => Chosen { rows: self.index.rows().to_vec(), ..training(session, self.index.source())? },
        };
        Ok(self.samples.insert(chosen))
    }
}

/// The training part of a source, divided as the model's own data were.
fn training(session: &Session, data: &str) -> Result<Chosen> {
    let mut source = session.model().source().clone();
    source.source = data.to_owned();
    let (dataset, mut rows, validation) = load_train(&source)?;
    rows.extend(validation);
    Ok(Chosen { dataset, rows })
}

/// The queries, and the place of each in the index, where they were not held out of it.
fn queries(session: &Session, options: &SearchOptions, index: &Index) -> Result<(Chosen, Option<Vec<u32>>)> {
    let model = session.model();
    let known = model.data().known();
    match &options.queries {
        Queries::Picture(path) => Ok((picture(session, path)?, None)),
        Queries::Source(other) if !is_same(other, index.source()) => {
            let (dataset, rows, _) = load_for(model.source(), other, &known)?;
            Ok((Chosen { dataset, rows }, None))
        }
        chosen => {
            let mut source = model.source().clone();
            index.source().clone_into(&mut source.source);
            let (dataset, mut rows, held_out) = load_test(&source, &known)?;
            if let Queries::Rows(places) = chosen {
                let pick = |&place: &usize| {
                    rows.get(place).copied().ok_or_else(|| {
                        let most = rows.len().saturating_sub(1);
                        Error::usage(format!("there is no row {place} of the test part; its rows are 0 to {most}"))
                    })
                };
                rows = places.iter().map(pick).collect::<Result<_>>()?;
            }
            let exclude = (!held_out).then(|| places_of(&rows, index.rows()));
            Ok((Chosen { dataset, rows }, exclude))
        }
    }
}

/// A picture as a dataset of one row.
fn picture(session: &Session, path: &Path) -> Result<Chosen> {
    let data = session.model().data();
    let shape = data.image.ok_or_else(|| Error::usage("the model takes no images; give --queries or --row"))?;
    let sample = read_picture(path, shape, data.preprocessing.range().unwrap_or((0.0, 255.0)))?;
    let dataset = Dataset::new(path.display().to_string(), Samples::F64(sample), data.features)?.with_image(shape)?;
    Ok(Chosen { dataset, rows: vec![0] })
}

/// Each query with its neighbours, where these are few.
fn listed(queries: &Chosen, index: &Index, found: &Neighbours) -> Vec<Found> {
    let label = |labels: Option<&[u32]>, at: usize| labels.and_then(|labels| labels.get(at).copied());
    let class = |label: u32| index.class_names().and_then(|names| names.get(label as usize).cloned());
    let neighbour = |(place, distance): (u32, f32)| {
        let label = label(index.labels(), place as usize);
        let row = index.rows().get(place as usize).copied().unwrap_or(NO_ROW);
        Neighbour { row, label, class: label.and_then(class), distance }
    };
    let is_picture = queries.dataset.len() == 1;
    let one = |(query, &row): (usize, &u32)| Found {
        row: (!is_picture).then_some(row),
        label: label(queries.dataset.labels(), row as usize),
        neighbours: found.of(query).map(neighbour).collect(),
    };
    if queries.rows.len() > LISTED { Vec::new() } else { queries.rows.iter().enumerate().map(one).collect() }
}

fn rate(count: usize, start: Instant) -> f64 {
    count as f64 / start.elapsed().as_secs_f64().max(1e-9)
}
