//! The reader of `.parquet`: column after column through the crate `parquet`, then rows.
//!
//! The crate's column readers are used, not its rows: those box every value. Run lengths may stand for any number of
//! values, so what a file may unpack to is bounded by its length. The crate is not proof against every damaged file; a
//! panic in it is caught and becomes an error.

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::words::{file_name, one_line};
use crate::data::memory::reserved;
use crate::data::{Column, ColumnKind, Dataset, MAX_CLASSES, Samples};
use crate::error::{Error, Result};

/// Values may take so many bytes whatever the length of the file, and for each of its bytes.
const FREE: u64 = 1 << 24;
const PACKING: u64 = 1 << 10;
/// Records read at a time.
const BATCH: usize = 1 << 13;
/// The most columns of a table.
const MAX_COLUMNS: usize = 1 << 16;

pub(super) fn read(path: &Path, label: Option<&str>) -> Result<Dataset> {
    let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
    let data = table(file, &path.display().to_string(), label)?;
    Ok(data.with_name(file_name(path)))
}

pub(super) fn parse(bytes: Vec<u8>, origin: &str, label: Option<&str>) -> Result<Dataset> {
    table(bytes::Bytes::from(bytes), origin, label)
}

fn table<R: ChunkReader + 'static>(reader: R, origin: &str, label: Option<&str>) -> Result<Dataset> {
    let limit = reader.len().saturating_mul(PACKING).saturating_add(FREE);
    let read = || columns(reader, limit).map_err(|error| broken(origin, &error));
    let found = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(broken(origin, &"it is damaged")))?;
    dataset(found, origin, label)
}

fn broken(origin: &str, error: &dyn std::fmt::Display) -> Error {
    Error::data(format!("cannot use {origin}: {}; save it again, unpacked or with snappy", one_line(error)))
}

/// The columns that are read, and the names of the others.
struct Found {
    columns: Vec<Read>,
    aside: Vec<String>,
}

/// A column on its way.
struct Read {
    name: String,
    kind: ColumnKind,
    values: Vec<f64>,
    /// Of words their numbers, in order of appearance.
    words: BTreeMap<String, u32>,
}

fn columns<R: ChunkReader + 'static>(reader: R, limit: u64) -> std::result::Result<Found, ParquetError> {
    let file = SerializedFileReader::new(reader)?;
    let schema = file.metadata().file_metadata().schema_descr_ptr();
    if schema.num_columns() > MAX_COLUMNS {
        return Err(general(format!("it has {} columns, over the limit of {MAX_COLUMNS}", schema.num_columns())));
    }
    let mut found = Found { columns: Vec::new(), aside: Vec::new() };
    let mut left = limit;
    for (at, column) in schema.columns().iter().enumerate() {
        let Some(kind) = kind(column) else {
            found.aside.push(one_line(&column.path().string()));
            continue;
        };
        let mut read = Read { name: column.name().to_owned(), kind, values: Vec::new(), words: BTreeMap::new() };
        for group in 0..file.num_row_groups() {
            let group = file.get_row_group(group)?;
            let before = read.values.len();
            // The crate panics at such places.
            let place = group.metadata().column(at);
            let start = place.dictionary_page_offset().unwrap_or(place.data_page_offset());
            if start < 0 || place.compressed_size() < 0 {
                return Err(general("its columns lie before its beginning".to_owned()));
            }
            read.chunk(group.get_column_reader(at)?, column, &mut left)?;
            if i64::try_from(read.values.len() - before) != Ok(group.metadata().num_rows()) {
                return Err(general(format!("column `{}` does not have a value for each row", one_line(&read.name))));
            }
        }
        found.columns.push(read);
    }
    Ok(found)
}

fn general(text: String) -> ParquetError {
    ParquetError::General(text)
}

/// What the values of a column are; `None` of those that are not read.
fn kind(column: &ColumnDescriptor) -> Option<ColumnKind> {
    use parquet::basic::Type;
    if column.max_rep_level() > 0 || column.max_def_level() > 1 || column.path().parts().len() != 1 {
        return None;
    }
    match column.physical_type() {
        Type::BOOLEAN => Some(ColumnKind::Boolean),
        Type::INT32 | Type::INT64 | Type::FLOAT | Type::DOUBLE => Some(ColumnKind::Numeric),
        Type::BYTE_ARRAY => {
            let is_text = matches!(column.logical_type_ref(), Some(LogicalType::String | LogicalType::Enum))
                || matches!(column.converted_type(), ConvertedType::UTF8 | ConvertedType::ENUM);
            is_text.then_some(ColumnKind::Categorical)
        }
        Type::INT96 | Type::FIXED_LEN_BYTE_ARRAY => None,
    }
}

impl Read {
    /// Adds the values of one group of rows.
    fn chunk(
        &mut self,
        reader: ColumnReader,
        column: &ColumnDescriptor,
        left: &mut u64,
    ) -> std::result::Result<(), ParquetError> {
        let is_unsigned = matches!(
            column.converted_type(),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
        );
        let scale = match column.converted_type() {
            ConvertedType::DECIMAL => 10_f64.powi(column.type_scale()),
            _ => 1.0,
        };
        let name = one_line(&self.name);
        let (values, words) = (&mut self.values, &mut self.words);
        match reader {
            ColumnReader::BoolColumnReader(reader) => {
                each(reader, column, left, values, |value| Ok(f64::from(u8::from(*value))))
            }
            ColumnReader::Int32ColumnReader(reader) => each(reader, column, left, values, |&value| {
                Ok(if is_unsigned { f64::from(value as u32) } else { f64::from(value) / scale })
            }),
            ColumnReader::Int64ColumnReader(reader) => each(reader, column, left, values, |&value| {
                Ok(if is_unsigned { value as u64 as f64 } else { value as f64 / scale })
            }),
            ColumnReader::FloatColumnReader(reader) => each(reader, column, left, values, |&value| Ok(value.into())),
            ColumnReader::DoubleColumnReader(reader) => each(reader, column, left, values, |&value| Ok(value)),
            ColumnReader::ByteArrayColumnReader(reader) => {
                each(reader, column, left, values, |value| word(value, words, &name))
            }
            _ => Err(general(format!("column `{name}` is of a type that is not read"))),
        }
    }

    /// The column, its levels sorted and its values their new numbers.
    fn finish(mut self) -> (Column, Vec<f64>) {
        let levels: Vec<String> = match self.kind {
            ColumnKind::Numeric => Vec::new(),
            ColumnKind::Boolean => vec!["false".into(), "true".into()],
            ColumnKind::Categorical => {
                let mut places = vec![0.0; self.words.len()];
                for (place, &number) in self.words.values().enumerate() {
                    if let Some(to) = places.get_mut(number as usize) {
                        *to = place as f64;
                    }
                }
                for value in &mut self.values {
                    // NaN, a missing one, stays.
                    *value =
                        if value.is_nan() { *value } else { places.get(*value as usize).copied().unwrap_or(*value) };
                }
                self.words.into_keys().collect()
            }
        };
        (Column { name: self.name, kind: self.kind, levels }, self.values)
    }
}

/// The number of a word.
fn word(bytes: &ByteArray, words: &mut BTreeMap<String, u32>, column: &str) -> std::result::Result<f64, ParquetError> {
    let word = bytes.as_utf8()?;
    if let Some(&number) = words.get(word) {
        return Ok(number.into());
    }
    let next = words.len() as u32;
    if next >= MAX_CLASSES {
        return Err(general(format!("column `{column}` has more than {MAX_CLASSES} different words; leave it out")));
    }
    words.insert(word.to_owned(), next);
    Ok(next.into())
}

/// Reads all values of a column's part, null as NaN.
fn each<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    column: &ColumnDescriptor,
    left: &mut u64,
    out: &mut Vec<f64>,
    mut number: impl FnMut(&T::T) -> std::result::Result<f64, ParquetError>,
) -> std::result::Result<(), ParquetError> {
    let nullable = column.max_def_level() > 0;
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    loop {
        values.clear();
        levels.clear();
        let (records, _, _) = reader.read_records(BATCH, nullable.then_some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Ok(());
        }
        *left = left
            .checked_sub(records as u64 * size_of::<f64>() as u64)
            .ok_or_else(|| general("it unpacks to more values than is believed of a file of its length".to_owned()))?;
        out.try_reserve(records).map_err(|_| general("not enough memory for its values".to_owned()))?;
        let mut present = values.iter();
        for at in 0..records {
            let is_there = !nullable || levels.get(at) == Some(&1);
            out.push(match is_there.then(|| present.next()).flatten() {
                Some(value) => number(value)?,
                None => f64::NAN,
            });
        }
    }
}

fn dataset(found: Found, origin: &str, label: Option<&str>) -> Result<Dataset> {
    let names: Vec<String> = found.columns.iter().map(|column| one_line(&column.name)).collect();
    let mut labels = None;
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    for read in found.columns {
        match label == Some(read.name.as_str()) && labels.is_none() {
            true => labels = Some(read.finish()),
            false => {
                let (column, of_column) = read.finish();
                columns.push(column);
                values.push(of_column);
            }
        }
    }
    if let (Some(label), None) = (label, &labels) {
        return Err(Error::data(format!("{origin} has no column `{label}`; its columns are {}", names.join(", "))));
    }
    let rows = values.first().map_or(0, Vec::len);
    let mut samples = reserved(rows.saturating_mul(values.len()), "a table")?;
    for row in 0..rows {
        samples.extend(values.iter().map(|column| column.get(row).copied().unwrap_or(f64::NAN)));
    }
    drop(values);
    let missing = samples.iter().filter(|value| value.is_nan()).count();
    let features = columns.len();
    let mut data = match missing {
        0 => Dataset::new(origin, Samples::F64(samples), features)?,
        _ => Dataset::with_missing(origin, Samples::F64(samples), features)?,
    };
    data = data.with_columns(columns)?;
    if let Some((column, classes)) = labels {
        data = labelled(data, column, &classes, origin)?;
    }
    if !found.aside.is_empty() {
        data = data.with_note(format!("{origin}: left aside the columns {}", found.aside.join(", ")));
    }
    Ok(data)
}

fn labelled(data: Dataset, column: Column, classes: &[f64], origin: &str) -> Result<Dataset> {
    let mut labels = reserved(classes.len(), "labels")?;
    for (row, &value) in classes.iter().enumerate() {
        if !(value.fract() == 0.0 && value >= 0.0 && value < f64::from(MAX_CLASSES)) {
            return Err(Error::data(format!(
                "{origin}: the label {value} of row {row} (from 0) in column `{}` is not a whole number below \
                 {MAX_CLASSES}; number the classes from 0, or give their names",
                one_line(&column.name)
            )));
        }
        labels.push(value as u32);
    }
    let data = data.with_labels(labels)?;
    if column.levels.is_empty() { Ok(data) } else { data.with_class_names(column.levels) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Rows;
    use crate::data::formats::{Header, create};

    fn written(folder: &Path) -> Vec<u8> {
        let path = folder.join("t.parquet");
        let levels = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let columns = vec![
            Column::numeric("size"),
            Column { name: "colour".into(), kind: ColumnKind::Categorical, levels: levels(&["red", "blue"]) },
            Column { name: "new".into(), kind: ColumnKind::Boolean, levels: levels(&["false", "true"]) },
        ];
        let header = Header { labels: Some(levels(&["b", "a"])), ..Header::of_columns(columns) };
        let mut writer = create(&path, header).unwrap();
        writer.write(&[0.5, 0.0, 1.0, f64::NAN, 1.0, 0.0, 3.0, f64::NAN, f64::NAN], Some(&[0, 1, 0])).unwrap();
        writer.finish().unwrap();
        std::fs::read(path).unwrap()
    }

    #[test]
    fn tables_come_back_with_sorted_levels() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path());
        let data = read_at(folder.path(), Some("label"));
        assert_eq!((data.name(), data.len(), data.features()), ("t.parquet", 3, 3));
        let columns = data.columns().unwrap();
        assert_eq!(columns[1].levels, ["blue", "red"]);
        assert_eq!(columns[2].kind, ColumnKind::Boolean);
        let Samples::F64(values) = data.samples() else { panic!("doubles") };
        assert_eq!(values[..3], [0.5, 1.0, 1.0]);
        assert!(values[3].is_nan() && values[7].is_nan() && values[8].is_nan());
        assert_eq!(
            (data.labels().unwrap(), data.class_names().unwrap()),
            (&[1, 0, 1][..], &["a".to_owned(), "b".to_owned()][..])
        );
        assert_eq!(read_at(folder.path(), None).features(), 4);
        let text = read(&folder.path().join("t.parquet"), Some("kind")).unwrap_err().to_string();
        assert!(text.contains("no column `kind`; its columns are size, colour, new, label"), "{text}");
    }

    fn read_at(folder: &Path, label: Option<&str>) -> Dataset {
        read(&folder.join("t.parquet"), label).unwrap()
    }

    #[test]
    fn damaged_tables_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = written(folder.path());
        (0..bytes.len()).for_each(|end| assert!(parse(bytes[..end].to_vec(), "t", None).is_err()));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            let _ = parse(changed, "t", None);
        }
    }
}
