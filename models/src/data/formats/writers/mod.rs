//! Rows put out, in the format that a path's ending names.

mod cell;
mod create;
mod csv;
mod folder;
mod header;
mod npy;
mod npz;
mod numbers;
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_file;
mod safetensors;
mod spool;

pub use create::create;
pub use header::{Header, RowWriter};

#[cfg(test)]
mod tests;
