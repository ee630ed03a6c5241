//! What a run shows of itself.
//!
//! [`Grid`] draws samples and reconstructions as PNG pictures. [`html`] is the page of a run, [`plot`] its curves. All
//! are given plain values: a report knows no model, no training and no figure's origin.

mod grid;
pub mod html;
pub mod plot;

pub use grid::{Grid, Tile};
