//! How a table is written: what stands between fields and within numbers, found in its first lines.

use super::field::{number, plain};
use super::options::TableOptions;
use super::records::Text;
use crate::error::Result;
use std::io::Cursor;

/// Delimiters that are tried, the likelier first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Records that are looked at.
const LOOKED: usize = 200;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) decimal: u8,
}

impl Dialect {
    /// Found in the first lines, where the options do not say it.
    pub(super) fn of(text: &Text, options: &TableOptions) -> Result<Self> {
        let whole = text.head.len() < super::records::HEAD;
        // The last line may be cut.
        let end = if whole {
            text.head.len()
        } else {
            text.head.iter().rposition(|&b| b == b'\n').unwrap_or(text.head.len())
        };
        let head = &text.head[..end];
        let delimiter = match options.delimiter {
            Some(delimiter) => delimiter,
            None => {
                let mut best = (0, b',');
                for delimiter in DELIMITERS {
                    let score = regularity(head, delimiter, options.skip)?;
                    if score > best.0 {
                        best = (score, delimiter);
                    }
                }
                best.1
            }
        };
        let decimal = match options.decimal {
            Some(decimal) => decimal,
            None if delimiter == b',' => b'.',
            None => decimal(head, delimiter, options.skip)?,
        };
        Ok(Self { delimiter, decimal })
    }
}

/// Calls `see` for the first records of a text, split so.
fn look(head: &[u8], delimiter: u8, skip: usize, mut see: impl FnMut(&[&[u8]])) -> Result<()> {
    if head.split(|&byte| byte == b'\n').count() <= skip {
        return Ok(());
    }
    let text = Text::new(Box::new(Cursor::new(head.to_vec())), String::new(), false)?;
    let mut records = text.records(delimiter, skip)?;
    for _ in 0..LOOKED {
        let Some((_, record)) = records.next()? else { break };
        see(&record.iter().collect::<Vec<_>>());
    }
    Ok(())
}

/// How many records have the commonest number of fields, times what these are more than one.
fn regularity(head: &[u8], delimiter: u8, skip: usize) -> Result<usize> {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    look(head, delimiter, skip, |fields| *counts.entry(fields.len()).or_default() += 1)?;
    let (fields, records) = counts.into_iter().max_by_key(|&(_, records)| records).unwrap_or((0, 0));
    // A delimiter that splits nearly every line alike beats one that splits some into more.
    Ok(if fields > 1 { records * 1000 + fields.min(999) } else { 0 })
}

/// A comma, where fields such as `3,14` stand and none such as `3.14`.
fn decimal(head: &[u8], delimiter: u8, skip: usize) -> Result<u8> {
    let (mut commas, mut points) = (0, 0);
    look(head, delimiter, skip, |fields| {
        for field in fields {
            let field = plain(field);
            commas += usize::from(field.contains(&b',') && number(&field, b',').is_some());
            points += usize::from(field.contains(&b'.') && number(&field, b'.').is_some());
        }
    })?;
    Ok(if commas > points { b',' } else { b'.' })
}
