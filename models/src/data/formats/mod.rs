//! The formats that data come in and go out in, one file each.
//!
//! A reader gives a [`Dataset`](crate::data::Dataset), with labels and class names where the file has them, and notes of
//! all that is not as it stands in the file; each has a twin over bytes, which the fuzzers call. Crates that are kept do
//! the work wherever there are any; what is said here is which arrays, shapes and types are samples. [`create`] gives
//! the [`RowWriter`] of a path's ending. Tables as text are read elsewhere, and written here.

mod array;
mod dict;
mod element;
mod images;
mod layout;
mod look;
mod named;
mod npy;
mod npz;
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_table;
mod resize;
mod safetensors;
mod tree;
mod words;
mod writers;

pub use images::{ImageOptions, images_have_test, parse_picture, read_images};
pub use look::{Look, looks_like_images};
pub use npy::{parse_npy, read_npy};
pub use npz::{npz_has_test, parse_npz, read_npz};
pub use parquet::{parse_parquet, read_parquet};
pub use safetensors::{parse_safetensors, read_safetensors, safetensors_has_test};
pub use words::formats_words;
pub use writers::{Header, RowWriter, create};
