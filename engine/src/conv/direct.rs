//! A convolution, and its transpose, as products of taps, worked out once when an operation is recorded.
//!
//! A convolution is one product over the padded image, split by phases of the stride. Its transpose is one for every
//! phase of the image's rows and columns, over the padded result: the pixels of a phase are seen by the same elements
//! of the kernel, those that are congruent, so no product has a zero in it. Padding, stride and dilation only move
//! offsets; no other code knows of them.
#![forbid(unsafe_code)]

use super::geometry::Geometry;
use super::kernels::{Field, Padded, Taps};
use super::product::Product;

/// Padded images up to so many elements are worked on whole; larger ones, and larger weights, go through strips of the
/// column matrix, whose products have the depth to be fast.
const LARGEST_IMAGE: usize = 1 << 18;
const LARGEST_WEIGHT: usize = 1 << 17;
/// The most phases of an image: a stride that large has little use for neighbours.
const MOST_PHASES: usize = 64;

/// A convolution and its transpose, for the channels and filters of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Direct {
    /// The image's padded planes, and the result's.
    pub(super) image: Padded,
    pub(super) result: Padded,
    pub(super) forward: Product,
    /// A product for each phase of the image that has pixels, in the order of `Kernels::weave`.
    pub(super) transposed: Vec<Product>,
    /// Whether the transpose goes by columns all the same: a product with one output has a load for every multiply-add,
    /// one with the kernel's elements for outputs has not, and adding up its columns costs little beside many filters.
    /// (32 filters to 1 channel, 28x28, 3x3, Zen 4, one thread: 50 GFLOP/s against 34.)
    pub(super) by_columns: bool,
}

impl Direct {
    /// `None` where the strips of the column matrix serve better.
    pub(super) fn new(geometry: &Geometry, filters: usize) -> Option<Self> {
        let [down, across] = geometry.window().strides();
        let phases = down.checked_mul(across)?;
        let weight = geometry.rows().checked_mul(filters)?;
        if phases > MOST_PHASES || weight > LARGEST_WEIGHT || geometry.is_identity() {
            return None;
        }
        let planes = Planes::of(geometry, filters);
        if planes.image.len()? > LARGEST_IMAGE || planes.result.len()? > LARGEST_IMAGE {
            return None;
        }
        let forward = planes.forward();
        let phases = (0..down).flat_map(|row| (0..across).map(move |column| [row, column]));
        let transposed = phases.map(|phase| planes.of_phase(phase)).collect();
        let by_columns = geometry.channels() == 1 && filters >= 16 && [down, across] == [1, 1];
        Some(Self { image: planes.image, result: planes.result, forward, transposed, by_columns })
    }

    /// Whether the transpose's product is the image itself, without phases to be put together.
    pub(super) fn is_whole(&self) -> bool {
        self.transposed.len() == 1
    }
}

/// The padded planes of a convolution's image and result, which have the same pitch of rows, counted in strides.
struct Planes<'a> {
    geometry: &'a Geometry,
    filters: usize,
    image: Padded,
    result: Padded,
    /// Rows and columns of zeros before the result's.
    front: [usize; 2],
}

impl<'a> Planes<'a> {
    fn of(geometry: &'a Geometry, filters: usize) -> Self {
        let (window, side, positions) = (geometry.window(), geometry.image(), geometry.positions());
        let (kernel, stride) = (window.kernel(), window.strides());
        let (padding, dilation) = (window.paddings(), window.dilations());
        // The furthest that an element of the kernel lies from the first, in strides.
        let reach = [0, 1].map(|axis| (kernel[axis] - 1) * dilation[axis] / stride[axis]);
        // The first and last row and column of pixels in strides, whatever the phase.
        let first = [0, 1].map(|axis| padding[axis] / stride[axis]);
        let last = [0, 1].map(|axis| (side[axis] - 1 + padding[axis]) / stride[axis]);
        let front = [0, 1].map(|axis| reach[axis].saturating_sub(first[axis]));
        let of_image = [0, 1].map(|axis| positions[axis] + reach[axis]);
        let of_result = [0, 1].map(|axis| (positions[axis] + front[axis]).max(last[axis] + front[axis] + 1));
        let image = Padded {
            channels: geometry.channels(),
            image: side,
            stride,
            front: padding,
            rows: of_image[0],
            pitch: of_image[1],
        };
        let result = Padded {
            channels: filters,
            image: positions,
            stride: [1, 1],
            front,
            rows: of_result[0],
            pitch: of_result[1],
        };
        Self { geometry, filters, image, result, front }
    }

    /// Elements of the kernel, rows one after the other.
    fn elements(&self) -> usize {
        let [rows, columns] = self.geometry.window().kernel();
        rows * columns
    }

    /// How far an element of the kernel lies from the first.
    fn seen(&self, element: usize) -> [usize; 2] {
        let ([_, columns], [down, across]) = (self.geometry.window().kernel(), self.geometry.window().dilations());
        [element / columns * down, element % columns * across]
    }

    /// The convolution's product.
    fn forward(&self) -> Product {
        let (channels, elements, positions) = (self.geometry.channels(), self.elements(), self.geometry.positions());
        let taps = (0..channels).flat_map(|channel| (0..elements).map(move |element| (channel, element)));
        Product {
            field: Field { rows: positions[0], width: positions[1], pitch: self.image.pitch },
            taps: Taps::new(taps.map(|(channel, element)| self.image.place(channel, self.seen(element))).collect()),
            elements: (0..channels * elements).collect(),
            step: channels * elements,
            outputs: self.filters,
        }
    }

    /// The transpose's product for a phase of the image.
    fn of_phase(&self, phase: [usize; 2]) -> Product {
        let (channels, elements) = (self.geometry.channels(), self.elements());
        let (stride, padding) = (self.geometry.window().strides(), self.geometry.window().paddings());
        let (side, front) = (self.geometry.image(), self.front);
        // The pixels of this phase, in strides: from `start`, `count` of them.
        let start = [0, 1].map(|axis| (padding[axis] + stride[axis] - 1 - phase[axis]) / stride[axis]);
        let count = [0, 1].map(|axis| {
            let end = (side[axis] + padding[axis] + stride[axis] - 1 - phase[axis]) / stride[axis];
            end.saturating_sub(start[axis])
        });
        let congruent: Vec<usize> = (0..elements)
            .filter(|&element| (0..2).all(|axis| self.seen(element)[axis] % stride[axis] == phase[axis]))
            .collect();
        let offset = |filter: usize, element: usize| {
            let back = [0, 1].map(|axis| self.seen(element)[axis] / stride[axis]);
            self.result.place(filter, [0, 1].map(|axis| start[axis] + front[axis] - back[axis]))
        };
        let taps = || (0..self.filters).flat_map(|filter| congruent.iter().map(move |&element| (filter, element)));
        Product {
            field: Field { rows: count[0], width: count[1], pitch: self.result.pitch },
            taps: Taps::new(taps().map(|(filter, element)| offset(filter, element)).collect()),
            elements: taps().map(|(filter, element)| filter * channels * elements + element).collect(),
            step: elements,
            outputs: channels,
        }
    }
}
