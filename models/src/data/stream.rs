//! Rows block after block, whatever they come from: a table is read as it comes, in memory for one block; all else is
//! read whole and handed out in blocks.

use super::known::Known;
use super::parts::{load_for, load_test, load_train};
use super::rows::{Column, ImageShape, Rows};
use super::settings::DataSettings;
use super::source::is_same;
use super::table::{TableReader, TableRows};
use super::{Dataset, PartName};
use crate::error::Result;

/// About how many values a block has, and how many rows at most.
const BLOCK_VALUES: usize = 1 << 18;
const BLOCK_ROWS: usize = 1 << 13;

/// Some rows, raw.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// The number of the first in the stream, from 0.
    pub first: u64,
    /// How many.
    pub count: usize,
    /// `[count, features]`, NaN where a value is missing.
    pub values: &'a [f64],
    /// `[count]`, where rows have labels.
    pub labels: Option<&'a [u32]>,
}

/// Rows that are read one block after the other.
pub struct Stream {
    name: String,
    part: &'static str,
    features: usize,
    image: Option<ImageShape>,
    labelled: bool,
    most: usize,
    rows: TableRows,
    from: From,
}

enum From {
    Table(Box<TableReader>),
    /// Datasets with the rows that are meant, and the places of the next row.
    Memory(Vec<(Dataset, Vec<u32>)>, usize, usize),
}

impl Stream {
    /// What a finished model, whose data were read as `own` says, is put to use on: a part of `data`. Where the part is left
    /// open, it is the test part of the model's own data, and all of any other source without a test part.
    ///
    /// # Errors
    /// A source that cannot be read.
    pub fn open(own: &DataSettings, data: &str, known: &Known, part: PartName) -> Result<Self> {
        let mut source = own.clone();
        let same = is_same(&source.source, data);
        source.source = data.to_owned();
        let whole = part == PartName::All || (part == PartName::Auto && !same);
        if whole && let Some(reader) = source.open(known)?.reader()? {
            return Ok(Self::of_table(reader));
        }
        let (sets, part) = match part {
            PartName::Auto => {
                let (dataset, rows, part) = load_for(own, data, known)?;
                (vec![(dataset, rows)], part)
            }
            PartName::All => {
                let opened = source.open(known)?.open()?;
                let all = |dataset: Dataset| {
                    let rows = (0..dataset.len() as u32).collect();
                    (dataset, rows)
                };
                (std::iter::once(opened.train).chain(opened.test).map(all).collect(), "all")
            }
            PartName::Train => {
                let (dataset, mut rows, validation) = load_train(&source)?;
                rows.extend(validation);
                rows.sort_unstable();
                (vec![(dataset, rows)], "train")
            }
            PartName::Test => {
                let (dataset, rows, held_out) = load_test(&source, known)?;
                (vec![(dataset, rows)], if held_out { "test" } else { "train" })
            }
        };
        Ok(Self::of_memory(sets, part))
    }

    /// All rows of a table.
    pub fn of_table(reader: TableReader) -> Self {
        let features = reader.columns().len();
        Self {
            name: reader.origin().to_owned(),
            part: "all",
            features,
            image: None,
            labelled: reader.has_labels(),
            most: (BLOCK_VALUES / features.max(1)).clamp(1, BLOCK_ROWS),
            rows: TableRows::default(),
            from: From::Table(Box::new(reader)),
        }
    }

    fn of_memory(sets: Vec<(Dataset, Vec<u32>)>, part: &'static str) -> Self {
        let first = sets.first().map(|(dataset, _)| dataset);
        let features = first.map_or(0, Dataset::features);
        Self {
            name: first.map_or_else(String::new, |dataset| dataset.name().to_owned()),
            part,
            features,
            image: first.and_then(Dataset::image),
            labelled: sets.iter().all(|(dataset, _)| dataset.labels().is_some()),
            most: (BLOCK_VALUES / features.max(1)).clamp(1, BLOCK_ROWS),
            rows: TableRows::default(),
            from: From::Memory(sets, 0, 0),
        }
    }

    /// The same, which hands out each row as soon as it is there.
    #[must_use]
    pub fn live(self) -> Self {
        Self { most: 1, ..self }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The part of the data: `train`, `test` or `all`.
    pub fn part(&self) -> &'static str {
        self.part
    }

    /// Numbers in a row.
    pub fn features(&self) -> usize {
        self.features
    }

    /// How a row is an image, where it is one.
    pub fn image(&self) -> Option<ImageShape> {
        self.image
    }

    /// Whether rows have labels.
    pub fn is_labelled(&self) -> bool {
        self.labelled
    }

    /// What the columns are called, where the source says so.
    pub fn columns(&self) -> Option<&[Column]> {
        match &self.from {
            From::Table(reader) => Some(reader.columns()),
            From::Memory(sets, ..) => sets.first()?.0.columns(),
        }
    }

    /// What the classes are called that were met so far, where the source says so.
    pub fn class_names(&self) -> &[String] {
        match &self.from {
            From::Table(reader) => reader.classes(),
            From::Memory(sets, ..) => sets.first().and_then(|(dataset, _)| dataset.class_names()).unwrap_or_default(),
        }
    }

    /// How many rows it has; `None` of a table that is read as it comes.
    pub fn count(&self) -> Option<usize> {
        match &self.from {
            From::Table(_) => None,
            From::Memory(sets, ..) => Some(sets.iter().map(|(_, rows)| rows.len()).sum()),
        }
    }

    /// What there is to say of what was read so far.
    pub fn notes(&self) -> Vec<String> {
        match &self.from {
            From::Table(reader) => reader.notes(),
            From::Memory(sets, ..) => sets.iter().flat_map(|(dataset, _)| dataset.notes().iter().cloned()).collect(),
        }
    }

    /// The datasets and their rows, of a source that is in memory.
    pub fn in_memory(&self) -> Option<&[(Dataset, Vec<u32>)]> {
        match &self.from {
            From::Table(_) => None,
            From::Memory(sets, ..) => Some(sets),
        }
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// Those of reading, by row and column; no memory.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk<'_>>> {
        let Self { most, rows, from, features, .. } = self;
        match from {
            From::Table(reader) => {
                if !reader.next(*most, rows)? {
                    return Ok(None);
                }
            }
            From::Memory(sets, set, at) => {
                while sets.get(*set).is_some_and(|(_, all)| *at >= all.len()) {
                    (*set, *at) = (*set + 1, 0);
                }
                let Some((dataset, all)) = sets.get(*set) else { return Ok(None) };
                let chosen = &all[*at..all.len().min(*at + *most)];
                rows.first += rows.count as u64;
                rows.count = chosen.len();
                rows.values.clear();
                super::table::reserve(&mut rows.values, chosen.len() * *features)?;
                rows.values.resize(chosen.len() * *features, 0.0);
                dataset.read(chosen, &mut rows.values)?;
                rows.labels.clear();
                let labels = dataset.labels().unwrap_or_default();
                rows.labels.extend(chosen.iter().filter_map(|&row| labels.get(row as usize)));
                *at += chosen.len();
            }
        }
        let labels = (self.rows.labels.len() == self.rows.count).then_some(self.rows.labels.as_slice());
        Ok(Some(Chunk { first: self.rows.first, count: self.rows.count, values: &self.rows.values, labels }))
    }
}
