//! What objectives are made of: terms and their sum, how a reconstruction is compared, how inputs are corrupted, and
//! the penalties that types and layers share. Each file has its formula, its source and its keys.

mod columns;
mod contraction;
mod corruption;
mod l1;
mod l2;
mod posterior;
mod reconstruction;
mod sparsity;
mod terms;

pub use columns::{Columns, gumbel};
pub use contraction::{Contraction, ContractionKeys};
pub use corruption::{Corrupted, Corruption, CorruptionKeys, CorruptionName};
pub use l1::{L1Keys, record as record_l1};
pub use l2::{L2, L2Keys};
pub use posterior::Posterior;
pub use reconstruction::{LossName, OutputName, Reconstruction, ReconstructionKeys};
pub use sparsity::{MeanName, Sparsity, SparsityKeys, check as check_sparsity};
pub use terms::{Builder, Objective, Ramp, Term, TermRecord, Weight};
