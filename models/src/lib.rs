//! Narrows: autoencoders on CPUs, from one library and one command.
//!
//! * [`data`]: sources, preprocessing, splits. [`settings`]: keys, declared once, beside what reads them.
//! * [`autoencoders`]: the types, one a file, and the trait that they and those of other crates implement. [`bodies`],
//!   [`objective`] and [`nn`]: what they are made of.
//! * [`model`]: a trained autoencoder and its file, from which alone it is rebuilt; a
//!   [`Session`](model::Session) puts it to work, raw numbers in and raw numbers out.
//! * [`training`]: the loop. [`runs`]: run directories. [`presets`]: named configurations with their sources.
//! * [`metrics`]: what a model reaches, with PCA beside it ([`linalg`]). [`applications`]: models put to use.
//!   [`report`]: pictures and pages.
//!
//! The engine below is [`engine`]. How to add a type, a key, a metric, an activation, a body or a subcommand: [`guides`].
//!
//! ```
//! use narrows::engine::Threads;
//! use narrows::runs::{TrainRequest, train};
//! use narrows::training::{Config, Silent};
//!
//! # fn main() -> narrows::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let out = folder.path().join("run");
//! // The embedded 8x8 digits.
//! let config = Config::of("undercomplete")?.with(&[("code", "8"), ("epochs", "2")])?;
//! let request = TrainRequest { out: Some(out.clone()), ..TrainRequest::new(config) };
//! let outcome = train(&request, Threads::Current, &mut Silent)?;
//! assert!(outcome.evaluation.squared_error() < 60.0);
//! let model = narrows::model::Model::load(&out)?;
//! assert_eq!(model.code_size(), 8);
//! # Ok(())
//! # }
//! ```
//!
//! Callbacks: an [`Observer`](training::Observer) sees every step, every epoch with the terms of its objective, and may
//! stop the run.
//!
//! ```
//! use narrows::engine::Threads;
//! use narrows::runs::{TrainRequest, train};
//! use narrows::training::{Config, EpochRecord, Observer};
//!
//! #[derive(Default)]
//! struct Watch {
//!     epochs: u64,
//!     kl: f64,
//! }
//!
//! impl Observer for Watch {
//!     fn epoch(&mut self, record: &EpochRecord) {
//!         self.epochs = record.epoch;
//!         self.kl = record.terms.iter().find(|term| term.name == "kl").map_or(0.0, |term| term.value);
//!     }
//!     fn stop(&mut self) -> bool {
//!         self.epochs >= 3
//!     }
//! }
//!
//! # fn main() -> narrows::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let out = folder.path().join("run");
//! let config = Config::of("variational")?.with(&[("beta", "2")])?;
//! let mut watch = Watch::default();
//! let outcome = train(&TrainRequest { out: Some(out), ..TrainRequest::new(config) }, Threads::Current, &mut watch)?;
//! assert!(watch.epochs == 3 && watch.kl > 0.0 && !outcome.finished);
//! let bound = outcome.evaluation.lower_bound().expect("a variational model has one");
//! assert!((bound.reconstruction + bound.kl - bound.negative_elbo).abs() < 1e-9);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod applications;
pub mod autoencoders;
pub mod bodies;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod data;
pub mod error;
pub mod figure;
pub mod files;
pub mod guides;
pub mod linalg;
pub mod metrics;
pub mod model;
pub mod nn;
pub mod objective;
pub mod presets;
pub mod report;
pub mod runs;
pub mod settings;
pub mod suggest;
mod tensors;
pub mod training;

pub use error::{Error, ErrorKind, Result};
/// The engine that everything here runs on.
pub use narrows_engine as engine;
