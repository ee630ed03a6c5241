//! The engine of Narrows: matrix products and vector loops written for the processor at hand, under a reverse-mode
//! autodiff tape. It knows numbers, not autoencoders.
//!
//! * [`tape`]: record once, replay: parameters, tapes, plans and workspaces.
//! * [`ops`]: one differentiable operation per file.
//! * [`optim`]: optimisers, schedules and clipping as passes over flat memory.
//! * [`conv`]: convolutions and pooling. [`profile`]: where the time of a step goes.
//! * [`scan`]: nearest neighbours, exactly. [`gemm`]: matrix products. [`simd`]: vectors. [`random`]: counter-based noise.
//! * [`base`]: errors, memory, threads, and which instructions are used.
//! * [`guides`]: how to add an operation, a fused activation, an optimiser, an instruction set.
//!
//! What one program needs stands at the root. A function fails with the one [`Error`]; none panics.
//!
//! ```
//! use narrows_engine::{Activation, Parameters, Shape, Split, Tape};
//!
//! # fn main() -> Result<(), narrows_engine::Error> {
//! let mut parameters = Parameters::<f32>::new();
//! let weight = parameters.add("weight", &[2, 3])?;
//! let tape = Tape::new(&parameters, 8); // at most eight rows
//! let x = tape.input("x", Shape::batch(&[3]));
//! let y = tape.linear(x, tape.parameter(weight), None, Activation::Identity);
//! let loss = tape.mean(tape.square(y));
//! let plan = tape.train(loss)?; // every shape error is known here
//!
//! let mut workspace = plan.workspace()?;
//! parameters.view_mut(weight).copy_from_slice(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
//! workspace.set_rows(2)?;
//! workspace.input_mut(x)?.copy_from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
//! plan.forward(&parameters, &mut workspace, Split::Serial)?;
//! plan.backward(&parameters, &mut workspace, Split::Serial)?;
//! assert_eq!(workspace.value(loss)?, &[(1.0 + 4.0 + 16.0 + 25.0) / 4.0]);
//! assert_eq!(workspace.gradients()[0], (1.0 * 1.0 + 4.0 * 4.0) / 2.0);
//! # Ok(())
//! # }
//! ```

pub mod base;
pub mod conv;
pub mod gemm;
pub mod guides;
pub mod ops;
pub mod optim;
pub mod profile;
pub mod random;
pub mod scan;
pub mod simd;
pub mod tape;

/// The kernels themselves, for the project's own benches. No promise of stability: it changes with any version.
#[cfg(feature = "internals")]
pub mod internals {
    pub use crate::simd::kernels::Elementwise;
    pub use crate::simd::kernels::activation::Activations;
}

pub use base::{Backend, Context, Error, ErrorKind, Split, Threads};
pub use conv::Pool;
pub use gemm::Activation;
pub use ops::{Axis, Conv1dOptions, ConvOptions, ConvTranspose1dOptions, ConvTransposeOptions, Reduction};
pub use optim::{Adam, AdamW, Optimizer, OptimizerConfig, Sgd, StepOptions};
pub use random::Noise;
pub use simd::{RawRows, Scaling, gather};
pub use tape::check;
pub use tape::{ParameterId, Parameters, Plan, Real, Shape, Tape, TrainOptions, Var, Workspace};
