//! A convolution, and its transpose, as products of taps: what the kernels are told, worked out once when an operation is
//! recorded.
//!
//! A [`Product`] is "for every output and position, the sum over taps of a weight times the element of a padded source at
//! the tap's offset". A convolution is one product over the padded image, split by phases of the stride. Its transpose
//! is one for every phase of the image's rows and columns, over the padded result: the pixels of a phase are seen by the
//! same elements of the kernel, those that are congruent, so no product has a zero in it. Padding, stride and dilation
//! only move offsets; no other code knows of them.
//!
//! Which lanes: a product's positions go into the lanes of vectors, or its outputs do, by which wastes less
//! ([`Product::lanes`]); with AVX-512, vectors of half the width serve rows of at most half a vector.
#![forbid(unsafe_code)]

use super::geometry::{Geometry, Window};
use super::kernels::{ConvFloat, Field, Kernels, Padded, Rows, Taps};
use crate::gemm::{Activation, transpose};
use crate::simd::Backend;

/// Padded images up to so many elements are worked on whole; larger ones, and larger weights, go through strips of the
/// column matrix, whose products have the depth to be fast.
const LARGEST_IMAGE: usize = 1 << 18;
const LARGEST_WEIGHT: usize = 1 << 17;
/// The most elements for sums of a gradient lane by lane.
const LARGEST_SUMS: usize = 1 << 18;
/// The most phases of an image.
const MOST_PHASES: usize = 64;
/// The most lanes of any vector.
const MOST_LANES: usize = 16;

/// A sum over taps at every position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) field: Field,
    taps: Taps,
    /// Where the weight of each tap stands for output 0, and the distance from one output to the next.
    elements: Vec<usize>,
    step: usize,
    outputs: usize,
}

/// What lies in the lanes of vectors, and which vectors.
pub(crate) struct Lanes<T: 'static> {
    kernels: Kernels<T>,
    outputs: bool,
}

impl<T> Lanes<T> {
    /// Whether outputs lie in the lanes.
    pub(crate) fn outputs(&self) -> bool {
        self.outputs
    }
}

/// Numbers for vectors of the machine's width, and of half of it: 0.6 of a multiply-add of the full width, since some
/// processors do two of the half for one.
fn candidates<T: ConvFloat>(backend: Backend) -> impl Iterator<Item = (Kernels<T>, f64)> {
    let half = backend.half().map(|half| (Kernels::of(half), 0.6));
    std::iter::once((Kernels::of(backend), 1.0)).chain(half)
}

impl Product {
    /// Weights and biases of all outputs in whole vectors.
    pub(crate) fn packed(&self) -> usize {
        (self.taps.len() + 1) * self.outputs.next_multiple_of(MOST_LANES)
    }

    /// Results of one image in whole vectors of outputs.
    pub(crate) fn turned(&self) -> usize {
        self.field.rows * self.field.width * self.outputs.next_multiple_of(MOST_LANES)
    }

    /// Results of one image.
    pub(crate) fn results(&self) -> usize {
        self.field.rows * self.field.width * self.outputs
    }

    /// Which lanes cost least, in multiply-adds of whole vectors. Outputs in the lanes are copied and turned, about a
    /// tenth of a multiply-add each; few outputs leave a kernel with positions in the lanes waiting for its loads.
    pub(crate) fn lanes<T: ConvFloat>(&self, backend: Backend, accumulate: bool) -> Lanes<T> {
        let Field { rows, width, .. } = self.field;
        let taps = self.taps.len() as f64;
        let mut best = (f64::INFINITY, Lanes { kernels: Kernels::of(backend), outputs: false });
        for (kernels, each) in candidates::<T>(backend) {
            let lanes = kernels.lanes();
            let loads = self.loads(lanes * size_of::<T>());
            let positions = each * loads * (rows * width.div_ceil(lanes) * self.outputs) as f64 * (taps + 2.0);
            if positions < best.0 {
                best = (positions, Lanes { kernels, outputs: false });
            }
            let vectors = (rows * width * self.outputs.div_ceil(lanes)) as f64;
            let outputs = each * vectors * (taps + 6.0);
            if outputs < best.0 && !accumulate {
                best = (outputs, Lanes { kernels, outputs: true });
            }
        }
        best.1
    }

    /// Puts weight and bias in the kernels' order.
    pub(crate) fn pack<T: ConvFloat>(&self, lanes: &Lanes<T>, weight: &[T], bias: Option<&[T]>, to: &mut [T]) {
        let (to, biases) = to.split_at_mut(self.taps.len() * self.outputs.next_multiple_of(MOST_LANES));
        let of = |output: usize, tap: usize| output * self.step + self.elements[tap];
        match lanes.outputs {
            true => lanes.kernels.vectors(weight, of, [self.outputs, self.taps.len()], to),
            false => lanes.kernels.panels(weight, of, [self.outputs, self.taps.len()], to),
        }
        biases.fill(T::ZERO);
        if let Some(bias) = bias {
            biases[..self.outputs].copy_from_slice(&bias[..self.outputs]);
        }
    }

    /// The product for one image: `target` is `[outputs, rows, width]`, and `turned` room to work in.
    pub(crate) fn run<T: ConvFloat>(
        &self,
        (backend, lanes): (Backend, &Lanes<T>),
        source: &[T],
        packed: &[T],
        activation: Activation<T>,
        (target, accumulate): (&mut [T], bool),
        turned: &mut [T],
    ) {
        let Field { rows, width, .. } = self.field;
        let positions = rows * width;
        let (weight, bias) = packed.split_at(self.taps.len() * self.outputs.next_multiple_of(MOST_LANES));
        let (source, weight, finish) = ((source, &self.taps), (weight, self.outputs), (bias, activation));
        if lanes.outputs {
            lanes.kernels.spread(self.field, source, weight, finish, turned);
            let padded = self.outputs.next_multiple_of(lanes.kernels.lanes());
            transpose(backend, [positions, self.outputs], (turned, padded), (target, positions))
                .expect("room for a transpose");
        } else {
            let target = Rows { data: target, plane: positions, row: width, accumulate };
            lanes.kernels.sweep(self.field, source, weight, finish, target);
        }
    }

    /// What loads make of a multiply-add with positions in the lanes: with one output each has a load of its own, and one of
    /// 64 bytes nearly always crosses a line, one of 32 every other time.
    fn loads(&self, bytes: usize) -> f64 {
        match (self.outputs, bytes) {
            (1, 64) => 2.0,
            (1, _) => 1.3,
            _ => 1.0,
        }
    }

    /// How many images' gradients are best made at once: as many as keep the gradients of a panel of outputs in L1.
    pub(crate) fn images_at_once(&self) -> usize {
        (4096 / (8 * self.field.rows * self.field.width).max(1)).clamp(1, 8)
    }

    /// Adds the gradient of the weight for some images and the `gradient` of their results to `sums`; images lie `apart` in
    /// the source and in the gradient.
    pub(crate) fn correlate<T: ConvFloat>(
        &self,
        (backend, lanes): (Backend, &Lanes<T>),
        source: &[T],
        gradient: &[T],
        (images, apart): (usize, [usize; 2]),
        sums: &mut [T],
        turned: &mut [T],
    ) {
        if lanes.outputs {
            let padded = self.outputs.next_multiple_of(lanes.kernels.lanes());
            let positions = self.field.rows * self.field.width;
            for image in 0..images {
                let (source, gradient) = (&source[image * apart[0]..], &gradient[image * apart[1]..]);
                transpose(backend, [self.outputs, positions], (gradient, positions), (turned, padded))
                    .expect("room for a transpose");
                lanes.kernels.collect(self.field, (source, &self.taps), (turned, self.outputs), sums);
            }
        } else {
            let images = (images, apart);
            lanes.kernels.correlate(self.field, (source, &self.taps), (gradient, self.outputs), images, sums);
        }
    }

    /// Which lanes a weight's gradient takes. Sums of positions are kept lane by lane, where there is room.
    pub(crate) fn gradient_lanes<T: ConvFloat>(&self, backend: Backend) -> Lanes<T> {
        let Field { rows, width, .. } = self.field;
        let mut best = (f64::INFINITY, Lanes { kernels: Kernels::of(backend), outputs: true });
        for (kernels, each) in candidates::<T>(backend) {
            let lanes = kernels.lanes();
            let loads = self.loads(lanes * size_of::<T>());
            let vectors = rows * width.div_ceil(lanes);
            // Sums are fetched and put back for every few images, and a row is a turn of a loop.
            let sums = 2.0 / self.images_at_once() as f64 + 0.05 * rows as f64;
            let positions = each * loads * (self.outputs * self.taps.len()) as f64 * (vectors as f64 + sums);
            if positions < best.0 && self.sums_by_lanes() <= LARGEST_SUMS {
                best = (positions, Lanes { kernels, outputs: false });
            }
            let turning = 6.0 * (rows * width * self.outputs.div_ceil(lanes)) as f64;
            let vectors = self.outputs.div_ceil(lanes) * self.taps.len();
            let outputs = each * (vectors * (rows * width + 2)) as f64 + turning;
            if outputs < best.0 {
                best = (outputs, Lanes { kernels, outputs: true });
            }
        }
        best.1
    }

    fn sums_by_lanes(&self) -> usize {
        self.outputs * self.taps.len() * MOST_LANES
    }

    /// Room for the sums of a weight's gradient, whichever lanes.
    pub(crate) fn sums(&self) -> usize {
        let by_outputs = self.outputs.next_multiple_of(MOST_LANES) * self.taps.len();
        if self.sums_by_lanes() <= LARGEST_SUMS { by_outputs.max(self.sums_by_lanes()) } else { by_outputs }
    }

    /// The gradient that the sums make, as `[outputs, taps]`, which is a weight's order for a convolution's product.
    pub(crate) fn fold<T: ConvFloat>(&self, (backend, lanes): (Backend, &Lanes<T>), sums: &[T], to: &mut [T]) {
        let taps = self.taps.len();
        if lanes.outputs {
            let padded = self.outputs.next_multiple_of(lanes.kernels.lanes());
            transpose(backend, [taps, self.outputs], (sums, padded), (to, taps)).expect("room for a transpose");
        } else {
            let sums = &sums[..self.outputs * taps * lanes.kernels.lanes()];
            lanes.kernels.fold(sums, to);
        }
    }
}

/// A convolution and its transpose, for the channels and filters of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Direct {
    /// The image's padded planes, and the result's.
    pub(crate) image: Padded,
    pub(crate) result: Padded,
    pub(crate) forward: Product,
    /// A product for each phase of the image that has pixels, in the order of `Kernels::weave`.
    pub(crate) transposed: Vec<Product>,
    /// Whether the transpose goes by columns all the same: a product with one output has a load for every multiply-add,
    /// one with the kernel's elements for outputs has not, and adding up its columns costs little beside many filters.
    /// (32 filters to 1 channel, 28x28, 3x3, Zen 4, one thread: 50 GFLOP/s against 34.)
    pub(crate) by_columns: bool,
}

impl Direct {
    /// `None` where the strips of the column matrix serve better.
    pub(crate) fn new(geometry: &Geometry, filters: usize) -> Option<Self> {
        let Geometry { window, channels, image: side, positions } = *geometry;
        let Window { kernel, stride, padding, dilation } = window;
        if geometry.rows().checked_mul(filters)? > LARGEST_WEIGHT || geometry.is_identity() {
            return None;
        }
        // The furthest that an element of the kernel lies from the first, in strides.
        let reach = [0, 1].map(|axis| (kernel[axis] - 1) * dilation[axis] / stride[axis]);
        // The first and last row and column of pixels in strides, whatever the phase.
        let first = [0, 1].map(|axis| padding[axis] / stride[axis]);
        let last = [0, 1].map(|axis| (side[axis] - 1 + padding[axis]) / stride[axis]);
        let front = [0, 1].map(|axis| reach[axis].saturating_sub(first[axis]));
        // Both sources have the same pitch.
        let image_rows = positions[0].checked_add(reach[0])?;
        let result_rows = (positions[0] + front[0]).max(last[0] + front[0] + 1);
        let image_pitch = positions[1] + reach[1];
        let result_pitch = (positions[1] + front[1]).max(last[1] + front[1] + 1);
        let image = Padded { channels, image: side, stride, front: padding, rows: image_rows, pitch: image_pitch };
        let result = Padded {
            channels: filters,
            image: positions,
            stride: [1, 1],
            front,
            rows: result_rows,
            pitch: result_pitch,
        };
        if image.len()? > LARGEST_IMAGE || result.len()? > LARGEST_IMAGE {
            return None;
        }
        let elements = kernel[0] * kernel[1];
        let taps = (0..channels).flat_map(|channel| (0..elements).map(move |element| (channel, element)));
        let seen = |element: usize| [element / kernel[1] * dilation[0], element % kernel[1] * dilation[1]];
        let forward = Product {
            field: Field { rows: positions[0], width: positions[1], pitch: image.pitch },
            taps: Taps::new(taps.map(|(channel, element)| image.place(channel, seen(element))).collect()),
            elements: (0..channels * elements).collect(),
            step: channels * elements,
            outputs: filters,
        };
        // A stride that large has little use for neighbours.
        if stride[0].checked_mul(stride[1])? > MOST_PHASES {
            return None;
        }
        let mut transposed = Vec::new();
        for phase in (0..stride[0]).flat_map(|row| (0..stride[1]).map(move |column| [row, column])) {
            // The pixels of this phase, in strides: from `start`, `count` of them.
            let start = [0, 1].map(|axis| (padding[axis] + stride[axis] - 1 - phase[axis]) / stride[axis]);
            let count = [0, 1].map(|axis| {
                let end = (side[axis] + padding[axis] + stride[axis] - 1 - phase[axis]) / stride[axis];
                end.saturating_sub(start[axis])
            });
            let congruent: Vec<usize> = (0..elements)
                .filter(|&element| (0..2).all(|axis| seen(element)[axis] % stride[axis] == phase[axis]))
                .collect();
            let offset = |filter: usize, element: usize| {
                let back = [0, 1].map(|axis| seen(element)[axis] / stride[axis]);
                result.place(filter, [0, 1].map(|axis| start[axis] + front[axis] - back[axis]))
            };
            let taps = || (0..filters).flat_map(|filter| congruent.iter().map(move |&element| (filter, element)));
            transposed.push(Product {
                field: Field { rows: count[0], width: count[1], pitch: result.pitch },
                taps: Taps::new(taps().map(|(filter, element)| offset(filter, element)).collect()),
                elements: taps().map(|(filter, element)| filter * channels * elements + element).collect(),
                step: elements,
                outputs: channels,
            });
        }
        let by_columns = channels == 1 && filters >= 16 && stride == [1, 1];
        Some(Self { image, result, forward, transposed, by_columns })
    }

    /// Whether the transpose's product is the image itself, without phases to be put together.
    pub(crate) fn is_whole(&self) -> bool {
        self.transposed.len() == 1
    }
}
