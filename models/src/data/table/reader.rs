//! A table read block by block, by a model's columns: what a stream of any length needs.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::dialect::Dialect;
use super::header::{Places, few};
use super::options::TableOptions;
use super::records::{Records, Text};
use super::schema::{Place, Reading, Schema, Unseen, levels};
use crate::data::dataset::MAX_CLASSES;
use crate::data::rows::Column;
use crate::error::{Error, Result};

/// Some rows of a table.
#[derive(Debug, Clone, Default)]
pub struct TableRows {
    /// The number of the first, from 0.
    pub first: u64,
    /// How many.
    pub count: usize,
    /// `[count, columns]`, NaN where a value is missing.
    pub values: Vec<f64>,
    /// `[count]`, or nothing without a label.
    pub labels: Vec<u32>,
}

/// A table that is read block by block, by a model's columns.
pub struct TableReader {
    records: Records,
    /// A first record that is data.
    first: Option<Vec<Vec<u8>>>,
    /// How many fields each record has.
    width: usize,
    fields: Fields,
    done: u64,
}

/// What makes rows of fields.
struct Fields {
    origin: Arc<str>,
    schema: Arc<Schema>,
    readings: Vec<Reading>,
    places: Places,
    decimal: u8,
    /// The classes, those of the model first, and their numbers.
    classes: Vec<String>,
    numbers: HashMap<Vec<u8>, u32>,
    unseen: Vec<Unseen>,
    missing: u64,
}

impl TableReader {
    /// A file by the columns that the options have.
    ///
    /// # Errors
    /// A file that cannot be read; a header that lacks one of the columns.
    pub fn open(path: &Path, options: &TableOptions) -> Result<Self> {
        Self::over(Text::open(path)?, options)
    }

    /// A stream, whose rows are read as they come.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn stream(reader: Box<dyn Read + Send>, origin: &str, options: &TableOptions) -> Result<Self> {
        Self::over(Text::new(reader, origin.to_owned(), true)?, options)
    }

    pub(super) fn over(text: Text, options: &TableOptions) -> Result<Self> {
        let schema = options.schema.clone().unwrap_or_default();
        let dialect = Dialect::of(&text, options)?;
        let mut records = text.records(dialect.delimiter, options.skip)?;
        let origin: Arc<str> = records.origin().into();
        let Some((_, record)) = records.next()? else {
            return Err(Error::data(format!("{origin} has no rows; give a table with at least one")));
        };
        let first: Vec<Vec<u8>> = record.iter().map(<[u8]>::to_vec).collect();
        let places = Places::of(&origin, &schema, options, dialect.decimal, &first)?;
        Ok(Self {
            records,
            width: first.len(),
            first: (!places.header).then_some(first),
            done: 0,
            fields: Fields {
                origin,
                readings: schema.columns.iter().map(Reading::of).collect(),
                unseen: vec![Unseen::default(); schema.columns.len()],
                numbers: levels(&schema.classes),
                classes: schema.classes.clone(),
                decimal: dialect.decimal,
                missing: 0,
                places,
                schema,
            },
        })
    }

    /// What messages call it.
    pub fn origin(&self) -> &str {
        &self.fields.origin
    }

    /// The model's columns.
    pub fn columns(&self) -> &[Column] {
        &self.fields.schema.columns
    }

    /// Whether rows come with labels.
    pub fn has_labels(&self) -> bool {
        self.fields.places.label.is_some()
    }

    /// The names of the classes that were met so far, the model's first.
    pub fn classes(&self) -> &[String] {
        &self.fields.classes
    }

    /// How many values were missing so far.
    pub fn missing(&self) -> u64 {
        self.fields.missing
    }

    /// Reads up to `most` rows in place of what `rows` holds; `false` at the end.
    ///
    /// # Errors
    /// A row of another length; text among numbers; a label that is missing, all by row and column.
    pub fn next(&mut self, most: usize, rows: &mut TableRows) -> Result<bool> {
        rows.values.clear();
        rows.labels.clear();
        (rows.first, rows.count) = (self.done, 0);
        if let Some(first) = self.first.take() {
            self.fields.take(1, |place| first.get(place).map_or(&[], Vec::as_slice), rows)?;
        }
        while rows.count < most.max(1) {
            let Some((row, record)) = self.records.next()? else { break };
            if record.len() != self.width {
                return Err(ragged(&self.fields.origin, row, record.len(), self.width));
            }
            self.fields.take(row, |place| record.get(place).unwrap_or_default(), rows)?;
        }
        self.done += rows.count as u64;
        Ok(rows.count > 0)
    }

    /// What there is to say of what was read so far: columns left aside, words that the model does not know.
    pub fn notes(&self) -> Vec<String> {
        let Fields { origin, schema, places, unseen, .. } = &self.fields;
        let mut notes = Vec::new();
        if !places.aside.is_empty() {
            notes.push(format!("{origin}: columns that are not the model's are left aside: {}", few(&places.aside)));
        }
        for (column, unseen) in schema.columns.iter().zip(unseen).filter(|(_, unseen)| unseen.count > 0) {
            notes.push(format!(
                "{origin}: column `{}` has {} values that were not seen in training, `{}` the first",
                column.name,
                unseen.count,
                unseen.first.as_deref().unwrap_or_default()
            ));
        }
        notes
    }
}

impl Fields {
    /// Makes a row of the fields of a record.
    fn take<'a>(&mut self, row: u64, field: impl Fn(usize) -> &'a [u8], rows: &mut TableRows) -> Result<()> {
        let Self { origin, schema, readings, places, decimal, unseen, missing, .. } = self;
        reserve(&mut rows.values, readings.len())?;
        for (at, (reading, &place)) in readings.iter().zip(&places.columns).enumerate() {
            let spot = Place { origin, row, column: &schema.columns[at] };
            let x = reading.read(field(place), *decimal, spot, &mut unseen[at])?;
            *missing += u64::from(x.is_nan());
            rows.values.push(x);
        }
        if let Some(place) = self.places.label {
            let class = self.label(row, field(place))?;
            rows.labels.push(class);
        }
        rows.count += 1;
        Ok(())
    }

    /// The class that a field names; one that is not known yet is the next number.
    fn label(&mut self, row: u64, field: &[u8]) -> Result<u32> {
        let (origin, field) = (&self.origin, super::field::plain(field));
        if let Some(&class) = self.numbers.get(&*field) {
            return Ok(class);
        }
        if field.is_empty() {
            return Err(Error::data(format!(
                "{origin}: row {row} (from 1) has no label; give it one, or leave the row out"
            )));
        }
        let class = self.classes.len() as u32;
        if class >= MAX_CLASSES {
            return Err(Error::data(format!(
                "{origin}: the label has more than {MAX_CLASSES} classes; name another column"
            )));
        }
        self.classes.push(super::field::text(&field));
        self.numbers.insert(field.into_owned(), class);
        Ok(class)
    }
}

/// The error for a row of another length.
pub(super) fn ragged(origin: &str, row: u64, found: usize, first: usize) -> Error {
    let skip = if row == 2 { ", or give --skip-lines 1 if the first line is no row of the table" } else { "" };
    Error::data(format!("{origin}: row {row} (from 1) has {found} fields and the first {first}; correct it{skip}"))
}

pub(in crate::data) fn reserve<T>(to: &mut Vec<T>, count: usize) -> Result<()> {
    to.try_reserve(count).map_err(|_| {
        let held = to.len().saturating_mul(size_of::<T>()) >> 20;
        Error::data(format!("not enough memory for more than {held} MiB of a table; use fewer rows or columns"))
    })
}
