//! The passes of both convolutions over a batch: `C x`, `Cᵀ y`, and all gradients at once.
//!
//! The batch is cut into at most [`CHUNKS`] chunks, by its size alone, and each chunk has scratch memory of its own, so that
//! memory is bounded and known to the plan, whatever the batch, and partial weight gradients are added in the chunks'
//! order, whatever the threads. Within a chunk everything that an image needs is done before the next one, while it
//! is in L2: backward takes the activation's derivative, sums the bias's gradient, pads the image once, and makes
//! both products from that.
//!
//! What is done for an image stands in [`super::products`], or in [`super::strips`] for large images.
#![forbid(unsafe_code)]

use super::geometry::Geometry;
use super::kernels::{ConvFloat, Kernels};
use super::pooling::{Pool, largest, put_largest};
use super::products::{Direct, Product};
use crate::Split;
use crate::gemm::{Activation, Bias, Epilogue};
use crate::parallel::Halve;
use crate::simd::{Backend, InOut};
use crate::tape::operation::Target;

/// The most chunks of a batch: as many threads can share one.
pub(crate) const CHUNKS: usize = 16;
/// Parts of the work for each thread.
const PARTS: usize = 2;
/// Multiplications below which waking a second thread costs more than it saves.
const GATE: usize = 300_000;
/// Parts of scratch memory begin at whole lines.
const LINE: usize = 16;

/// A convolution: its geometry, stated for the channels of one group, and how many groups and filters a group there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// Whether images, results, weights and a row of columns are small enough to be counted, many times over.
    pub(crate) fn fits(&self) -> bool {
        let Geometry { channels, image, positions, .. } = self.geometry;
        let rows = self.geometry.rows();
        let products: [&[usize]; 4] = [
            &[self.groups, channels, image[0], image[1]],
            &[self.groups, self.filters, positions[0], positions[1]],
            &[self.groups, self.filters, rows],
            &[rows, positions[1]],
        ];
        let count = |factors: &[usize]| factors.iter().try_fold(1usize, |n, &factor| n.checked_mul(factor));
        products.into_iter().all(|factors| count(factors).is_some_and(|n| n < isize::MAX as usize >> 14))
    }

    /// Multiplications and additions for one image.
    pub(crate) fn flops(&self) -> u64 {
        (2 * self.weight() as u64).saturating_mul(self.geometry.columns() as u64)
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

/// A convolution, which way round the operation has it, and what its kernels are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passes {
    convolution: Convolution,
    /// Whether the operation is the transpose: its input is the small image.
    transposed: bool,
    /// Max pooling of the result, before the activation: the result itself then only exists image by image.
    pool: Option<Pool>,
    direct: Option<Direct>,
}

/// Elements of the parts of scratch memory.
#[derive(Default)]
struct Layout {
    /// Weights in the kernels' order, for each group: the product's, and the transpose's for all phases.
    forward: usize,
    transposed: usize,
    /// For each chunk. Padded images, and results before pooling, as many as are worked on at once.
    image: usize,
    images: usize,
    unpooled: usize,
    result: usize,
    turned: usize,
    phases: usize,
    sums: usize,
    /// For each chunk, all together.
    weight: usize,
    bias: usize,
}

impl Layout {
    fn chunk(&self) -> usize {
        self.images * (self.image + self.unpooled) + self.result + self.turned + self.phases + self.sums
    }
}

impl Passes {
    pub(crate) fn new(convolution: Convolution, transposed: bool, pool: Option<Pool>) -> Self {
        let direct = Direct::new(&convolution.geometry, convolution.filters);
        Self { convolution, transposed, pool, direct }
    }

    pub(crate) fn convolution(&self) -> &Convolution {
        &self.convolution
    }

    /// Channels of the operation's result.
    pub(super) fn channels(&self) -> usize {
        let Convolution { geometry, groups, filters } = self.convolution;
        groups * if self.transposed { geometry.channels } else { filters }
    }

    /// Elements of one of the operation's inputs and results.
    fn sides(&self) -> [usize; 2] {
        let [input, result] = self.sides_before_pooling();
        let pooled = self.pooled().map(|(_, _, to)| self.channels() * to[0] * to[1]);
        [input, pooled.unwrap_or(result)]
    }

    fn sides_before_pooling(&self) -> [usize; 2] {
        let [small, large] = [self.convolution.result(), self.convolution.image()];
        if self.transposed { [small, large] } else { [large, small] }
    }

    /// The pooling, with height and width of planes before and after.
    fn pooled(&self) -> Option<(&Pool, [usize; 2], [usize; 2])> {
        let pool = self.pool.as_ref()?;
        let Geometry { image, positions, .. } = self.convolution.geometry;
        let from = if self.transposed { image } else { positions };
        Some((pool, from, pool.positions(from).ok()?))
    }

    /// What one pass needs, forward or backward, whichever vectors it will run on.
    fn layout<T: ConvFloat>(&self, backward: bool) -> Layout {
        let line = |elements: usize| elements.next_multiple_of(LINE);
        let groups = self.convolution.groups;
        let mut layout = Layout {
            images: 1,
            unpooled: if self.pool.is_some() { line(self.sides_before_pooling()[1]) } else { 0 },
            ..Layout::default()
        };
        if backward {
            layout.weight = line(self.convolution.weight());
            layout.bias = line(self.channels());
        }
        let Some(direct) = &self.direct else {
            layout.image = line(self.convolution.columns());
            return layout;
        };
        let turned = |product: &Product, outputs: &dyn Fn(Backend) -> bool| {
            let all = [Backend::Portable, Backend::Avx2Fma, Backend::Avx512];
            let any = all.into_iter().filter(|backend| backend.is_available()).any(outputs);
            if any { line(product.turned()) } else { 0 }
        };
        // The transpose's products are those of a transposed convolution, and of a convolution's input gradient.
        if self.transposed != backward {
            let products = if direct.by_columns { &[][..] } else { &direct.transposed };
            layout.transposed = products.iter().map(|product| line(product.packed())).sum();
            layout.result = match direct.by_columns {
                true => line(self.convolution.columns()),
                false => line(direct.result.len().unwrap_or(0)),
            };
            for product in products.iter().filter(|product| product.results() > 0) {
                let turned = turned(product, &|backend| product.lanes::<T>(backend, false).outputs());
                layout.turned = layout.turned.max(turned);
            }
            if !direct.is_whole() {
                layout.phases = line(direct.transposed.iter().map(Product::results).sum());
            }
        } else {
            let product = &direct.forward;
            layout.forward = line(product.packed());
            layout.turned = turned(product, &|backend| product.lanes::<T>(backend, false).outputs());
        }
        if backward || !self.transposed {
            layout.image = line(direct.image.len().unwrap_or(0));
        }
        if backward {
            let product = &direct.forward;
            let outputs = |backend| product.gradient_lanes::<T>(backend).outputs();
            layout.turned = layout.turned.max(turned(product, &outputs));
            layout.sums = groups * line(product.sums());
            // The groups of a convolution take turns in one padded image.
            layout.images = if groups == 1 { product.images_at_once() } else { 1 };
        }
        layout
    }

    /// Elements of scratch memory for a pass forward or backward, whatever the batch; `None` where they cannot be counted.
    pub(crate) fn scratch<T: ConvFloat>(&self, backward: bool) -> Option<usize> {
        let layout = self.layout::<T>(backward);
        let each = layout.chunk().checked_add(layout.weight + layout.bias)?;
        each.checked_mul(CHUNKS)?.checked_add(self.convolution.groups.checked_mul(layout.forward + layout.transposed)?)
    }

    /// Images of a chunk, for a batch of `images`.
    fn chunk(&self, images: usize) -> usize {
        images.div_ceil(CHUNKS).max(1)
    }

    fn split(&self, means: Means, images: usize) -> Split {
        means.split.gated((self.convolution.flops() as usize / 2).saturating_mul(images), GATE)
    }

    /// Images that a thread takes at a time: whole chunks, and no more parts than can be dealt out evenly, since all of a
    /// part shares the first chunk's memory, which stays in L2.
    fn grain(&self, split: Split, chunk: usize) -> usize {
        chunk * CHUNKS.div_ceil(PARTS * split.threads())
    }

    /// `y = activation(C x + bias)`, or `activation(Cᵀ x + bias)` for the transpose: inputs `x` to results `y`.
    pub(crate) fn apply<T: ConvFloat>(
        &self,
        means: Means,
        (x, weight, bias): (&[T], &[T], Option<&[T]>),
        activation: Activation<T>,
        (y, places): (&mut [T], Option<&mut [T]>),
        scratch: &mut [T],
    ) {
        let [input, result] = self.sides();
        let images = x.len() / input;
        let chunk = self.chunk(images);
        let layout = self.layout::<T>(false);
        let (packed, rest) = self.pack_all(
            (means.backend, false),
            &layout,
            [self.transposed, !self.transposed],
            (weight, bias),
            scratch,
        );
        let scratch = PerChunk { data: rest, each: layout.chunk(), chunk };
        let used = if self.transposed { [0, 1] } else { [1, 0] };
        let places = places.map(|data| ImagesMut { data, each: result });
        let items = ((Images { data: x, each: input }, (ImagesMut { data: y, each: result }, places)), scratch);
        type Parts<'a, T> = ((Images<'a, T>, (ImagesMut<'a, T>, Option<ImagesMut<'a, T>>)), PerChunk<'a, T>);
        let split = self.split(means, images);
        split.parts(items, self.grain(split, chunk), &|((x, (y, mut places)), scratch): Parts<'_, T>| {
            let mut worker = Worker::new(self, means.backend, &packed, &layout, (weight, bias), scratch.data, used);
            for (image, (x, y)) in x.each().zip(y.data.chunks_exact_mut(result)).enumerate() {
                let places = places.as_mut().map(|places| &mut places.data[image * result..][..result]);
                match self.pool {
                    None => worker.result(x, activation, y),
                    Some(_) => worker.pooled(x, activation, y, places),
                }
            }
        });
    }

    /// Every gradient that is wanted, from that of the result, which is overwritten by that of the activation's argument.
    ///
    /// Returns the parts of the weight's and of the bias's, one after the other for every chunk, to be added up in that
    /// order.
    pub(crate) fn differentiate<'a, T: ConvFloat>(
        &self,
        means: Means,
        run: Differentiate<'_, T>,
        scratch: &'a mut [T],
    ) -> [&'a [T]; 2] {
        let [input, result] = self.sides();
        let images = run.input.len() / input;
        let (chunk, layout) = (self.chunk(images), self.layout::<T>(true));
        let chunks = images.div_ceil(chunk);
        let Differentiate { input: x, weight, output, places, gradient, activation, d_input, wants } = run;
        // The gradient of a convolution's input is the transpose's product.
        let wanted = [d_input.is_some() && !self.transposed, d_input.is_some() && self.transposed];
        let accumulate = d_input.as_ref().is_some_and(|target| target.accumulate);
        let (packed, rest) = self.pack_all((means.backend, accumulate), &layout, wanted, (weight, None), scratch);
        let (rest, weights) = rest.split_at_mut(CHUNKS * layout.chunk());
        let (weights, biases) = weights.split_at_mut(CHUNKS * layout.weight);
        let [with_weight, with_bias] = wants;
        let padded = if self.transposed || with_weight { layout.images } else { 0 };
        let used = [padded, usize::from(d_input.is_some() && !self.transposed)];
        let weights = &mut weights[..chunks * self.convolution.weight()];
        let biases = &mut biases[..chunks * self.channels()];
        let per = |data, each| PerChunk { data, each, chunk };
        let memory = (
            per(rest, layout.chunk()),
            (per(&mut *weights, self.convolution.weight()), per(&mut *biases, self.channels())),
        );
        let outputs = (activation != Activation::Identity).then_some(Images { data: output, each: result });
        let outputs = (outputs, self.pool.map(|_| Images { data: places, each: result }));
        let images_of = ((Images { data: x, each: input }, outputs), ImagesMut { data: gradient, each: result });
        let inputs = d_input.map(|target| ImagesMut { data: target.slice, each: input });
        let parts = ((images_of, inputs), memory);
        let split = self.split(means, 3 * images);
        split.parts(parts, self.grain(split, chunk), &|part: DifferentiateParts<'_, T>| {
            let ((((x, (y, places)), dy), mut dx), (scratch, (weights, biases))) = part;
            let mut worker = Worker::new(self, means.backend, &packed, &layout, (weight, None), scratch.data, used);
            let memory = weights.data.chunks_exact_mut(self.convolution.weight());
            let memory = memory.zip(biases.data.chunks_exact_mut(self.channels()));
            let starts = (0..x.data.len() / input).step_by(chunk);
            for (start, (d_weight, d_bias)) in starts.zip(memory) {
                let end = (start + chunk).min(x.data.len() / input);
                d_bias.fill(T::ZERO);
                worker.sums.fill(T::ZERO);
                for first in (start..end).step_by(layout.images) {
                    let images = first..end.min(first + layout.images);
                    let of = |each: usize| images.start * each..images.end * each;
                    let dy = &mut dy.data[of(result)];
                    if let Some(y) = &y {
                        activation.differentiate(means.backend, &y.data[of(result)], dy);
                    }
                    // What pooling moves about adds up to the same.
                    if with_bias {
                        worker.add_channels(dy, d_bias);
                    }
                    let unpooled = places.as_ref().map(|places| worker.unpool(dy, &places.data[of(result)]));
                    let dz: &[T] = unpooled.as_deref().unwrap_or(dy);
                    let dx = dx.as_mut().map(|dx| &mut dx.data[of(input)]);
                    let d_weight = with_weight.then_some((&mut *d_weight, first == start));
                    worker.gradients((&x.data[of(input)], dz), images.len(), (dx, accumulate), d_weight);
                    if let Some(unpooled) = unpooled {
                        worker.unpooled = unpooled;
                    }
                }
                if with_weight {
                    worker.fold(d_weight);
                }
            }
        });
        [weights, biases]
    }

    /// Puts the weight (and the bias) of the products that are `wanted`, the transpose's and the convolution's, in the
    /// kernels' order; gives them and the rest of the memory.
    fn pack_all<'a, T: ConvFloat>(
        &self,
        (backend, accumulate): (Backend, bool),
        layout: &Layout,
        wanted: [bool; 2],
        (weight, bias): (&[T], Option<&[T]>),
        scratch: &'a mut [T],
    ) -> (Packed<'a, T>, &'a mut [T]) {
        let groups = self.convolution.groups;
        let (transposed, rest) = scratch.split_at_mut(groups * layout.transposed);
        let (forward, rest) = rest.split_at_mut(groups * layout.forward);
        if let Some(direct) = &self.direct {
            for group in 0..groups {
                let weight = self.convolution.of_group(weight, group);
                let bias = bias.map(|bias| self.convolution.of_group(bias, group));
                if wanted[0] && !direct.by_columns {
                    let mut to = of_group_mut(transposed, group, groups);
                    for product in &direct.transposed {
                        let (now, later) = to.split_at_mut(product.packed().next_multiple_of(LINE));
                        product.pack(&product.lanes::<T>(backend, accumulate && direct.is_whole()), weight, bias, now);
                        to = later;
                    }
                }
                if wanted[1] {
                    let to = of_group_mut(forward, group, groups);
                    direct.forward.pack(&direct.forward.lanes::<T>(backend, accumulate), weight, bias, to);
                }
            }
        }
        (Packed { transposed, forward }, rest)
    }
}

/// What [`Passes::differentiate`] works with.
pub(crate) struct Differentiate<'a, T> {
    pub(crate) input: &'a [T],
    pub(crate) weight: &'a [T],
    /// Not read if the activation is the identity.
    pub(crate) output: &'a [T],
    /// Where the maxima came from, if there is pooling.
    pub(crate) places: &'a [T],
    pub(crate) gradient: &'a mut [T],
    pub(crate) activation: Activation<T>,
    pub(crate) d_input: Option<Target<'a, T>>,
    /// Whether the weight's and the bias's gradients are wanted.
    pub(crate) wants: [bool; 2],
}

type DifferentiateParts<'a, T> = (
    (((Images<'a, T>, (Option<Images<'a, T>>, Option<Images<'a, T>>)), ImagesMut<'a, T>), Option<ImagesMut<'a, T>>),
    (PerChunk<'a, T>, (PerChunk<'a, T>, PerChunk<'a, T>)),
);

/// Weights in the kernels' order, group by group.
struct Packed<'a, T> {
    transposed: &'a [T],
    forward: &'a [T],
}

/// What one thread needs to work on the images of a chunk.
struct Worker<'a, T> {
    passes: &'a Passes,
    backend: Backend,
    packed: &'a Packed<'a, T>,
    weight: &'a [T],
    bias: Option<&'a [T]>,
    /// Padded planes of several images, or a strip of the column matrix; zeros where there is padding.
    image: &'a mut [T],
    /// Elements of one.
    each_image: usize,
    /// Results before pooling.
    unpooled: &'a mut [T],
    result: &'a mut [T],
    turned: &'a mut [T],
    phases: &'a mut [T],
    sums: &'a mut [T],
}

impl<'a, T: ConvFloat> Worker<'a, T> {
    fn new(
        passes: &'a Passes,
        backend: Backend,
        packed: &'a Packed<'a, T>,
        layout: &Layout,
        (weight, bias): (&'a [T], Option<&'a [T]>),
        scratch: &'a mut [T],
        used: [usize; 2],
    ) -> Self {
        let (image, rest) = scratch.split_at_mut(layout.images * layout.image);
        let (unpooled, rest) = rest.split_at_mut(layout.images * layout.unpooled);
        let (result, rest) = rest.split_at_mut(layout.result);
        let (turned, rest) = rest.split_at_mut(layout.turned);
        let (phases, rest) = rest.split_at_mut(layout.phases);
        let sums = &mut rest[..layout.sums];
        // Padding stays what it is here; what is not used need not be.
        let [images, results] = used;
        image[..images.min(layout.images) * layout.image].fill(T::ZERO);
        result[..results * layout.result].fill(T::ZERO);
        let each_image = layout.image;
        Self { passes, backend, packed, weight, bias, image, each_image, unpooled, result, turned, phases, sums }
    }

    /// One image's result, with its activation.
    fn result(&mut self, x: &[T], activation: Activation<T>, y: &mut [T]) {
        let convolution = &self.passes.convolution;
        for group in 0..convolution.groups {
            let x = convolution.of_group(x, group);
            let y = of_group_mut(y, group, convolution.groups);
            if self.passes.transposed {
                self.transposed(group, x, activation, (y, false));
            } else {
                self.pad_image(0, x);
                self.forward(group, (0, x), activation, (y, false));
            }
        }
        self.finish(activation, y);
    }

    /// One image's result, pooled, and then its activation. (All activations rise, so the largest stays the largest, and
    /// there are fewer to take.)
    fn pooled(&mut self, x: &[T], activation: Activation<T>, y: &mut [T], mut places: Option<&mut [T]>) {
        let Some((pool, from, to)) = self.passes.pooled() else { return };
        let unpooled = std::mem::take(&mut self.unpooled);
        let result = self.passes.sides_before_pooling()[1];
        self.result(x, Activation::Identity, &mut unpooled[..result]);
        let kernels = Kernels::for_rows(self.backend, to[1]);
        let each = to[0] * to[1];
        let planes = unpooled[..result].chunks_exact(from[0] * from[1]).zip(y.chunks_exact_mut(each));
        for (channel, (plane, y)) in planes.enumerate() {
            let places = places.as_mut().map(|places| &mut places[channel * each..][..each]);
            largest(kernels, pool, from, plane, (Some(y), places), to);
        }
        activation.apply_to(self.backend, y);
        self.unpooled = unpooled;
    }

    /// The gradients of results before pooling, from those after it.
    fn unpool(&mut self, dy: &[T], places: &[T]) -> &'a mut [T] {
        let unpooled = std::mem::take(&mut self.unpooled);
        if let Some((pool, from, to)) = self.passes.pooled() {
            let kernels = Kernels::for_rows(self.backend, to[1]);
            let each = to[0] * to[1];
            let planes = dy.chunks_exact(each).zip(places.chunks_exact(each));
            for (dz, (dy, places)) in unpooled.chunks_exact_mut(from[0] * from[1]).zip(planes) {
                put_largest(kernels, pool, from, (dy, places), dz, true);
            }
        }
        unpooled
    }

    /// Adds the sums of each channel of some images.
    fn add_channels(&self, dz: &[T], sums: &mut [T]) {
        let kernels = T::elementwise(self.backend);
        let result = self.passes.sides()[1];
        for dz in dz.chunks_exact(result) {
            let planes = dz.chunks_exact(result / sums.len());
            sums.iter_mut().zip(planes).for_each(|(sum, plane)| *sum += kernels.sum(plane));
        }
    }

    /// Brings a group's part of the large image where the convolution's product reads it.
    fn pad_image(&mut self, index: usize, image: &[T]) {
        if let Some(direct) = &self.passes.direct {
            let to = &mut self.image[index * self.each_image..][..self.each_image];
            let width = direct.image.image[1] / direct.image.stride[1];
            Kernels::for_rows(self.backend, width).pad(&direct.image, image, to);
        }
    }

    /// `C x` for a group, after [`Self::pad_image`]; what is left to do with the result is [`Self::finish`]'s.
    fn forward(
        &mut self,
        group: usize,
        (index, x): (usize, &[T]),
        activation: Activation<T>,
        (y, accumulate): (&mut [T], bool),
    ) {
        let convolution = &self.passes.convolution;
        let Some(direct) = &self.passes.direct else {
            let bias = self.bias.map(|bias| Bias::PerRow(convolution.of_group(bias, group)));
            let (weight, beta) = (convolution.of_group(self.weight, group), if accumulate { T::ONE } else { T::ZERO });
            let epilogue = Epilogue { bias, activation };
            return convolution.apply_by_strips(self.backend, (x, weight), &epilogue, (beta, y), self.image);
        };
        let packed = convolution.of_group(self.packed.forward, group);
        let lanes = direct.forward.lanes(self.backend, accumulate);
        let packed = &packed[..direct.forward.packed()];
        let image = &self.image[index * self.each_image..][..self.each_image];
        direct.forward.run((self.backend, &lanes), image, packed, activation, (y, accumulate), self.turned);
    }

    /// `Cᵀ y` for a group.
    fn transposed(&mut self, group: usize, y: &[T], activation: Activation<T>, (x, accumulate): (&mut [T], bool)) {
        let convolution = &self.passes.convolution;
        let Some(direct) = self.passes.direct.as_ref().filter(|direct| !direct.by_columns) else {
            let weight = convolution.of_group(self.weight, group);
            let columns = if self.passes.direct.is_some() { &mut *self.result } else { &mut *self.image };
            return convolution.transposed_by_strips(self.backend, (y, weight), x, accumulate, columns);
        };
        let kernels = Kernels::for_rows(self.backend, direct.result.image[1]);
        kernels.pad(&direct.result, y, self.result);
        let mut packed = convolution.of_group(self.packed.transposed, group);
        let mut phases = &mut *self.phases;
        for product in &direct.transposed {
            let (now, later) = packed.split_at(product.packed().next_multiple_of(LINE));
            packed = later;
            if product.results() == 0 {
                continue;
            }
            let now = &now[..product.packed()];
            let lanes = product.lanes(self.backend, accumulate && direct.is_whole());
            if direct.is_whole() {
                product.run((self.backend, &lanes), self.result, now, activation, (x, accumulate), self.turned);
                return;
            }
            let (to, later) = phases.split_at_mut(product.results());
            phases = later;
            product.run((self.backend, &lanes), self.result, now, activation, (to, false), self.turned);
        }
        let kernels = Kernels::for_rows(self.backend, direct.image.image[1] / direct.image.stride[1]);
        kernels.weave(&direct.image, self.phases, x, accumulate);
    }

    /// The parts of bias and activation that the products leave: on a whole result of the operation.
    fn finish(&self, activation: Activation<T>, y: &mut [T]) {
        let by_columns = self.passes.direct.as_ref().is_none_or(|direct| direct.by_columns && self.passes.transposed);
        if !by_columns {
            return activation.apply_functions(self.backend, y);
        }
        // A strip's product has all of the convolution's in its epilogue, but a transpose adds up several.
        if self.passes.transposed {
            let kernels = T::elementwise(self.backend);
            if let Some(bias) = self.bias {
                let planes = y.chunks_exact_mut(self.passes.convolution.image() / bias.len());
                bias.iter().zip(planes).for_each(|(&bias, plane)| kernels.add_scalar(InOut::same(plane), bias));
            }
            activation.apply_to(self.backend, y);
        }
    }

    /// The gradients of some images, groups one after the other, from the gradients `dz` of their results (before the
    /// activation and pooling).
    fn gradients(
        &mut self,
        (x, dz): (&[T], &[T]),
        images: usize,
        (mut dx, accumulate): (Option<&mut [T]>, bool),
        mut d_weight: Option<(&mut [T], bool)>,
    ) {
        let passes = self.passes;
        let Convolution { groups, .. } = passes.convolution;
        let [input, result] = passes.sides_before_pooling();
        for group in 0..groups {
            let part = |all: usize| group * (all / groups)..(group + 1) * (all / groups);
            for image in 0..images {
                let x = &x[image * input..][part(input)];
                let dz = &dz[image * result..][part(result)];
                let (large, small) = if passes.transposed { (dz, x) } else { (x, dz) };
                if passes.transposed || d_weight.is_some() {
                    self.pad_image(image, large);
                }
                if let Some(dx) = &mut dx {
                    let dx = (&mut dx[image * input..][part(input)], accumulate);
                    match passes.transposed {
                        true => self.forward(group, (image, large), Activation::Identity, dx),
                        false => self.transposed(group, small, Activation::Identity, dx),
                    }
                }
                if let (Some((d_weight, first)), None) = (&mut d_weight, &passes.direct) {
                    let d_weight = of_group_mut(d_weight, group, groups);
                    let more = !*first || image > 0;
                    passes.convolution.gradient_by_strips(self.backend, (large, small), d_weight, more, self.image);
                }
            }
            if let (Some(_), Some(direct)) = (&d_weight, &passes.direct) {
                let lanes = direct.forward.gradient_lanes(self.backend);
                let sums = of_group_mut(self.sums, group, groups);
                let (small, each) = if passes.transposed { (x, input) } else { (dz, result) };
                let (small, apart) = (&small[part(each).start..], [self.each_image, each]);
                let of = (self.backend, &lanes);
                direct.forward.correlate(of, self.image, small, (images, apart), sums, self.turned);
            }
        }
    }

    /// What the images of a chunk have added up to, as the weight's gradient.
    fn fold(&self, d_weight: &mut [T]) {
        let groups = self.passes.convolution.groups;
        if let Some(direct) = &self.passes.direct {
            let lanes = direct.forward.gradient_lanes(self.backend);
            for group in 0..groups {
                let sums = self.passes.convolution.of_group(self.sums, group);
                direct.forward.fold((self.backend, &lanes), sums, of_group_mut(d_weight, group, groups));
            }
        }
    }
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

/// Something that may not be there, beside something that is.
impl<P: Halve> Halve for Option<P> {
    fn len(&self) -> usize {
        self.as_ref().map_or(0, Halve::len)
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        self.map(|part| part.split_at(at)).unzip()
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
