//! Max pooling of windows of 2 by 2 side by side, the usual ones, for whole rows at a time.
//!
//! Written so that the compiler makes vectors of it: a window's four pixels are the even and odd elements of two rows,
//! and there are no branches. Everything else goes window by window (`conv::pooling`).

use crate::simd::{Float, Lanes};

/// Windows that are worked on at once: the size of a piece is fixed so that the compiler makes vectors of it. The last piece
/// of a row may begin before the one before has ended.
const PIECE: usize = 8;

/// Writes each window's largest pixel, the first of equals (NaN is larger than all), and its place in the plane, for as
/// many windows as `values` and `places` have, of two rows of pixels that begin at the place `first`.
#[inline(always)]
pub(super) fn largest_of_pairs<T: Float, I: Lanes<T>>(
    _: I,
    [top, bottom]: [&[T]; 2],
    first: T,
    width: T,
    values: &mut [T],
    places: &mut [T],
) {
    let windows = values.len().min(places.len()).min(top.len() / 2).min(bottom.len() / 2);
    let (mut next, done) = (0, if windows < PIECE { 0 } else { windows });
    while next < done {
        let at = next.min(windows - PIECE);
        next = at + PIECE;
        let (top, bottom) = (&top[2 * at..][..2 * PIECE], &bottom[2 * at..][..2 * PIECE]);
        let (values, places) = (&mut values[at..][..PIECE], &mut places[at..][..PIECE]);
        for i in 0..PIECE {
            let place = first + T::from_i32(2 * (at + i) as i32);
            let pixels = [top[2 * i], top[2 * i + 1], bottom[2 * i], bottom[2 * i + 1]];
            (values[i], places[i]) = largest(pixels, place, width);
        }
    }
    for at in done..windows {
        let pixels = [top[2 * at], top[2 * at + 1], bottom[2 * at], bottom[2 * at + 1]];
        (values[at], places[at]) = largest(pixels, first + T::from_i32(2 * at as i32), width);
    }
}

/// The largest of a window's pixels and its place.
#[inline(always)]
fn largest<T: Float>(pixels: [T; 4], place: T, width: T) -> (T, T) {
    let above = larger((pixels[0], place), (pixels[1], place + T::ONE));
    let below = larger((pixels[2], place + width), (pixels[3], place + width + T::ONE));
    larger(above, below)
}

/// The second if it is larger, or NaN where the first is not.
#[inline(always)]
fn larger<T: Float>(a: (T, T), b: (T, T)) -> (T, T) {
    let second = (b.0 > a.0) | (b.0.is_nan() & !a.0.is_nan());
    (if second { b.0 } else { a.0 }, if second { b.1 } else { a.1 })
}

/// The transpose: each of `from` at its place, and 0 (with `accumulate`: what was there) at the window's other pixels.
#[inline(always)]
pub(super) fn put_to_pairs<T: Float, I: Lanes<T>>(
    _: I,
    (from, places): (&[T], &[T]),
    first: T,
    width: T,
    [top, bottom]: [&mut [T]; 2],
    accumulate: bool,
) {
    let windows = from.len().min(places.len()).min(top.len() / 2).min(bottom.len() / 2);
    // Pieces overlap, which adding does not allow.
    let (mut next, done) = (0, if accumulate || windows < PIECE { 0 } else { windows });
    while next < done {
        let at = next.min(windows - PIECE);
        next = at + PIECE;
        let (top, bottom) = (&mut top[2 * at..][..2 * PIECE], &mut bottom[2 * at..][..2 * PIECE]);
        let (from, places) = (&from[at..][..PIECE], &places[at..][..PIECE]);
        for i in 0..PIECE {
            let place = first + T::from_i32(2 * (at + i) as i32);
            let (from, at) = (from[i], places[i]);
            top[2 * i] = chosen(at == place, from);
            top[2 * i + 1] = chosen(at == place + T::ONE, from);
            bottom[2 * i] = chosen(at == place + width, from);
            bottom[2 * i + 1] = chosen(at == place + width + T::ONE, from);
        }
    }
    for at in done..windows {
        let place = first + T::from_i32(2 * at as i32);
        let here = |place: T, held: T| {
            let held = if accumulate { held } else { T::ZERO };
            if places[at] == place { held + from[at] } else { held }
        };
        top[2 * at] = here(place, top[2 * at]);
        top[2 * at + 1] = here(place + T::ONE, top[2 * at + 1]);
        bottom[2 * at] = here(place + width, bottom[2 * at]);
        bottom[2 * at + 1] = here(place + width + T::ONE, bottom[2 * at + 1]);
    }
}

#[inline(always)]
fn chosen<T: Float>(this: bool, from: T) -> T {
    if this { from } else { T::ZERO }
}
