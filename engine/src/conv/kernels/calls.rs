//! The kernels as calls that anyone may make: slices in, one check that all they touch is there, then pointers.

use super::copies::Padded;
use super::filters::{ConvolveFilters, CorrelateFilters};
use super::operands::{Operands, Rows};
use super::pixel_gradients::CorrelatePixels;
use super::pixels::{ConvolvePixels, panel};
use super::table::sealed::Key;
use super::table::{ConvFloat, ConvTable};
use crate::base::{Backend, Error};
use crate::gemm::Activation;
use std::marker::PhantomData;

/// The kernels of one instruction set.
pub(crate) struct Kernels<T: 'static> {
    table: &'static ConvTable<T>,
    lanes: usize,
    /// Whether there are 32 registers, from which the order of weights follows.
    wide: bool,
}

impl<T> Clone for Kernels<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Kernels<T> {}

impl<T: ConvFloat> Kernels<T> {
    pub(crate) fn of(backend: Backend) -> Self {
        let table = T::conv_table(Key(()), backend).0;
        Self { table, lanes: table.lanes(PhantomData), wide: table.is_wide(PhantomData) }
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
    pub(in super::super) fn lanes(&self) -> usize {
        self.lanes
    }

    /// Puts a weight in the order of [`Self::convolve_pixels`]: `of(filter, tap)` is its element's place in `weight`.
    pub(in super::super) fn pack_panels(
        &self,
        weight: &[T],
        of: impl Fn(usize, usize) -> usize,
        [filters, taps]: [usize; 2],
        to: &mut [T],
    ) {
        let mut first = 0;
        let mut to = to.iter_mut();
        while first < filters {
            let count = panel(filters - first, self.wide);
            for tap in 0..taps {
                for (filter, to) in (first..first + count).zip(&mut to) {
                    *to = weight[of(filter, tap)];
                }
            }
            first += count;
        }
    }

    /// Puts a weight in the order of [`Self::convolve_filters`], with zeros where there are no filters.
    pub(in super::super) fn pack_vectors(
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
    /// lanes. The weight is as [`Self::pack_panels`] puts it; `bias` has an element for each filter, or none.
    pub(in super::super) fn convolve_pixels(
        &self,
        operands: Operands<'_, T>,
        weight: &[T],
        (bias, activation): (&[T], Activation<T>),
        target: Rows<'_, T>,
    ) -> Result<(), Error> {
        let Operands { field, source, taps, filters } = operands;
        let end = || {
            let planes = filters.checked_sub(1)?.checked_mul(target.plane)?;
            let rows = field.rows.checked_sub(1)?.checked_mul(target.row)?;
            planes.checked_add(rows)?.checked_add(field.width)
        };
        let fits = operands.reach(Some(0), self.lanes)
            && within(filters.checked_mul(taps.len()), weight)
            && (bias.is_empty() || bias.len() >= filters)
            && within(end(), target.data);
        if !fits {
            return Err(misfit("convolve_pixels"));
        }
        let x = ConvolvePixels {
            field,
            source: source.as_ptr(),
            offsets: taps.offsets(),
            taps: taps.len(),
            weight: weight.as_ptr(),
            filters,
            bias: if bias.is_empty() { std::ptr::null() } else { bias.as_ptr() },
            activation: activation.applied(),
            target: target.data.as_mut_ptr(),
            target_plane: target.plane,
            target_row: target.row,
            accumulate: target.accumulate,
        };
        // SAFETY: just checked: the source to the furthest offset from the last position, in whole vectors; weights and
        // biases of all filters; the target to the last filter's last position. The target is a `&mut` slice.
        unsafe { self.table.convolve_pixels(&x) };
        Ok(())
    }

    /// `sums[f, tap] += gradient[f, position] source[position + offset]`, lane by lane: positions in the lanes.
    /// `gradient` is `[filters, rows, width]` for each of the `images`, which lie so far apart in it and in the source;
    /// `sums` has a vector for each filter and tap.
    pub(in super::super) fn correlate_pixels(
        &self,
        operands: Operands<'_, T>,
        gradient: &[T],
        (images, [source_image, gradient_image]): (usize, [usize; 2]),
        sums: &mut [T],
    ) -> Result<(), Error> {
        let Operands { field, source, taps, filters } = operands;
        let Some(last) = images.checked_sub(1) else { return Ok(()) };
        let read = || last.checked_mul(gradient_image)?.checked_add(operands.positions(filters)?);
        let vectors = || filters.checked_mul(taps.len())?.checked_mul(self.lanes);
        let fits = operands.reach(last.checked_mul(source_image), self.lanes)
            && within(read(), gradient)
            && within(vectors(), sums);
        if !fits {
            return Err(misfit("correlate_pixels"));
        }
        let x = CorrelatePixels {
            field,
            source: source.as_ptr(),
            offsets: taps.offsets(),
            taps: taps.len(),
            gradient: gradient.as_ptr(),
            gradient_plane: field.rows * field.width,
            gradient_row: field.width,
            filters,
            images,
            source_image,
            gradient_image,
            sums: sums.as_mut_ptr(),
        };
        // SAFETY: just checked: the source of the last image to the furthest offset from the last position, in whole
        // vectors; the gradients of all filters and images; all sums. The sums are a `&mut` slice.
        unsafe { self.table.correlate_pixels(&x) };
        Ok(())
    }

    /// As [`Self::convolve_pixels`], filters in the lanes: `target` is `[positions, filters up to whole vectors]`. The
    /// weight is as [`Self::pack_vectors`] puts it; `bias`, if there is one, has zeros up to whole vectors.
    pub(in super::super) fn convolve_filters(
        &self,
        operands: Operands<'_, T>,
        weight: &[T],
        (bias, activation): (&[T], Activation<T>),
        target: &mut [T],
    ) -> Result<(), Error> {
        let Operands { field, source, taps, filters } = operands;
        let (vectors, padded) = self.vectors(filters);
        let fits = operands.reach(Some(0), 1)
            && within(padded.checked_mul(taps.len()), weight)
            && (bias.is_empty() || bias.len() >= padded)
            && within(operands.positions(padded), target);
        if !fits {
            return Err(misfit("convolve_filters"));
        }
        let x = ConvolveFilters {
            field,
            source: source.as_ptr(),
            offsets: taps.offsets(),
            taps: taps.len(),
            weight: weight.as_ptr(),
            vectors,
            bias: if bias.is_empty() { std::ptr::null() } else { bias.as_ptr() },
            activation: activation.applied(),
            target: target.as_mut_ptr(),
        };
        // SAFETY: just checked: the source to the furthest offset from the last position; weights, biases and target of
        // all vectors of filters. The target is a `&mut` slice.
        unsafe { self.table.convolve_filters(&x) };
        Ok(())
    }

    /// `sums[tap, f] += source[position + offset] gradient[position, f]`: filters in the lanes. `gradient` is
    /// `[positions, filters up to whole vectors]`, `sums` `[taps, likewise]`.
    pub(in super::super) fn correlate_filters(
        &self,
        operands: Operands<'_, T>,
        gradient: &[T],
        sums: &mut [T],
    ) -> Result<(), Error> {
        let Operands { field, source, taps, filters } = operands;
        let (vectors, padded) = self.vectors(filters);
        let fits = operands.reach(Some(0), 1)
            && within(operands.positions(padded), gradient)
            && within(padded.checked_mul(taps.len()), sums);
        if !fits {
            return Err(misfit("correlate_filters"));
        }
        let x = CorrelateFilters {
            field,
            source: source.as_ptr(),
            offsets: taps.offsets(),
            taps: taps.len(),
            gradient: gradient.as_ptr(),
            vectors,
            sums: sums.as_mut_ptr(),
        };
        // SAFETY: just checked: the source to the furthest offset from the last position; gradients and sums of all
        // vectors of filters. The sums are a `&mut` slice.
        unsafe { self.table.correlate_filters(&x) };
        Ok(())
    }

    /// Vectors for so many filters, and the filters that these have room for.
    fn vectors(&self, filters: usize) -> (usize, usize) {
        let vectors = filters.div_ceil(self.lanes);
        (vectors, vectors.saturating_mul(self.lanes))
    }

    /// Copies an image into its padded planes; the padding is left as it is.
    pub(in super::super) fn pad(&self, planes: &Padded, image: &[T], to: &mut [T]) -> Result<(), Error> {
        if image.len() < planes.image_elements() || !within(planes.len(), to) {
            return Err(misfit("pad"));
        }
        self.table.pad(planes, image, to);
        Ok(())
    }

    /// Puts the phases of an image together; see `copies::weave`.
    pub(in super::super) fn weave(
        &self,
        planes: &Padded,
        phases: &[T],
        image: &mut [T],
        accumulate: bool,
    ) -> Result<(), Error> {
        if phases.len().min(image.len()) < planes.image_elements() {
            return Err(misfit("weave"));
        }
        self.table.weave(planes, phases, image, accumulate);
        Ok(())
    }

    /// Max pooling of a plane of `[height, width]` by windows of 2 by 2, `columns` a row; see `pools`. Either result
    /// may be empty.
    pub(in super::super) fn largest_of_pairs(
        &self,
        sides: [usize; 2],
        columns: usize,
        plane: &[T],
        values: &mut [T],
        places: &mut [T],
    ) -> Result<(), Error> {
        let results = values.len().max(places.len());
        let full = |slice: &[T]| slice.is_empty() || slice.len() == results;
        if !is_plane(sides, columns, results, plane) || !full(values) || !full(places) {
            return Err(misfit("largest_of_pairs"));
        }
        self.table.largest_of_pairs(sides, columns, plane, values, places);
        Ok(())
    }

    /// The transpose of [`Self::largest_of_pairs`].
    pub(in super::super) fn put_to_pairs(
        &self,
        sides: [usize; 2],
        columns: usize,
        from: (&[T], &[T]),
        plane: &mut [T],
        accumulate: bool,
    ) -> Result<(), Error> {
        if !is_plane(sides, columns, from.0.len().min(from.1.len()), plane) {
            return Err(misfit("put_to_pairs"));
        }
        self.table.put_to_pairs(sides, columns, from, plane, accumulate);
        Ok(())
    }

    /// The sum of the lanes of each vector.
    pub(in super::super) fn sum_lanes(&self, vectors: &[T], to: &mut [T]) -> Result<(), Error> {
        if !within(to.len().checked_mul(self.lanes), vectors) {
            return Err(misfit("sum_lanes"));
        }
        self.table.sum_lanes(vectors, to);
        Ok(())
    }
}

/// Whether so many elements can be counted, and are there.
fn within<T>(elements: Option<usize>, slice: &[T]) -> bool {
    elements.is_some_and(|elements| elements <= slice.len())
}

/// Whether so many windows of 2 by 2, `columns` a row, begin in a plane of these sides.
fn is_plane<T>([height, width]: [usize; 2], columns: usize, windows: usize, plane: &[T]) -> bool {
    within(height.checked_mul(width), plane)
        && (1..=width.div_ceil(2)).contains(&columns)
        && windows.is_multiple_of(columns)
        && windows / columns <= height.div_ceil(2)
}

/// The operands of a kernel do not fit each other: a fault of this crate, told rather than computed with.
#[cold]
fn misfit(kernel: &str) -> Error {
    Error::contract(format!("the operands of `{kernel}` do not fit each other"))
}
