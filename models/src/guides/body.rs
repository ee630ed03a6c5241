//! # Adding a body
//!
//! A body is what encoder and decoder are made of, and knows nothing of objectives: a [`Body`](crate::bodies::Body). It
//! is one file of `models/src/bodies` and one line in the list of that folder's `mod.rs`, `file::Type`, with a
//! sentence. The list makes the word of `--body`, the group of all bodies' keys, and what builds the chosen one; types
//! reach it through the trait.
//!
//! The file holds:
//!
//! 1. **`Keys`**, by [`settings!`](crate::settings::settings), each `where body is ["the-word"]`; an empty declaration,
//!    if it has none. What every body reads (`code`, `activation`, `norm`, `init` and so on) is in `bodies/general.rs`.
//!    A body may read another's keys, as `sequence` reads the filters of `convolutional`: its word then joins theirs
//!    there.
//! 2. **`Type::new(settings, frame, parameters)`**: refuses sizes that do not fit with advice that leads on, and adds
//!    the parameters by the layers of [`nn`](crate::nn), under PyTorch's names.
//! 3. **`impl Body`**: first weights, `encode`, `decode`, sizes, and in words from the data to the code and back.
//!
//! The [`Frame`](crate::bodies::Frame) says what it is built for, and each of these is to be done or refused:
//!
//! * `ends`: with the layer of the code, or before it ([`Ends::Open`](crate::bodies::Ends)), where a type makes its own
//!   of what `trunk_size` numbers say: mean and variance, for example.
//! * `beside`: a one-hot class or a mask that the encoder sees beside a sample. `decoder_beside`: numbers after those
//!   of the code that the decoder sees.
//!
//! ```
//! use narrows::bodies::{Beside, Body, BodySettings, Ends, Extra, Frame, build};
//! use narrows::engine::{Parameters, Shape, Tape};
//! use narrows::nn::{Mode, Pass};
//! use narrows::settings::set;
//!
//! # fn main() -> narrows::Result<()> {
//! let mut settings = BodySettings::default();
//! for (key, value) in [("body", "sequence"), ("channels", "2"), ("filters", "4,3")] {
//!     set(&mut settings, key, value)?;
//! }
//! // Two channels of 16 numbers each.
//! let frame = Frame { features: 32, image: None, ends: Ends::Code, beside: Beside::default(), decoder_beside: 0 };
//! let mut parameters = Parameters::<f32>::new();
//! let body: Box<dyn Body<f32>> = build(&settings, &frame, &mut parameters)?;
//! body.initialise(&mut parameters, 0);
//!
//! let tape = Tape::new(&parameters, 5);
//! let pass = Pass::new(&tape, Mode::Evaluation);
//! let x = tape.input("x", Shape::batch(&[32]));
//! let encoded = body.encode(&pass, x, Extra::default());
//! assert_eq!(tape.shape(encoded.value), Shape::batch(&[body.code_size()]));
//! let raw = body.decode(&pass, encoded.value, &encoded.switches);
//! assert_eq!(tape.shape(raw), Shape::batch(&[32]));
//! assert_eq!(body.layers(), "2x16-4x8-3x4-4x8-2x16");
//! # Ok(())
//! # }
//! ```
//!
//! `dense_layers` is for bodies that are nothing but fully connected layers, which penalties on a layer and pretraining
//! need; `code_image` for codes that are images; `decodes_codes` is false where a code alone is not enough.
//!
//! Tests: `bodies/tests.rs` takes a body by its word (sizes, names, refusals, gradients), and `variants` in
//! `autoencoders/tests.rs` has a line for each body under every type: add one.
