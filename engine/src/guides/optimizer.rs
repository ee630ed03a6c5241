//! # Adding an optimiser
//!
//! One file of `engine/src/optim/methods` and its entry in the list of that folder's `mod.rs`, `file::Settings`. The
//! list makes the variant of [`OptimizerConfig`](crate::optim::OptimizerConfig), its name and checks, and gathers the
//! cases that every test of `optim` walks: agreement with the formula on single numbers, the same bits at any number of
//! threads, frozen parameters that stay, checkpoints that go on as if nothing had been saved.
//!
//! The file (`lion.rs` is a short example, `lamb.rs` one with a norm for every tensor) holds, in this order:
//!
//! 1. **The settings**: a public struct whose documentation is the formula with its source, every field with its range,
//!    and its `Default`. The learning rate is not among them: it changes from step to step.
//! 2. **`impl Method`**: the name; `check`, the constants' ranges, asked once; `state_names`, the names of its buffers
//!    of state, as many as it likes, as long as the parameters, zero at first, and PyTorch's names where it has them,
//!    since checkpoints carry them; and `step`: this step's constants are computed in `f64` (`now.t` counts steps from
//!    1), rounded once, and handed to `run.advance` for one pass over everything that the plan trains, or to
//!    `run.measure` and `run.advance_in`, parameter by parameter, where norms are needed.
//! 3. **`impl Update`** for those constants: what becomes of one vector of parameters, gradients and state. It is the
//!    only code of the file that touches numbers; loops, threads, tails and instruction sets come from outside. The
//!    gradient comes raw: multiply it by `now.clip` first, then add the `w p` of an L2 penalty, if there is one
//!    (`adam.rs`). What is NaN must stay so, lest a run that diverges look sound: `max(a, b)` gives `b` where either is
//!    NaN.
//! 4. **`cases()`**, under `#[cfg(test)]`: settings, each with the formula in `f64` for one step of one tensor, its
//!    gradients clipped already, its state three slices, 0 at first. `.jumping()` marks steps by a sign, which a
//!    rounding turns over; an epsilon has to be one at which `f32` can agree with the formula (`lamb.rs`: 1e-4).
//!
//! `method::{fraction, epsilon, weight_decay}` refuse what is out of the usual ranges, `method::check` any other.
//! The tests: `cargo test -p narrows-engine --lib optim`. The tool chooses an optimiser by its name in
//! `models/src/training/settings.rs` (`OptimizerName`); until that knows it, only the engine does.
//!
//! What a caller does with it:
//!
//! ```
//! use narrows_engine::optim::{Lion, Optimizer, StepOptions, clip_factor, global_norm};
//! use narrows_engine::tape::TrainOptions;
//! use narrows_engine::{Parameters, Split, Tape};
//!
//! # fn main() -> Result<(), narrows_engine::Error> {
//! let mut parameters = Parameters::<f32>::new();
//! let (weight, fixed) = (parameters.add("weight", &[3])?, parameters.add("fixed", &[3])?);
//! parameters.flat_mut().fill(1.0);
//! let tape = Tape::new(&parameters, 1);
//! let loss = tape.sum(tape.square(tape.mul(tape.parameter(weight), tape.parameter(fixed))));
//! let plan = tape.train_with(loss, TrainOptions { frozen: &[fixed] })?;
//! let mut workspace = plan.workspace()?;
//!
//! let mut optimizer = Optimizer::new(Lion { weight_decay: 0.1, ..Lion::default() }, &parameters)?;
//! plan.forward(&parameters, &mut workspace, Split::Serial)?;
//! plan.backward(&parameters, &mut workspace, Split::Serial)?;
//! let clip = clip_factor(global_norm(&plan, &workspace, Split::Serial)?, 1.0);
//! optimizer.step(&plan, &mut parameters, &workspace, StepOptions::new(0.01).clip(clip), Split::Serial)?;
//!
//! // The sign's step and the decay: 1 - 0.01 (1 + 0.1). What the plan freezes stays, whatever the decay.
//! assert!((parameters.view(weight)[0] - 0.989).abs() < 1e-6);
//! assert_eq!(parameters.view(fixed), [1.0; 3]);
//! // A step without a backward pass before it is refused, and nothing has moved.
//! plan.forward(&parameters, &mut workspace, Split::Serial)?;
//! let step = optimizer.step(&plan, &mut parameters, &workspace, StepOptions::new(0.01), Split::Serial);
//! assert!(step.is_err());
//! # Ok(())
//! # }
//! ```
