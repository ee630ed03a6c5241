//! The three products of a convolution over a batch: `C x`, `Cᵀ y`, and the gradient of the weight.
//!
//! The batch is cut into at most [`CHUNKS`] chunks, by its size alone, and each chunk has scratch memory of its own: a
//! strip of the column matrix, so that the memory is bounded and known to the plan, whatever the batch, and partial
//! weight gradients are added in the chunks' order, whatever the threads. A strip has as many rows of positions as fit
//! L2 beside the operands; the column matrix as a whole never exists.

use super::columns::{gather, scatter};
use super::geometry::Geometry;
use crate::Split;
use crate::gemm::{Activation, Bias, Epilogue, GemmError, GemmFloat, MatrixMut, MatrixRef, gemm};
use crate::parallel::Halve;
use crate::simd::Backend;
use std::ops::Range;

/// The most chunks of a batch: as many threads can share one.
pub(crate) const CHUNKS: usize = 16;
/// Elements of a strip of the column matrix, unless one row of positions has more.
const STRIP: usize = 1 << 15;

/// A convolution: its geometry, stated for the channels of one group, and how many groups and filters a group there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Convolution {
    pub(crate) geometry: Geometry,
    pub(crate) groups: usize,
    pub(crate) filters: usize,
}

/// How to compute.
#[derive(Clone, Copy)]
pub(crate) struct Means {
    pub(crate) backend: Backend,
    pub(crate) split: Split,
}

impl Convolution {
    /// Elements of one image.
    pub(crate) fn image(&self) -> usize {
        self.groups * self.geometry.image_elements()
    }

    /// Elements of one result.
    pub(crate) fn result(&self) -> usize {
        self.groups * self.filters * self.geometry.columns()
    }

    /// Elements of the weight.
    pub(crate) fn weight(&self) -> usize {
        self.groups * self.filters * self.geometry.rows()
    }

    /// Rows of positions in a strip.
    fn strip(&self) -> usize {
        let row = self.geometry.rows() * self.geometry.positions[1];
        (STRIP / row.max(1)).clamp(1, self.geometry.positions[0].max(1))
    }

    /// Elements of a chunk's strip.
    fn columns(&self) -> usize {
        if self.geometry.is_identity() { 0 } else { self.geometry.rows() * self.geometry.positions[1] * self.strip() }
    }

    /// Elements of scratch memory for any pass: a strip and a partial weight gradient for every chunk.
    pub(crate) fn scratch(&self) -> Option<usize> {
        self.columns().checked_add(self.weight())?.checked_mul(CHUNKS)
    }

    /// Multiplications and additions for one image.
    pub(crate) fn flops(&self) -> u64 {
        (2 * self.weight() as u64).saturating_mul(self.geometry.columns() as u64)
    }

    /// The strips of positions, each with its first position.
    fn strips(&self) -> impl Iterator<Item = (Range<usize>, usize)> + use<> {
        let (strip, rows, width) = (self.strip(), self.geometry.positions[0], self.geometry.positions[1]);
        (0..rows).step_by(strip).map(move |first| (first..rows.min(first + strip), first * width))
    }

    /// `y = activation(C x + bias)`, or with what `y` holds added before the activation: images `x` to results `y`.
    pub(crate) fn apply<T: GemmFloat>(
        &self,
        means: Means,
        (x, weight, bias): (&[T], &[T], Option<&[T]>),
        activation: Activation<T>,
        y: &mut [T],
        accumulate: bool,
        scratch: &mut [T],
    ) {
        let beta = if accumulate { T::ONE } else { T::ZERO };
        let chunk = self.chunk(x.len() / self.image());
        let scratch = PerChunk { data: scratch, each: self.columns(), chunk };
        let items = ((Images { data: x, each: self.image() }, ImagesMut { data: y, each: self.result() }), scratch);
        means.split.parts(items, chunk, &|((x, y), scratch): ((Images<'_, T>, ImagesMut<'_, T>), PerChunk<'_, T>)| {
            for (x, y) in x.each().zip(y.data.chunks_exact_mut(self.result())) {
                for group in 0..self.groups {
                    let (x, weight) = (self.of_group(x, group), self.of_group(weight, group));
                    let y = of_group_mut(y, group, self.groups);
                    let bias = bias.map(|bias| Bias::PerRow(self.of_group(bias, group)));
                    self.apply_one(means.backend, (x, weight), &Epilogue { bias, activation }, (beta, y), scratch.data);
                }
            }
        });
    }

    fn apply_one<T: GemmFloat>(
        &self,
        backend: Backend,
        (x, weight): (&[T], &[T]),
        epilogue: &Epilogue<'_, T>,
        (beta, y): (T, &mut [T]),
        scratch: &mut [T],
    ) {
        let (rows, width, all) = (self.geometry.rows(), self.geometry.positions[1], self.geometry.columns());
        let weight = || MatrixRef::row_major(weight, self.filters, rows);
        if self.geometry.is_identity() {
            let (x, y) = (MatrixRef::row_major(x, rows, all), MatrixMut::row_major(y, self.filters, all));
            return product(backend, weight(), x, beta, y, epilogue);
        }
        for (strip, first) in self.strips() {
            let len = strip.len() * width;
            let columns = &mut scratch[..rows * len];
            gather(&self.geometry, x, strip, columns);
            let y = MatrixMut::new(&mut y[first..], self.filters, len, all, 1);
            product(backend, weight(), MatrixRef::row_major(columns, rows, len), beta, y, epilogue);
        }
    }

    /// `x = Cᵀ y`, added to what `x` holds if `accumulate`: results `y` to images `x`.
    pub(crate) fn apply_transposed<T: GemmFloat>(
        &self,
        means: Means,
        (y, weight): (&[T], &[T]),
        x: &mut [T],
        accumulate: bool,
        scratch: &mut [T],
    ) {
        let chunk = self.chunk(x.len() / self.image());
        let scratch = PerChunk { data: scratch, each: self.columns(), chunk };
        let items = ((Images { data: y, each: self.result() }, ImagesMut { data: x, each: self.image() }), scratch);
        means.split.parts(items, chunk, &|((y, x), scratch): ((Images<'_, T>, ImagesMut<'_, T>), PerChunk<'_, T>)| {
            for (y, x) in y.each().zip(x.data.chunks_exact_mut(self.image())) {
                for group in 0..self.groups {
                    let (y, weight) = (self.of_group(y, group), self.of_group(weight, group));
                    let x = of_group_mut(x, group, self.groups);
                    self.transposed_one(means.backend, (y, weight), x, accumulate, scratch.data);
                }
            }
        });
    }

    fn transposed_one<T: GemmFloat>(
        &self,
        backend: Backend,
        (y, weight): (&[T], &[T]),
        x: &mut [T],
        accumulate: bool,
        scratch: &mut [T],
    ) {
        let (rows, width, all) = (self.geometry.rows(), self.geometry.positions[1], self.geometry.columns());
        let (weight, none) = (|| MatrixRef::row_major(weight, self.filters, rows).map(MatrixRef::t), Epilogue::none());
        if self.geometry.is_identity() {
            let beta = if accumulate { T::ONE } else { T::ZERO };
            let (y, x) = (MatrixRef::row_major(y, self.filters, all), MatrixMut::row_major(x, rows, all));
            return product(backend, weight(), y, beta, x, &none);
        }
        if !accumulate {
            x.fill(T::ZERO);
        }
        for (strip, first) in self.strips() {
            let len = strip.len() * width;
            let columns = &mut scratch[..rows * len];
            let y = MatrixRef::new(&y[first..], self.filters, len, all, 1);
            product(backend, weight(), y, T::ZERO, MatrixMut::row_major(columns, rows, len), &none);
            scatter(T::elementwise(backend), &self.geometry, columns, strip, x);
        }
    }

    /// The gradient of the weight for images `x` and gradients `dy` of results: `dW = sum of dy im2col(x)ᵀ`.
    pub(crate) fn weight_gradient<T: GemmFloat>(
        &self,
        means: Means,
        (x, dy): (&[T], &[T]),
        dw: &mut [T],
        accumulate: bool,
        scratch: &mut [T],
    ) {
        let images = x.len() / self.image();
        let chunk = self.chunk(images);
        let chunks = images.div_ceil(chunk.max(1));
        let (strips, partials) = scratch.split_at_mut(CHUNKS * self.columns());
        let partials = &mut partials[..chunks * self.weight()];
        let memory = (
            PerChunk { data: strips, each: self.columns(), chunk },
            PerChunk { data: &mut *partials, each: self.weight(), chunk },
        );
        let items = ((Images { data: x, each: self.image() }, Images { data: dy, each: self.result() }), memory);
        type Both<'a, T> = ((Images<'a, T>, Images<'a, T>), (PerChunk<'a, T>, PerChunk<'a, T>));
        means.split.parts(items, chunk, &|((x, dy), (strips, partials)): Both<'_, T>| {
            let pairs = x.data.chunks(chunk * self.image()).zip(dy.data.chunks(chunk * self.result()));
            for ((x, dy), partial) in pairs.zip(partials.data.chunks_exact_mut(self.weight())) {
                let images = x.chunks_exact(self.image()).zip(dy.chunks_exact(self.result()));
                for (index, (x, dy)) in images.enumerate() {
                    for group in 0..self.groups {
                        let pair = (self.of_group(x, group), self.of_group(dy, group));
                        let partial = of_group_mut(partial, group, self.groups);
                        self.weight_gradient_one(means.backend, pair, partial, index > 0, strips.data);
                    }
                }
            }
        });
        let kernels = T::elementwise(means.backend);
        kernels.column_sums(partials, self.weight(), dw, accumulate);
    }

    fn weight_gradient_one<T: GemmFloat>(
        &self,
        backend: Backend,
        (x, dy): (&[T], &[T]),
        dw: &mut [T],
        accumulate: bool,
        scratch: &mut [T],
    ) {
        let (rows, width, all) = (self.geometry.rows(), self.geometry.positions[1], self.geometry.columns());
        for (strip, first) in self.strips() {
            let len = strip.len() * width;
            let beta = if accumulate || first > 0 { T::ONE } else { T::ZERO };
            let columns = if self.geometry.is_identity() {
                MatrixRef::new(&x[first..], rows, len, all, 1)
            } else {
                gather(&self.geometry, x, strip, &mut scratch[..rows * len]);
                MatrixRef::row_major(&scratch[..rows * len], rows, len)
            };
            let dy = MatrixRef::new(&dy[first..], self.filters, len, all, 1);
            let dw = MatrixMut::row_major(dw, self.filters, rows);
            product(backend, dy, columns.map(MatrixRef::t), beta, dw, &Epilogue::none());
        }
    }

    /// Images of a chunk, for a batch of `images`.
    fn chunk(&self, images: usize) -> usize {
        images.div_ceil(CHUNKS).max(1)
    }

    /// A group's part of something whose groups lie one after the other.
    fn of_group<'a, T>(&self, all: &'a [T], group: usize) -> &'a [T] {
        let each = all.len() / self.groups;
        &all[group * each..][..each]
    }
}

fn of_group_mut<T>(all: &mut [T], group: usize, groups: usize) -> &mut [T] {
    let each = all.len() / groups;
    &mut all[group * each..][..each]
}

/// The sums of each of `sums.len()` channels over the batch and all positions; `scratch` has [`CHUNKS`] times as many.
pub(crate) fn channel_sums<T: GemmFloat>(
    means: Means,
    x: &[T],
    each: usize,
    sums: &mut [T],
    accumulate: bool,
    scratch: &mut [T],
) {
    let (channels, images) = (sums.len(), x.len() / each);
    let chunk = images.div_ceil(CHUNKS).max(1);
    let kernels = T::elementwise(means.backend);
    let partials = &mut scratch[..images.div_ceil(chunk) * channels];
    let items = (Images { data: x, each }, PerChunk { data: &mut *partials, each: channels, chunk });
    means.split.parts(items, chunk, &|(x, partials): (Images<'_, T>, PerChunk<'_, T>)| {
        for (x, partial) in x.data.chunks(chunk * each).zip(partials.data.chunks_exact_mut(channels)) {
            partial.fill(T::ZERO);
            for image in x.chunks_exact(each) {
                for (sum, positions) in partial.iter_mut().zip(image.chunks_exact(each / channels)) {
                    *sum += kernels.sum(positions);
                }
            }
        }
    });
    kernels.column_sums(partials, channels, sums, accumulate);
}

/// One product on this thread; the shapes were checked when the operation was recorded.
fn product<T: GemmFloat>(
    backend: Backend,
    a: Result<MatrixRef<'_, T>, GemmError>,
    b: Result<MatrixRef<'_, T>, GemmError>,
    beta: T,
    c: Result<MatrixMut<'_, T>, GemmError>,
    epilogue: &Epilogue<'_, T>,
) {
    let done = (|| gemm(backend, Split::Serial, T::ONE, a?, b?, beta, c?, epilogue))();
    debug_assert!(done.is_ok(), "a shape that `infer` should have refused: {done:?}");
}

/// Images, results or planes, one after the other; cut between them.
pub(crate) struct Images<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) each: usize,
}

impl<'a, T> Images<'a, T> {
    pub(crate) fn each(&self) -> std::slice::ChunksExact<'a, T> {
        self.data.chunks_exact(self.each)
    }
}

impl<T: Sync> Halve for Images<'_, T> {
    fn len(&self) -> usize {
        self.data.len() / self.each
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (a, b) = self.data.split_at(at * self.each);
        (Self { data: a, each: self.each }, Self { data: b, each: self.each })
    }
}

/// The same, to be written.
pub(crate) struct ImagesMut<'a, T> {
    pub(crate) data: &'a mut [T],
    pub(crate) each: usize,
}

impl<T: Send> Halve for ImagesMut<'_, T> {
    fn len(&self) -> usize {
        self.data.len() / self.each
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (a, b) = self.data.split_at_mut(at * self.each);
        (Self { data: a, each: self.each }, Self { data: b, each: self.each })
    }
}

/// `each` elements for every `chunk` images; cut between chunks.
struct PerChunk<'a, T> {
    data: &'a mut [T],
    each: usize,
    chunk: usize,
}

impl<T: Send> Halve for PerChunk<'_, T> {
    fn len(&self) -> usize {
        self.data.len().checked_div(self.each).unwrap_or(usize::MAX / self.chunk) * self.chunk
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (a, b) = self.data.split_at_mut(at / self.chunk * self.each);
        (Self { data: a, each: self.each, chunk: self.chunk }, Self { data: b, each: self.each, chunk: self.chunk })
    }
}
