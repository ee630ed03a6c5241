//! All of a table into memory: what its columns hold is found out first, in a pass over every row.

use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::dialect::Dialect;
use super::guess::{Found, Guess};
use super::header::{self, few, ordinal};
use super::options::{Kind, TableOptions};
use super::reader::{TableReader, TableRows, ragged, reserve};
use super::records::Text;
use super::schema::Schema;
use crate::data::dataset::{Dataset, Samples};
use crate::data::rows::{Column, ColumnKind};
use crate::data::spill::Spill;
use crate::error::{Error, Result};

/// Where the text of a table is; it is read twice where columns are found out.
#[derive(Clone)]
enum Input<'a> {
    File(&'a Path),
    Bytes(&'a Arc<[u8]>, &'a str),
}

impl Input<'_> {
    fn open(&self) -> Result<Text> {
        match self {
            Self::File(path) => Text::open(path),
            Self::Bytes(bytes, origin) => Text::of(Cursor::new(Arc::clone(bytes)), (*origin).to_owned()),
        }
    }
}

/// All rows of a file, plain or packed by gzip: by a model's columns where the options have them, else as found out.
///
/// # Errors
/// What cannot be read; rows of different lengths; text among numbers; a label or a column that is not there; no memory.
pub fn read_table(path: &Path, options: &TableOptions) -> Result<Dataset> {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.display().to_string());
    read(&Input::File(path), options).map(|dataset| dataset.with_name(name))
}

/// What messages call standard input.
pub(in crate::data) const STDIN: &str = "standard input";

/// The same of standard input, all of which is held in memory: it can be read once, and training looks at it again.
pub(in crate::data) fn read_stdin(options: &TableOptions) -> Result<Dataset> {
    static HELD: Mutex<Option<Arc<[u8]>>> = Mutex::new(None);
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let bytes = match &*held {
        Some(bytes) => Arc::clone(bytes),
        None => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().read_to_end(&mut bytes);
            read.map_err(|error| Error::io("read", Path::new(STDIN), error))?;
            Arc::clone(held.insert(bytes.into()))
        }
    };
    read(&Input::Bytes(&bytes, STDIN), options)
}

/// The same of bytes, plain or packed by gzip, which messages call `origin`.
///
/// # Errors
/// As for [`read_table`].
pub fn parse_table(bytes: Vec<u8>, origin: &str, options: &TableOptions) -> Result<Dataset> {
    let bytes: Arc<[u8]> = bytes.into();
    read(&Input::Bytes(&bytes, origin), options)
}

fn read(input: &Input<'_>, options: &TableOptions) -> Result<Dataset> {
    let (schema, mut notes, single) = match &options.schema {
        Some(schema) => (Arc::clone(schema), Vec::new(), false),
        None => {
            let found = find_out(input, options)?;
            (Arc::new(found.schema), found.notes, found.single)
        }
    };
    let known = TableOptions { schema: Some(schema), ..options.clone() };
    let mut reader = TableReader::over(input.open()?, &known)?;
    let width = reader.columns().len();
    let mut values = if single { Samples::F32(Vec::new()) } else { Samples::F64(Vec::new()) };
    let limit = options.memory.map_or(usize::MAX, |mib| mib.saturating_mul(1 << 20));
    let mut labels = Vec::new();
    let mut block = TableRows::default();
    while reader.next(1 << 14, &mut block)? {
        append(&mut values, &block.values, (width, limit))?;
        reserve(&mut labels, block.labels.len())?;
        labels.extend_from_slice(&block.labels);
    }
    notes.extend(reader.notes());
    if let Samples::File(_) = &values {
        notes.push(format!(
            "{} MiB of rows are kept in a temporary file, and shuffled by blocks (--memory says from how many on)",
            (values.len() * size_of::<f64>()) >> 20
        ));
    }
    let missing = reader.missing() > 0;
    let name = reader.origin().to_owned();
    let dataset = match missing {
        true => Dataset::with_missing(name, values, width)?,
        false => Dataset::new(name, values, width)?,
    };
    let mut dataset = dataset.with_columns(reader.columns().to_vec())?;
    if reader.has_labels() {
        dataset = dataset.with_labels(labels)?.with_class_names(reader.classes().to_vec())?;
    }
    Ok(notes.into_iter().fold(dataset, Dataset::with_note))
}

/// Appends rows; where they become more than `limit` bytes they go to a file.
fn append(to: &mut Samples, values: &[f64], (features, limit): (usize, usize)) -> Result<()> {
    if to.bytes().saturating_add(size_of_val(values)) > limit && !matches!(to, Samples::File(_)) {
        let mut spill = Spill::new(features)?;
        match &*to {
            Samples::F32(held) => {
                for part in held.chunks((1 << 16) / features.max(1) * features.max(1) + features) {
                    spill.append(&part.iter().map(|&x| f64::from(x)).collect::<Vec<_>>())?;
                }
            }
            Samples::F64(held) => spill.append(held)?,
            Samples::U8(_) | Samples::File(_) => {}
        }
        *to = Samples::File(spill);
    }
    match to {
        Samples::F32(to) => {
            reserve(to, values.len())?;
            to.extend(values.iter().map(|&x| x as f32));
        }
        Samples::F64(to) => {
            reserve(to, values.len())?;
            to.extend_from_slice(values);
        }
        Samples::File(spill) => spill.append(values)?,
        Samples::U8(_) => {}
    }
    Ok(())
}

/// What a table was found to be.
struct FoundOut {
    schema: Schema,
    notes: Vec<String>,
    /// Whether f32 holds every number as it is.
    single: bool,
}

/// Looks at every row of a table once.
fn find_out(input: &Input<'_>, options: &TableOptions) -> Result<FoundOut> {
    let text = input.open()?;
    let dialect = Dialect::of(&text, options)?;
    let mut records = text.records(dialect.delimiter, options.skip)?;
    let origin = records.origin().to_owned();
    let Some((_, record)) = records.next()? else {
        return Err(Error::data(format!("{origin} has no rows; give a table with at least one")));
    };
    let first: Vec<Vec<u8>> = record.iter().map(<[u8]>::to_vec).collect();
    let label = header::label(&origin, options, &first)?;
    let names = header::names(&first);
    let mut guesses: Vec<Guess> = names.iter().map(|name| Guess::new(name.clone(), None)).collect();
    let mut named = label.is_some_and(|(_, named, _)| named);
    for (name, kind) in &options.kinds {
        let (place, by_name) = header::find(&origin, name, &names)?;
        named |= by_name;
        guesses[place] = Guess::new(names[place].clone(), Some(*kind));
    }
    if let Some((place, _, auto)) = label
        && !auto
    {
        guesses[place] = Guess::new(names[place].clone(), Some(Kind::Label));
    }
    while let Some((row, record)) = records.next()? {
        if record.len() != first.len() {
            return Err(ragged(&origin, row, record.len(), first.len()));
        }
        for (guess, field) in guesses.iter_mut().zip(record.iter()) {
            guess.see(field, dialect.decimal, row);
        }
    }
    let is_header = options.header.unwrap_or(named || header::is_header(&first, &guesses));
    if is_header {
        header::check_names(&origin, &names)?;
    } else {
        for (place, (guess, field)) in guesses.iter_mut().zip(&first).enumerate() {
            guess.see(field, dialect.decimal, 1);
            guess.rename(ordinal(place));
        }
    }
    // A column that is merely called so is a label where it has few classes.
    if let Some((place, _, true)) = label.filter(|_| is_header)
        && guesses[place].is_few()
        && guesses[place].missing() == 0
        && guesses.len() > 1
    {
        guesses[place] = guesses[place].clone().labelled();
    }
    let mut found = settle(&origin, &guesses)?;
    found.notes.splice(0..0, written(dialect, is_header, options));
    Ok(found)
}

/// How a table is written, where that is not the commonest way.
fn written(dialect: Dialect, header: bool, options: &TableOptions) -> Option<String> {
    let mut words = Vec::new();
    if dialect.delimiter != b',' && options.delimiter.is_none() {
        let name = if dialect.delimiter == b'\t' { "tab".into() } else { format!("`{}`", dialect.delimiter as char) };
        words.push(format!("fields stand between {name}"));
    }
    if dialect.decimal == b',' && options.decimal.is_none() {
        words.push("numbers have a decimal comma".into());
    }
    if !header && options.header.is_none() {
        words.push("there is no header".into());
    }
    (!words.is_empty()).then(|| format!("table: {}", words.join(", ")))
}

/// Makes columns of what was seen.
fn settle(origin: &str, guesses: &[Guess]) -> Result<FoundOut> {
    let mixed = guesses.iter().any(Guess::is_words);
    let mut schema = Schema::default();
    let (mut notes, mut missing, mut single) = (Vec::new(), 0, true);
    for guess in guesses {
        match guess.finish(origin, mixed)? {
            Found::Column(column) => {
                missing += guess.missing();
                single &= column.kind != ColumnKind::Numeric || guess.is_single();
                schema.columns.push(column);
            }
            Found::Label(classes) => {
                notes.push(format!("label: `{}`, {} classes", guess.name(), guess.distinct()));
                (schema.classes, schema.label) = (classes, Some(guess.name().to_owned()));
            }
            Found::Aside(why) => notes.push(format!(
                "column `{}` is left aside: {why} (--columns \"{}=categorical\" keeps it)",
                guess.name(),
                guess.name()
            )),
        }
    }
    if schema.columns.is_empty() {
        return Err(Error::data(format!("{origin} has no column to learn from; {}", notes.join("; "))));
    }
    notes.insert(0, columns_line(&schema.columns));
    if missing > 0 {
        notes.push(format!("{missing} values are missing"));
    }
    Ok(FoundOut { schema, notes, single })
}

/// The columns by what they hold.
fn columns_line(columns: &[Column]) -> String {
    let of = |kind: ColumnKind, word: &str| {
        let names: Vec<String> = columns.iter().filter(|column| column.kind == kind).map(|c| c.name.clone()).collect();
        (!names.is_empty()).then(|| format!("{} {word} ({})", names.len(), few(&names)))
    };
    let kinds = [
        of(ColumnKind::Numeric, "numeric"),
        of(ColumnKind::Categorical, "categorical"),
        of(ColumnKind::Boolean, "boolean"),
    ];
    format!("columns: {}", kinds.into_iter().flatten().collect::<Vec<_>>().join(", "))
}
