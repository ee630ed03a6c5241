//! Which field of a record is which column: by the names in the first line, or by place.

use super::field::{is_missing, number, one_line, plain, text};
use super::guess::Guess;
use super::options::TableOptions;
use super::schema::{Place, Reading, Schema, Unseen};
use crate::error::{Error, Result};
use crate::suggest;

/// Names of columns that are taken for labels unless another is named.
const LABELS: [&str; 3] = ["label", "class", "target"];
/// Names that a message gives of many.
const SHOWN: usize = 6;

/// The names that a first record would be.
pub(super) fn names(fields: &[Vec<u8>]) -> Vec<String> {
    fields
        .iter()
        .enumerate()
        .map(|(place, field)| match one_line(text(&plain(field))) {
            name if name.is_empty() => ordinal(place),
            name => name,
        })
        .collect()
}

/// The name of a column without one.
pub(super) fn ordinal(place: usize) -> String {
    format!("column {}", place + 1)
}

/// Refuses two columns of one name.
pub(super) fn check_names(origin: &str, names: &[String]) -> Result<()> {
    let mut seen = std::collections::HashMap::new();
    for (place, name) in names.iter().enumerate() {
        if let Some(first) = seen.insert(name, place) {
            return Err(Error::data(format!(
                "{origin}: columns {} and {} (from 1) are both called `{name}`; rename one, or give --header no",
                first + 1,
                place + 1
            )));
        }
    }
    Ok(())
}

/// Where the label is: the place, and whether the first line must be a header for that.
pub(super) fn label(origin: &str, options: &TableOptions, first: &[Vec<u8>]) -> Result<Option<(usize, bool, bool)>> {
    let names = names(first);
    match &options.label {
        Some(None) => Ok(None),
        Some(Some(name)) => find(origin, name, &names).map(|(place, named)| Some((place, named, false))),
        None => {
            let of_kinds = options.kinds.iter().find(|(_, kind)| *kind == super::options::Kind::Label);
            if let Some((name, _)) = of_kinds {
                return find(origin, name, &names).map(|(place, named)| Some((place, named, false)));
            }
            let place = names.iter().position(|name| LABELS.contains(&name.to_ascii_lowercase().as_str()));
            Ok(place.filter(|_| options.header != Some(false) && names.len() > 1).map(|place| (place, true, true)))
        }
    }
}

/// The place of a column by its name, or by its number from 1 or, negative, from the end; whether it was the name.
pub(super) fn find(origin: &str, name: &str, names: &[String]) -> Result<(usize, bool)> {
    if let Some(place) = names.iter().position(|known| known == name) {
        return Ok((place, true));
    }
    let place = name.parse::<i64>().ok().and_then(|number| match number {
        1.. => usize::try_from(number - 1).ok(),
        0 => None,
        _ => names.len().checked_sub(usize::try_from(-number).ok()?),
    });
    place.filter(|&place| place < names.len()).map(|place| (place, false)).ok_or_else(|| {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        let hint = suggest::did_you_mean(name, &known);
        Error::data(format!("{origin} has no column `{name}`{hint}; it has {}", few(names)))
    })
}

/// Whether a first record names the columns, from what stands below it.
pub(super) fn is_header(first: &[Vec<u8>], below: &[Guess]) -> bool {
    let fields: Vec<_> = first.iter().map(|field| plain(field)).collect();
    if fields.iter().any(|field| is_missing(field) && !field.is_empty()) {
        return false;
    }
    let is_word = |field: &[u8]| !field.is_empty() && number(field, b'.').is_none() && number(field, b',').is_none();
    if fields.iter().any(|field| !field.is_empty() && !is_word(field)) {
        return false;
    }
    // A word over numbers is a name.
    if fields.iter().zip(below).any(|(field, guess)| is_word(field) && guess.is_numbers()) {
        return true;
    }
    // Words over words: names do not come again, and are all different.
    let different = fields.iter().collect::<std::collections::HashSet<_>>().len() == fields.len();
    different && !fields.iter().zip(below).any(|(field, guess)| guess.knows(field))
}

/// Where a model's columns are in a table.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// The field of each of the model's columns.
    pub(super) columns: Vec<usize>,
    pub(super) label: Option<usize>,
    /// Whether the first record is a header.
    pub(super) header: bool,
    /// Columns that the model does not take.
    pub(super) aside: Vec<String>,
}

impl Places {
    /// Finds them by the first record.
    pub(super) fn of(
        origin: &str,
        schema: &Schema,
        options: &TableOptions,
        decimal: u8,
        first: &[Vec<u8>],
    ) -> Result<Self> {
        let names = names(first);
        let place = |name: &String| names.iter().position(|known| known == name);
        let missing = schema.columns.iter().position(|column| place(&column.name).is_none());
        match missing {
            None if options.header != Some(false) => {
                check_names(origin, &names)?;
                let columns: Vec<usize> = schema.columns.iter().filter_map(|column| place(&column.name)).collect();
                let label =
                    match &options.label {
                        Some(None) => None,
                        // What the model was trained with may be missing from data that come later.
                        Some(Some(name)) => find(origin, name, &names).ok().map(|(place, _)| place),
                        None => schema.label.as_ref().and_then(place).or_else(|| {
                            names.iter().position(|name| LABELS.contains(&name.to_ascii_lowercase().as_str()))
                        }),
                    };
                let label = label.filter(|place| !columns.contains(place));
                let is_aside = |at: &usize| !columns.contains(at) && Some(*at) != label;
                let aside = (0..names.len()).filter(is_aside).map(|at| names[at].clone()).collect();
                Ok(Self { columns, label, header: true, aside })
            }
            _ if options.header != Some(true) && looks_like_data(schema, decimal, first) => {
                Self::in_order(origin, schema, options, first.len())
            }
            _ => {
                let at = missing.unwrap_or(0);
                let known: Vec<&str> = names.iter().map(String::as_str).collect();
                let name = &schema.columns[at].name;
                let hint = suggest::did_you_mean(name, &known);
                Err(Error::data(format!(
                    "{origin} has no column `{name}`, the model's column {} (from 1){hint}; its header is {}: name the columns as \
                     the model's are",
                    at + 1,
                    few(&names)
                )))
            }
        }
    }

    /// Without a header: the model's columns in their order, and perhaps a label.
    fn in_order(origin: &str, schema: &Schema, options: &TableOptions, fields: usize) -> Result<Self> {
        let (takes, header) = (schema.columns.len(), false);
        if fields == takes {
            return Ok(Self { columns: (0..takes).collect(), label: None, header, aside: Vec::new() });
        }
        let label = match &options.label {
            Some(Some(name)) => find(origin, name, &(0..fields).map(ordinal).collect::<Vec<_>>()).ok(),
            _ => None,
        };
        match label {
            Some((label, _)) if fields == takes + 1 => Ok(Self {
                columns: (0..fields).filter(|&place| place != label).collect(),
                label: Some(label),
                header,
                aside: Vec::new(),
            }),
            _ => Err(Error::data(format!(
                "{origin} has {fields} columns and no header, and the model takes {takes}; give those, or a header with \
                 their names"
            ))),
        }
    }
}

/// Whether the model's columns can be read from a record by place.
fn looks_like_data(schema: &Schema, decimal: u8, first: &[Vec<u8>]) -> bool {
    let (mut unseen, mut known) = (Unseen::default(), 0);
    let shift = first.len().saturating_sub(schema.columns.len());
    if shift > 1 || first.len() < schema.columns.len() {
        // Other numbers of columns: a line of numbers is data all the same.
        return first.iter().all(|field| number(&plain(field), decimal).is_some() || is_missing(&plain(field)));
    }
    (0..=shift).any(|start| {
        let all = schema.columns.iter().zip(&first[start..]).all(|(column, field)| {
            let reading = Reading::of(column);
            let read = reading.read(field, decimal, Place { origin: "", row: 1, column }, &mut unseen);
            known += usize::from(read.as_ref().is_ok_and(|x| !x.is_nan()));
            read.is_ok()
        });
        all && known > unseen.count as usize
    })
}

/// A few names of many.
pub(super) fn few(names: &[String]) -> String {
    let first = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
