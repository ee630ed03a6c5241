//! # Adding a key
//!
//! One line, in the declaration beside what reads it. A flag of `narrows train`, the line in `config.toml` and in the
//! model's file, `--show`, help, the check of its range, the refusal under another type and the list of known keys all
//! come from that line.
//!
//! ```
//! use narrows::settings::{Range, documented, get, set, settings, unread};
//!
//! settings! {
//!     /// The keys of a noise.
//!     Noise {
//!         // name: type = default, what its value is called in help, what it means
//!         noise: String = "none".into(), "NAME", "noise on the input";
//!         // a range, which is checked wherever the key is set
//!         level: f64 = 0.25, "X", "how much of it", in Range::<f64>::WEIGHT, unless noise is ["none"];
//!         // read under one choice of another key only; set though nothing reads it, that is said
//!         period: usize = 3, "N", "samples between two bursts", in Range::<usize>::COUNT, where noise is ["bursts"];
//!     }
//! }
//!
//! # fn main() -> narrows::Result<()> {
//! let mut noise = Noise::default();
//! set(&mut noise, "level", "0.5")?;
//! assert_eq!((noise.level, get(&noise, "level").as_deref()), (0.5, Some("0.5")));
//! assert!(set(&mut noise, "levle", "1").unwrap_err().to_string().contains("did you mean `level`"));
//! assert!(set(&mut noise, "period", "0").unwrap_err().to_string().contains("give a whole number from 1"));
//! assert_eq!(unread(&noise, &Noise::default()), ["level is not used; give --noise another value than none"]);
//! assert!(documented(&noise, true).contains("# how much of it (where noise is not none)\nlevel = 0.5\n"));
//! # Ok(())
//! # }
//! ```
//!
//! Where the declaration stands:
//!
//! | what reads it | declaration |
//! |---|---|
//! | one type | `Keys` in its file of `autoencoders` |
//! | several types | beside the part that they share: a file of `objective`, or `autoencoders/latent.rs` |
//! | a body, or every body | `Keys` in its file of `bodies`, or `bodies/general.rs` |
//! | data; training | `data/settings.rs`; `training/settings.rs` |
//!
//! A key of a part that a type did not have yet also takes that part's group in the type's
//! [`groups!`](crate::settings::groups). What depends on other keys or on the data is checked where a model is made
//! ([`Type::settle`](crate::autoencoders::Type::settle), [`Type::build`](crate::autoencoders::Type::build)).
//!
//! * **Its name** is its own among the keys of data, of training and of the types that have it, and none of the flags
//!   of `cli/train.rs` and `cli/common.rs`: `the_definition_is_sound` in `cli/mod.rs` finds that. A type whose keys share
//!   a name, or have one of the data's or the training's, is refused.
//! * **Its type** is a number, a truth, text, a list of sizes, or an enumeration of words, which `word!` makes a
//!   [`Value`](crate::settings::Value) (`nn/norm.rs` is an example). Another type implements `Value` itself, as
//!   `DecoderLayers` in `bodies/dense.rs` does, and so does a crate of one's own for its words.
//! * **Its default** may be another for a type: the type's `settings()`, or for a key of training its `TRAINING`.
//! * **In a run that goes on** a key stays as it was, unless `FREE` in `runs/resume.rs` has it, and the sentence below.
//!   A model's file from before the key was there takes the default. A run from before can be resumed if the key is one
//!   of training, for a state holds all keys of the data and the model.
