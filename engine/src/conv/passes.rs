//! The passes of both convolutions over a batch: `C x`, `Cᵀ y`, and all gradients at once.
//!
//! The batch is cut into at most [`CHUNKS`] chunks, by its size alone, and each chunk has scratch memory of its own, so that
//! memory is bounded and known to the plan, whatever the batch, and partial weight gradients are added in the chunks'
//! order, whatever the threads. Within a chunk everything that an image needs is done before the next one, while it
//! is in L2: backward takes the activation's derivative, sums the bias's gradient, pads the image once, and makes
//! both products from that.
//!
//! What a thread does for an image stands in [`super::worker`], from [`super::products`], or from [`super::strips`] for large
//! images.
#![forbid(unsafe_code)]

use super::batch::{Images, ImagesMut, PerChunk};
use super::geometry::Geometry;
use super::kernels::ConvFloat;
use super::pooling::Pool;
use super::products::{Direct, Product};
use super::worker::{Layout, Packed, Worker, of_group_mut};
use crate::base::{Backend, Context, Error, Split};
use crate::gemm::Activation;

/// The most chunks of a batch: as many threads can share one.
pub(crate) const CHUNKS: usize = 16;
/// Parts of the work for each thread.
const PARTS: usize = 2;
/// Multiplications below which waking a second thread costs more than it saves.
const GATE: usize = 300_000;
/// Parts of scratch memory begin at whole lines.
pub(super) const LINE: usize = 16;

/// A convolution: its geometry, stated for the channels of one group, and how many groups and filters a group there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Convolution {
    pub(crate) geometry: Geometry,
    pub(crate) groups: usize,
    pub(crate) filters: usize,
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
    pub(super) fn of_group<'a, T>(&self, all: &'a [T], group: usize) -> &'a [T] {
        let each = all.len() / self.groups;
        &all[group * each..][..each]
    }
}

/// A convolution, which way round the operation has it, and what its kernels are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passes {
    pub(super) convolution: Convolution,
    /// Whether the operation is the transpose: its input is the small image.
    pub(super) transposed: bool,
    /// Max pooling of the result, before the activation: the result itself then only exists image by image.
    pool: Option<Pool>,
    pub(super) direct: Option<Direct>,
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
    pub(super) fn sides(&self) -> [usize; 2] {
        let [input, result] = self.sides_before_pooling();
        let pooled = self.pooled().map(|(_, _, to)| self.channels() * to[0] * to[1]);
        [input, pooled.unwrap_or(result)]
    }

    pub(super) fn sides_before_pooling(&self) -> [usize; 2] {
        let [small, large] = [self.convolution.result(), self.convolution.image()];
        if self.transposed { [small, large] } else { [large, small] }
    }

    /// The pooling, with height and width of planes before and after.
    pub(super) fn pooled(&self) -> Option<(&Pool, [usize; 2], [usize; 2])> {
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
            let any = Backend::available().into_iter().any(outputs);
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

    fn split(&self, context: Context, images: usize) -> Split {
        context.split.gated((self.convolution.flops() as usize / 2).saturating_mul(images), GATE)
    }

    /// Images that a thread takes at a time: whole chunks, and no more parts than can be dealt out evenly, since all of a
    /// part shares the first chunk's memory, which stays in L2.
    fn grain(&self, split: Split, chunk: usize) -> usize {
        chunk * CHUNKS.div_ceil(PARTS * split.threads())
    }

    /// `y = activation(C x + bias)`, or `activation(Cᵀ x + bias)` for the transpose: inputs `x` to results `y`.
    pub(crate) fn apply<T: ConvFloat>(
        &self,
        context: Context,
        (x, weight, bias): (&[T], &[T], Option<&[T]>),
        activation: Activation<T>,
        (y, places): (&mut [T], Option<&mut [T]>),
        scratch: &mut [T],
    ) -> Result<(), Error> {
        let [input, result] = self.sides();
        let images = x.len() / input;
        let chunk = self.chunk(images);
        let layout = self.layout::<T>(false);
        let (packed, rest) = self.pack_all(
            (context.backend, false),
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
        let split = self.split(context, images);
        split.parts(items, self.grain(split, chunk), &|((x, (y, mut places)), scratch): Parts<'_, T>| {
            let mut worker = Worker::new(self, context.backend, &packed, &layout, (weight, bias), scratch.data, used);
            for (image, (x, y)) in x.each().zip(y.data.chunks_exact_mut(result)).enumerate() {
                let places = places.as_mut().map(|places| &mut places.data[image * result..][..result]);
                match self.pool {
                    None => worker.result(x, activation, y),
                    Some(_) => worker.pooled(x, activation, y, places),
                }
            }
        });
        Ok(())
    }

    /// Every gradient that is wanted, from that of the result, which is overwritten by that of the activation's argument.
    ///
    /// Returns the parts of the weight's and of the bias's, one after the other for every chunk, to be added up in that
    /// order.
    pub(crate) fn differentiate<'a, T: ConvFloat>(
        &self,
        context: Context,
        run: Differentiate<'_, T>,
        scratch: &'a mut [T],
    ) -> Result<[&'a [T]; 2], Error> {
        let [input, result] = self.sides();
        let images = run.input.len() / input;
        let (chunk, layout) = (self.chunk(images), self.layout::<T>(true));
        let chunks = images.div_ceil(chunk);
        let Differentiate { input: x, weight, kept, places, gradient, activation, d_input, wants } = run;
        // The gradient of a convolution's input is the transpose's product.
        let wanted = [d_input.is_some() && !self.transposed, d_input.is_some() && self.transposed];
        let accumulate = d_input.as_ref().is_some_and(|(_, accumulate)| *accumulate);
        let (packed, rest) = self.pack_all((context.backend, accumulate), &layout, wanted, (weight, None), scratch);
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
        let kept = (activation != Activation::Identity).then_some(Images { data: kept, each: result });
        let kept = (kept, self.pool.map(|_| Images { data: places, each: result }));
        let images_of = ((Images { data: x, each: input }, kept), ImagesMut { data: gradient, each: result });
        let inputs = d_input.map(|(data, _)| ImagesMut { data, each: input });
        let parts = ((images_of, inputs), memory);
        let split = self.split(context, 3 * images);
        split.parts(parts, self.grain(split, chunk), &|part: DifferentiateParts<'_, T>| {
            let ((((x, (kept, places)), dy), mut dx), (scratch, (weights, biases))) = part;
            let mut worker = Worker::new(self, context.backend, &packed, &layout, (weight, None), scratch.data, used);
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
                    if let Some(kept) = &kept {
                        activation.differentiate(context.backend, &kept.data[of(result)], dy);
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
        Ok([weights, biases])
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
    /// What the activation's derivative is found from; not read if it is the identity.
    pub(crate) kept: &'a [T],
    /// Where the maxima came from, if there is pooling.
    pub(crate) places: &'a [T],
    pub(crate) gradient: &'a mut [T],
    pub(crate) activation: Activation<T>,
    /// Where the input's gradient goes, and whether it is added.
    pub(crate) d_input: Option<(&'a mut [T], bool)>,
    /// Whether the weight's and the bias's gradients are wanted.
    pub(crate) wants: [bool; 2],
}

type DifferentiateParts<'a, T> = (
    (((Images<'a, T>, (Option<Images<'a, T>>, Option<Images<'a, T>>)), ImagesMut<'a, T>), Option<ImagesMut<'a, T>>),
    (PerChunk<'a, T>, (PerChunk<'a, T>, PerChunk<'a, T>)),
);
