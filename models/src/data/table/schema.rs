//! The columns of a model: what later tables are read by.

use std::collections::HashMap;

use super::field::{is_missing, number, plain, short, text};
use crate::data::rows::{Column, ColumnKind};
use crate::error::{Error, Result};

/// Columns, and the classes of a label.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    /// The columns, in the order in which samples hold them.
    pub columns: Vec<Column>,
    /// The names of the classes, if the data had labels.
    pub classes: Vec<String>,
    /// The name of the column of labels, if one is known.
    pub label: Option<String>,
}

/// How the fields of one column become numbers.
pub(super) enum Reading {
    Numeric,
    /// Words and their numbers; any other is the one after the last.
    Categorical(HashMap<Vec<u8>, u32>),
    /// The words for no and yes.
    Boolean([Vec<u8>; 2]),
}

impl Reading {
    pub(super) fn of(column: &Column) -> Self {
        let bytes = |level: &String| level.as_bytes().to_vec();
        match column.kind {
            ColumnKind::Numeric => Self::Numeric,
            ColumnKind::Categorical => Self::Categorical(levels(&column.levels)),
            ColumnKind::Boolean => {
                let mut words = column.levels.iter().map(bytes);
                Self::Boolean([
                    words.next().unwrap_or_else(|| b"0".to_vec()),
                    words.next().unwrap_or_else(|| b"1".to_vec()),
                ])
            }
        }
    }
}

/// Words by their numbers.
pub(super) fn levels(words: &[String]) -> HashMap<Vec<u8>, u32> {
    words.iter().enumerate().map(|(number, word)| (word.as_bytes().to_vec(), number as u32)).collect()
}

/// Where a field stands, for messages.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) origin: &'a str,
    /// From 1.
    pub(super) row: u64,
    pub(super) column: &'a Column,
}

/// What a column met that it did not know.
#[derive(Debug, Clone, Default)]
pub(super) struct Unseen {
    pub(super) count: u64,
    pub(super) first: Option<String>,
}

impl Reading {
    /// The number that a field is; NaN where it is missing.
    #[inline]
    pub(super) fn read(&self, raw: &[u8], decimal: u8, place: Place<'_>, unseen: &mut Unseen) -> Result<f64> {
        if let Self::Numeric = self {
            // The commonest case first: a bare number.
            if let Ok(x) = fast_float2::parse::<f64, _>(raw)
                && x.is_finite()
                && decimal == b'.'
            {
                return Ok(x);
            }
        }
        let field = plain(raw);
        if is_missing(&field) {
            return Ok(f64::NAN);
        }
        match self {
            Self::Numeric => number(&field, decimal).ok_or_else(|| no_number(place, &field)),
            Self::Categorical(levels) => Ok(f64::from(levels.get(&*field).copied().unwrap_or_else(|| {
                unseen.count += 1;
                unseen.first.get_or_insert_with(|| short(&field));
                levels.len() as u32
            }))),
            Self::Boolean([no, yes]) => {
                let is = |word: &[u8]| {
                    field.eq_ignore_ascii_case(word)
                        || number(&field, decimal).is_some_and(|x| number(word, b'.') == Some(x))
                };
                match (is(no), is(yes)) {
                    (true, _) => Ok(0.0),
                    (_, true) => Ok(1.0),
                    _ => Err(Error::data(format!(
                        "{}: row {} (from 1), column `{}` is `{}`, and {} or {} is expected; correct it",
                        place.origin,
                        place.row,
                        place.column.name,
                        short(&field),
                        text(no),
                        text(yes)
                    ))),
                }
            }
        }
    }
}

/// The error for text among numbers.
fn no_number(place: Place<'_>, field: &[u8]) -> Error {
    let name = &place.column.name;
    Error::data(format!(
        "{}: row {} (from 1), column `{name}` is `{}`, which is no finite number; correct it, leave it empty where it is \
         missing, or say what the column holds by --columns",
        place.origin,
        place.row,
        short(field)
    ))
}
