//! The order of an epoch: a shuffle of all rows, or of rows in a file one by blocks, which reads stretches of it.

use super::Trainer;
use crate::data::SHUFFLED;
use narrows_engine::random::{permutation, stream_id};

/// The operation numbers of the streams that orders are drawn from.
pub(super) const SHUFFLE: u32 = 0x00ff_0004;
const WITHIN: u32 = 0x00ff_0009;
/// Blocks that are shuffled together.
const TOGETHER: usize = 8;

impl Trainer<'_> {
    /// Draws the order of an epoch.
    pub(super) fn shuffle(&mut self, epoch: u64) {
        let seed = self.model.source().seed;
        if self.dataset.is_in_file() {
            by_blocks(seed, epoch, SHUFFLED, &mut self.order);
        } else {
            permutation(seed, stream_id(epoch, SHUFFLE), &mut self.order);
        }
        self.order_epoch = Some(epoch);
    }
}

/// Blocks of places in an order that is drawn, those of each few of them mixed.
fn by_blocks(seed: u64, epoch: u64, block: usize, order: &mut [u32]) {
    let count = order.len();
    let mut blocks = vec![0; count.div_ceil(block)];
    permutation(seed, stream_id(epoch, SHUFFLE), &mut blocks);
    let places = blocks.iter().flat_map(|&number| {
        let first = number as usize * block;
        first as u32..count.min(first + block) as u32
    });
    order.iter_mut().zip(places).for_each(|(to, place)| *to = place);
    let (mut mixed, mut held) = (Vec::new(), Vec::new());
    for (window, places) in order.chunks_mut(block * TOGETHER).enumerate() {
        mixed.resize(places.len(), 0);
        permutation(seed.wrapping_add(window as u64), stream_id(epoch, WITHIN), &mut mixed);
        held.clear();
        held.extend_from_slice(places);
        places.iter_mut().zip(&mixed).for_each(|(to, &from)| *to = held[from as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_comes_once_and_neighbours_are_near() {
        let mut order = vec![0; 1003];
        by_blocks(3, 5, 16, &mut order);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(at, &place)| at as u32 == place));
        let blocks =
            |places: &[u32]| places.iter().map(|place| place / 16).collect::<std::collections::BTreeSet<_>>().len();
        assert!(blocks(&order[..128]) <= 8 + 1, "a stretch is of few blocks");
        let mut again = vec![0; 1003];
        by_blocks(3, 6, 16, &mut again);
        assert_ne!(order, again);
    }
}
