//! All reference networks in one list, for the suite and the table.

use crate::convolutional::{BATCH, CONVOLUTIONAL};
use crate::networks::{NETWORKS, Step};
use narrows_engine::Error;

/// A network to be timed.
pub struct Reference {
    /// As the tables call it.
    pub name: &'static str,
    /// Samples in a step.
    pub batch: usize,
    /// Flops of its products without the gradient of the data.
    pub needed_flops: f64,
    /// Records it.
    pub step: Box<dyn Fn() -> Result<Step, Error> + Send + Sync>,
}

/// All of them, those of linear layers first.
///
/// # Panics
/// When there is no memory for one.
pub fn references() -> Vec<Reference> {
    let dense = NETWORKS.into_iter().map(|network| Reference {
        name: network.name,
        batch: network.batch,
        needed_flops: network.needed_flops(),
        step: Box::new(move || network.step()),
    });
    let convolutional = CONVOLUTIONAL.into_iter().map(|network| Reference {
        name: network.name(),
        batch: BATCH,
        needed_flops: network.needed_flops().expect("memory for a network"),
        step: Box::new(move || network.step()),
    });
    dense.chain(convolutional).collect()
}
