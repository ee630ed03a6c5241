//! The writer of `.parquet`: columns of doubles, of truth values and of words, null for what is missing, packed with
//! snappy. Rows wait until a group of them is full.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use super::cell::put;
use super::header::{Header, RowWriter};
use crate::data::{Column, ColumnKind};
use crate::error::{Error, Result};
use crate::files::Atomic;

/// Values of a group of rows.
const GROUP: usize = 1 << 20;

pub(super) struct Parquet {
    writer: SerializedFileWriter<Atomic>,
    header: Header,
    path: PathBuf,
    /// The rows that wait, `[n, features]`, and their labels.
    values: Vec<f64>,
    labels: Vec<u32>,
}

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Numbers,
    Truth,
    Words,
}

impl Written {
    fn of(column: Option<&Column>) -> Self {
        match column {
            Some(Column { kind: ColumnKind::Boolean, levels, .. })
                if levels.is_empty() || levels == &["false", "true"] =>
            {
                Self::Truth
            }
            Some(Column { kind: ColumnKind::Boolean | ColumnKind::Categorical, levels, .. }) if !levels.is_empty() => {
                Self::Words
            }
            _ => Self::Numbers,
        }
    }

    fn field(self, name: &str) -> std::result::Result<TypePtr, ParquetError> {
        let (physical, logical) = match self {
            Self::Numbers => (Physical::DOUBLE, None),
            Self::Truth => (Physical::BOOLEAN, None),
            Self::Words => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let builder = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
        builder.with_logical_type(logical).build().map(Arc::new)
    }
}

impl Parquet {
    pub(super) fn create(path: &Path, header: Header) -> Result<Self> {
        let file = Atomic::create(path)?;
        let writer = begin(&header, file).map_err(|error| failed(path, error))?;
        Ok(Self { writer, header, path: path.to_owned(), values: Vec::new(), labels: Vec::new() })
    }

    /// Writes the rows that wait as a group.
    fn flush(&mut self) -> std::result::Result<(), ParquetError> {
        let features = self.header.features();
        if self.values.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        let mut at = 0;
        while let Some(mut column) = group.next_column()? {
            let own = self.values.iter().skip(at).step_by(features).copied();
            match column.untyped() {
                ColumnWriter::DoubleColumnWriter(writer) => {
                    let values: Vec<f64> = own.clone().filter(|value| !value.is_nan()).collect();
                    writer.write_batch(&values, Some(&there(own)), None)?;
                }
                ColumnWriter::BoolColumnWriter(writer) => {
                    let values: Vec<bool> =
                        own.clone().filter(|value| !value.is_nan()).map(|value| value != 0.0).collect();
                    writer.write_batch(&values, Some(&there(own)), None)?;
                }
                ColumnWriter::ByteArrayColumnWriter(writer) if at < features => {
                    let column = self.header.columns.get(at);
                    let word = |value: f64| {
                        let mut text = Vec::new();
                        put(value, column, &mut text);
                        ByteArray::from(text)
                    };
                    let values: Vec<ByteArray> = own.clone().filter(|value| !value.is_nan()).map(word).collect();
                    writer.write_batch(&values, Some(&there(own)), None)?;
                }
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    let names = self.labels.iter().map(|&label| ByteArray::from(self.header.class(label).into_bytes()));
                    writer.write_batch(&names.collect::<Vec<_>>(), None, None)?;
                }
                ColumnWriter::Int32ColumnWriter(writer) => {
                    let labels: Vec<i32> = self.labels.iter().map(|&label| label as i32).collect();
                    writer.write_batch(&labels, None, None)?;
                }
                _ => return Err(ParquetError::General("a column of another type".to_owned())),
            }
            column.close()?;
            at += 1;
        }
        group.close()?;
        self.values.clear();
        self.labels.clear();
        Ok(())
    }
}

/// Of each value 1 if it is there, else 0.
fn there(values: impl Iterator<Item = f64>) -> Vec<i16> {
    values.map(|value| i16::from(!value.is_nan())).collect()
}

fn begin(header: &Header, file: Atomic) -> std::result::Result<SerializedFileWriter<Atomic>, ParquetError> {
    let names = header.names();
    let mut fields = Vec::new();
    for (at, name) in names.iter().enumerate() {
        fields.push(Written::of(header.columns.get(at)).field(name)?);
    }
    if let Some(classes) = &header.labels {
        let (physical, logical) = match classes.is_empty() {
            true => (Physical::INT32, None),
            false => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let name = header.label_name();
        let builder = Type::primitive_type_builder(&name, physical).with_repetition(Repetition::REQUIRED);
        fields.push(Arc::new(builder.with_logical_type(logical).build()?));
    }
    let schema = Type::group_type_builder("schema").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))
}

fn failed(path: &Path, error: ParquetError) -> Error {
    Error::io("write", path, std::io::Error::other(error))
}

impl RowWriter for Parquet {
    fn write(&mut self, values: &[f64], labels: Option<&[u32]>) -> Result<()> {
        self.header.rows(values, labels)?;
        self.values.extend_from_slice(values);
        self.labels.extend_from_slice(labels.unwrap_or_default());
        if self.values.len() < GROUP {
            return Ok(());
        }
        self.flush().map_err(|error| failed(&self.path, error))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.flush().map_err(|error| failed(&self.path, error))?;
        let file = self.writer.into_inner().map_err(|error| failed(&self.path, error))?;
        file.finish()
    }
}
