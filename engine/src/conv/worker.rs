//! What one thread does for the images of a chunk: padding, products, pooling, and the gradients of several images at a
//! time, in scratch memory of its own.
#![forbid(unsafe_code)]

use super::kernels::{ConvFloat, Kernels};
use super::passes::{Convolution, LINE, Passes};
use super::pooling::{largest, put_largest};
use crate::gemm::{Activation, Bias, Epilogue};
use crate::simd::{Backend, InOut};

/// Elements of the parts of scratch memory.
#[derive(Default)]
pub(super) struct Layout {
    /// Weights in the kernels' order, for each group: the product's, and the transpose's for all phases.
    pub(super) forward: usize,
    pub(super) transposed: usize,
    /// For each chunk. Padded images, and results before pooling, as many as are worked on at once.
    pub(super) image: usize,
    pub(super) images: usize,
    pub(super) unpooled: usize,
    pub(super) result: usize,
    pub(super) turned: usize,
    pub(super) phases: usize,
    pub(super) sums: usize,
    /// For each chunk, all together.
    pub(super) weight: usize,
    pub(super) bias: usize,
}

impl Layout {
    pub(super) fn chunk(&self) -> usize {
        self.images * (self.image + self.unpooled) + self.result + self.turned + self.phases + self.sums
    }
}

/// Weights in the kernels' order, group by group.
pub(super) struct Packed<'a, T> {
    pub(super) transposed: &'a [T],
    pub(super) forward: &'a [T],
}

/// What one thread needs to work on the images of a chunk.
pub(super) struct Worker<'a, T> {
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
    pub(super) unpooled: &'a mut [T],
    result: &'a mut [T],
    turned: &'a mut [T],
    phases: &'a mut [T],
    pub(super) sums: &'a mut [T],
}

impl<'a, T: ConvFloat> Worker<'a, T> {
    pub(super) fn new(
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
    pub(super) fn result(&mut self, x: &[T], activation: Activation<T>, y: &mut [T]) {
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

    /// One image's result, pooled, and then its activation: where that rises, the largest stays the largest, and there
    /// are fewer to take.
    pub(super) fn pooled(&mut self, x: &[T], activation: Activation<T>, y: &mut [T], mut places: Option<&mut [T]>) {
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
    pub(super) fn unpool(&mut self, dy: &[T], places: &[T]) -> &'a mut [T] {
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
    pub(super) fn add_channels(&self, dz: &[T], sums: &mut [T]) {
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
            return activation.applied().finish(self.backend, y);
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
    pub(super) fn gradients(
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
    pub(super) fn fold(&self, d_weight: &mut [T]) {
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

pub(super) fn of_group_mut<T>(all: &mut [T], group: usize, groups: usize) -> &mut [T] {
    let each = all.len() / groups;
    &mut all[group * each..][..each]
}
