//! Convolution as products of matrices.
//!
//! * [`geometry`]: windows, and the sizes that follow from them.
//! * [`columns`]: `im2col` and its transpose `col2im`, whole or a strip of output rows at a time.
//! * [`matrix`]: the convolution matrix C itself, sparse, to be printed and to be tested against.
//! * [`pool`]: windows that keep the largest or the average. `pooling`: the loops of pooling, unpooling and upsampling.
//! * `convolution`: a geometry with groups and filters. `layer`: which way round an operation has it.
//! * `product`: sums over taps; `direct`: a convolution and its transpose as such; `kernels`: their loops. `strips`:
//!   the same by strips of the column matrix, for large images.
//! * `choices`: which lanes each product takes; `layout`: scratch memory for them; `packed`: weights in their order.
//! * `passes`: all of it over a batch; `worker`: what a thread does for an image; `batch`: how threads share one.
//!
//! With `x` an image of `[channels, height, width]` as one long vector, a convolution is `y = C x`, its gradient for
//! the image `Cᵀ dy`, and a transposed convolution `Cᵀ y`: the kernels of one are those of the other. As products of
//! dense matrices: `Y = W im2col(X)`, `dX = col2im(Wᵀ dY)`, `dW = dY im2col(X)ᵀ` (Dumoulin & Visin 2016, chapter 4).
//!
//! A 4x4 image and a 3x3 kernel, step by step. The window has 2 x 2 positions, and what it sees at each is a column:
//!
//! ```
//! use narrows_engine::conv::{ConvolutionMatrix, Geometry, Window, col2im, im2col};
//!
//! let image: Vec<f32> = (0..16).map(|pixel| pixel as f32).collect();
//! let geometry = Geometry::new(Window::new([3, 3]), 1, [4, 4]).unwrap();
//! let mut columns = vec![0.0; 9 * 4];
//! im2col(&geometry, &image, &mut columns).unwrap();
//! // The kernel's first element meets these pixels at the four positions, its last these.
//! assert_eq!(columns[..4], [0.0, 1.0, 4.0, 5.0]);
//! assert_eq!(columns[32..], [10.0, 11.0, 14.0, 15.0]);
//!
//! // A row of nine weights times that matrix is the convolution.
//! let kernel = [0.0, 1.0, 0.0, 1.0, -4.0, 1.0, 0.0, 1.0, 0.0];
//! let product = |at: usize| (0..9).map(|k| kernel[k] * columns[k * 4 + at]).sum::<f32>();
//! let y = [product(0), product(1), product(2), product(3)];
//!
//! // The same as one sparse matrix, 4 x 16, times the image as a long vector.
//! let c = ConvolutionMatrix::new(Window::new([3, 3]), [1, 4, 4], 1, 1, &kernel).unwrap();
//! assert_eq!(c.multiply(&image).unwrap(), y);
//! assert!(c.to_string().starts_with("0 1 0 . 1 -4 1 . 0 1 0"));
//!
//! // Its transpose takes 2 x 2 numbers to 4 x 4: the transposed convolution.
//! let back = c.multiply_transposed(&[1.0, 0.0, 0.0, 0.0]).unwrap();
//! assert_eq!(back[..8], [0.0, 1.0, 0.0, 0.0, 1.0, -4.0, 1.0, 0.0]);
//! // As a product: the outer product of kernel and input, and col2im, which adds up what positions share.
//! let mut image = vec![0.0; 16];
//! let outer: Vec<f32> = kernel.iter().flat_map(|&k| [k, 0.0, 0.0, 0.0]).collect();
//! col2im(&geometry, &outer, &mut image).unwrap();
//! assert_eq!(image, back);
//! ```

pub(crate) mod batch;
mod choices;
pub mod columns;
pub(crate) mod convolution;
mod direct;
pub mod geometry;
pub(crate) mod kernels;
mod layer;
mod layout;
pub mod matrix;
mod packed;
pub(crate) mod passes;
pub mod pool;
pub(crate) mod pooling;
mod product;
#[cfg(test)]
mod size_tests;
mod strips;
#[cfg(test)]
mod tests;
mod worker;

pub use columns::{col2im, im2col};
pub use geometry::{Geometry, PerAxis, Window};
pub use kernels::ConvFloat;
pub use matrix::ConvolutionMatrix;
pub use pool::Pool;
