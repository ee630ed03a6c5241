//! A query against rows as they lie: where there are few queries, so that packing rows would not pay, and for bits.
//!
//! Threads share the queries where these are many, else the rows, whose best are then put together. Rows are taken in
//! blocks that stay in the second cache while the queries pass.
#![forbid(unsafe_code)]

use super::best::{Entry, offer, places};
use crate::base::parallel::{Numbers, RowsMut};
use crate::base::{Error, Split};
use std::ops::Range;

/// Bytes of rows in a block, and the most rows.
const BLOCK_BYTES: usize = 1 << 17;
const BLOCK: usize = 2048;
/// Queries for each thread, at least, if they are to be shared.
const QUERIES: usize = 8;
/// Parts for each thread: so that none waits long for the last.
const PARTS: usize = 4;
/// Bytes that are read, over all queries, below which one thread is enough.
const GATE: usize = 1 << 18;

/// What measures rows.
pub(super) trait Measure: Sync {
    /// A thread's own memory.
    type Scratch;

    /// Memory for `rows` at a time.
    fn scratch(&self, rows: usize) -> Result<Self::Scratch, Error>;

    /// Offers a query's heap what of `rows` may be among its best.
    fn measure(
        &self,
        query: usize,
        rows: Range<usize>,
        scratch: &mut Self::Scratch,
        heap: &mut [Entry],
    ) -> Result<(), Error>;
}

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) queries: usize,
    pub(super) rows: usize,
    pub(super) row_bytes: usize,
    pub(super) k: usize,
}

/// Finds the nearest of all rows; `heaps` are `[q, k]`.
pub(super) fn scan<M: Measure>(split: Split, sizes: Sizes, measure: &M, heaps: &mut [Entry]) -> Result<(), Error> {
    let Sizes { queries, rows, row_bytes, k } = sizes;
    let split = split.gated(queries.saturating_mul(rows).saturating_mul(row_bytes), GATE);
    let threads = split.threads();
    let block = (BLOCK_BYTES / row_bytes.max(1)).clamp(16, BLOCK).min(rows);
    if threads == 1 || queries >= QUERIES * threads {
        let grain = queries.div_ceil(PARTS * threads);
        return split.try_parts((RowsMut { slice: heaps, width: k }, Numbers(0..queries)), grain, &|part| {
            let (heaps, Numbers(queries)): (RowsMut<'_, Entry>, Numbers) = part;
            pass(measure, queries, (0..rows, block), heaps.slice, k)
        });
    }
    let chunk = rows.div_ceil(PARTS * threads).next_multiple_of(block);
    let (chunks, each) = (rows.div_ceil(chunk), k.min(chunk));
    let width = queries.checked_mul(each).ok_or_else(|| Error::out_of_memory(usize::MAX))?;
    let mut found = places(chunks.checked_mul(width).ok_or_else(|| Error::out_of_memory(usize::MAX))?)?;
    split.try_parts((RowsMut { slice: &mut found[..], width }, Numbers(0..chunks)), 1, &|part| {
        let (heaps, Numbers(chunks)): (RowsMut<'_, Entry>, Numbers) = part;
        for (number, heaps) in chunks.zip(heaps.slice.chunks_exact_mut(width)) {
            let range = number * chunk..rows.min((number + 1) * chunk);
            pass(measure, 0..queries, (range, block), heaps, each)?;
        }
        Ok(())
    })?;
    for found in found.chunks_exact(width) {
        for (found, heap) in found.chunks_exact(each).zip(heaps.chunks_exact_mut(k)) {
            found.iter().for_each(|&entry| offer(heap, entry));
        }
    }
    Ok(())
}

/// Some queries over some rows, block after block.
fn pass<M: Measure>(
    measure: &M,
    queries: Range<usize>,
    (rows, block): (Range<usize>, usize),
    heaps: &mut [Entry],
    k: usize,
) -> Result<(), Error> {
    let mut scratch = measure.scratch(block)?;
    for first in rows.clone().step_by(block) {
        let range = first..rows.end.min(first + block);
        for (query, heap) in queries.clone().zip(heaps.chunks_exact_mut(k)) {
            measure.measure(query, range.clone(), &mut scratch, heap)?;
        }
    }
    Ok(())
}
