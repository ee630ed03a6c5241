//! Filters in the lanes: a vector holds neighbouring filters, the pixels are broadcast.
//!
//! For images whose rows are shorter than a vector, and filters enough to fill some. `convolve_filters` is a
//! convolution, `correlate_filters` its weight's gradient. Results (and gradients) are `[positions, filters]`, which a
//! transposing copy takes from (and to) `[filters, positions]`: two passes over the result against `taps`
//! multiply-adds for each of its elements. No lane is wasted where the filters fill whole vectors, however small the
//! image.

use super::pixels::{Field, is_wide};
use crate::gemm::Applied;
use crate::simd::{Float, Lanes};

/// A convolution of one image, all pointers raw: see [`convolve_filters`] for what must be valid.
pub(super) struct ConvolveFilters<T> {
    pub(super) field: Field,
    pub(super) source: *const T,
    pub(super) offsets: *const usize,
    pub(super) taps: usize,
    /// Panels of two vectors of filters, the last of one if their number is odd, each `[taps, filters]`, zeros where
    /// there are no filters.
    pub(super) weight: *const T,
    /// Whole vectors.
    pub(super) vectors: usize,
    /// A number for each filter, zeros up to whole vectors, or null.
    pub(super) bias: *const T,
    /// As far as it is applied in registers; the rest is the caller's.
    pub(super) activation: Applied<T>,
    /// `[rows * width, vectors * LANES]`.
    pub(super) target: *mut T,
}

/// Every filter at every position.
///
/// # Safety
/// * `field` has a row and a column; `offsets` is valid for `taps` numbers.
/// * `source` is valid for reading at every offset plus every position.
/// * `weight` is valid for `taps` times `vectors` vectors; `bias` is null or valid for `vectors` of them.
/// * `target` is valid for writing `vectors` vectors for every position, and nobody else uses it.
#[inline(always)]
pub(super) unsafe fn convolve_filters<T: Float, I: Lanes<T>>(isa: I, x: &ConvolveFilters<T>) {
    let Field { rows, width, pitch } = x.field;
    let mut vector = 0;
    while vector < x.vectors {
        let pair = vector + 2 <= x.vectors;
        // As many sums as there are registers for, and at least as many as hide their latency: eight.
        let most = match (pair, is_wide::<T, I>()) {
            (true, true) => 8,
            (true, false) => 6,
            (false, _) => 12,
        };
        let tiles = width.div_ceil(most);
        for row in 0..rows {
            let mut column = 0;
            for tile in 0..tiles {
                // Dealt out evenly: 14 positions are 7 and 7.
                let positions = width / tiles + usize::from(tile < width % tiles);
                let at = [row * pitch + column, row * width + column];
                // SAFETY: passed on to the caller; as many positions and vectors are left.
                unsafe {
                    match pair {
                        true => pairs::<T, I>(isa, x, at, vector, positions),
                        false => singles::<T, I>(isa, x, at, vector, positions),
                    }
                }
                column += positions;
            }
        }
        vector += 1 + usize::from(pair);
    }
}

/// Calls the block of as many positions, or one block a position where there is none of that size. Its callers say that
/// the positions are there. The sizes after `wide` are for 32 registers.
macro_rules! by_positions {
    ($NV:literal, $isa:ident, $x:ident, $at:ident, $vector:ident, $positions:ident,
     $($n:literal)*, wide $($wide:literal)*) => {
        match $positions {
            // SAFETY: passed on to the caller.
            $($n => unsafe { block::<T, I, $n, $NV>($isa, $x, $at, $vector) },)*
            // SAFETY: as above.
            $($wide if is_wide::<T, I>() => unsafe { block::<T, I, $wide, $NV>($isa, $x, $at, $vector) },)*
            _ => {
                for more in 0..$positions {
                    // SAFETY: as above: this position is one of them.
                    unsafe { block::<T, I, 1, $NV>($isa, $x, [$at[0] + more, $at[1] + more], $vector) };
                }
            }
        }
    };
}

/// Blocks of two vectors; those of seven and eight positions need more than 16 registers.
///
/// # Safety
/// * As for [`convolve_filters`], with so many positions from `at` and two vectors from `vector` on.
#[inline(always)]
unsafe fn pairs<T: Float, I: Lanes<T>>(
    isa: I,
    x: &ConvolveFilters<T>,
    at: [usize; 2],
    vector: usize,
    positions: usize,
) {
    by_positions!(2, isa, x, at, vector, positions, 2 3 4 5 6, wide 7 8);
}

/// Blocks of one vector.
///
/// # Safety
/// * As for [`convolve_filters`], with so many positions from `at` and a vector from `vector` on.
#[inline(always)]
unsafe fn singles<T: Float, I: Lanes<T>>(
    isa: I,
    x: &ConvolveFilters<T>,
    at: [usize; 2],
    vector: usize,
    positions: usize,
) {
    by_positions!(1, isa, x, at, vector, positions, 2 3 4 5 6 7 8 9 10 11 12, wide);
}

/// `MR` neighbouring positions by `NV` vectors of filters.
///
/// # Safety
/// * As for [`convolve_filters`], with `MR` positions from `[source, position]` and `NV` vectors from `vector` on.
#[inline(always)]
unsafe fn block<T: Float, I: Lanes<T>, const MR: usize, const NV: usize>(
    isa: I,
    x: &ConvolveFilters<T>,
    [source, position]: [usize; 2],
    vector: usize,
) {
    let mut sums = [[isa.splat(T::ZERO); NV]; MR];
    // SAFETY: every offset plus every position lies in the source, and weights, biases and target have all vectors,
    // says the caller.
    unsafe {
        if !x.bias.is_null() {
            for v in 0..NV {
                let bias = isa.load_at(x.bias.add((vector + v) * I::LANES));
                for sums in &mut sums {
                    sums[v] = bias;
                }
            }
        }
        let mut weight = x.weight.add(vector * I::LANES * x.taps);
        let source = x.source.add(source);
        for tap in 0..x.taps {
            let pixels = source.add(*x.offsets.add(tap));
            let mut factors = [isa.splat(T::ZERO); NV];
            for (v, factor) in factors.iter_mut().enumerate() {
                *factor = isa.load_at(weight.add(v * I::LANES));
            }
            for (m, sums) in sums.iter_mut().enumerate() {
                let pixel = isa.splat(*pixels.add(m));
                for (sum, factor) in sums.iter_mut().zip(factors) {
                    *sum = isa.fma(pixel, factor, *sum);
                }
            }
            weight = weight.add(NV * I::LANES);
        }
        let sums = x.activation.in_registers(isa, sums);
        let target = x.target.add(position * x.vectors * I::LANES + vector * I::LANES);
        for (m, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                isa.store_at(sum, target.add((m * x.vectors + v) * I::LANES));
            }
        }
    }
}

/// Sums over positions of pixels times gradients, all pointers raw: see [`correlate_filters`] for what must be valid.
pub(super) struct CorrelateFilters<T> {
    pub(super) field: Field,
    pub(super) source: *const T,
    pub(super) offsets: *const usize,
    pub(super) taps: usize,
    /// `[rows * width, vectors * LANES]`.
    pub(super) gradient: *const T,
    pub(super) vectors: usize,
    /// `[taps, vectors * LANES]`, added to.
    pub(super) sums: *mut T,
}

/// The sums of every tap and filter.
///
/// # Safety
/// * `field` has a row and a column; `offsets` is valid for `taps` numbers.
/// * `source` is valid for reading at every offset plus every position.
/// * `gradient` is valid for reading `vectors` vectors for every position.
/// * `sums` is valid for reading and writing `vectors` vectors for every tap, and nobody else uses it.
#[inline(always)]
pub(super) unsafe fn correlate_filters<T: Float, I: Lanes<T>>(isa: I, x: &CorrelateFilters<T>) {
    let mut vector = 0;
    while vector < x.vectors {
        match x.vectors - vector {
            4.. if is_wide::<T, I>() => {
                // SAFETY: passed on to the caller; as many vectors are left.
                unsafe { over_taps::<T, I, 4>(isa, x, vector) };
                vector += 4;
            }
            2.. => {
                // SAFETY: passed on to the caller; as many vectors are left.
                unsafe { over_taps::<T, I, 2>(isa, x, vector) };
                vector += 2;
            }
            _ => {
                // SAFETY: passed on to the caller; as many vectors are left.
                unsafe { over_taps::<T, I, 1>(isa, x, vector) };
                vector += 1;
            }
        }
    }
}

/// The sums of `NV` vectors of filters.
///
/// # Safety
/// * As for [`correlate_filters`], with `NV` vectors from `vector` on.
#[inline(always)]
unsafe fn over_taps<T: Float, I: Lanes<T>, const NV: usize>(isa: I, x: &CorrelateFilters<T>, vector: usize) {
    let mut tap = 0;
    // With 16 registers, sums of six by two vectors leave LLVM too few: it spills.
    if is_wide::<T, I>() || NV == 1 {
        while tap + 6 <= x.taps {
            // SAFETY: passed on to the caller; as many taps are left.
            unsafe { products::<T, I, 6, NV>(isa, x, vector, tap) };
            tap += 6;
        }
    } else {
        while tap + 5 <= x.taps {
            // SAFETY: passed on to the caller; as many taps are left.
            unsafe { products::<T, I, 5, NV>(isa, x, vector, tap) };
            tap += 5;
        }
    }
    while tap + 3 <= x.taps {
        // SAFETY: passed on to the caller; as many taps are left.
        unsafe { products::<T, I, 3, NV>(isa, x, vector, tap) };
        tap += 3;
    }
    while tap < x.taps {
        // SAFETY: passed on to the caller; as many taps are left.
        unsafe { products::<T, I, 1, NV>(isa, x, vector, tap) };
        tap += 1;
    }
}

/// `KT` elements of the kernel by `NV` vectors of filters, over all positions.
///
/// # Safety
/// * As for [`correlate_filters`], with `KT` taps from `tap` and `NV` vectors from `vector` on.
#[inline(always)]
unsafe fn products<T: Float, I: Lanes<T>, const KT: usize, const NV: usize>(
    isa: I,
    x: &CorrelateFilters<T>,
    vector: usize,
    tap: usize,
) {
    let Field { rows, width, pitch } = x.field;
    let pixel_step = x.vectors * I::LANES;
    let mut sums = [[isa.splat(T::ZERO); NV]; KT];
    // SAFETY: every offset plus every position lies in the source, and the gradient and the sums have all vectors, says
    // the caller.
    unsafe {
        let at = |t: usize, v: usize| x.sums.add((tap + t) * pixel_step + (vector + v) * I::LANES);
        for (t, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = isa.load_at(at(t, v));
            }
        }
        let mut from = [x.source; KT];
        for (t, from) in from.iter_mut().enumerate() {
            *from = x.source.add(*x.offsets.add(tap + t));
        }
        let mut gradient = x.gradient.add(vector * I::LANES);
        for row in 0..rows {
            for pixel in row * pitch..row * pitch + width {
                let mut dy = [isa.splat(T::ZERO); NV];
                for (v, dy) in dy.iter_mut().enumerate() {
                    *dy = isa.load_at(gradient.add(v * I::LANES));
                }
                for (sums, from) in sums.iter_mut().zip(from) {
                    let pixel = isa.splat(*from.add(pixel));
                    for (sum, dy) in sums.iter_mut().zip(dy) {
                        *sum = isa.fma(pixel, dy, *sum);
                    }
                }
                gradient = gradient.wrapping_add(pixel_step);
            }
        }
        for (t, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                isa.store_at(sum, at(t, v));
            }
        }
    }
}
