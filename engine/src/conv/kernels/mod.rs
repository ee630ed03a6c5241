//! The loops of convolutions: one named entry point per kernel and instruction set, behind calls that check reach.
//!
//! * `calls`: slices in, one check of their reach, then pointers. `operands`: what they are handed.
//! * `table`: the entry points. `pixels`, `pixel_gradients`: positions in the lanes. `filters`: filters in the lanes.
//!   `copies`: what brings images to and from them. `pools`: max pooling.
//!
//! The kernels read padded images at offsets, so every call first makes sure that the furthest offset, from the
//! furthest position, still lies in the slice; the loops then need no checks. What does not fit is an error.

mod calls;
mod copies;
mod filters;
mod operands;
mod pixel_gradients;
mod pixels;
mod pools;
mod table;

pub(crate) use calls::Kernels;
pub(super) use copies::Padded;
pub(super) use operands::{Operands, Rows, Taps};
pub(super) use pixels::Field;
pub use table::ConvFloat;
