//! Tables as text: comma-separated values and their relatives, with columns of quantities, of words and of yes and no.
//!
//! What a file does not say is found out and said: delimiter, header, decimal comma (`dialect`), what each column holds
//! (`guess`). A model's columns are a [`Schema`]; data that come later are read by it, in blocks as they come (`read`),
//! so that a stream needs no memory. `records` is the text itself: split by a crate, bounded by us. A field is a number,
//! a word or missing (`field`).

mod dialect;
mod field;
mod guess;
mod header;
mod options;
mod read;
mod reader;
mod records;
mod schema;
#[cfg(test)]
mod tests;

pub use options::{DecimalName, HeaderName, TableKeys, TableOptions};
pub(super) use read::{STDIN, read_stdin};
pub use read::{parse_table, read_table};
pub(super) use reader::reserve;
pub use reader::{TableReader, TableRows};
pub use schema::Schema;
