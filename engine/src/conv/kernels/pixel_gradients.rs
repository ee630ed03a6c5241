//! Pixels in the lanes: the gradient of a convolution's weight. `pixels` has the convolution, the layout and the
//! reasons.

use super::pixels::{Field, is_wide, panel};
use crate::simd::{Float, Lanes};

/// Sums over positions of gradients times pixels, all pointers raw: see [`correlate_pixels`] for what must be valid.
pub(super) struct CorrelatePixels<T> {
    pub(super) field: Field,
    pub(super) source: *const T,
    pub(super) offsets: *const usize,
    pub(super) taps: usize,
    /// `[filters, rows, width]` at these distances.
    pub(super) gradient: *const T,
    pub(super) gradient_plane: usize,
    pub(super) gradient_row: usize,
    pub(super) filters: usize,
    /// Several images at once, so that the sums are fetched and put back once for all, at these distances.
    pub(super) images: usize,
    pub(super) source_image: usize,
    pub(super) gradient_image: usize,
    /// `[filters, taps]` vectors, added to: a lane for every column modulo the lanes.
    pub(super) sums: *mut T,
}

/// The sums of every filter and tap.
///
/// # Safety
/// * `field` has a row and a column; `offsets` is valid for `taps` numbers.
/// * `source` is valid for reading, for every image, from every offset plus every position, up to whole vectors at the
///   end of each row.
/// * `gradient` is valid for reading every position of every filter and image, at the distances that are given.
/// * `sums` is valid for reading and writing a vector for each filter and tap, and nobody else uses it.
#[inline(always)]
pub(super) unsafe fn correlate_pixels<T: Float, I: Lanes<T>>(isa: I, x: &CorrelatePixels<T>) {
    let mut first = 0;
    while first < x.filters {
        let filters = panel(x.filters - first, is_wide::<T, I>());
        // SAFETY: passed on to the caller; the panels are all filters.
        unsafe {
            match filters {
                8 if is_wide::<T, I>() => over_taps::<T, I, 8, 3>(isa, x, first),
                4 if is_wide::<T, I>() => over_taps::<T, I, 4, 6>(isa, x, first),
                4 => over_taps::<T, I, 4, 3>(isa, x, first),
                2 => over_taps::<T, I, 2, 6>(isa, x, first),
                _ => over_taps::<T, I, 1, 8>(isa, x, first),
            }
        }
        first += filters;
    }
}

/// The sums of a panel of filters.
///
/// # Safety
/// * As for [`correlate_pixels`], with `MR` filters from `first` on.
#[inline(always)]
unsafe fn over_taps<T: Float, I: Lanes<T>, const MR: usize, const MANY: usize>(
    isa: I,
    x: &CorrelatePixels<T>,
    first: usize,
) {
    let mut tap = 0;
    while tap + MANY <= x.taps {
        // SAFETY: passed on to the caller; as many taps are left.
        unsafe { products::<T, I, MR, MANY>(isa, x, first, tap) };
        tap += MANY;
    }
    while tap < x.taps {
        // SAFETY: passed on to the caller; a tap is left.
        unsafe { products::<T, I, MR, 1>(isa, x, first, tap) };
        tap += 1;
    }
}

/// `MR` filters by `KT` taps over all positions of all images.
///
/// # Safety
/// * As for [`correlate_pixels`], with `MR` filters from `first` and `KT` taps from `tap` on.
#[inline(always)]
unsafe fn products<T: Float, I: Lanes<T>, const MR: usize, const KT: usize>(
    isa: I,
    x: &CorrelatePixels<T>,
    first: usize,
    tap: usize,
) {
    let Field { rows, width, pitch } = x.field;
    let (whole, tail) = (width / I::LANES * I::LANES, width % I::LANES);
    let mut sums = [[isa.splat(T::ZERO); KT]; MR];
    // SAFETY: every offset plus every position plus a vector lies in the source, all filters' positions lie in the
    // gradient, and there is a vector of sums for each filter and tap, says the caller.
    unsafe {
        let at = |m: usize, t: usize| x.sums.add(((first + m) * x.taps + tap + t) * I::LANES);
        for (m, sums) in sums.iter_mut().enumerate() {
            for (t, sum) in sums.iter_mut().enumerate() {
                *sum = isa.load_at(at(m, t));
            }
        }
        let mut from = [x.source; KT];
        for (t, from) in from.iter_mut().enumerate() {
            *from = x.source.add(*x.offsets.add(tap + t));
        }
        let gradient = x.gradient.add(first * x.gradient_plane);
        for image in 0..x.images {
            let mut dy = gradient.add(image * x.gradient_image);
            let mut skip = image * x.source_image;
            for row in 0..rows {
                let mut column = 0;
                while column < whole {
                    step::<T, I, MR, KT, WHOLE>(isa, x, &from, skip + column, dy.add(column), tail, &mut sums);
                    column += I::LANES;
                }
                // Past a row's end stands the next one, so the gradient is read whole but in the last rows.
                if tail > 0 && (rows - 1 - row) * x.gradient_row + tail >= I::LANES {
                    step::<T, I, MR, KT, PIXELS>(isa, x, &from, skip + column, dy.add(column), tail, &mut sums);
                } else if tail > 0 {
                    step::<T, I, MR, KT, GRADIENT>(isa, x, &from, skip + column, dy.add(column), tail, &mut sums);
                }
                dy = dy.wrapping_add(x.gradient_row);
                skip += pitch;
            }
        }
        for (m, sums) in sums.into_iter().enumerate() {
            for (t, sum) in sums.into_iter().enumerate() {
                isa.store_at(sum, at(m, t));
            }
        }
    }
}

/// What has zeros in the lanes beyond a row's end: nothing, for there are none; the pixels, which are fewer vectors;
/// or the gradient, where nothing may be read beyond.
const WHOLE: u8 = 0;
const PIXELS: u8 = 1;
const GRADIENT: u8 = 2;

/// One vector of positions.
///
/// # Safety
/// * As for `products`, with `skip` and `dy` inside a row, and a vector to be read from `dy` unless it has the zeros.
#[inline(always)]
unsafe fn step<T: Float, I: Lanes<T>, const MR: usize, const KT: usize, const ZEROS: u8>(
    isa: I,
    x: &CorrelatePixels<T>,
    from: &[*const T; KT],
    skip: usize,
    dy: *const T,
    tail: usize,
    sums: &mut [[I::V; KT]; MR],
) {
    // SAFETY: passed on to the caller.
    unsafe {
        let mut pixels = [isa.splat(T::ZERO); KT];
        if MR >= KT {
            for (pixels, from) in pixels.iter_mut().zip(from) {
                let from = from.add(skip);
                *pixels = if ZEROS == PIXELS { isa.load_head_at(from, tail) } else { isa.load_at(from) };
            }
            for (m, sums) in sums.iter_mut().enumerate() {
                let dy = dy.add(m * x.gradient_plane);
                let dy = if ZEROS == GRADIENT { isa.load_head_at(dy, tail) } else { isa.load_at(dy) };
                for (sum, pixels) in sums.iter_mut().zip(pixels) {
                    *sum = isa.fma(dy, pixels, *sum);
                }
            }
        } else {
            let mut gradients = [isa.splat(T::ZERO); MR];
            for (m, gradient) in gradients.iter_mut().enumerate() {
                let dy = dy.add(m * x.gradient_plane);
                *gradient = if ZEROS == WHOLE { isa.load_at(dy) } else { isa.load_head_at(dy, tail) };
            }
            for (t, from) in from.iter().enumerate() {
                let pixels = isa.load_at(from.add(skip));
                for (sums, &gradient) in sums.iter_mut().zip(&gradients) {
                    sums[t] = isa.fma(gradient, pixels, sums[t]);
                }
            }
        }
    }
}
