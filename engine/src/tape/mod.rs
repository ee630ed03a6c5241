//! Record once, replay: reverse-mode automatic differentiation without work at run time that could be done before.
//!
//! * [`Parameters`]: one flat buffer with named views; gradients and moments share its layout.
//! * [`Tape`]: records operations and computes nothing; a [`Var`] is a handle to what one will give.
//! * [`Plan`]: the immutable result: the order, the memory slots by liveness, the counts of arithmetic and bytes.
//! * [`Workspace`]: the mutable part, one per thread of use.
//! * [`operation`]: the trait that every operation implements, an embedder's own among them.
//!
//! Rejected: an eager tape. No autoencoder needs a graph whose shape depends on data, and recording once gives no
//! allocation per step, memory known beforehand, fusion, and run time without shape errors.
#![forbid(unsafe_code)]

pub mod check;
pub mod operation;
mod parameters;
mod path;
mod plan;
mod planner;
mod real;
mod record;
mod recording;
mod run;
mod shape;
mod slots;
mod workspace;

pub use operation::{Backward, Forward, Gradients, Inputs, Operation, Spec, Target, Wanted};
pub use parameters::{ParameterId, Parameters};
pub use plan::{OperationInfo, Plan};
pub use real::Real;
pub use record::Tape;
pub use recording::{TrainOptions, Var};
pub use shape::Shape;
pub use workspace::Workspace;
