//! The loops of convolutions: one named entry point per kernel and instruction set, behind calls that check reach.
//!
//! * `pixels`: positions in the lanes. `filters`: filters in the lanes. `copies`: what brings images to and from them.
//! * `pools`: max pooling.
//!
//! The kernels read padded images at offsets, so every call here first makes sure that the furthest offset, from the
//! furthest position, still lies in the slice; the loops then need no checks.

mod copies;
mod filters;
mod pixels;
mod pools;

pub(crate) use copies::Padded;
use copies::{fold, pad, weave};
use filters::{Collect, Spread, collect, spread};
pub(crate) use pixels::Field;
use pixels::{Correlate, Sweep, correlate, panel, sweep};
use pools::{largest_of_pairs, put_to_pairs};

use crate::gemm::{Activation, GemmFloat};
use crate::simd::{Backend, Float, Lanes, kernel_table};
use std::marker::PhantomData;

kernel_table! {
    /// The kernels of convolutions.
    struct Table in entries;
    /// Elements in a vector.
    fn lanes(of: PhantomData<T>) -> usize = lanes;
    /// A convolution, positions in the lanes.
    fn sweep(x: &Sweep<T>) = sweep;
    /// The gradient of its weight.
    fn correlate(x: &Correlate<T>) = correlate;
    /// A convolution, filters in the lanes.
    fn spread(x: &Spread<T>) = spread;
    /// The gradient of its weight.
    fn collect(x: &Collect<T>) = collect;
    /// An image into padded planes.
    fn pad(x: &Padded, from: &[T], to: &mut [T]) = pad;
    /// Phases into an image.
    fn weave(x: &Padded, from: &[T], to: &mut [T], accumulate: bool) = weave;
    /// Max pooling of a plane.
    fn largest_of_pairs(sides: [usize; 2], columns: usize, plane: &[T], values: &mut [T], places: &mut [T]) = largest_of_pairs;
    /// Its transpose.
    fn put_to_pairs(sides: [usize; 2], columns: usize, from: (&[T], &[T]), plane: &mut [T], accumulate: bool) = put_to_pairs;
    /// Lanes added up.
    fn fold(vectors: &[T], to: &mut [T]) = fold;
}

#[inline(always)]
fn lanes<T: Float, I: Lanes<T>>(_: I, _: PhantomData<T>) -> usize {
    I::LANES
}

/// An element type that convolutions have kernels for.
pub trait ConvFloat: GemmFloat {
    /// The kernels on `backend`.
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn conv_kernels(backend: Backend) -> &'static Table<Self>;
}

macro_rules! conv_float {
    ($($t:ident)*) => {
        $(
            impl ConvFloat for $t {
                #[allow(private_interfaces)]
                fn conv_kernels(backend: Backend) -> &'static Table<Self> {
                    Table::<$t>::of(backend)
                }
            }
        )*
    };
}

conv_float!(f32 f64);

/// Where the elements of a kernel see position 0 of a padded image, and how far the last reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taps {
    offsets: Vec<usize>,
    furthest: usize,
}

impl Taps {
    pub(crate) fn new(offsets: Vec<usize>) -> Self {
        let furthest = offsets.iter().copied().max().unwrap_or(0);
        Self { offsets, furthest }
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether every position of `field`, by whole vectors of `lanes`, lies in `source`.
    fn reach<T>(&self, field: &Field, lanes: usize, source: &[T]) -> bool {
        let Field { rows, width, pitch } = *field;
        rows > 0 && width > 0 && self.furthest + (rows - 1) * pitch + width.next_multiple_of(lanes) <= source.len()
    }
}

/// Where results go: filters at distance `plane`, rows at distance `row`.
pub(crate) struct Rows<'a, T> {
    pub(crate) data: &'a mut [T],
    pub(crate) plane: usize,
    pub(crate) row: usize,
    pub(crate) accumulate: bool,
}

/// The kernels of one instruction set.
pub(crate) struct Kernels<T: 'static> {
    table: &'static Table<T>,
    lanes: usize,
}

impl<T> Clone for Kernels<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Kernels<T> {}

impl<T: ConvFloat> Kernels<T> {
    pub(crate) fn of(backend: Backend) -> Self {
        let table = T::conv_kernels(backend);
        Self { table, lanes: table.lanes(PhantomData) }
    }

    /// Those for rows of `width` elements: with vectors of half the width where a row would not fill one.
    pub(crate) fn for_rows(backend: Backend, width: usize) -> Self {
        let kernels = Self::of(backend);
        match backend.half() {
            Some(half) if width < kernels.lanes => Self::of(half),
            _ => kernels,
        }
    }

    /// Elements in a vector.
    pub(crate) fn lanes(&self) -> usize {
        self.lanes
    }

    fn is_wide(&self) -> bool {
        self.lanes * size_of::<T>() == 64
    }

    /// Puts a weight in `sweep`'s order: `of(filter, tap)` is its element's place in `weight`.
    pub(crate) fn panels(
        &self,
        weight: &[T],
        of: impl Fn(usize, usize) -> usize,
        [filters, taps]: [usize; 2],
        to: &mut [T],
    ) {
        let mut first = 0;
        let mut to = to.iter_mut();
        while first < filters {
            let count = panel(filters - first, self.is_wide());
            for tap in 0..taps {
                for (filter, to) in (first..first + count).zip(&mut to) {
                    *to = weight[of(filter, tap)];
                }
            }
            first += count;
        }
    }

    /// Puts a weight in `spread`'s order, with zeros where there are no filters.
    pub(crate) fn vectors(
        &self,
        weight: &[T],
        of: impl Fn(usize, usize) -> usize,
        [filters, taps]: [usize; 2],
        to: &mut [T],
    ) {
        let vectors = filters.div_ceil(self.lanes);
        let mut to = to.iter_mut();
        for pair in (0..vectors).step_by(2) {
            let first = pair * self.lanes;
            let count = (vectors - pair).min(2) * self.lanes;
            for tap in 0..taps {
                for (filter, to) in (first..first + count).zip(&mut to) {
                    *to = if filter < filters { weight[of(filter, tap)] } else { T::ZERO };
                }
            }
        }
    }

    /// `target[f] = activation(sum over taps of weight[f, tap] source[position + offset] + bias[f])`, positions in the
    /// lanes. The weight is as [`Self::panels`] puts it; `bias` has an element for each filter, or none.
    pub(crate) fn sweep(
        &self,
        field: Field,
        (source, taps): (&[T], &Taps),
        (weight, filters): (&[T], usize),
        (bias, activation): (&[T], Activation<T>),
        target: Rows<'_, T>,
    ) {
        let last = (filters - 1) * target.plane + (field.rows - 1) * target.row + field.width;
        let fits = taps.reach(&field, self.lanes, source)
            && weight.len() >= filters * taps.len()
            && (bias.is_empty() || bias.len() >= filters)
            && last <= target.data.len();
        assert!(fits, "a convolution's operands do not fit each other");
        self.table.sweep(&Sweep {
            field,
            source: source.as_ptr(),
            offsets: taps.offsets.as_ptr(),
            taps: taps.len(),
            weight: weight.as_ptr(),
            filters,
            bias: if bias.is_empty() { std::ptr::null() } else { bias.as_ptr() },
            activation: activation.applied(),
            target: target.data.as_mut_ptr(),
            target_plane: target.plane,
            target_row: target.row,
            accumulate: target.accumulate,
        });
    }

    /// `sums[f, tap] += gradient[f, position] source[position + offset]`, lane by lane: positions in the lanes.
    /// `gradient` is `[filters, rows, width]` for each of the `images`, which lie so far apart in it and in the source;
    /// `sums` has a vector for each filter and tap.
    pub(crate) fn correlate(
        &self,
        field: Field,
        (source, taps): (&[T], &Taps),
        (gradient, filters): (&[T], usize),
        (images, [source_image, gradient_image]): (usize, [usize; 2]),
        sums: &mut [T],
    ) {
        let Some(last) = images.checked_sub(1) else { return };
        let fits = taps.reach(&field, self.lanes, source.get(last * source_image..).unwrap_or_default())
            && gradient.len() >= last * gradient_image + filters * field.rows * field.width
            && sums.len() >= filters * taps.len() * self.lanes;
        assert!(fits, "a convolution's operands do not fit each other");
        self.table.correlate(&Correlate {
            field,
            source: source.as_ptr(),
            offsets: taps.offsets.as_ptr(),
            taps: taps.len(),
            gradient: gradient.as_ptr(),
            gradient_plane: field.rows * field.width,
            gradient_row: field.width,
            filters,
            images,
            source_image,
            gradient_image,
            sums: sums.as_mut_ptr(),
        });
    }

    /// As [`Self::sweep`], filters in the lanes: `target` is `[positions, filters up to whole vectors]`. The weight is as
    /// [`Self::vectors`] puts it; `bias`, if there is one, has zeros up to whole vectors.
    pub(crate) fn spread(
        &self,
        field: Field,
        (source, taps): (&[T], &Taps),
        (weight, filters): (&[T], usize),
        (bias, activation): (&[T], Activation<T>),
        target: &mut [T],
    ) {
        let vectors = filters.div_ceil(self.lanes);
        let padded = vectors * self.lanes;
        let fits = taps.reach(&field, 1, source)
            && weight.len() >= padded * taps.len()
            && (bias.is_empty() || bias.len() >= padded)
            && target.len() >= field.rows * field.width * padded;
        assert!(fits, "a convolution's operands do not fit each other");
        self.table.spread(&Spread {
            field,
            source: source.as_ptr(),
            offsets: taps.offsets.as_ptr(),
            taps: taps.len(),
            weight: weight.as_ptr(),
            vectors,
            bias: if bias.is_empty() { std::ptr::null() } else { bias.as_ptr() },
            activation: activation.applied(),
            target: target.as_mut_ptr(),
        });
    }

    /// `sums[tap, f] += source[position + offset] gradient[position, f]`: filters in the lanes. `gradient` is
    /// `[positions, filters up to whole vectors]`, `sums` `[taps, likewise]`.
    pub(crate) fn collect(
        &self,
        field: Field,
        (source, taps): (&[T], &Taps),
        (gradient, filters): (&[T], usize),
        sums: &mut [T],
    ) {
        let vectors = filters.div_ceil(self.lanes);
        let padded = vectors * self.lanes;
        let fits = taps.reach(&field, 1, source)
            && gradient.len() >= field.rows * field.width * padded
            && sums.len() >= taps.len() * padded;
        assert!(fits, "a convolution's operands do not fit each other");
        self.table.collect(&Collect {
            field,
            source: source.as_ptr(),
            offsets: taps.offsets.as_ptr(),
            taps: taps.len(),
            gradient: gradient.as_ptr(),
            vectors,
            sums: sums.as_mut_ptr(),
        });
    }

    /// Copies an image into its padded planes; the padding is left as it is.
    pub(crate) fn pad(&self, planes: &Padded, image: &[T], to: &mut [T]) {
        self.table.pad(planes, image, to);
    }

    /// Puts the phases of an image together; see `copies::weave`.
    pub(crate) fn weave(&self, planes: &Padded, phases: &[T], image: &mut [T], accumulate: bool) {
        self.table.weave(planes, phases, image, accumulate);
    }

    /// Max pooling of a plane of `[height, width]` by windows of 2 by 2, `columns` a row; see `pools`. Either result may be
    /// empty.
    pub(crate) fn largest_of_pairs(
        &self,
        sides: [usize; 2],
        columns: usize,
        plane: &[T],
        values: &mut [T],
        places: &mut [T],
    ) {
        self.table.largest_of_pairs(sides, columns, plane, values, places);
    }

    /// The transpose of [`Self::largest_of_pairs`].
    pub(crate) fn put_to_pairs(
        &self,
        sides: [usize; 2],
        columns: usize,
        from: (&[T], &[T]),
        plane: &mut [T],
        accumulate: bool,
    ) {
        self.table.put_to_pairs(sides, columns, from, plane, accumulate);
    }

    /// The sum of the lanes of each vector.
    pub(crate) fn fold(&self, vectors: &[T], to: &mut [T]) {
        self.table.fold(vectors, to);
    }
}
