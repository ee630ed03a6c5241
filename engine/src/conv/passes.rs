//! The passes of both convolutions over a batch: `C x`, `Cᵀ y`, and all gradients at once.
//!
//! The batch is cut into at most [`CHUNKS`] chunks, by its size alone, and each chunk has scratch memory of its own,
//! so that memory is bounded and known to the plan, whatever the batch, and partial weight gradients are added in the
//! chunks' order, whatever the threads. Within a chunk everything that an image needs is done before the next one,
//! while it is in L2: backward takes the activation's derivative, sums the bias's gradient, pads the image once, and
//! makes both products from that.
//!
//! What a thread does for an image stands in [`super::worker`], from [`super::direct`]'s products, or from
//! [`super::strips`] for large images.
#![forbid(unsafe_code)]

use super::batch::{ChunkMemory, Images, ImagesMut};
use super::choices::Choices;
use super::convolution::Convolution;
use super::kernels::ConvFloat;
use super::layer::Layer;
use super::layout::{CHUNKS, Layout};
use super::packed::PackedWeights;
use super::pool::Pool;
use super::worker::Worker;
use crate::base::parallel::Halve;
use crate::base::{Context, Error, Split};
use crate::gemm::Activation;

/// Parts of the work for each thread.
const PARTS: usize = 2;
/// Multiplications below which waking a second thread costs more than it saves.
const GATE: usize = 300_000;

/// A convolution or its transpose, with all that is decided when it is recorded.
pub(crate) struct Passes<T: 'static> {
    layer: Layer,
    /// None for strips of the column matrix.
    choices: Vec<Choices<T>>,
    /// Of the forward and of the backward pass.
    layouts: [Layout; 2],
}

/// What [`Passes::apply`] works with.
pub(crate) struct Apply<'a, T> {
    pub(crate) input: &'a [T],
    pub(crate) weight: &'a [T],
    pub(crate) bias: Option<&'a [T]>,
    pub(crate) activation: Activation<T>,
    pub(crate) output: &'a mut [T],
    /// Where the maxima came from, if there is pooling and somebody wants to know.
    pub(crate) places: Option<&'a mut [T]>,
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

impl<T: ConvFloat> Passes<T> {
    /// # Errors
    /// When the pooling does not fit the result.
    pub(crate) fn new(convolution: Convolution, transposed: bool, pool: Option<Pool>) -> Result<Self, Error> {
        let layer = Layer::new(convolution, transposed, pool)?;
        let choices = layer.direct.as_ref().map(Choices::all).unwrap_or_default();
        let layouts = [false, true].map(|backward| Layout::new(&layer, &choices, backward));
        Ok(Self { layer, choices, layouts })
    }

    pub(crate) fn convolution(&self) -> &Convolution {
        &self.layer.convolution
    }

    /// Elements of scratch memory for a pass forward or backward, whatever the batch; `None` where they cannot be
    /// counted.
    pub(crate) fn scratch(&self, backward: bool) -> Option<usize> {
        self.layouts[usize::from(backward)].elements(self.layer.convolution.groups())
    }

    /// The decision that a pass runs on; none for strips.
    fn choices(&self, context: Context, accumulate: bool) -> Result<Option<&Choices<T>>, Error> {
        match self.layer.direct {
            Some(_) => Choices::find(&self.choices, context.backend, accumulate).map(Some),
            None => Ok(None),
        }
    }

    /// Images of a chunk, for a batch of `images`.
    fn chunk(&self, images: usize) -> usize {
        images.div_ceil(CHUNKS).max(1)
    }

    fn split(&self, context: Context, images: usize) -> Split {
        context.split.gated((self.layer.convolution.flops() as usize / 2).saturating_mul(images), GATE)
    }

    /// Images that a thread takes at a time: whole chunks, and no more parts than can be dealt out evenly, since all
    /// of a part shares the first chunk's memory, which stays in L2.
    fn grain(&self, split: Split, chunk: usize) -> usize {
        chunk * CHUNKS.div_ceil(PARTS * split.threads())
    }

    /// `y = activation(C x + bias)`, or `activation(Cᵀ x + bias)` for the transpose: inputs `x` to results `y`.
    pub(crate) fn apply(&self, context: Context, run: Apply<'_, T>, scratch: &mut [T]) -> Result<(), Error> {
        let Apply { input: x, weight, bias, activation, output, places } = run;
        let [input, result] = self.layer.sides();
        let images = x.len() / input;
        let (chunk, layout) = (self.chunk(images), &self.layouts[0]);
        let choices = self.choices(context, false)?;
        let wanted = [self.layer.transposed, !self.layer.transposed];
        let (packed, rest) = PackedWeights::new(&self.layer, choices, layout, wanted, (weight, bias), scratch);
        let used = if self.layer.transposed { [0, 1] } else { [1, 0] };
        let parts = ForwardPart {
            input: Images { data: x, each: input },
            output: ImagesMut { data: output, each: result },
            places: places.map(|data| ImagesMut { data, each: result }),
            scratch: ChunkMemory { data: rest, each: layout.chunk(), chunk },
        };
        let split = self.split(context, images);
        split.try_parts(parts, self.grain(split, chunk), &|mut part: ForwardPart<'_, T>| {
            let (operands, scratch) = ((weight, bias), part.scratch.data);
            let mut worker =
                Worker::new((&self.layer, choices), context.backend, &packed, layout, operands, scratch, used);
            for (image, (x, y)) in part.input.each().zip(part.output.data.chunks_exact_mut(result)).enumerate() {
                let places = part.places.as_mut().map(|places| &mut places.data[image * result..][..result]);
                match self.layer.pooling {
                    None => worker.result(x, activation, y)?,
                    Some(pooling) => worker.pooled(pooling, x, activation, y, places)?,
                }
            }
            Ok(())
        })
    }

    /// Every gradient that is wanted, from that of the result, which is overwritten by that of the activation's
    /// argument.
    ///
    /// Returns the parts of the weight's and of the bias's, one after the other for every chunk, to be added up in that
    /// order.
    pub(crate) fn differentiate<'a>(
        &self,
        context: Context,
        run: Differentiate<'_, T>,
        scratch: &'a mut [T],
    ) -> Result<[&'a [T]; 2], Error> {
        let (layer, layout) = (&self.layer, &self.layouts[1]);
        let [input, result] = layer.sides();
        let images = run.input.len() / input;
        let chunk = self.chunk(images);
        let chunks = images.div_ceil(chunk);
        let Differentiate { input: x, weight, kept, places, gradient, activation, d_input, wants } = run;
        let accumulate = d_input.as_ref().is_some_and(|(_, accumulate)| *accumulate);
        let choices = self.choices(context, accumulate)?;
        // The gradient of a convolution's input is the transpose's product.
        let wanted = [d_input.is_some() && !layer.transposed, d_input.is_some() && layer.transposed];
        let (packed, rest) = PackedWeights::new(layer, choices, layout, wanted, (weight, None), scratch);
        let (rest, weights) = rest.split_at_mut(CHUNKS * layout.chunk());
        let (weights, biases) = weights.split_at_mut(CHUNKS * layout.weight);
        let padded = if layer.transposed || wants[0] { layout.images } else { 0 };
        let used = [padded, usize::from(wanted[0])];
        let weights = &mut weights[..chunks * layer.convolution.weight()];
        let biases = &mut biases[..chunks * layer.channels()];
        let per = |data, each| ChunkMemory { data, each, chunk };
        let kept = (activation != Activation::Identity).then_some(Images { data: kept, each: result });
        let parts = GradientPart {
            input: Images { data: x, each: input },
            kept,
            places: layer.pooling.map(|_| Images { data: places, each: result }),
            gradient: ImagesMut { data: gradient, each: result },
            d_input: d_input.map(|(data, _)| ImagesMut { data, each: input }),
            scratch: per(rest, layout.chunk()),
            weights: per(&mut *weights, layer.convolution.weight()),
            biases: per(&mut *biases, layer.channels()),
        };
        let split = self.split(context, 3 * images);
        let how = How { context, activation, wants, accumulate, chunk, at_once: layout.images };
        split.try_parts(parts, self.grain(split, chunk), &|mut part: GradientPart<'_, T>| {
            let (operands, scratch) = ((weight, None), std::mem::take(&mut part.scratch.data));
            let worker = Worker::new((layer, choices), context.backend, &packed, layout, operands, scratch, used);
            part.run(layer, worker, &how)
        })?;
        Ok([weights, biases])
    }
}

/// A part of the batch, forward.
struct ForwardPart<'a, T> {
    input: Images<'a, T>,
    output: ImagesMut<'a, T>,
    places: Option<ImagesMut<'a, T>>,
    scratch: ChunkMemory<'a, T>,
}

impl<T: Send + Sync> Halve for ForwardPart<'_, T> {
    fn len(&self) -> usize {
        self.input.len()
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (input, output) = (self.input.split_at(at), self.output.split_at(at));
        let (places, scratch) = (self.places.split_at(at), self.scratch.split_at(at));
        (
            Self { input: input.0, output: output.0, places: places.0, scratch: scratch.0 },
            Self { input: input.1, output: output.1, places: places.1, scratch: scratch.1 },
        )
    }
}

/// A part of the batch, backward.
struct GradientPart<'a, T> {
    input: Images<'a, T>,
    kept: Option<Images<'a, T>>,
    places: Option<Images<'a, T>>,
    gradient: ImagesMut<'a, T>,
    d_input: Option<ImagesMut<'a, T>>,
    scratch: ChunkMemory<'a, T>,
    weights: ChunkMemory<'a, T>,
    biases: ChunkMemory<'a, T>,
}

impl<T: Send + Sync> Halve for GradientPart<'_, T> {
    fn len(&self) -> usize {
        self.input.len()
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let images = ((self.input, (self.kept, self.places)), (self.gradient, self.d_input));
        let of = |(((input, (kept, places)), (gradient, d_input)), (scratch, (weights, biases)))| Self {
            input,
            kept,
            places,
            gradient,
            d_input,
            scratch,
            weights,
            biases,
        };
        let (first, second) = (images, (self.scratch, (self.weights, self.biases))).split_at(at);
        (of(first), of(second))
    }
}

/// What all parts of a backward pass are told.
struct How<T> {
    context: Context,
    activation: Activation<T>,
    wants: [bool; 2],
    accumulate: bool,
    /// Images of a chunk, and of those as many as are worked on at once.
    chunk: usize,
    at_once: usize,
}

impl<'a, T: ConvFloat> GradientPart<'a, T> {
    /// All gradients of this part, chunk by chunk.
    fn run(mut self, layer: &Layer, mut worker: Worker<'_, T>, how: &How<T>) -> Result<(), Error> {
        let (images, [with_weight, _]) = (self.input.len(), how.wants);
        let weights = std::mem::take(&mut self.weights.data).chunks_exact_mut(self.weights.each);
        let biases = std::mem::take(&mut self.biases.data).chunks_exact_mut(self.biases.each);
        for (start, (d_weight, d_bias)) in (0..images).step_by(how.chunk).zip(weights.zip(biases)) {
            let end = (start + how.chunk).min(images);
            d_bias.fill(T::ZERO);
            worker.sums.fill(T::ZERO);
            for first in (start..end).step_by(how.at_once) {
                let some = first..end.min(first + how.at_once);
                let d_weight = with_weight.then_some((&mut *d_weight, first == start));
                self.some_images(layer, &mut worker, how, some, (d_weight, d_bias))?;
            }
            if with_weight {
                worker.reduce(d_weight)?;
            }
        }
        Ok(())
    }

    /// Those of some images, as many as are worked on at once.
    fn some_images(
        &mut self,
        layer: &Layer,
        worker: &mut Worker<'_, T>,
        how: &How<T>,
        images: std::ops::Range<usize>,
        (d_weight, d_bias): (Option<(&mut [T], bool)>, &mut [T]),
    ) -> Result<(), Error> {
        let of = |each: usize| images.start * each..images.end * each;
        let (input, result) = (self.input.each, self.gradient.each);
        let dy = &mut self.gradient.data[of(result)];
        if let Some(kept) = &self.kept {
            how.activation.differentiate(how.context.backend, &kept.data[of(result)], dy);
        }
        // What pooling moves about adds up to the same.
        if how.wants[1] {
            worker.add_channels(dy, d_bias);
        }
        let unpooled = match (layer.pooling, &self.places) {
            (Some(pooling), Some(places)) => Some(worker.unpool(pooling, dy, &places.data[of(result)])?),
            _ => None,
        };
        let dz: &[T] = unpooled.as_deref().unwrap_or(dy);
        let dx = self.d_input.as_mut().map(|dx| &mut dx.data[of(input)]);
        worker.gradients((&self.input.data[of(input)], dz), images.len(), (dx, how.accumulate), d_weight)?;
        if let Some(unpooled) = unpooled {
            worker.unpooled = unpooled;
        }
        Ok(())
    }
}
