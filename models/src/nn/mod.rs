//! Layers: a layer owns the names of its parameters and records operations. Names and layouts are PyTorch's.

mod activation;
mod init;
mod linear;
mod sequential;

pub use activation::ActivationName;
pub use init::Init;
pub use linear::Linear;
pub use sequential::Sequential;
