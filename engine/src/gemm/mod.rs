//! Matrix products: `C = activation(alpha * A * B + beta * C + bias)`, `f32` and `f64`, any strides.
//!
//! * `product`: the entry. `matrix`: views with strides. `epilogue`: bias and activation; `activation`: which there
//!   are. `float`: the element types.
//! * `task`: a product in raw parts. `split`: its parts for threads. `shared`: operands packed once for all of them
//!   (`panels`). `packed`: a B packed for many products. `driver`: the loops over blocks on one thread (BLIS's five, K
//!   outermost). `packing`: what to pack, in which blocks. `blocking`: sizes of blocks from those of caches.
//! * `kernels`: the kernels by name. `tiling`: the tiles' sizes. `micro`: the tiles, which are handed a `block`;
//!   `edge`: tiles that are not whole vectors. `dot`, `gemv`: the kernels for shapes with little reuse. `pack`: copies
//!   in tile order. `transpose` (`slices`).
//! * `ahead`: prefetching. `arena`: a thread's scratch memory, which `warm_up` takes beforehand.
//!
//! An element of C is one chain of fused multiply-adds over k (for the dot kernels: one vector of chains), started
//! from bias + beta * C, with alpha multiplied into A (into B where C has contiguous columns). So neither tiles, tails,
//! blocks nor threads change its bits.
//!
//! A function that takes raw parts (a `Task`, a `Block` and so on) is unsafe and asks
//! that they be sound; what that means stands with each type. `product`, `packed` and `slices` make them from checked
//! views.
//!
//! The element type is `f32` or `f64`; code that is generic over it asks for [`Real`](crate::Real).

mod activation;
mod ahead;
mod arena;
mod block;
mod blocking;
mod dot;
mod driver;
mod edge;
mod epilogue;
mod float;
mod gemv;
mod kernels;
mod matrix;
mod micro;
mod pack;
mod packed;
mod packing;
mod panels;
mod product;
mod shared;
#[cfg(test)]
mod size_tests;
mod slices;
mod split;
mod task;
#[cfg(test)]
mod tests;
mod tiling;
mod transpose;
mod warm_up;

pub use activation::Activation;
pub(crate) use activation::{Applied, Derivative, Traits};
pub use epilogue::{Bias, Epilogue};
pub(crate) use float::GemmFloat;
pub use matrix::{MatrixMut, MatrixRef};
pub use packed::PackedB;
pub use product::{gemm, gemm_packed};
pub(crate) use slices::transpose;
pub use warm_up::warm_up;
