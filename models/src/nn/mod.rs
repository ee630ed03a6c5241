//! Layers: a layer owns the names of its parameters and records operations. Names and layouts are PyTorch's.

mod activation;
mod conv2d;
mod conv_transpose2d;
mod init;
mod linear;
mod norm;
mod pass;
mod pooling;
mod sequential;

pub use activation::ActivationName;
pub use conv_transpose2d::{ConvTranspose1d, ConvTranspose2d};
pub use conv2d::{Conv1d, Conv2d};
pub use init::Init;
pub use linear::Linear;
pub use norm::{Norm, NormName};
pub use pass::{Mode, Pass};
pub use pooling::{Pooling, Unpooling};
pub use sequential::{Hidden, Sequential};
