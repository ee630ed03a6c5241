//! The best so far: a heap of `k` entries whose first is the worst of them.
//!
//! Entries are ordered by distance and then by row, so the k best are one set in whatever order they are offered: by
//! blocks, by chunks of several threads. A place that nothing has been found for holds an entry that is worse than all.
#![forbid(unsafe_code)]

use super::request::NO_ROW;
use crate::base::Error;

/// A row and what it is ordered by: its squared distance, or its distance. Never NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    pub(super) key: f64,
    pub(super) row: u32,
}

impl Entry {
    /// Worse than every row.
    pub(super) const NOTHING: Self = Self { key: f64::INFINITY, row: NO_ROW };

    /// Whether it is better.
    fn is_before(&self, other: &Self) -> bool {
        self.key < other.key || (self.key == other.key && self.row < other.row)
    }
}

/// `count` places that nothing has been found for.
pub(super) fn places(count: usize) -> Result<Vec<Entry>, Error> {
    let mut places = Vec::new();
    places.try_reserve_exact(count).map_err(|_| Error::out_of_memory(count.saturating_mul(size_of::<Entry>())))?;
    places.resize(count, Entry::NOTHING);
    Ok(places)
}

/// The key that a row must not exceed.
pub(super) fn limit(heap: &[Entry]) -> f64 {
    heap.first().map_or(f64::NEG_INFINITY, |worst| worst.key)
}

/// Puts `entry` in place of the worst, if it is better.
pub(super) fn offer(heap: &mut [Entry], entry: Entry) {
    if !heap.first().is_some_and(|worst| entry.is_before(worst)) {
        return;
    }
    let mut at = 0;
    loop {
        let (left, right) = (2 * at + 1, 2 * at + 2);
        let Some(&first) = heap.get(left) else { break };
        let (place, child) = match heap.get(right) {
            Some(&second) if first.is_before(&second) => (right, second),
            _ => (left, first),
        };
        if !entry.is_before(&child) {
            break;
        }
        heap[at] = child;
        at = place;
    }
    heap[at] = entry;
}

/// Puts the best first.
pub(super) fn sort(heap: &mut [Entry]) {
    heap.sort_unstable_by(|a, b| a.key.total_cmp(&b.key).then(a.row.cmp(&b.row)));
}
