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
//! 3. **`backward`**: ask for the gradient of each input once, and do what you are told: skip, set, or add.
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
//! One file of `engine/src/ops`, named as the recording method is: the formula with its source at the top, the type,
//! the method on [`Tape`](crate::Tape), the implementation, and `cases()`: inputs, how to record it, and what it should
//! give number by number. The word in the list `operations!` of `ops/mod.rs` gathers the cases, and every test walks
//! that list: the comparison with the reference on every instruction set, the gradient check, the same bits at any
//! number of threads, memory that is poisoned beforehand. Functions of one number need a line instead: see
//! `ops/sigmoid.rs` and the macro in `ops/pointwise.rs`. Memory an operation works in is asked for in its `Spec`
//! (`saved`, `scratch`), so that steps allocate nothing; work is cut by chunks of fixed size (`ops::CHUNK`), so that
//! the number of threads does not change the bits.
