//! Search by codes: which samples are like this one.
//!
//! * `index`: the codes of samples, with their labels and numbers. `file`: an index's file.
//! * `metric`: how codes are compared. `run`: queries of a source searched for, and how well the labels agree, with the
//!   data themselves beside the codes. `picture`: queries with their neighbours.
//!
//! ```
//! use narrows::applications::search::{Index, Metric};
//! use narrows::data::{Rows, digits};
//! use narrows::model::Session;
//! use narrows::training::{Config, fit};
//!
//! # fn main() -> narrows::Result<()> {
//! let digits = digits()?;
//! let config = Config::of("undercomplete")?.with(&[("code", "8"), ("epochs", "2")])?;
//! let mut session = Session::new(fit(&config, &digits)?);
//! let all: Vec<u32> = (0..digits.len() as u32).collect();
//! let index = Index::build(&mut session, &digits, &all, "digits", Metric::Cosine)?;
//! let mut sample = vec![0.0; 64];
//! digits.read(&[7], &mut sample)?;
//! let numbers: Vec<f32> = sample.iter().map(|&x| x as f32).collect();
//! let found = index.search(&mut session, &numbers, 5)?;
//! assert_eq!(found.places[0], 7);
//! # Ok(())
//! # }
//! ```

mod file;
mod index;
mod metric;
mod picture;
mod run;
#[cfg(test)]
mod tests;

pub use index::Index;
pub use metric::Metric;
pub use picture::neighbours_png;
pub use run::{Found, Neighbour, Queries, SearchOptions, Searched, search};
