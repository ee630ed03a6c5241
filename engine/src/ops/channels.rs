//! Passes over the channels of `[N, C]` or `[N, C, ..]`, tile by tile: what batch normalisation and its moments share.
//!
//! A channel of `[N, C]` is a column: tiles are pieces of rows, and what belongs to a channel is a row of numbers. A
//! channel of `[N, C, ..]` is a run of positions: tiles are pieces of runs, and what belongs to the channel is one
//! number. Sums are taken over fixed parts of the samples and added in their order, so that they do not depend on the
//! number of threads.

use super::GATE;
use super::broadcast::Row;
use super::normalise::{PARTS, part};
use crate::base::parallel::PerChunk;
use crate::base::{Context, Split};
use crate::simd::InOut;
use crate::simd::kernels::Elementwise;
use crate::tape::{Real, Shape};
use std::ops::Range;

/// Numbers of a tile: it and room for as many stay in the first cache.
pub(super) const TILE: usize = 512;

/// The sizes of a batch by channels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channels {
    samples: usize,
    pub(super) channels: usize,
    positions: usize,
}

/// A piece of one channel, or of one row of all channels.
pub(super) struct Tile {
    pub(super) range: Range<usize>,
    /// The channel, or the first one.
    channel: usize,
}

/// How many channels a value of this shape has.
///
/// # Errors
/// It has none.
pub(super) fn count(shape: &Shape) -> Result<usize, String> {
    let first = usize::from(!shape.is_batch());
    shape.sizes().get(first).copied().ok_or_else(|| format!("{shape} has no channels; give [N, C] or [N, C, ..]"))
}

impl Channels {
    /// Those of `shape` with so many samples.
    pub(super) fn of(shape: &Shape, rows: usize) -> Self {
        let (samples, channels) = (shape.leading(rows), count(shape).unwrap_or(1));
        let positions = shape.elements(rows) / (samples * channels).max(1);
        Self { samples, channels, positions: positions.max(1) }
    }

    /// Numbers in a channel.
    pub(super) fn numbers(&self) -> f64 {
        (self.samples * self.positions) as f64
    }

    /// Parts that sums are taken over.
    pub(super) fn parts(&self) -> usize {
        self.samples.div_ceil(part(self.samples))
    }

    /// Numbers of a part.
    pub(super) fn grain(&self) -> usize {
        part(self.samples) * self.channels * self.positions
    }

    /// Whether to share the work among threads.
    pub(super) fn split(&self, context: Context) -> Split {
        context.split.gated(self.samples * self.channels * self.positions, GATE)
    }

    /// The sums of each part, as they go with the part's numbers.
    pub(super) fn per_part<'a, T>(&self, sums: &'a mut [T]) -> PerChunk<'a, T> {
        let results = &mut sums[..self.parts() * self.channels];
        PerChunk { results, chunk: part(self.samples) * self.positions }
    }

    /// The tiles of so many numbers from the start of a sample on.
    pub(super) fn tiles(self, len: usize) -> impl Iterator<Item = Tile> {
        let by_rows = self.positions == 1;
        let width = if by_rows { self.channels } else { self.positions };
        (0..len / width).flat_map(move |run| {
            (0..width).step_by(TILE).map(move |start| {
                let channel = if by_rows { start } else { run % self.channels };
                Tile { range: run * width + start..run * width + width.min(start + TILE), channel }
            })
        })
    }

    /// What belongs to the channels of a tile: a number for each, or one for all.
    pub(super) fn row<'a, T: Real>(&self, of_channels: &'a [T], tile: &Tile) -> Row<'a, T> {
        match self.positions {
            1 => Row::Numbers(&of_channels[tile.channel..tile.channel + tile.range.len()]),
            _ => Row::Number(of_channels[tile.channel]),
        }
    }

    /// Adds the products of two tiles to the sums of their channels.
    pub(super) fn add_products<T: Real>(
        &self,
        kernels: &Elementwise<T>,
        (a, b): (&[T], &[T]),
        sums: &mut [T],
        tile: &Tile,
    ) {
        match self.positions {
            1 => {
                let sums = &mut sums[tile.channel..tile.channel + a.len()];
                kernels.product(a, InOut::pair(b, sums), T::ZERO, true);
            }
            _ => sums[tile.channel] += kernels.dot(a, b),
        }
    }

    /// Adds the numbers of a tile to the sums of their channels.
    pub(super) fn add<T: Real>(&self, kernels: &Elementwise<T>, a: &[T], sums: &mut [T], tile: &Tile) {
        match self.positions {
            1 => kernels.scale_into(InOut::pair(a, &mut sums[tile.channel..tile.channel + a.len()]), T::ONE, true),
            _ => sums[tile.channel] += kernels.sum(a),
        }
    }

    /// Channel `c`'s sum over all parts, in their order.
    pub(super) fn total<T: Real>(&self, sums: &[T], c: usize) -> f64 {
        sums[..self.parts() * self.channels].chunks_exact(self.channels).map(|part| part[c].to_f64()).sum()
    }

    /// The mean and the biased variance of every channel; `sums` is room for [`PARTS`] numbers a channel.
    pub(super) fn moments<T: Real>(
        &self,
        x: &[T],
        sums: &mut [T],
        [means, variances]: [&mut [T]; 2],
        context: Context,
    ) {
        let kernels = T::elementwise(context.backend);
        let (split, grain) = (self.split(context), self.grain());
        split.parts((x, self.per_part(sums)), grain, &|(x, sums): (&[T], PerChunk<'_, T>)| {
            for (x, sums) in x.chunks(grain).zip(sums.results.chunks_exact_mut(self.channels)) {
                sums.fill(T::ZERO);
                self.tiles(x.len()).for_each(|tile| self.add(kernels, &x[tile.range.clone()], sums, &tile));
            }
        });
        for (c, mean) in means.iter_mut().enumerate() {
            *mean = T::from_f64(self.total(sums, c) / self.numbers());
        }
        let means = &*means;
        split.parts((x, self.per_part(sums)), grain, &|(x, sums): (&[T], PerChunk<'_, T>)| {
            let mut room = [T::ZERO; TILE];
            for (x, sums) in x.chunks(grain).zip(sums.results.chunks_exact_mut(self.channels)) {
                sums.fill(T::ZERO);
                for tile in self.tiles(x.len()) {
                    let h = &mut room[..tile.range.len()];
                    minus(kernels, &x[tile.range.clone()], self.row(means, &tile), h);
                    self.add_products(kernels, (h, h), sums, &tile);
                }
            }
        });
        for (c, variance) in variances.iter_mut().enumerate() {
            *variance = T::from_f64(self.total(sums, c) / self.numbers());
        }
    }
}

/// The shape of room for so many rows of sums and numbers of channels, over [`PARTS`] rows of sums for each of
/// `passes`.
pub(super) fn room(channels: usize, passes: usize, rows: usize) -> Shape {
    Shape::fixed(&[passes * PARTS + rows, channels])
}

/// `out = x - by`
pub(super) fn minus<T: Real>(kernels: &Elementwise<T>, x: &[T], by: Row<'_, T>, out: &mut [T]) {
    match by {
        Row::Numbers(by) => kernels.sub(x, by, out),
        Row::Number(by) => kernels.add_scalar(InOut::pair(x, out), -by),
    }
}

/// `x += by`
pub(super) fn plus<T: Real>(kernels: &Elementwise<T>, x: &mut [T], by: Row<'_, T>) {
    match by {
        Row::Numbers(by) => kernels.scale_into(InOut::pair(by, x), T::ONE, true),
        Row::Number(by) => kernels.add_scalar(InOut::same(x), by),
    }
}

/// `io = by io`, or added.
pub(super) fn times<T: Real>(kernels: &Elementwise<T>, io: InOut<'_, T>, by: Row<'_, T>, accumulate: bool) {
    match by {
        Row::Numbers(by) => kernels.product(by, io, T::ZERO, accumulate),
        Row::Number(by) => kernels.scale_into(io, by, accumulate),
    }
}
