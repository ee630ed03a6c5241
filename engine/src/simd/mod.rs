//! Vectors: what the processor can do, chosen once at run time, and the loops over slices that use it.
//!
//! * `lanes`: the vector operations as a trait; a folder of `arch` for each instruction set implements it. `float`:
//!   what a kernel must know of the element types. `access`: vectors from and to slices.
//! * `detect`: which of them this process uses, and the variable that lowers the choice ([`ISA_VARIABLE`]).
//! * `math`: exp, ln, tanh and their relatives for whole vectors.
//! * `kernels`: the loops over slices, one named entry point per kernel and instruction set (`table`). [`InOut`]: what
//!   they read and write.
//! * [`gather()`]: rows of raw data, scaled on the way into a batch. `philox`: the random generator's rounds.
//!
//! `wide` picks its instructions when the crate is compiled, so it cannot serve a binary that must run anywhere and
//! use what it finds; wrapping it in `#[target_feature]` leaves it SSE2 (seen in the assembly). It is the portable
//! backend, and `std::arch` serves the others. This module knows `base` alone.

mod access;
pub(crate) mod arch;
mod detect;
mod float;
mod gather;
mod inout;
pub(crate) mod kernels;
mod lanes;
pub(crate) mod math;
mod number;
mod philox;
#[macro_use]
mod table;

pub(crate) use crate::base::{Backend, Buffer};
pub(crate) use access::{read, write};
pub use detect::ISA_VARIABLE;
pub(crate) use float::Float;
pub use gather::{RawRows, Scaling, gather};
pub use inout::InOut;
pub(crate) use lanes::{Isa, Lanes};
pub(crate) use number::Number;
pub(crate) use philox::{PhiloxKernels, TILE as PHILOX_TILE};
pub(crate) use table::kernel_table;
