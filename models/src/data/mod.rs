//! Data: where samples come from, how they are held, scaled and divided.
//!
//! A [`Dataset`] is one block of rows in the source's own type (u8 pixels stay u8: MNIST's training part is 47 MB, not
//! 188), and training gathers and scales its batches straight from it. [`Rows`] is what any source is to those who read
//! it block by block. [`Source`] knows what `--data` may name, [`Preprocessing`] is fitted on the training part only,
//! stored with the model and applied in one place, [`split()`] holds rows out. Everything here treats its input as
//! hostile: files may be cut short, mislabelled or made to exhaust memory, and end in an [`Error`](crate::error::Error)
//! of one line.

mod classes;
mod curve;
mod dataset;
mod digits;
mod folder;
pub mod formats;
mod gzip;
pub mod idx;
mod incoming;
mod known;
mod memory;
mod one_picture;
mod parts;
mod patches;
mod photographs;
mod pictures;
mod preprocessing;
mod range;
mod rows;
mod scale;
mod settings;
mod source;
mod spill;
mod split;
mod stream;
mod table;
mod tumours;
mod whitening;

pub use classes::class_numbers;
pub use dataset::{Dataset, MAX_CLASSES, Samples};
pub use digits::digits;
pub use known::Known;
pub(crate) use memory::reserved;
pub use one_picture::read_picture;
pub use parts::{load_for, load_test, load_train, spare};
pub use patches::{PatchOptions, Patches};
pub use photographs::photographs;
pub use preprocessing::Preprocessing;
pub use rows::{Block, Column, ColumnKind, ImageShape, Rows};
pub use scale::{Scaler, ScalerKind};
pub use settings::DataSettings;
pub use source::{ReadOptions, Source, Splits, has_test, is_same, open, open_part};
pub(crate) use spill::BLOCK as SHUFFLED;
pub use spill::Spill;
pub use split::{Part, PartName, split};
pub use stream::{Chunk, Stream};
pub use table::{
    DecimalName, HeaderName, Schema, TableKeys, TableOptions, TableReader, TableRows, parse_table, read_table,
};
use tumours::tumours;
