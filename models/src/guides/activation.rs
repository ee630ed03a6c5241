//! # Adding an activation
//!
//! Layers choose an activation by its word, [`ActivationName`](crate::nn::ActivationName), for `--activation` and
//! `--code-activation`. It is one variant and its arm in `models/src/nn/activation.rs`:
//!
//! 1. **The variant**, with its formula as its documentation. Its word, in kebab case, follows, and with that the
//!    flags, files, help and `did you mean`.
//! 2. **The arm of `fused`**: the engine's [`Activation`](crate::engine::Activation) that linear layers and
//!    convolutions apply while their results are in registers. One that the engine does not know yet is two files
//!    there: [the engine's guide](crate::engine::guides::activation).
//!
//! ```
//! use narrows::engine::{Parameters, Shape, Split, Tape};
//! use narrows::nn::ActivationName;
//! use narrows::training::Config;
//!
//! # fn main() -> narrows::Result<()> {
//! let parameters = Parameters::<f64>::new();
//! let tape = Tape::new(&parameters, 1);
//! let x = tape.input("x", Shape::batch(&[1]));
//! let y = ActivationName::Silu.record(&tape, x);
//! let plan = tape.infer(&[y])?;
//! let mut workspace = plan.workspace()?;
//! workspace.input_mut(x)?.fill(1.0);
//! plan.forward(&parameters, &mut workspace, Split::Serial)?;
//! // 1 sigmoid(1)
//! assert!((workspace.value(y)?[0] - 0.731_058_578_630_004_9).abs() < 1e-12);
//! // The word is the variant's.
//! let config = Config::of("undercomplete")?.with(&[("activation", "silu")])?;
//! assert_eq!(config.get("activation").as_deref(), Some("silu"));
//! # Ok(())
//! # }
//! ```
//!
//! An activation that is an operation of its own and nothing to fuse, as GELU is, gives `None` in `fused`. `record`
//! then records its operation; today that is GELU's for all of them, and a second one makes a `match` of that arm.
//!
//! What depends on an activation asks for what it needs and not for its name: a contractive penalty whether the
//! derivative is a function of the output. Layers that a sparsity is on, and stacked ones that reconstruct 0..1, want a
//! sigmoid, since their targets lie there.
//!
//! Tests: `variants` in `autoencoders/tests.rs` has a line for SiLU, dense and convolutional; add one like it for the
//! gradient check. `bits` walks all words: `--bless` adds the digest.
