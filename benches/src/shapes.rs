//! The one table of matrix products that are measured: rows of the recorded targets, and the reference networks' own.
//!
//! `C [M, N] = A [M, K] B [K, N]`, all row-major; a transposed operand is stored as `[K, M]` or `[N, K]`.

use crate::networks::NETWORKS;
use std::fmt;

/// A product: its sides and how its operands are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rows of C.
    pub m: usize,
    /// Columns of C.
    pub n: usize,
    /// The depth.
    pub k: usize,
    /// A is stored as `[K, M]`.
    pub a_transposed: bool,
    /// B is stored as `[N, K]`.
    pub b_transposed: bool,
}

impl Shape {
    const fn plain(m: usize, n: usize, k: usize) -> Self {
        Self { m, n, k, a_transposed: false, b_transposed: false }
    }

    /// A linear layer's forward pass: `y [batch, out] = x [batch, in] W^T`, with `W [out, in]`.
    pub const fn forward(batch: usize, inputs: usize, outputs: usize) -> Self {
        Self { b_transposed: true, ..Self::plain(batch, outputs, inputs) }
    }

    /// The gradient of a linear layer's input: `dx [batch, in] = dy [batch, out] W`.
    pub const fn backward_input(batch: usize, inputs: usize, outputs: usize) -> Self {
        Self::plain(batch, inputs, outputs)
    }

    /// The gradient of a linear layer's weight: `dW [out, in] = dy^T x`.
    pub const fn backward_weight(batch: usize, inputs: usize, outputs: usize) -> Self {
        Self { a_transposed: true, ..Self::plain(outputs, inputs, batch) }
    }

    /// `2MNK`
    pub fn flops(&self) -> u64 {
        2 * (self.m * self.n * self.k) as u64
    }
}

/// `128x512x784-Bt`: M, N, K and what is transposed.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.m, self.n, self.k)?;
        f.write_str(if self.a_transposed { "-At" } else { "" })?;
        f.write_str(if self.b_transposed { "-Bt" } else { "" })
    }
}

/// The rows of the recorded targets.
pub const TARGETS: [Shape; 11] = [
    Shape::plain(1024, 1024, 1024),
    Shape::plain(2048, 2048, 2048),
    Shape::forward(128, 784, 512),
    Shape::forward(128, 256, 32),
    Shape::backward_weight(128, 784, 512),
    Shape::forward(128, 250, 30),
    // 3x3 convolutions as products: 1 channel to 16 at 28x28, batch 128, and two more.
    Shape::plain(100_352, 16, 9),
    Shape::plain(100_352, 32, 144),
    Shape::plain(25_088, 8, 144),
    Shape::plain(1, 784, 512),
    Shape::plain(64, 64, 64),
];

/// The rows that are measured in `f64` too.
pub const SQUARES: [Shape; 3] = [TARGETS[0], TARGETS[1], TARGETS[2]];

/// The products of the reference networks' layers, each once, without those of [`TARGETS`].
pub fn layers() -> Vec<Shape> {
    let mut all: Vec<Shape> = Vec::new();
    for network in &NETWORKS {
        for (inputs, outputs) in network.layers() {
            let of = [Shape::forward, Shape::backward_input, Shape::backward_weight];
            for shape in of.map(|product| product(network.batch, inputs, outputs)) {
                if !all.contains(&shape) && !TARGETS.contains(&shape) {
                    all.push(shape);
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_stand_once_and_in_pytorchs_orientation() {
        let layers = layers();
        assert!(layers.iter().enumerate().all(|(i, shape)| !layers[..i].contains(shape)));
        assert!(layers.contains(&Shape::forward(128, 784, 400)));
        assert_eq!(Shape::forward(128, 784, 400).to_string(), "128x400x784-Bt");
        assert_eq!(Shape::backward_input(128, 784, 400).to_string(), "128x784x400");
        assert_eq!(Shape::backward_weight(128, 784, 400).to_string(), "400x784x128-At");
    }
}
