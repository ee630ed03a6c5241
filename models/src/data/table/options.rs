//! What may be said of a table beforehand, where finding out is not enough.

use std::path::Path;
use std::sync::Arc;

use strum::{EnumString, IntoStaticStr, VariantNames};

use super::schema::Schema;
use crate::error::{Error, Result};
use crate::files;
use crate::settings::word;
use crate::suggest;

/// Whether the first line of a table names its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum HeaderName {
    /// Found out: names stand over numbers, or do not come again below.
    Auto,
    /// It does.
    Yes,
    /// It is data.
    No,
}

word!(HeaderName, "header");

/// What stands between the whole and the fraction of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum DecimalName {
    /// Found out: a comma where fields such as `3,14` stand between other delimiters.
    Auto,
    /// 3.14
    Point,
    /// 3,14
    Comma,
}

word!(DecimalName, "decimal");

/// What the keys of data say of tables.
#[derive(Debug, Clone, Copy)]
pub struct TableKeys<'a> {
    /// The column of classes: a name, a number, `none`, or nothing.
    pub label: &'a str,
    /// What columns hold, `NAME=KIND,..` or a file.
    pub columns: &'a str,
    /// Whether the first line names the columns.
    pub header: HeaderName,
    /// What stands between fields: `auto`, `tab`, or a character.
    pub delimiter: &'a str,
    /// What stands between whole and fraction.
    pub decimal: DecimalName,
    /// Lines to leave out at the start.
    pub skip_lines: usize,
    /// MiB of rows that are held in memory; more go to a temporary file.
    pub memory: usize,
}

/// What a column is said to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Numeric,
    Categorical,
    Boolean,
    Label,
    Ignore,
}

impl Kind {
    const ALL: [(&'static str, Self); 5] = [
        ("numeric", Self::Numeric),
        ("categorical", Self::Categorical),
        ("boolean", Self::Boolean),
        ("label", Self::Label),
        ("ignore", Self::Ignore),
    ];

    fn read(column: &str, word: &str) -> Result<Self> {
        Self::ALL.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind).ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name);
            let hint = suggest::did_you_mean(word, &names);
            Error::usage(format!("columns: `{column}` is `{word}`{hint}; use {}", names.join(", ")))
        })
    }
}

/// How a table is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableOptions {
    /// Whether the first line names the columns, if that is known.
    pub header: Option<bool>,
    /// What stands between fields, if that is known.
    pub delimiter: Option<u8>,
    /// What stands between whole and fraction, `.` or `,`, if that is known.
    pub decimal: Option<u8>,
    /// Lines to leave out at the start.
    pub skip: usize,
    /// The column of classes, if one is named; `Some(None)` for none.
    pub(super) label: Option<Option<String>>,
    pub(super) kinds: Vec<(String, Kind)>,
    /// A model's columns.
    pub schema: Option<Arc<Schema>>,
    /// MiB of rows that are held in memory, if there is a limit.
    pub memory: Option<usize>,
}

impl TableOptions {
    /// What the keys say.
    ///
    /// # Errors
    /// A delimiter that is none; kinds that do not exist; a file of kinds that cannot be read.
    pub fn new(keys: &TableKeys<'_>) -> Result<Self> {
        let delimiter = match keys.delimiter {
            "auto" | "" => None,
            "tab" | "\\t" | "\t" => Some(b'\t'),
            one if one.len() == 1 && !matches!(one.as_bytes()[0], b'"' | b'\n' | b'\r') => Some(one.as_bytes()[0]),
            other => {
                return Err(Error::usage(format!(
                    "delimiter is `{other}`; give auto, tab or one character that is no quote and no letter beyond ASCII"
                )));
            }
        };
        Ok(Self {
            header: match keys.header {
                HeaderName::Auto => None,
                HeaderName::Yes => Some(true),
                HeaderName::No => Some(false),
            },
            delimiter,
            decimal: match keys.decimal {
                DecimalName::Auto => None,
                DecimalName::Point => Some(b'.'),
                DecimalName::Comma => Some(b','),
            },
            skip: keys.skip_lines,
            label: match keys.label {
                "" => None,
                "none" => Some(None),
                name => Some(Some(name.to_owned())),
            },
            kinds: kinds(keys.columns)?,
            schema: None,
            memory: Some(keys.memory),
        })
    }

    /// The column of classes that was asked for by name.
    pub(in crate::data) fn label_name(&self) -> Option<&str> {
        self.label.as_ref()?.as_deref()
    }

    /// The same, by a model's columns.
    #[must_use]
    pub fn with_schema(self, schema: Option<Arc<Schema>>) -> Self {
        Self { schema, ..self }
    }
}

/// `age=numeric,sex=categorical`, or the file that says so.
fn kinds(text: &str) -> Result<Vec<(String, Kind)>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if !text.contains('=') {
        return of_file(text);
    }
    text.split(',')
        .map(|pair| {
            let (name, kind) = pair.rsplit_once('=').ok_or_else(|| {
                Error::usage(format!("columns: `{pair}` is no NAME=KIND; write age=numeric,sex=categorical"))
            })?;
            Ok((name.trim().to_owned(), Kind::read(name.trim(), kind.trim())?))
        })
        .collect()
}

/// A TOML file, `age = "numeric"` in each line, or in a table `[columns]`.
fn of_file(path: &str) -> Result<Vec<(String, Kind)>> {
    let bytes = files::read_limited(Path::new(path), 1 << 20)?;
    let wrong = |what: &dyn std::fmt::Display| {
        Error::usage(format!("{path}: {what}; give a TOML file with lines such as age = \"numeric\""))
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| wrong(&error))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| wrong(&error.message()))?;
    let table = match table.get("columns") {
        Some(toml::Value::Table(inner)) => inner.clone(),
        _ => table,
    };
    table
        .iter()
        .map(|(name, value)| match value {
            toml::Value::String(kind) => Ok((name.clone(), Kind::read(name, kind)?)),
            other => Err(wrong(&format_args!("`{name}` is a {}", other.type_str()))),
        })
        .collect()
}
