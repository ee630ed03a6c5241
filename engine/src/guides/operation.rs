//! # Adding an operation
//!
//! An operation is a type that implements [`Operation`](crate::tape::Operation): a shape rule, a forward and a backward
//! function. In the crate it is one file of `engine/src/ops` and one word in the list of `ops/mod.rs`; outside it is a
//! type of one's own that [`Tape::record`](crate::Tape::record) takes. There is no difference at run time: both are
//! planned, profiled and checked alike.
//!
//! 1. **`infer`**: refuse shapes that do not fit, in words (the tape adds names, shapes and the caller's line), and say
//!    what the operation needs in a [`Spec`](crate::tape::Spec): its result's shape, which inputs backward reads,
//!    memory.
//! 2. **`forward`**: write every element of `run.output`. Share work among threads by `run.context`, if it is worth it.
//! 3. **`backward`**: ask for the gradient of each input once, and do what you are told: skip, set, or add. Where one
//!    loop does both, [`Target::wanted`](crate::tape::Target::wanted) gives the slice with a flag.
//!
//! ```
//! use narrows_engine::optim::{Adam, Optimizer, StepOptions};
//! use narrows_engine::tape::{Backward, Forward, Operation, Spec, Target};
//! use narrows_engine::{Error, Parameters, Real, Shape, Split, Tape, check};
//!
//! /// `y = x / (1 + |x|)`
//! struct Softsign;
//!
//! /// `1 + |x|`
//! fn distance<T: Real>(x: T) -> T {
//!     T::ONE + if x < T::ZERO { -x } else { x }
//! }
//!
//! impl<T: Real> Operation<T> for Softsign {
//!     fn name(&self) -> &'static str {
//!         "softsign"
//!     }
//!
//!     fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
//!         Ok(Spec::new(inputs[0], 1).reading(&[0]).flops_per_element(3))
//!     }
//!
//!     fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
//!         let x = run.inputs.get(0)?;
//!         run.output.iter_mut().zip(x).for_each(|(y, &x)| *y = x / distance(x));
//!         Ok(())
//!     }
//!
//!     fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
//!         let x = run.inputs.get(0)?;
//!         // dx = dy / (1 + |x|)²
//!         let terms = run.output_gradient.iter().zip(x).map(|(&dy, &x)| dy / (distance(x) * distance(x)));
//!         match run.gradients.of(0)? {
//!             Target::Skip => {}
//!             Target::Set(dx) => dx.iter_mut().zip(terms).for_each(|(dx, term)| *dx = term),
//!             Target::Add(dx) => dx.iter_mut().zip(terms).for_each(|(dx, term)| *dx += term),
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<(), Error> {
//! // It is recorded like any other, and its gradient is checked against differences in f64.
//! let mut parameters = Parameters::<f64>::new();
//! let weight = parameters.add("weight", &[4])?;
//! parameters.view_mut(weight).copy_from_slice(&[0.5, -1.0, 2.0, -0.1]);
//! let tape = Tape::new(&parameters, 1);
//! let y = tape.record(Softsign, &[tape.parameter(weight)]);
//! let loss = tape.mean(tape.square(y));
//! let plan = tape.train(loss)?;
//! let mut workspace = plan.workspace()?;
//! let worst = check::gradients(&plan, &mut parameters, &mut workspace, loss, 1e-5, 1e-3)?;
//! assert!(worst.relative < 1e-6, "{worst:?}");
//!
//! // And it trains: the loss, least where all weights are 0, falls.
//! let mut optimizer = Optimizer::new(Adam::default(), &parameters)?;
//! for _ in 0..200 {
//!     plan.forward(&parameters, &mut workspace, Split::Serial)?;
//!     plan.backward(&parameters, &mut workspace, Split::Serial)?;
//!     optimizer.step(&plan, &mut parameters, &workspace, StepOptions::new(0.05), Split::Serial)?;
//! }
//! plan.forward(&parameters, &mut workspace, Split::Serial)?;
//! assert!(workspace.value(loss)?[0] < 1e-3);
//! # Ok(())
//! # }
//! ```
//!
//! ## What a broken one is told
//!
//! The contract is checked while the plan runs. An input that the shape rule did not name is not there in backward,
//! since its memory may hold something else by then; a gradient that was wanted and left out is an error; so are, with
//! debug assertions, elements that were not written. Every message names the operation.
//!
//! ```
//! use narrows_engine::tape::{Backward, Forward, Operation, Spec};
//! use narrows_engine::{Error, ErrorKind, Parameters, Shape, Split, Tape};
//!
//! /// Twice its input, with a backward function that reads what `infer` did not name, or that forgets the gradient.
//! struct Broken {
//!     reads: bool,
//! }
//!
//! impl Operation<f32> for Broken {
//!     fn name(&self) -> &'static str {
//!         "broken"
//!     }
//!
//!     fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
//!         Ok(Spec::new(inputs[0], 1))
//!     }
//!
//!     fn forward(&self, run: Forward<'_, f32>) -> Result<(), Error> {
//!         run.output.iter_mut().zip(run.inputs.get(0)?).for_each(|(y, x)| *y = 2.0 * x);
//!         Ok(())
//!     }
//!
//!     fn backward(&self, run: Backward<'_, f32>) -> Result<(), Error> {
//!         if self.reads {
//!             run.inputs.get(0)?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<(), Error> {
//! let mut parameters = Parameters::<f32>::new();
//! let weight = parameters.add("weight", &[4])?;
//! for (reads, told) in [
//!     (true, "broken: input 0 cannot be read here"),
//!     (false, "broken: the gradient of its input 0 is wanted and was not written"),
//! ] {
//!     let tape = Tape::new(&parameters, 1);
//!     let y = tape.record(Broken { reads }, &[tape.parameter(weight)]);
//!     let plan = tape.train(tape.sum(y))?;
//!     let mut workspace = plan.workspace()?;
//!     plan.forward(&parameters, &mut workspace, Split::Serial)?;
//!     let error = plan.backward(&parameters, &mut workspace, Split::Serial).unwrap_err();
//!     assert_eq!(error.kind(), ErrorKind::Contract);
//!     assert!(error.to_string().starts_with(told), "{error}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! ## In the crate
//!
//! One file of `engine/src/ops`, named as the recording method is, and its word in the list `operations!` of
//! `ops/mod.rs`. The file holds the formula with its source at the top, the type, the method on [`Tape`](crate::Tape),
//! the implementation, and its cases:
//!
//! ```text
//! #[cfg(feature = "cases")]
//! pub(super) mod cases {
//!     use crate::ops::cases::*;
//!
//!     pub(in crate::ops) fn all() -> Vec<Case> {
//!         // name, inputs at the sizes `s`, how to record it, what it should give number by number (in `f64`)
//!         vec![case!("twice", |s| vec![batch(s.columns, Domain::Real)], |t, v| t.twice(v[0]), |x| {
//!             x[0].iter().map(|x| 2.0 * x).collect()
//!         })]
//!     }
//! }
//! ```
//!
//! The list gathers the cases, and the tests walk it: the comparison with the reference on every instruction set, the
//! gradient check, the same bits at any number of threads, memory that is poisoned beforehand. Sizes are drawn, and
//! each may be 1.
//!
//! Gradients are compared with differences of 1e-5: keep inputs away from kinks. `Domain::AwayFromZero` does at 0,
//! `Domain::Apart` where numbers are compared with each other. `Apart` draws from `0.04 k - 2 + [0, 0.01)`, k a whole
//! number, so that a kink elsewhere is safe only between two of these intervals, as the borders in `ops/clamp.rs` are.
//!
//! Two tests know operations by name. `tests/operations/sizes.rs` (sizes that no memory holds) wants a line for each
//! that is not a function of each number alone; `without` in `tests/operations.rs` the inputs that have no gradient.
//! The commands: `cargo test -p narrows-engine --test operations`, and `--lib ops` for what a file tests by itself.
//!
//! Files to read beside one's own: `ops/clamp.rs` for a function of one number in a file of its own, `ops/abs.rs` for
//! one that is made of kernels (the macro `pointwise!`; a new kernel is a formula in `simd/kernels` and its lines in
//! the table there), `ops/softmax.rs` for rows, `ops/squared_norm.rs` for a sum, `ops/layer_norm.rs` for memory that
//! forward keeps for backward. A function that layers should fuse is a [fused activation](super::activation), as
//! `ops/sigmoid.rs` is.
//!
//! * **More inputs**: take the targets one after the other. A value given twice is asked for twice, and the second
//!   time says `Add`.
//! * **Memory** that it works in is asked for in its `Spec` (`saved`, `scratch`), so that steps allocate nothing.
//! * **Vectors**: `T::elementwise(run.context.backend)` is the table of kernels (`simd/kernels/mod.rs`, a line each).
//!   A plain loop is right where no kernel fits and the operation is no layer's whole work.
//! * **Threads**: `run.context.split.gated(elements, GATE).parts(pieces, grain, &|part| ..)`; pieces are slices, pairs
//!   of them, `InOut`, `PerChunk` for one result a chunk; `select::rows(columns)` is a grain of whole rows. Sums are
//!   cut by chunks of fixed size (`ops::CHUNK`), so that the number of threads does not change the bits. Outside the
//!   crate there are [`Split::ranges`](crate::Split::ranges) and [`Split::join`](crate::Split::join).
//!
//! The tool and the models know an operation only when a layer of theirs records it.
