//! # Adding a type of autoencoder
//!
//! A type is a [`Type`](crate::autoencoders::Type): its name, its settings, its defaults, and what builds an
//! [`Autoencoder`](crate::autoencoders::Autoencoder) from them. In the crate it is one file of
//! `models/src/autoencoders` and one line in the list of that folder's `mod.rs`; outside it is a type of one's own that
//! a [`Registry`](crate::autoencoders::Registry) is given. Both are trained, saved, loaded and put to work by the same
//! functions.
//!
//! 1. **The settings**: the keys of its own by [`settings!`](crate::settings::settings), put together by
//!    [`groups!`](crate::settings::groups) with [`Base`](crate::autoencoders::Base), which has the keys of every type
//!    (body, loss, corruption, L2).
//! 2. **`impl Type`**: `settings` are defaults that suit the embedded digits; `settle` fills in what depends on the
//!    data and says what it chose; `build` refuses what makes no sense, with what to do instead, and adds the
//!    parameters. It runs twice, first over parameters that are only counted, so it must not look at their values.
//! 3. **`impl Autoencoder`**: at least `parts`. Nearly every type is a [`Parts`](crate::autoencoders::Parts) and what
//!    `terms` adds to the reconstruction. A [`Pass`](crate::nn::Pass) is a [`Tape`](crate::engine::Tape) too, with all
//!    its operations; a variable's first axis is the samples, whose number only reductions know.
//!
//! ```
//! use narrows::autoencoders::{Autoencoder, Base, Code, Parts, Registry, Sample, Type};
//! use narrows::data::{Dataset, Samples};
//! use narrows::engine::ops::Axis;
//! use narrows::engine::{Parameters, Real};
//! use narrows::model::{Model, Session};
//! use narrows::nn::Pass;
//! use narrows::objective::Builder;
//! use narrows::settings::{Range, groups, settings};
//! use narrows::training::{Config, fit};
//!
//! settings! {
//!     /// The key of the penalty.
//!     Keys {
//!         shrinkage: f64 = 0.1, "X", "beta of beta/2 |h|^2, the weight of the code's squared length",
//!             in Range::<f64>::WEIGHT;
//!     }
//! }
//!
//! groups! {
//!     /// The keys of the type.
//!     ShrunkSettings {
//!         /// Those of every type.
//!         base: Base,
//!         /// Of the penalty.
//!         keys: Keys,
//!     }
//! }
//!
//! /// `L + β/2 ‖h‖²`: codes near the origin (the latent term of Ghosh et al. 2020).
//! #[derive(Debug)]
//! struct Shrunk;
//!
//! impl Type for Shrunk {
//!     type Settings = ShrunkSettings;
//!     const NAME: &'static str = "shrunk";
//!     const ABOUT: &'static str = "codes near the origin";
//!
//!     fn settings() -> ShrunkSettings {
//!         ShrunkSettings::default()
//!     }
//!
//!     fn settle(settings: &mut ShrunkSettings, sample: &Sample) -> narrows::Result<Vec<String>> {
//!         settings.base.settle(sample, false, "--loss mse")
//!     }
//!
//!     fn build<T: Real>(
//!         settings: &ShrunkSettings,
//!         sample: &Sample,
//!         parameters: &mut Parameters<T>,
//!     ) -> narrows::Result<Box<dyn Autoencoder<T>>> {
//!         let parts = Parts::new(&settings.base, sample, parameters)?.penalised(&settings.base, parameters);
//!         Ok(Box::new(ShrunkAutoencoder { parts, weight: settings.keys.shrinkage }))
//!     }
//! }
//!
//! #[derive(Debug)]
//! struct ShrunkAutoencoder<T: Real> {
//!     parts: Parts<T>,
//!     weight: f64,
//! }
//!
//! impl<T: Real> Autoencoder<T> for ShrunkAutoencoder<T> {
//!     fn parts(&self) -> &Parts<T> {
//!         &self.parts
//!     }
//!
//!     fn terms(&self, pass: &Pass<'_, T>, code: &Code, builder: &mut Builder) {
//!         let lengths = pass.sum_over(pass.square(code.value), Axis::Row);
//!         builder.term("length", self.weight, pass.scale(pass.mean(lengths), 0.5));
//!     }
//! }
//!
//! # fn main() -> narrows::Result<()> {
//! let registry = Registry::standard().with(&Shrunk);
//! let config = Config::within("shrunk", &registry)?;
//! let config = config.with(&[("hidden", "8"), ("code", "3"), ("shrinkage", "0.5"), ("epochs", "4")])?;
//! // Made-up samples of 6 numbers.
//! let numbers: Vec<f32> = (0..600).map(|i| (i * i % 97) as f32).collect();
//! let model = fit(&config, &Dataset::new("mine", Samples::F32(numbers.clone()), 6)?)?;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("shrunk.safetensors");
//! model.save(&path)?;
//! // Who does not know the type is told so.
//! assert!(Model::load(&path).err().unwrap().to_string().contains("shrunk"));
//! let mut session = Session::new(Model::load_with(&path, &registry)?);
//! assert_eq!(session.encode(&numbers[..60])?.len(), 10 * 3);
//! assert_eq!(session.reconstruct(&numbers[..60])?.len(), 10 * 6);
//! assert_eq!(session.score(&numbers[..60])?.names, ["reconstruction"]);
//!
//! // Its key is set, written, read and refused as any other.
//! assert!(config.to_toml().contains("type = \"shrunk\"") && config.to_toml().contains("shrinkage = 0.5"));
//! assert!(config.clone().set("shrinkage", "-1").unwrap_err().to_string().contains("give a number from 0"));
//! let other = Config::within("sparse", &registry)?.set("shrinkage", "1").unwrap_err().to_string();
//! assert!(other.contains("no setting of sparse; shrunk has it"), "{other}");
//! # Ok(())
//! # }
//! ```
//!
//! [`runs::train`](crate::runs::train()) makes a run directory from such a configuration too, and
//! [`runs::resume`](crate::runs::resume()) goes on with it by the same registry
//! ([`ResumeRequest`](crate::runs::ResumeRequest)). Only the tool knows this crate's types alone.
//!
//! ## What else a type may be
//!
//! | a type that | says so in | as in |
//! |---|---|---|
//! | has parameters besides its body | `initialise` draws their first values | `adversarial` |
//! | takes classes, or what is missing | `takes`, and reads its [`Inputs`] | `conditional`, `importance_weighted` |
//! | has a code that is a distribution | `encode` (with a posterior), `draw`, `draws`, `scores` | `variational` |
//! | can draw new samples | `sample` | `variational`, `adversarial` |
//! | has a codebook | `encode` (with indices), `entries` | `vector_quantised` |
//! | trains in phases, or has several players | `phases`, `turn`, `phase_takes` | `stacked`, `adversarial` |
//! | freezes parameters in an objective | `frozen` of the [`Builder`] | `adversarial` |
//! | changes parameters after a step | `after_step`, of what `Builder::watch` kept; `kept` | `vector_quantised` |
//! | has first weights from the data, or a closed form | `prepare`; no phases | `vector_quantised`, `pca` |
//! | has an objective of its own altogether | `objective` | `importance_weighted` |
//! | has terms that tie samples together, such as a batch's covariance | `couples_samples` | `sparse` |
//! | has terms that say how unlike the data a sample is | `scores` | `variational` |
//! | classifies | `classify` | `stacked` |
//!
//! ## In the crate
//!
//! The file has the objective at its top in the field's notation, with its source, and beside `autoencoders/mod.rs`
//! nothing else is needed: flags, files, `--show`, help, refusals, run directories, resuming and fuzzing follow. Tests
//! and tables that know types:
//!
//! * `variants` in `autoencoders/tests.rs` walks the list: the gradient check of the whole loss and a gradient for
//!   every term, with L2, every corruption, tied weights, every body and normalisation. Where the type's defaults do
//!   not fit samples of 16 numbers and a code of 5, `Choice::small` gets an arm; where it refuses one of those choices,
//!   the line there names it.
//! * `benches/results/bits.txt` has a digest of every type: `bits -- --bless`, once for every instruction set.
//! * Lines by hand, where the type has something to show: `every_type_is_trained_evaluated_and_resumed` in
//!   `tests/cli.rs`, and `every_type_stopped_anywhere_and_resumed_equals_uninterrupted` and
//!   `every_type_gives_the_same_bits_at_any_thread_count` in `tests/training.rs`.
//! * The table of types in `README.md`.
//!
//! [`Inputs`]: crate::autoencoders::Inputs
//! [`Builder`]: crate::objective::Builder
