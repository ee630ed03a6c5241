//! Codes of bits, packed to words, and their nearest by Hamming distance: the number of bits that differ.
#![forbid(unsafe_code)]

use super::best::{Entry, limit, offer, places, sort};
use super::direct::{self, Measure, Sizes};
use super::kernels::ScanTable;
use super::request::Request;
use crate::base::{Buffer, Context, Error};
use std::marker::PhantomData;
use std::ops::Range;

/// Bits in a word.
const BITS: usize = u64::BITS as usize;
/// Distances of which the least is looked for before each of them is looked at.
const GROUP: usize = 32;

/// Makes a bit of each number: whether it is above the threshold of its dimension. `values` are `[n, thresholds.len()]`;
/// `out` is `[n, words]`, a row's `thresholds.len() / 64` words rounded up, its first bits lowest and the last ones 0.
///
/// # Errors
/// No thresholds; lengths that do not fit each other.
pub fn pack_bits(values: &[f32], thresholds: &[f32], out: &mut [u64]) -> Result<(), Error> {
    let width = thresholds.len();
    let words = width.div_ceil(BITS);
    if width == 0 || !values.len().is_multiple_of(width) || out.len() != values.len() / width * words {
        return Err(Error::shape(format!(
            "pack_bits: {} numbers with {width} thresholds into {} words; give whole rows, and {words} words for each",
            values.len(),
            out.len()
        )));
    }
    for (row, out) in values.chunks_exact(width).zip(out.chunks_exact_mut(words)) {
        for ((values, thresholds), word) in row.chunks(BITS).zip(thresholds.chunks(BITS)).zip(out) {
            let bits = values.iter().zip(thresholds).enumerate();
            *word = bits.fold(0, |word, (bit, (x, threshold))| word | (u64::from(x > threshold) << bit));
        }
    }
    Ok(())
}

/// Finds the nearest rows to each query in bits that differ, as [`nearest`](super::nearest) does: the width is in words,
/// and where there are fewer than k rows, what is left is [`NO_ROW`](super::NO_ROW) at `u32::MAX`.
///
/// # Errors
/// As for [`nearest`](super::nearest).
pub fn nearest_hamming(
    context: Context,
    request: &Request<'_, u64>,
    indices: &mut [u32],
    distances: &mut [u32],
) -> Result<(), Error> {
    let mut heaps = places(request.check(indices.len(), distances.len())?)?;
    if heaps.is_empty() {
        return Ok(());
    }
    let sizes = Sizes {
        queries: request.query_count(),
        rows: request.row_count(),
        row_bytes: request.width.saturating_mul(size_of::<u64>()),
        k: request.k,
    };
    let bits = Bits { request, kernels: ScanTable::<f32>::of(context.backend) };
    direct::scan(context.split, sizes, &bits, &mut heaps)?;
    heaps.chunks_exact_mut(request.k).for_each(sort);
    for ((entry, index), distance) in heaps.iter().zip(indices).zip(distances) {
        // The cast makes the largest number of infinity.
        (*index, *distance) = (entry.row, entry.key as u32);
    }
    Ok(())
}

struct Bits<'a> {
    request: &'a Request<'a, u64>,
    kernels: &'static ScanTable<f32>,
}

impl Measure for Bits<'_> {
    type Scratch = Buffer<u32>;

    fn scratch(&self, rows: usize) -> Result<Self::Scratch, Error> {
        Buffer::zeroed(rows)
    }

    fn measure(
        &self,
        query: usize,
        rows: Range<usize>,
        scratch: &mut Self::Scratch,
        heap: &mut [Entry],
    ) -> Result<(), Error> {
        let width = self.request.width;
        let words = &self.request.rows[rows.start * width..rows.end * width];
        let distances = &mut scratch.as_mut_slice()[..rows.len()];
        self.kernels.differing_bits(PhantomData, self.request.query(query), words, distances);
        let excluded = self.request.excluded(query);
        for (group, first) in distances.chunks(GROUP).zip(rows.step_by(GROUP)) {
            // Rows come in their order: one that is no nearer is worse.
            let least = group.iter().fold(u32::MAX, |least, &distance| least.min(distance));
            if f64::from(least) >= limit(heap) {
                continue;
            }
            for (row, &distance) in (first as u32..).zip(group) {
                if f64::from(distance) < limit(heap) && excluded != Some(row) {
                    offer(heap, Entry { key: f64::from(distance), row });
                }
            }
        }
        Ok(())
    }
}
