//! What a run shows of itself.
//!
//! [`Grid`] draws samples and reconstructions as PNG pictures.

mod grid;

pub use grid::{Grid, Tile};
