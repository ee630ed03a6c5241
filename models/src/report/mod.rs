//! What a run or a command shows of itself.
//!
//! [`page`] is a page for people with all that it shows inside, [`plot`] its plots, [`meanings`] what its words mean,
//! [`machine`] where and when it was made.
//! [`Grid`] draws samples and reconstructions as PNG pictures. All are given plain values: a report knows no model, no
//! training and no figure's origin.

mod grid;
pub mod machine;
pub mod meanings;
pub mod page;
pub mod plot;

pub use grid::{Grid, Tile};
