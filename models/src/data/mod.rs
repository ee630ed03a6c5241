//! Data: where samples come from, how they are held, scaled and divided.
//!
//! A [`Dataset`] is one block of rows in the source's own type (u8 pixels stay u8: MNIST's training part is 47 MB, not
//! 188), and training gathers and scales its batches straight from it. [`Source`] knows what `--data` may name,
//! [`Scaler`] is fitted on the training part only and stored with the model, [`split()`] holds rows out. Everything
//! here treats its input as hostile: files may be cut short, mislabelled or made to exhaust memory, and end in an
//! [`Error`](crate::error::Error) of one line.

mod dataset;
mod digits;
mod folder;
pub mod idx;
mod photographs;
mod pictures;
mod scale;
mod source;
mod split;
mod whitening;

pub(crate) use dataset::reserved;
pub use dataset::{Dataset, ImageShape, MAX_CLASSES, Samples};
pub use digits::digits;
pub use photographs::{PatchOptions, holds_photographs, photographs};
pub use scale::{Scaler, ScalerKind};
pub use source::{Part, Source, Splits, has_test, open, open_part};
pub use split::split;
