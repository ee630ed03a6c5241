//! Narrows: autoencoders on CPUs, from one library and one command.
//!
//! * [`config`]: what to train and how, as TOML, as flags, as a struct.
//! * [`training`]: the loop, run directories, resuming.
//! * [`model`]: a trained autoencoder and its file, from which alone it is rebuilt.
//! * [`autoencoders`] and [`nn`]: the types, one a file, and the layers that they are made of.
//! * [`presets`]: named configurations with their sources.
//! * [`data`]: sources, scaling, splits. [`metrics`]: what a model reaches, with PCA beside it.
//! * [`applications`]: trained models put to use. [`report`]: pictures.
//!
//! ```
//! use narrows::config::Config;
//! use narrows::training::{Silent, TrainRequest, train};
//! use narrows_engine::Threads;
//!
//! # fn main() -> narrows::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let out = folder.path().join("run");
//! let mut config = Config::default(); // the embedded 8x8 digits
//! config.set("code", "8")?;
//! config.set("epochs", "2")?;
//! let request = TrainRequest { config, out: out.clone(), max_steps: None };
//! let outcome = train(&request, Threads::Current, &mut Silent)?;
//! assert!(outcome.evaluation.squared_error < 60.0);
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
//! use narrows::autoencoders::ModelKind;
//! use narrows::config::Config;
//! use narrows::training::{EpochRecord, Observer, TrainRequest, train};
//! use narrows_engine::Threads;
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
//! let config = Config { beta: 2.0, ..Config::of(ModelKind::Variational) };
//! let mut watch = Watch::default();
//! let outcome = train(&TrainRequest { config, out, max_steps: None }, Threads::Current, &mut watch)?;
//! assert!(watch.epochs == 3 && watch.kl > 0.0 && !outcome.finished);
//! let bound = outcome.evaluation.lower_bound.expect("a variational model has one");
//! assert!((bound.reconstruction + bound.kl - bound.negative_elbo).abs() < 1e-9);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

pub mod applications;
pub mod autoencoders;
#[doc(hidden)]
pub mod cli;
pub mod config;
pub mod data;
pub mod error;
pub mod files;
pub mod metrics;
pub mod model;
pub mod nn;
pub mod presets;
pub mod report;
pub mod suggest;
mod tensors;
pub mod training;

pub use error::{Error, ErrorKind, Result};
