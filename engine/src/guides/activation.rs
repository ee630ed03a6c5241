//! # Adding a fused activation
//!
//! Two files. A linear layer or a convolution applies its activation to results that are still in registers or in L1,
//! and takes its derivative in the pass that sums the bias's gradient; all of them, the pooled and transposed
//! convolutions, the Jacobian's norm, profiles and errors walk what these two say.
//!
//! 1. **`engine/src/simd/kernels/activation.rs`**: the function and its derivative of whole vectors, in one entry of
//!    the list from which the table of kernels is made: `name(gradient, gradient_sums): function, derivative`. The
//!    second gradient sums columns on the way.
//! 2. **`engine/src/gemm/activation.rs`**: a variant of [`Activation`](crate::gemm::Activation) with its formula and
//!    source, and its arm of the one match, `traits`: its name, arithmetic, parameter and that parameter's range, its
//!    kernels, whether it rises (then it may come after max pooling), whether it is so small that it is applied in
//!    registers, and its derivative: **a function of the output** (as sigmoid's `y (1 - y)`), or **of the argument**
//!    (as SiLU's). For the second kind an operation keeps the sums before the activation in memory of its own, in plans
//!    that train; in plans for inference it works in place, with the same bits.
//!
//! The variant stands in `one_of_each`, beside the match, which the tests of products, convolutions and gradients walk.
//! If it is to be an operation by itself too (`tape.silu(x)`), that is one line in a file of `ops`; the cases of what
//! is fused with it may stand there (`ops/silu.rs`).
//!
//! ```
//! use narrows_engine::gemm::Activation;
//! use narrows_engine::{Parameters, Shape, Split, Tape};
//!
//! # fn main() -> Result<(), narrows_engine::Error> {
//! let mut parameters = Parameters::<f32>::new();
//! let (weight, bias) = (parameters.add("weight", &[1, 1])?, parameters.add("bias", &[1])?);
//! parameters.view_mut(weight).fill(2.0);
//! let tape = Tape::new(&parameters, 1);
//! let x = tape.input("x", Shape::batch(&[1]));
//! let y = tape.linear(x, tape.parameter(weight), Some(tape.parameter(bias)), Activation::Silu);
//! let plan = tape.infer(&[y])?;
//! let mut workspace = plan.workspace()?;
//! workspace.input_mut(x)?.fill(0.5);
//! plan.forward(&parameters, &mut workspace, Split::Serial)?;
//! // 1 sigmoid(1)
//! assert!((workspace.value(y)?[0] - 0.731_058_6).abs() < 1e-6);
//! # Ok(())
//! # }
//! ```
