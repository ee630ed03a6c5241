//! A product of taps: what the kernels are told, worked out once when an operation is recorded.
//!
//! A [`Product`] is "for every output and position, the sum over taps of a weight times the element of a padded source
//! at the tap's offset".
//!
//! Which lanes: a product's positions go into the lanes of vectors, or its outputs do, by which wastes less; with
//! AVX-512, vectors of half the width serve rows of at most half a vector. The [`Arrangement`] says which. It is found
//! here and decided once, in [`super::choices`]; packing, running and reducing are handed the same one.
#![forbid(unsafe_code)]

use super::kernels::{ConvFloat, Field, Kernels, Operands, Rows, Taps};
use crate::base::{Backend, Error};
use crate::gemm::{Activation, transpose};

/// The most elements for sums of a gradient lane by lane.
const LARGEST_SUMS: usize = 1 << 18;
/// The most lanes of any vector.
const MOST_LANES: usize = 16;

/// A sum over taps at every position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Product {
    pub(super) field: Field,
    pub(super) taps: Taps,
    /// Where the weight of each tap stands for output 0, and the distance from one output to the next.
    pub(super) elements: Vec<usize>,
    pub(super) step: usize,
    pub(super) outputs: usize,
}

/// What lies in the lanes of vectors, outputs or positions, and which vectors.
pub(super) struct Arrangement<T: 'static> {
    kernels: Kernels<T>,
    outputs: bool,
}

impl<T> Arrangement<T> {
    /// Whether outputs lie in the lanes.
    pub(super) fn has_outputs(&self) -> bool {
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
    pub(super) fn packed(&self) -> usize {
        (self.taps.len() + 1) * self.outputs.next_multiple_of(MOST_LANES)
    }

    /// Results of one image with the outputs last, in whole vectors of them.
    pub(super) fn channels_last(&self) -> usize {
        self.field.rows * self.field.width * self.outputs.next_multiple_of(MOST_LANES)
    }

    /// Results of one image.
    pub(super) fn results(&self) -> usize {
        self.field.rows * self.field.width * self.outputs
    }

    /// Which lanes cost least, in multiply-adds of whole vectors. Outputs in the lanes are copied and transposed,
    /// about a tenth of a multiply-add each; few outputs leave a kernel with positions in the lanes waiting for its
    /// loads.
    pub(super) fn arrange<T: ConvFloat>(&self, backend: Backend, accumulate: bool) -> Arrangement<T> {
        let Field { rows, width, .. } = self.field;
        let taps = self.taps.len() as f64;
        let mut best = (f64::INFINITY, Arrangement { kernels: Kernels::of(backend), outputs: false });
        for (kernels, each) in candidates::<T>(backend) {
            let lanes = kernels.lanes();
            let loads = self.loads(lanes * size_of::<T>());
            let positions = each * loads * (rows * width.div_ceil(lanes) * self.outputs) as f64 * (taps + 2.0);
            if positions < best.0 {
                best = (positions, Arrangement { kernels, outputs: false });
            }
            let vectors = (rows * width * self.outputs.div_ceil(lanes)) as f64;
            let outputs = each * vectors * (taps + 6.0);
            if outputs < best.0 && !accumulate {
                best = (outputs, Arrangement { kernels, outputs: true });
            }
        }
        best.1
    }

    /// Puts weight and bias in the kernels' order.
    pub(super) fn pack<T: ConvFloat>(
        &self,
        arrangement: &Arrangement<T>,
        weight: &[T],
        bias: Option<&[T]>,
        to: &mut [T],
    ) {
        let (to, biases) = to.split_at_mut(self.taps.len() * self.outputs.next_multiple_of(MOST_LANES));
        let of = |output: usize, tap: usize| output * self.step + self.elements[tap];
        match arrangement.outputs {
            true => arrangement.kernels.pack_vectors(weight, of, [self.outputs, self.taps.len()], to),
            false => arrangement.kernels.pack_panels(weight, of, [self.outputs, self.taps.len()], to),
        }
        biases.fill(T::ZERO);
        if let Some(bias) = bias {
            biases[..self.outputs].copy_from_slice(&bias[..self.outputs]);
        }
    }

    /// The product for one image: `target` is `[outputs, rows, width]`, and `channels_last` room to work in.
    pub(super) fn run<T: ConvFloat>(
        &self,
        (backend, arrangement): (Backend, &Arrangement<T>),
        source: &[T],
        packed: &[T],
        activation: Activation<T>,
        (target, accumulate): (&mut [T], bool),
        channels_last: &mut [T],
    ) -> Result<(), Error> {
        let Field { rows, width, .. } = self.field;
        let positions = rows * width;
        let (weight, bias) = packed.split_at(self.taps.len() * self.outputs.next_multiple_of(MOST_LANES));
        let operands = Operands { field: self.field, source, taps: &self.taps, filters: self.outputs };
        let kernels = &arrangement.kernels;
        if arrangement.outputs {
            kernels.convolve_filters(operands, weight, (bias, activation), channels_last)?;
            let padded = self.outputs.next_multiple_of(kernels.lanes());
            transpose(backend, [positions, self.outputs], (channels_last, padded), (target, positions))
        } else {
            let target = Rows { data: target, plane: positions, row: width, accumulate };
            kernels.convolve_pixels(operands, weight, (bias, activation), target)
        }
    }

    /// What loads make of a multiply-add with positions in the lanes: with one output each has a load of its own, and
    /// one of 64 bytes nearly always crosses a line, one of 32 every other time.
    fn loads(&self, bytes: usize) -> f64 {
        match (self.outputs, bytes) {
            (1, 64) => 2.0,
            (1, _) => 1.3,
            _ => 1.0,
        }
    }

    /// How many images' gradients are best made at once: as many as keep the gradients of a panel of outputs in L1.
    pub(super) fn images_at_once(&self) -> usize {
        (4096 / (8 * self.field.rows * self.field.width).max(1)).clamp(1, 8)
    }

    /// Adds the gradient of the weight for some images and the `gradient` of their results to `sums`; images lie
    /// `apart` in the source and in the gradient.
    pub(super) fn correlate<T: ConvFloat>(
        &self,
        (backend, arrangement): (Backend, &Arrangement<T>),
        source: &[T],
        gradient: &[T],
        (images, apart): (usize, [usize; 2]),
        sums: &mut [T],
        channels_last: &mut [T],
    ) -> Result<(), Error> {
        let kernels = &arrangement.kernels;
        let of = |source| Operands { field: self.field, source, taps: &self.taps, filters: self.outputs };
        if !arrangement.outputs {
            return kernels.correlate_pixels(of(source), gradient, (images, apart), sums);
        }
        let padded = self.outputs.next_multiple_of(kernels.lanes());
        let positions = self.field.rows * self.field.width;
        for image in 0..images {
            let (source, gradient) = (&source[image * apart[0]..], &gradient[image * apart[1]..]);
            transpose(backend, [self.outputs, positions], (gradient, positions), (channels_last, padded))?;
            kernels.correlate_filters(of(source), channels_last, sums)?;
        }
        Ok(())
    }

    /// Which lanes a weight's gradient takes. Sums of positions are kept lane by lane, where there is room.
    pub(super) fn arrange_gradient<T: ConvFloat>(&self, backend: Backend) -> Arrangement<T> {
        let Field { rows, width, .. } = self.field;
        let mut best = (f64::INFINITY, Arrangement { kernels: Kernels::of(backend), outputs: true });
        for (kernels, each) in candidates::<T>(backend) {
            let lanes = kernels.lanes();
            let loads = self.loads(lanes * size_of::<T>());
            let vectors = rows * width.div_ceil(lanes);
            // Sums are fetched and put back for every few images, and a row is a turn of a loop.
            let sums = 2.0 / self.images_at_once() as f64 + 0.05 * rows as f64;
            let positions = each * loads * (self.outputs * self.taps.len()) as f64 * (vectors as f64 + sums);
            if positions < best.0 && self.sums_by_lanes() <= LARGEST_SUMS {
                best = (positions, Arrangement { kernels, outputs: false });
            }
            let transposing = 6.0 * (rows * width * self.outputs.div_ceil(lanes)) as f64;
            let vectors = self.outputs.div_ceil(lanes) * self.taps.len();
            let outputs = each * (vectors * (rows * width + 2)) as f64 + transposing;
            if outputs < best.0 {
                best = (outputs, Arrangement { kernels, outputs: true });
            }
        }
        best.1
    }

    fn sums_by_lanes(&self) -> usize {
        self.outputs * self.taps.len() * MOST_LANES
    }

    /// Room for the sums of a weight's gradient, whichever lanes.
    pub(super) fn sums(&self) -> usize {
        let by_outputs = self.outputs.next_multiple_of(MOST_LANES) * self.taps.len();
        if self.sums_by_lanes() <= LARGEST_SUMS { by_outputs.max(self.sums_by_lanes()) } else { by_outputs }
    }

    /// The gradient that the sums make, as `[outputs, taps]`, which is a weight's order for a convolution's product.
    pub(super) fn reduce<T: ConvFloat>(
        &self,
        (backend, arrangement): (Backend, &Arrangement<T>),
        sums: &[T],
        to: &mut [T],
    ) -> Result<(), Error> {
        let (taps, lanes) = (self.taps.len(), arrangement.kernels.lanes());
        if arrangement.outputs {
            transpose(backend, [taps, self.outputs], (sums, self.outputs.next_multiple_of(lanes)), (to, taps))
        } else {
            arrangement.kernels.sum_lanes(&sums[..self.outputs * taps * lanes], to)
        }
    }
}
