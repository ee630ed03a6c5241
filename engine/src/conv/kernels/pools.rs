//! Max pooling of windows of 2 by 2 side by side, the usual ones, a plane at a time.
//!
//! A window's four pixels are the even and odd lanes of two rows. Where a row's windows do not come out even, the last
//! vector is worked on over what is done already; where they fill no vector, it reaches into the next row, whose own
//! results come later. Rows that hold NaN go one by one. Windows of other sizes and steps are `conv::pooling`'s.

use crate::simd::{Float, Lanes, read, write};

/// 0, 1, 2, ..
#[inline(always)]
fn ramp<T: Float, I: Lanes<T>>(isa: I) -> I::V {
    let mut ramp = [T::ZERO; 16];
    for (i, place) in ramp.iter_mut().enumerate() {
        *place = T::from_i32(i as i32);
    }
    read(isa, &ramp, 0)
}

/// The places in the plane of a window's pixels.
#[inline(always)]
fn window<T: Float>(row: usize, column: usize, width: usize) -> [T; 4] {
    let place = T::from_i32((2 * (row * width + column)) as i32);
    let below = place + T::from_i32(width as i32);
    [place, place + T::ONE, below, below + T::ONE]
}

/// Writes each window's largest pixel, the first of equals (NaN is larger than all), and its place in the plane, to
/// those of `values` and `places` that are not empty.
#[inline(always)]
pub(super) fn largest_of_pairs<T: Float, I: Lanes<T>>(
    isa: I,
    [height, width]: [usize; 2],
    columns: usize,
    plane: &[T],
    values: &mut [T],
    places: &mut [T],
) {
    // A window over the end of an odd row sees its last pixel twice, of which the first is chosen.
    let whole = columns.min(width.div_ceil(2));
    let odd = isa.splat(if width % 2 == 1 { T::from_i32((width / 2) as i32) } else { -T::ONE });
    let rows = values.len().max(places.len()) / columns.max(1);
    // (Without closures: one that holds vectors is a call.)
    let (zero, one, two) = (isa.splat(T::ZERO), isa.splat(T::ONE), isa.splat(T::from_i32(2)));
    let down = isa.splat(T::from_i32(width as i32));
    let (down_and_right, ramp) = (isa.add(down, one), ramp(isa));
    for row in 0..rows {
        // An odd plane's last row is seen twice.
        let (top, bottom) = (2 * row * width, (2 * row + 1).min(height - 1) * width);
        let results = row * columns;
        let mut all = zero;
        let mut next = 0;
        while next < whole {
            let at = next.min(whole.saturating_sub(I::LANES));
            next = at + I::LANES;
            let (top, bottom) = (top + 2 * at, bottom + 2 * at);
            let (a, b) = isa.unzip(read(isa, plane, top), read(isa, plane, top + I::LANES));
            let (c, d) = isa.unzip(read(isa, plane, bottom), read(isa, plane, bottom + I::LANES));
            let is_odd = isa.eq(isa.add(ramp, isa.splat(T::from_i32(at as i32))), odd);
            let (b, d) = (isa.select(is_odd, a, b), isa.select(is_odd, c, d));
            let (right, lower_right) = (isa.lt(a, b), isa.lt(c, d));
            let (above, below) = (isa.select(right, b, a), isa.select(lower_right, d, c));
            let lower = isa.lt(above, below);
            if !values.is_empty() {
                write(isa, isa.select(lower, below, above), values, results + at);
            }
            if !places.is_empty() {
                let above_at = isa.select(right, one, zero);
                let below_at = isa.select(lower_right, down_and_right, down);
                let start = isa.fma(two, ramp, isa.splat(T::from_i32(top as i32)));
                write(isa, isa.add(start, isa.select(lower, below_at, above_at)), places, results + at);
            }
            // NaN, if anything was.
            all = isa.fma(zero, isa.add(isa.add(a, b), isa.add(c, d)), all);
        }
        // Infinities, and pixels of the next row, make a NaN here too; then it is only slow.
        let done = if isa.sum(all).is_nan() { 0 } else { whole };
        for column in done..columns {
            let right = (2 * column + 1).min(width - 1);
            let pixels = [top + 2 * column, top + right, bottom + 2 * column, bottom + right].map(|at| plane[at]);
            let (value, place) = largest(pixels, window(row, column, width));
            if !values.is_empty() {
                values[results + column] = value;
            }
            if !places.is_empty() {
                places[results + column] = place;
            }
        }
    }
}

/// The largest of a window's pixels and its place.
#[inline(always)]
fn largest<T: Float>(pixels: [T; 4], places: [T; 4]) -> (T, T) {
    let (above, below) = (larger(pixels, places, 0, 1), larger(pixels, places, 2, 3));
    larger([above.0, below.0, below.0, below.0], [above.1, below.1, below.1, below.1], 0, 1)
}

/// Pixel `b` if it is larger, or NaN where `a` is not.
#[inline(always)]
fn larger<T: Float>(pixels: [T; 4], places: [T; 4], a: usize, b: usize) -> (T, T) {
    let second = (pixels[b] > pixels[a]) | (pixels[b].is_nan() & !pixels[a].is_nan());
    let best = if second { b } else { a };
    (pixels[best], places[best])
}

/// The transpose: each of `from` at its place, and 0 (with `accumulate`: what was there) everywhere else.
#[inline(always)]
pub(super) fn put_to_pairs<T: Float, I: Lanes<T>>(
    isa: I,
    [height, width]: [usize; 2],
    columns: usize,
    (from, places): (&[T], &[T]),
    plane: &mut [T],
    accumulate: bool,
) {
    let rows = from.len().min(places.len()) / columns.max(1);
    let (zero, one, two) = (isa.splat(T::ZERO), isa.splat(T::ONE), isa.splat(T::from_i32(2)));
    let down = isa.splat(T::from_i32(width as i32));
    let (down_and_right, ramp) = (isa.add(down, one), ramp(isa));
    // Vectors overlap, which adding does not allow.
    let whole = if accumulate { 0 } else { columns.min(width.div_ceil(2)) };
    for row in 0..rows {
        let (results, top, bottom) = (row * columns, 2 * row * width, (2 * row + 1) * width);
        // A row at a time: what reaches into the next one is overwritten by it.
        for (first, left, right) in [(top, zero, one), (bottom, down, down_and_right)] {
            // An odd plane's last row has none below it.
            if first >= height * width {
                continue;
            }
            let mut next = 0;
            while next < whole {
                let at = next.min(whole.saturating_sub(I::LANES));
                next = at + I::LANES;
                let (value, place) = (read(isa, from, results + at), read(isa, places, results + at));
                let start = isa.fma(two, ramp, isa.splat(T::from_i32((top + 2 * at) as i32)));
                let left = isa.select(isa.eq(place, isa.add(start, left)), value, zero);
                let right = isa.select(isa.eq(place, isa.add(start, right)), value, zero);
                let (low, high) = isa.zip(left, right);
                write(isa, low, plane, first + 2 * at);
                write(isa, high, plane, first + 2 * at + I::LANES);
            }
        }
        // One by one: where sums are added up, and pixels that no window sees.
        for column in whole..width.div_ceil(2) {
            let found = (column < columns).then(|| (from[results + column], places[results + column]));
            let seen = window(row, column, width);
            for (line, side) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let (y, x) = (2 * row + line, 2 * column + side);
                if y >= height || x >= width {
                    continue;
                }
                let pixel = &mut plane[y * width + x];
                let held = if accumulate { *pixel } else { T::ZERO };
                let here = found.filter(|&(_, at)| at == seen[2 * line + side]);
                *pixel = here.map_or(held, |(from, _)| held + from);
            }
        }
    }
    if !accumulate {
        plane[(2 * rows * width).min(height * width)..].fill(T::ZERO);
    }
}
