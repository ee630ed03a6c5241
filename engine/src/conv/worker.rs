//! What one thread does for the images of a chunk: padding, products, pooling, and the gradients of several images at a
//! time, in scratch memory of its own.
#![forbid(unsafe_code)]

use super::choices::Choices;
use super::direct::Direct;
use super::kernels::{ConvFloat, Kernels};
use super::layer::{Layer, Pooling};
use super::layout::{Layout, lines};
use super::packed::PackedWeights;
use super::pooling::{largest, put_largest};
use crate::base::{Backend, Error};
use crate::gemm::{Activation, Bias, Epilogue};
use crate::simd::InOut;

/// What one thread needs to work on the images of a chunk.
pub(super) struct Worker<'a, T: 'static> {
    layer: &'a Layer,
    /// None for strips of the column matrix.
    direct: Option<(&'a Direct, &'a Choices<T>)>,
    backend: Backend,
    packed: &'a PackedWeights<'a, T>,
    weight: &'a [T],
    bias: Option<&'a [T]>,
    /// Padded planes of several images, or a strip of the column matrix; zeros where there is padding.
    image: &'a mut [T],
    /// Elements of one.
    each_image: usize,
    /// Results before pooling.
    pub(super) unpooled: &'a mut [T],
    result: &'a mut [T],
    channels_last: &'a mut [T],
    phases: &'a mut [T],
    pub(super) sums: &'a mut [T],
}

impl<'a, T: ConvFloat> Worker<'a, T> {
    pub(super) fn new(
        (layer, choices): (&'a Layer, Option<&'a Choices<T>>),
        backend: Backend,
        packed: &'a PackedWeights<'a, T>,
        layout: &Layout,
        (weight, bias): (&'a [T], Option<&'a [T]>),
        scratch: &'a mut [T],
        used: [usize; 2],
    ) -> Self {
        let (image, rest) = scratch.split_at_mut(layout.images * layout.image);
        let (unpooled, rest) = rest.split_at_mut(layout.images * layout.unpooled);
        let (result, rest) = rest.split_at_mut(layout.result);
        let (channels_last, rest) = rest.split_at_mut(layout.channels_last);
        let (phases, rest) = rest.split_at_mut(layout.phases);
        let sums = &mut rest[..layout.sums];
        // Padding stays what it is here; what is not used need not be.
        let [images, results] = used;
        image[..images.min(layout.images) * layout.image].fill(T::ZERO);
        result[..results * layout.result].fill(T::ZERO);
        let (each_image, direct) = (layout.image, layer.direct.as_ref().zip(choices));
        Self {
            layer,
            direct,
            backend,
            packed,
            weight,
            bias,
            image,
            each_image,
            unpooled,
            result,
            channels_last,
            phases,
            sums,
        }
    }

    /// One image's result, with its activation.
    pub(super) fn result(&mut self, x: &[T], activation: Activation<T>, y: &mut [T]) -> Result<(), Error> {
        let (convolution, transposed) = (&self.layer.convolution, self.layer.transposed);
        for group in 0..convolution.groups() {
            let x = convolution.of_group(x, group);
            let y = convolution.of_group_mut(y, group);
            if transposed {
                self.transposed(group, x, activation, (y, false))?;
            } else {
                self.pad_image(0, x)?;
                self.forward(group, (0, x), activation, (y, false))?;
            }
        }
        self.finish(activation, y);
        Ok(())
    }

    /// One image's result, pooled, and then its activation. (Where the activation rises, the largest stays the
    /// largest, and there are fewer to take.)
    pub(super) fn pooled(
        &mut self,
        pooling: Pooling,
        x: &[T],
        activation: Activation<T>,
        y: &mut [T],
        mut places: Option<&mut [T]>,
    ) -> Result<(), Error> {
        let Pooling { pool, from, to } = pooling;
        let unpooled = std::mem::take(&mut self.unpooled);
        let result = self.layer.sides_before_pooling()[1];
        self.result(x, Activation::Identity, &mut unpooled[..result])?;
        let kernels = Kernels::for_rows(self.backend, to[1]);
        let each = to[0] * to[1];
        let planes = unpooled[..result].chunks_exact(from[0] * from[1]).zip(y.chunks_exact_mut(each));
        for (channel, (plane, y)) in planes.enumerate() {
            let places = places.as_mut().map(|places| &mut places[channel * each..][..each]);
            largest(kernels, &pool, from, plane, (Some(y), places), to)?;
        }
        activation.apply_to(self.backend, y);
        self.unpooled = unpooled;
        Ok(())
    }

    /// The gradients of results before pooling, from those after it; to be given back as [`Self::unpooled`].
    pub(super) fn unpool(&mut self, pooling: Pooling, dy: &[T], places: &[T]) -> Result<&'a mut [T], Error> {
        let Pooling { pool, from, to } = pooling;
        let unpooled = std::mem::take(&mut self.unpooled);
        let kernels = Kernels::for_rows(self.backend, to[1]);
        let each = to[0] * to[1];
        let planes = dy.chunks_exact(each).zip(places.chunks_exact(each));
        for (dz, (dy, places)) in unpooled.chunks_exact_mut(from[0] * from[1]).zip(planes) {
            put_largest(kernels, &pool, from, (dy, places), dz, true)?;
        }
        Ok(unpooled)
    }

    /// Adds the sums of each channel of some images.
    pub(super) fn add_channels(&self, dz: &[T], sums: &mut [T]) {
        let kernels = T::elementwise(self.backend);
        let result = self.layer.sides()[1];
        for dz in dz.chunks_exact(result) {
            let planes = dz.chunks_exact(result / sums.len());
            sums.iter_mut().zip(planes).for_each(|(sum, plane)| *sum += kernels.sum(plane));
        }
    }

    /// Brings a group's part of the large image where the convolution's product reads it.
    fn pad_image(&mut self, index: usize, image: &[T]) -> Result<(), Error> {
        let Some((direct, _)) = self.direct else { return Ok(()) };
        let to = &mut self.image[index * self.each_image..][..self.each_image];
        let width = direct.image.image[1] / direct.image.stride[1];
        Kernels::for_rows(self.backend, width).pad(&direct.image, image, to)
    }

    /// `C x` for a group, after [`Self::pad_image`]; what is left to do with the result is [`Self::finish`]'s.
    fn forward(
        &mut self,
        group: usize,
        (index, x): (usize, &[T]),
        activation: Activation<T>,
        (y, accumulate): (&mut [T], bool),
    ) -> Result<(), Error> {
        let convolution = &self.layer.convolution;
        let Some((direct, choices)) = self.direct else {
            let bias = self.bias.map(|bias| Bias::PerRow(convolution.of_group(bias, group)));
            let (weight, beta) = (convolution.of_group(self.weight, group), if accumulate { T::ONE } else { T::ZERO });
            let epilogue = Epilogue { bias, activation };
            return convolution.apply_by_strips(self.backend, (x, weight), &epilogue, (beta, y), self.image);
        };
        let packed = convolution.of_group(self.packed.forward, group);
        let packed = &packed[..direct.forward.packed()];
        let image = &self.image[index * self.each_image..][..self.each_image];
        let lanes = (self.backend, &choices.forward);
        direct.forward.run(lanes, image, packed, activation, (y, accumulate), self.channels_last)
    }

    /// `Cᵀ y` for a group.
    fn transposed(
        &mut self,
        group: usize,
        y: &[T],
        activation: Activation<T>,
        (x, accumulate): (&mut [T], bool),
    ) -> Result<(), Error> {
        let convolution = &self.layer.convolution;
        let Some((direct, choices)) = self.direct.filter(|(direct, _)| !direct.by_columns) else {
            let weight = convolution.of_group(self.weight, group);
            let columns = if self.direct.is_some() { &mut *self.result } else { &mut *self.image };
            return convolution.transposed_by_strips(self.backend, (y, weight), x, accumulate, columns);
        };
        let kernels = Kernels::for_rows(self.backend, direct.result.image[1]);
        kernels.pad(&direct.result, y, self.result)?;
        let mut packed = convolution.of_group(self.packed.transposed, group);
        let mut phases = &mut *self.phases;
        for (product, arrangement) in direct.transposed.iter().zip(&choices.transposed) {
            let (now, later) = packed.split_at(lines(product.packed()));
            packed = later;
            if product.results() == 0 {
                continue;
            }
            let (now, lanes) = (&now[..product.packed()], (self.backend, arrangement));
            if direct.is_whole() {
                return product.run(lanes, self.result, now, activation, (x, accumulate), self.channels_last);
            }
            let (to, later) = phases.split_at_mut(product.results());
            phases = later;
            product.run(lanes, self.result, now, activation, (to, false), self.channels_last)?;
        }
        let kernels = Kernels::for_rows(self.backend, direct.image.image[1] / direct.image.stride[1]);
        kernels.weave(&direct.image, self.phases, x, accumulate)
    }

    /// The parts of bias and activation that the products leave: on a whole result of the operation.
    fn finish(&self, activation: Activation<T>, y: &mut [T]) {
        let by_columns = self.direct.is_none_or(|(direct, _)| direct.by_columns && self.layer.transposed);
        if !by_columns {
            return activation.applied().finish(self.backend, y);
        }
        // A strip's product has all of the convolution's in its epilogue, but a transpose adds up several.
        if self.layer.transposed {
            let kernels = T::elementwise(self.backend);
            if let Some(bias) = self.bias {
                let planes = y.chunks_exact_mut(self.layer.convolution.image() / bias.len());
                bias.iter().zip(planes).for_each(|(&bias, plane)| kernels.add_scalar(InOut::same(plane), bias));
            }
            activation.apply_to(self.backend, y);
        }
    }

    /// The gradients of some images, groups one after the other, from the gradients `dz` of their results (before the
    /// activation and pooling).
    pub(super) fn gradients(
        &mut self,
        (x, dz): (&[T], &[T]),
        images: usize,
        (mut dx, accumulate): (Option<&mut [T]>, bool),
        mut d_weight: Option<(&mut [T], bool)>,
    ) -> Result<(), Error> {
        let (convolution, transposed) = (&self.layer.convolution, self.layer.transposed);
        let groups = convolution.groups();
        let [input, result] = self.layer.sides_before_pooling();
        for group in 0..groups {
            let part = |all: usize| group * (all / groups)..(group + 1) * (all / groups);
            for image in 0..images {
                let x = &x[image * input..][part(input)];
                let dz = &dz[image * result..][part(result)];
                let (large, small) = if transposed { (dz, x) } else { (x, dz) };
                if transposed || d_weight.is_some() {
                    self.pad_image(image, large)?;
                }
                if let Some(dx) = &mut dx {
                    let dx = (&mut dx[image * input..][part(input)], accumulate);
                    match transposed {
                        true => self.forward(group, (image, large), Activation::Identity, dx)?,
                        false => self.transposed(group, small, Activation::Identity, dx)?,
                    }
                }
                if let (Some((d_weight, first)), None) = (&mut d_weight, self.direct) {
                    let d_weight = convolution.of_group_mut(d_weight, group);
                    let more = !*first || image > 0;
                    convolution.gradient_by_strips(self.backend, (large, small), d_weight, more, self.image)?;
                }
            }
            if let (Some(_), Some((direct, choices))) = (&d_weight, self.direct) {
                let sums = convolution.of_group_mut(self.sums, group);
                let (small, each) = if transposed { (x, input) } else { (dz, result) };
                let (small, apart) = (&small[part(each).start..], [self.each_image, each]);
                let lanes = (self.backend, &choices.gradient);
                direct.forward.correlate(lanes, self.image, small, (images, apart), sums, self.channels_last)?;
            }
        }
        Ok(())
    }

    /// What the images of a chunk have added up to, as the weight's gradient.
    pub(super) fn reduce(&self, d_weight: &mut [T]) -> Result<(), Error> {
        let Some((direct, choices)) = self.direct else { return Ok(()) };
        let convolution = &self.layer.convolution;
        for group in 0..convolution.groups() {
            let sums = convolution.of_group(self.sums, group);
            let to = convolution.of_group_mut(d_weight, group);
            direct.forward.reduce((self.backend, &choices.gradient), sums, to)?;
        }
        Ok(())
    }
}
