//! The entry for numbers: what is checked, which way is taken, and the result.
#![forbid(unsafe_code)]

use super::best::{Entry, places, sort};
use super::direct::{self, Measure, Sizes};
use super::kernels::ScanTable;
use super::prepare::Prepare;
use super::product;
use super::request::{Distance, Request, check_finite};
use super::target::{Bound, Target, inverse, slack, underflow};
use crate::base::{Buffer, Context, Error};
use std::ops::Range;

/// Queries below which rows are not packed: one pass over the rows for all of them is bound by memory.
const FEW: usize = 8;

/// Finds the nearest rows to each query: to `indices`, `[q, k]`, their numbers, the nearest first and of equals the one
/// of lower number, and to `distances`, `[q, k]`, how far they are. Where there are fewer than k, what is left is
/// [`NO_ROW`](super::NO_ROW) at infinity. (A distance beyond the largest `f32` is infinite too.)
///
/// Exact: the neighbours, and their order, are those of distances in `f64`, the same for any `context`. About
/// `2 q n width` flops; from a few queries on bound by arithmetic, below by reading the rows.
///
/// ```
/// use narrows_engine::scan::{Distance, Request, nearest};
/// use narrows_engine::{Context, Split};
///
/// # fn main() -> Result<(), narrows_engine::Error> {
/// let rows = [0.0, 0.0, 3.0, 4.0, 1.0, 0.0];
/// let (mut indices, mut distances) = ([0; 2], [0.0; 2]);
/// let request = Request::new(&[0.0, 0.0], &rows, 2, 2).excluding(&[0]);
/// nearest(Context::new(Split::Serial), &request, Distance::Euclidean, &mut indices, &mut distances)?;
/// assert_eq!((indices, distances), ([2, 1], [1.0, 5.0]));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// A width or k of 0; no rows; lengths that do not fit each other; NaN or infinity, with its row and column; no memory.
pub fn nearest(
    context: Context,
    request: &Request<'_, f32>,
    distance: Distance,
    indices: &mut [u32],
    distances: &mut [f32],
) -> Result<(), Error> {
    let mut heaps = places(request.check(indices.len(), distances.len())?)?;
    if heaps.is_empty() {
        return Ok(());
    }
    if request.query_count() < FEW {
        few(context, request, distance, &mut heaps)
    } else {
        product::scan(context, request, distance, &mut heaps)
    }?;
    heaps.chunks_exact_mut(request.k).for_each(sort);
    for ((entry, index), to) in heaps.iter().zip(indices).zip(distances) {
        *index = entry.row;
        *to = match distance {
            Distance::Euclidean => entry.key.sqrt() as f32,
            Distance::Cosine => entry.key as f32,
        };
    }
    Ok(())
}

/// Each query against the rows as they lie.
struct Direct<'a> {
    request: &'a Request<'a, f32>,
    distance: Distance,
    kernels: &'static ScanTable<f32>,
    /// Of length 1, where the distance is of angles.
    units: Buffer<f32>,
}

fn few(context: Context, request: &Request<'_, f32>, distance: Distance, heaps: &mut [Entry]) -> Result<(), Error> {
    check_finite("query", 0, request.queries, request.width)?;
    let mut units = Buffer::default();
    if distance == Distance::Cosine {
        units = Buffer::zeroed(request.queries.len())?;
        let mut lengths = Buffer::zeroed(request.query_count())?;
        let prepare = Prepare { context, distance, centre: &[] };
        prepare.run(("query", 0), request.queries, request.width, units.as_mut_slice(), lengths.as_mut_slice())?;
    }
    let sizes = Sizes {
        queries: request.query_count(),
        rows: request.row_count(),
        row_bytes: request.width.saturating_mul(size_of::<f32>()),
        k: request.k,
    };
    let kernels = ScanTable::<f32>::of(context.backend);
    direct::scan(context.split, sizes, &Direct { request, distance, kernels, units }, heaps)
}

impl Measure for Direct<'_> {
    type Scratch = (Buffer<f32>, Buffer<u32>);

    fn scratch(&self, rows: usize) -> Result<Self::Scratch, Error> {
        Ok((Buffer::zeroed(rows)?, Buffer::zeroed(rows)?))
    }

    fn measure(
        &self,
        query: usize,
        rows: Range<usize>,
        (cheap, found): &mut Self::Scratch,
        heap: &mut [Entry],
    ) -> Result<(), Error> {
        let width = self.request.width;
        let (values, slack) = (self.request.query(query), slack(width));
        let raw = &self.request.rows[rows.start * width..rows.end * width];
        let cheap = &mut cheap.as_mut_slice()[..rows.len()];
        let (slope, shift) = match self.distance {
            Distance::Euclidean => {
                self.kernels.squared_distances(values, raw, cheap);
                (1.0 / (1.0 - slack), 2.0 * underflow(width))
            }
            Distance::Cosine => {
                self.kernels.negative_cosines(&self.units.as_slice()[query * width..][..width], raw, cheap);
                (1.0, slack - 1.0)
            }
        };
        let shift = if slack < 0.5 { shift } else { f64::INFINITY };
        let inverse = match self.distance {
            Distance::Euclidean => 0.0,
            Distance::Cosine => inverse(self.kernels.exact_squared_norm(values)),
        };
        let (kernels, distance, excluded) = (self.kernels, self.distance, self.request.excluded(query));
        let target = Target { kernels, distance, query: values, inverse, bound: Bound { slope, shift }, excluded };
        target.offer(cheap, raw, rows.start, found.as_mut_slice(), heap)
    }
}
