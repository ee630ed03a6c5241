//! Rows to codes, codes to rows, and rows to their reconstructions, block after block: any number of them, in the memory
//! of one block.

use crate::data::{Chunk, Column, DataSettings, Known, PartName, Schema, Stream};
use crate::model::{Model, Session};
use crate::{Error, Result};
use std::sync::Arc;

/// Takes some rows, `[n, width]`, with their labels.
pub type Put<'a> = dyn FnMut(&[f64], Option<&[u32]>) -> Result<()> + 'a;

/// Looks at some rows before they are worked on.
pub type See<'a> = dyn FnMut(&Chunk<'_>) -> Result<()> + 'a;

/// Hands the codes of a stream's rows to `put`, `[n, code]` at a time; gives how many rows there were.
///
/// # Errors
/// Those of reading, by row and column; values that the model cannot take; what `put` fails with.
pub fn encode(session: &mut Session, stream: &mut Stream, put: &mut Put<'_>) -> Result<u64> {
    encode_seen(session, stream, &mut |_| Ok(()), put)
}

/// The same, and shows `see` the rows themselves before they are encoded.
///
/// # Errors
/// As for [`encode`]; what `see` fails with.
pub fn encode_seen(session: &mut Session, stream: &mut Stream, see: &mut See<'_>, put: &mut Put<'_>) -> Result<u64> {
    over(session, stream, (see, put), |session, given, out| {
        let codes = session.encode(given)?;
        out.extend(codes.iter().map(|&x| f64::from(x)));
        Ok(())
    })
}

/// Hands the reconstructions of a stream's rows to `put`, raw, `[n, features]` at a time; gives how many rows there were.
///
/// # Errors
/// As for [`encode`].
pub fn reconstruct_rows(session: &mut Session, stream: &mut Stream, put: &mut Put<'_>) -> Result<u64> {
    over(session, stream, (&mut |_| Ok(()), put), |session, given, out| {
        out.extend(session.reconstruct(given)?.iter().map(|&x| f64::from(x)));
        Ok(())
    })
}

/// Hands what codes stand for to `put`, raw, `[n, features]` at a time; gives how many codes there were. The stream is one
/// of [`open_codes`].
///
/// # Errors
/// As for [`encode`], and a model that cannot decode a code alone.
pub fn decode(session: &mut Session, codes: &mut Stream, put: &mut Put<'_>) -> Result<u64> {
    let (mut out, mut count) = (Vec::new(), 0);
    let takes = session.model().autoencoder().takes().labels;
    while let Some(chunk) = codes.next_chunk()? {
        let given = crate::model::Given::doubles(chunk.values);
        let given = chunk.labels.filter(|_| takes).map_or(given, |labels| given.labels(labels));
        out.clear();
        out.extend(session.decode(given)?.iter().map(|&x| f64::from(x)));
        put(&out, chunk.labels)?;
        count += chunk.count as u64;
    }
    Ok(count)
}

/// Opens codes that [`encode`] gave and somebody wrote, in any format that is read: columns `code 1`, `code 2`, .., or as
/// many numbers a row.
///
/// # Errors
/// A source that cannot be read; another number of columns than a code has numbers.
pub fn open_codes(model: &Model, data: &str) -> Result<Stream> {
    let schema = Schema { columns: code_columns(model), classes: model.data().class_names.clone(), label: None };
    let known = Known { schema: Some(Arc::new(schema)), ..Known::default() };
    let stream = Stream::open(&DataSettings::default(), data, &known, PartName::All)?;
    match (stream.features(), model.code_size()) {
        (found, wanted) if found == wanted => Ok(stream),
        (found, wanted) => Err(Error::data(format!(
            "{} has {found} numbers a row, and a code of the model has {wanted}; give codes of this model",
            stream.name()
        ))),
    }
}

/// The columns of codes: `code 1`, `code 2`, ..
pub fn code_columns(model: &Model) -> Vec<Column> {
    (1..=model.code_size()).map(|number| Column::numeric(format!("code {number}"))).collect()
}

/// The columns of samples: those of the model's data, or `x1`, `x2`, ..
pub fn sample_columns(model: &Model) -> Vec<Column> {
    let data = model.data();
    match &data.columns {
        Some(columns) => columns.clone(),
        None => (1..=data.features).map(|number| Column::numeric(format!("x{number}"))).collect(),
    }
}

fn over(
    session: &mut Session,
    stream: &mut Stream,
    (see, put): (&mut See<'_>, &mut Put<'_>),
    mut work: impl FnMut(&mut Session, crate::model::Given<'_>, &mut Vec<f64>) -> Result<()>,
) -> Result<u64> {
    let (mut out, mut count) = (Vec::new(), 0);
    while let Some(chunk) = stream.next_chunk()? {
        see(&chunk)?;
        let given = session.model().given(&chunk);
        out.clear();
        // Messages count rows within a call; the stream's own number is what helps.
        work(session, given, &mut out).map_err(|error| match chunk.first {
            0 => error,
            first => Error::data(format!("{error} (in the rows from {first} on)")),
        })?;
        put(&out, chunk.labels)?;
        count += chunk.count as u64;
    }
    Ok(count)
}
