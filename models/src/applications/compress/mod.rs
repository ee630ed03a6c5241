//! Samples to a small file of codes, and back: encoded by a model, quantised, and coded by a range coder.
//!
//! * `pack`: [`compress`] and [`decompress`]. `figures`: what that reaches, beside JPEG (`jpeg`) of as many bytes.
//! * `rows`: the samples. `steps`: how finely each number is quantised, by a [`Rate`]. `quantiser`: one dimension as
//!   whole numbers. Entries of a codebook are whole numbers already.
//! * `file`: the file, [`Packed`]; `payload`: its codes as one stream; `counts`: frequencies that are learned on the way;
//!   `coder`: the range coder.
//!
//! To read a file takes it and the model that wrote it, and nothing else.
//!
//! ```
//! use narrows::applications::compress::{compress, decompress};
//! use narrows::data::digits;
//! use narrows::model::Session;
//! use narrows::training::{Config, fit};
//!
//! # fn main() -> narrows::Result<()> {
//! let digits = digits()?;
//! let config = Config::of("undercomplete")?.with(&[("hidden", "32"), ("code", "8"), ("epochs", "2")])?;
//! let mut session = Session::new(fit(&config, &digits)?);
//! let rows: Vec<u32> = (0..500).collect();
//! let file = compress(&mut session, &digits, &rows, None)?;
//! assert!(file.bytes.len() < 500 * 8);
//! assert_eq!(decompress(&mut session, &file.bytes, "digits.nrw")?.len(), 500 * 64);
//! # Ok(())
//! # }
//! ```

mod coder;
mod counts;
mod figures;
mod file;
mod jpeg;
mod pack;
mod payload;
mod quantiser;
mod rows;
mod steps;

pub use figures::{CompressedSource, Figures, compress_source, figures};
pub use file::{Packed, sealed};
pub use jpeg::Jpeg;
pub use pack::{Compressed, compress, decompress, picture};
pub use payload::{Content, Labels};
pub use quantiser::Dimension;
pub use steps::Rate;

#[cfg(test)]
mod tests;
