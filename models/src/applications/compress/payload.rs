//! All codes of a file as one stream of coded symbols: row by row, a label first where the model takes labels.

use super::coder::{Reader, Writer};
use super::counts::Counts;
use super::quantiser::{Dimension, Table};
use crate::data::reserved;
use crate::{Error, Result};

/// Numbers that a byte of codes can hold: one whose value never changes takes 1/65536 of a byte at least, for the rarest
/// symbols keep their share of the interval.
const PER_BYTE: usize = 1 << 16;

/// Frequencies of all positions together above which they are not counted apart.
pub(super) const MOST_APART: usize = 1 << 24;

/// The classes of samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// How many classes there are.
    pub classes: usize,
    /// The class of each sample.
    pub values: Vec<u32>,
}

/// The codes of samples, row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Whole numbers, `[rows, dimensions]`.
    Numbers {
        /// What they stand for.
        dimensions: Vec<Dimension>,
        /// The numbers.
        values: Vec<i32>,
    },
    /// Entries of a codebook by their numbers, `[rows, positions]`.
    Entries {
        /// How many entries the codebook has.
        entries: usize,
        /// Entries of a sample.
        positions: usize,
        /// Whether each position counts its own frequencies.
        apart: bool,
        /// The numbers of the entries.
        values: Vec<u32>,
    },
}

impl Content {
    /// Codes of a sample.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Numbers { dimensions, .. } => dimensions.len(),
            Self::Entries { positions, .. } => *positions,
        }
    }

    /// All codes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers { values, .. } => values.len(),
            Self::Entries { values, .. } => values.len(),
        }
    }

    /// Memory for so many codes, which as many bytes may hold.
    pub(super) fn reserve(&mut self, rows: usize, bytes: usize) -> Result<()> {
        let most = bytes.saturating_add(8).saturating_mul(PER_BYTE);
        let count = rows.checked_mul(self.width()).filter(|&count| count <= most && rows <= most);
        let count = count.ok_or_else(|| {
            Error::data(format!("{bytes} bytes do not hold {rows} rows of {} codes; it is damaged", self.width()))
        })?;
        match self {
            Self::Numbers { values, .. } => *values = reserved(count, "codes")?,
            Self::Entries { values, .. } => *values = reserved(count, "codes")?,
        }
        Ok(())
    }
}

/// The frequencies that a payload begins with.
struct Tables {
    labels: Option<Counts>,
    numbers: Vec<Table>,
    entries: Vec<Counts>,
}

impl Tables {
    fn new(content: &Content, classes: Option<usize>) -> Result<Self> {
        let (mut numbers, mut entries) = (Vec::new(), Vec::new());
        match content {
            Content::Numbers { dimensions, .. } => {
                numbers = reserved(dimensions.len(), "tables of frequencies")?;
                dimensions.iter().try_for_each(|dimension| Table::new(dimension).map(|table| numbers.push(table)))?;
            }
            Content::Entries { entries: count, positions, apart, .. } => {
                let tables = if *apart { *positions } else { 1 };
                entries = reserved(tables, "tables of frequencies")?;
                (0..tables).try_for_each(|_| Counts::alike(*count).map(|table| entries.push(table)))?;
            }
        }
        Ok(Self { labels: classes.map(Counts::alike).transpose()?, numbers, entries })
    }

    /// The table of a position.
    fn entries(&mut self, position: usize) -> Result<&mut Counts> {
        let tables = self.entries.len().max(1);
        self.entries.get_mut(position % tables).ok_or_else(|| Error::data("codes without a codebook"))
    }
}

/// Codes to bytes.
///
/// # Errors
/// Labels and codes that are not of as many rows; one beyond its classes or its codebook; no memory.
pub(super) fn write(content: &Content, labels: Option<&Labels>) -> Result<Vec<u8>> {
    let (mut tables, mut writer) = (Tables::new(content, labels.map(|labels| labels.classes))?, Writer::default());
    let width = content.width().max(1);
    let rows = content.len() / width;
    if labels.is_some_and(|labels| labels.values.len() != rows) || !content.len().is_multiple_of(width) {
        return Err(Error::data(format!("{} codes are not {rows} rows with a label each", content.len())));
    }
    for row in 0..rows {
        if let (Some(table), Some(labels)) = (&mut tables.labels, labels) {
            writer.symbol(below(labels.values[row], labels.classes)?, table)?;
        }
        let place = row * width..(row + 1) * width;
        match content {
            Content::Numbers { values, .. } => {
                let mut numbers = values[place].iter().zip(&mut tables.numbers);
                numbers.try_for_each(|(&number, table)| table.write(number, &mut writer))?;
            }
            Content::Entries { values, entries, .. } => {
                for (position, &entry) in values[place].iter().enumerate() {
                    writer.symbol(below(entry, *entries)?, tables.entries(position)?)?;
                }
            }
        }
    }
    writer.finish()
}

/// Fills `content`, of which all but the codes is known, and the labels, from bytes.
///
/// # Errors
/// Bytes that no writer wrote; more rows than they can hold; no memory.
pub(super) fn read(bytes: &[u8], rows: usize, content: &mut Content, mut labels: Option<&mut Labels>) -> Result<()> {
    content.reserve(rows, bytes.len())?;
    if let Some(labels) = &mut labels {
        labels.values = reserved(rows, "labels")?;
    }
    let mut tables = Tables::new(content, labels.as_ref().map(|labels| labels.classes))?;
    let mut reader = Reader::new(bytes)?;
    for _ in 0..rows {
        if let (Some(table), Some(labels)) = (&mut tables.labels, &mut labels) {
            labels.values.push(below(reader.symbol(table)? as u32, labels.classes)? as u32);
        }
        match content {
            Content::Numbers { values, .. } => {
                for table in &mut tables.numbers {
                    values.push(table.read(&mut reader)?);
                }
            }
            Content::Entries { values, entries, positions, .. } => {
                for position in 0..*positions {
                    values.push(below(reader.symbol(tables.entries(position)?)? as u32, *entries)? as u32);
                }
            }
        }
    }
    reader.finish()
}

/// A label or an entry that there is.
fn below(value: u32, count: usize) -> Result<usize> {
    match value as usize {
        value if value < count => Ok(value),
        value => Err(Error::data(format!("{value} is none of {count}; compress the images again"))),
    }
}
