//! Many queries: cheap distances by a matrix product, block after block of rows.
//!
//! A block of rows is prepared and packed once for all queries; threads share these. A chunk of queries times the block
//! is one product, `-2 a·b + ‖b‖²` with the second term as its bias (`-a·b` of unit vectors), whose rows are looked
//! through while they are in the second cache. 2 q n width flops, bound by arithmetic; a copy of a block and of the
//! queries in memory.
#![forbid(unsafe_code)]

use super::best::Entry;
use super::kernels::ScanTable;
use super::prepare::{Prepare, centre};
use super::request::{Distance, Request};
use super::target::{Bound, Target, slack, underflow};
use crate::base::parallel::{Numbers, RowsMut};
use crate::base::{Buffer, Context, Error, Split};
use crate::gemm::{Activation, Bias, Epilogue, MatrixMut, MatrixRef, PackedB, gemm_packed};
use std::ops::Range;

/// Rows in a block, and queries in a chunk: 256 KiB of products.
const BLOCK: usize = 1024;
const CHUNK: usize = 64;
/// Parts of the queries for each thread, at least: so that none waits long for the last.
const PARTS: usize = 4;

/// Queries as the product takes them.
struct Queries<'a> {
    request: &'a Request<'a, f32>,
    distance: Distance,
    context: Context,
    prepared: Buffer<f32>,
    lengths: Buffer<f64>,
}

/// A block of rows.
struct Block<'a> {
    first: usize,
    raw: &'a [f32],
    packed: PackedB<f32>,
    /// What is added to the products of each row.
    bias: &'a [f32],
}

/// Finds the nearest of all rows; `heaps` are `[q, k]`.
pub(super) fn scan(
    context: Context,
    request: &Request<'_, f32>,
    distance: Distance,
    heaps: &mut [Entry],
) -> Result<(), Error> {
    let (width, count) = (request.width, request.query_count());
    let centre = match distance {
        Distance::Euclidean => centre(request.rows, width)?,
        Distance::Cosine => Buffer::default(),
    };
    let prepare = Prepare { context, distance, centre: centre.as_slice() };
    let (mut prepared, mut lengths) = (Buffer::zeroed(request.queries.len())?, Buffer::zeroed(count)?);
    prepare.run(("query", 0), request.queries, width, prepared.as_mut_slice(), lengths.as_mut_slice())?;
    let queries = Queries { request, distance, context, prepared, lengths };

    let most = BLOCK.min(request.row_count());
    let (mut rows, mut norms) = (Buffer::zeroed(most * width)?, Buffer::<f64>::zeroed(most)?);
    let mut bias = Buffer::<f32>::zeroed(most)?;
    let grain = count.div_ceil(PARTS * context.split.threads()).next_multiple_of(8);
    for (number, raw) in request.rows.chunks(BLOCK * width).enumerate() {
        let (first, len) = (number * BLOCK, raw.len() / width);
        let (rows, norms) = (&mut rows.as_mut_slice()[..raw.len()], &mut norms.as_mut_slice()[..len]);
        prepare.run(("row", first), raw, width, rows, norms)?;
        let bias = &mut bias.as_mut_slice()[..len];
        if distance == Distance::Euclidean {
            let share = 1.0 - slack(width);
            bias.iter_mut().zip(norms).for_each(|(to, norm)| *to = (share * *norm) as f32);
        }
        let packed = PackedB::new(context, MatrixRef::row_major(rows, len, width)?.t())?;
        let block = Block { first, raw, packed, bias };
        context.split.try_parts(
            (RowsMut { slice: &mut *heaps, width: request.k }, Numbers(0..count)),
            grain,
            &|part| {
                let (heaps, Numbers(range)): (RowsMut<'_, Entry>, Numbers) = part;
                queries.against(&block, range, heaps.slice)
            },
        )?;
    }
    Ok(())
}

impl Queries<'_> {
    /// Looks for neighbours of some queries in a block.
    fn against(&self, block: &Block<'_>, queries: Range<usize>, heaps: &mut [Entry]) -> Result<(), Error> {
        let (width, k) = (self.request.width, self.request.k);
        let rows = block.bias.len();
        let mut products = Buffer::<f32>::zeroed(CHUNK.min(queries.len()) * rows)?;
        let mut found = Buffer::<u32>::zeroed(rows)?;
        let (alpha, bias) = match self.distance {
            Distance::Euclidean => (-2.0, Some(Bias::PerColumn(block.bias))),
            Distance::Cosine => (-1.0, None),
        };
        let epilogue = Epilogue { bias, activation: Activation::Identity };
        for (first, heaps) in queries.clone().step_by(CHUNK).zip(heaps.chunks_mut(CHUNK * k)) {
            let count = heaps.len() / k;
            let a = MatrixRef::row_major(&self.prepared.as_slice()[first * width..], count, width)?;
            let products = &mut products.as_mut_slice()[..count * rows];
            let c = MatrixMut::row_major(products, count, rows)?;
            gemm_packed(Split::Serial, alpha, a, &block.packed, 0.0, c, &epilogue)?;
            for (at, (heap, cheap)) in heaps.chunks_exact_mut(k).zip(products.chunks_exact(rows)).enumerate() {
                let target = self.target(first + at);
                target.offer(cheap, block.raw, block.first, found.as_mut_slice(), heap)?;
            }
        }
        Ok(())
    }

    fn target(&self, query: usize) -> Target<'_> {
        let (width, length) = (self.request.width, self.lengths.as_slice()[query]);
        let slack = slack(width);
        let shift = match self.distance {
            Distance::Euclidean => underflow(width) - (1.0 - slack) * length,
            Distance::Cosine => slack - 1.0,
        };
        // Rows so long that rounding could be all there is.
        let shift = if slack < 0.5 { shift } else { f64::INFINITY };
        Target {
            kernels: ScanTable::<f32>::of(self.context.backend),
            distance: self.distance,
            query: self.request.query(query),
            inverse: length,
            bound: Bound { slope: 1.0, shift },
            excluded: self.request.excluded(query),
        }
    }
}
