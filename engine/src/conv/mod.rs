//! Convolution as products of matrices.
//!
//! * [`geometry`]: windows, and the sizes that follow from them.
//! * [`columns`]: `im2col` and its transpose `col2im`, whole or a strip of output rows at a time.
//! * [`matrix`]: the convolution matrix C itself, sparse, to be printed and to be tested against.
//! * [`pooling`]: windows that keep the largest or the average, and the loops of pooling and unpooling.
//! * `passes`: the three products that both convolutions are made of, over a batch.
//!
//! With `x` an image of `[channels, height, width]` as one long vector, a convolution is `y = C x`, its gradient for the
//! image `Cᵀ dy`, and a transposed convolution `Cᵀ y`: the kernels of one are those of the other. As products of dense
//! matrices: `Y = W im2col(X)`, `dX = col2im(Wᵀ dY)`, `dW = dY im2col(X)ᵀ` (Dumoulin & Visin 2016, chapter 4).
#![forbid(unsafe_code)]

pub mod columns;
pub mod geometry;
pub mod matrix;
pub(crate) mod passes;
pub mod pooling;
#[cfg(test)]
mod tests;

pub use columns::{col2im, im2col};
pub use geometry::{Geometry, GeometryError, Window};
pub use matrix::ConvolutionMatrix;
pub use pooling::Pool;
