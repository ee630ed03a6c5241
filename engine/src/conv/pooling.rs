//! The loops over single planes that pooling, unpooling and upsampling are made of. Sizes are [`super::pool`]'s.
#![forbid(unsafe_code)]

use super::kernels::{ConvFloat, Kernels};
use super::pool::Pool;
use crate::base::Error;
use crate::simd::Float;

/// Writes each window's largest pixel, the first of equals, and its place in the plane, or one of the two; NaN is
/// larger than all. There are `columns` windows in a row.
pub(crate) fn largest<T: ConvFloat>(
    kernels: Kernels<T>,
    pool: &Pool,
    sides: [usize; 2],
    plane: &[T],
    (values, places): (Option<&mut [T]>, Option<&mut [T]>),
    [rows, columns]: [usize; 2],
) -> Result<(), Error> {
    let (values, places) = (values.unwrap_or_default(), places.unwrap_or_default());
    if pool.is_pairs() {
        return kernels.largest_of_pairs(sides, columns, plane, values, places);
    }
    for at in 0..rows * columns {
        let (place, value) = largest_of(pool, sides, plane, [at / columns, at % columns]);
        if let Some(to) = values.get_mut(at) {
            *to = value;
        }
        if let Some(to) = places.get_mut(at) {
            *to = T::from_f64(place as f64);
        }
    }
    Ok(())
}

/// The largest pixel of one window and its place.
fn largest_of<T: Float>(pool: &Pool, [height, width]: [usize; 2], plane: &[T], at: [usize; 2]) -> (usize, T) {
    let ((down, _), (across, _)) = (pool.seen(0, height, at[0]), pool.seen(1, width, at[1]));
    let mut best = down.start * width + across.start;
    let mut value = plane[best];
    for y in down {
        for (x, &pixel) in plane[y * width..][across.clone()].iter().enumerate() {
            // Larger, or NaN; but nothing is larger than NaN.
            let larger = pixel > value || (pixel.is_nan() && !value.is_nan());
            // Two selections rather than a branch that nobody can foresee.
            best = if larger { y * width + across.start + x } else { best };
            value = if larger { pixel } else { value };
        }
    }
    (best, value)
}

/// The transpose: adds each of `from` to the pixel at its place; with `fresh`, to 0.
pub(crate) fn put_largest<T: ConvFloat>(
    kernels: Kernels<T>,
    pool: &Pool,
    sides: [usize; 2],
    (from, places): (&[T], &[T]),
    plane: &mut [T],
    fresh: bool,
) -> Result<(), Error> {
    if pool.is_pairs() {
        // With or without windows over the odd edges.
        let columns = (sides[1] + usize::from(pool.is_ceil())) / 2;
        return kernels.put_to_pairs(sides, columns, (from, places), plane, !fresh);
    }
    if fresh {
        plane.fill(T::ZERO);
    }
    put(from, places, plane);
    Ok(())
}

/// The average of each window, padding counted as zeros.
pub(crate) fn average<T: Float>(pool: &Pool, [height, width]: [usize; 2], plane: &[T], to: &mut [T], columns: usize) {
    for (row, to) in to.chunks_exact_mut(columns).enumerate() {
        let (down, rows) = pool.seen(0, height, row);
        for (column, to) in to.iter_mut().enumerate() {
            let (across, wide) = pool.seen(1, width, column);
            let mut sum = T::ZERO;
            for y in down.clone() {
                for &x in &plane[y * width..][across.clone()] {
                    sum += x;
                }
            }
            *to = sum * share(rows, wide);
        }
    }
}

/// The transpose of [`average`]: adds each window's share to the pixels that it sees.
pub(crate) fn average_transposed<T: Float>(
    pool: &Pool,
    [height, width]: [usize; 2],
    from: &[T],
    plane: &mut [T],
    columns: usize,
) {
    for (row, from) in from.chunks_exact(columns).enumerate() {
        let (down, rows) = pool.seen(0, height, row);
        for (column, &from) in from.iter().enumerate() {
            let (across, wide) = pool.seen(1, width, column);
            let each = from * share(rows, wide);
            for y in down.clone() {
                for x in &mut plane[y * width..][across.clone()] {
                    *x += each;
                }
            }
        }
    }
}

fn share<T: Float>(rows: usize, wide: usize) -> T {
    T::from_f64(1.0 / (rows as f64 * wide as f64))
}

/// The pixel of `plane` at each of `places`; 0 where there is none.
pub(crate) fn take<T: Float>(plane: &[T], places: &[T], to: &mut [T], accumulate: bool) {
    for (&place, to) in places.iter().zip(to) {
        let pixel = plane.get(index(place)).copied().unwrap_or(T::ZERO);
        *to = if accumulate { *to + pixel } else { pixel };
    }
}

/// The transpose of [`take`]: adds each of `from` to the pixel at its place, if there is one.
pub(crate) fn put<T: Float>(from: &[T], places: &[T], plane: &mut [T]) {
    for (&from, &place) in from.iter().zip(places) {
        if let Some(pixel) = plane.get_mut(index(place)) {
            *pixel += from;
        }
    }
}

/// A place as an index; past every plane where it is not a whole number from 0 on.
fn index<T: Float>(place: T) -> usize {
    let place = place.to_f64();
    if (0.0..9e15).contains(&place) { place as usize } else { usize::MAX }
}

/// Where a result's row or column lies between two of the image: both, and the weight of the second.
pub(crate) fn between(at: usize, image: usize, result: usize, corners: bool) -> (usize, usize, f64) {
    let at = if corners {
        if result < 2 { 0.0 } else { at as f64 * (image - 1) as f64 / (result - 1) as f64 }
    } else {
        ((at as f64 + 0.5) * image as f64 / result as f64 - 0.5).max(0.0)
    };
    let low = (at as usize).min(image - 1);
    (low, (low + 1).min(image - 1), at - low as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Backend;

    #[test]
    fn the_largest_is_found_first_and_nan_is_larger() {
        let plane = [1.0, 5.0, 2.0, 5.0, f64::NAN, 9.0, 0.0, f64::NAN];
        for backend in Backend::available() {
            let (mut values, mut places) = ([0.0; 2], [0.0; 2]);
            largest(
                Kernels::of(backend),
                &Pool::new(2),
                [2, 4],
                &plane,
                (Some(&mut values), Some(&mut places)),
                [1, 2],
            )
            .unwrap();
            assert_eq!(places, [4.0, 7.0]);
            assert!(values[0].is_nan() && values[1].is_nan());
        }
        let mut taken = [0.0; 3];
        take(&[1.0, 2.0], &[1.0, f64::NAN, 7.0], &mut taken, false);
        assert_eq!(taken, [2.0, 0.0, 0.0], "a place outside the plane gives nothing");
    }

    #[test]
    fn bilinear_places_are_pytorchs() {
        // align_corners=False, 2 to 4: weights 0, 0.25, 0.75, 1 between the two.
        let places: Vec<f64> = (0..4).map(|at| between(at, 2, 4, false)).map(|(low, _, w)| low as f64 + w).collect();
        assert_eq!(places, [0.0, 0.25, 0.75, 1.25]);
        assert_eq!(between(3, 2, 4, true), (1, 1, 0.0));
        assert_eq!(between(0, 1, 1, true), (0, 0, 0.0));
    }

    /// Whole rows of windows and one at a time: the same, at every size and in both directions.
    #[test]
    fn pairs_are_windows() {
        for (height, width) in (1..7).flat_map(|h| [2, 3, 7, 8, 16, 31, 32, 65, 300, 601].map(move |w| (h, w))) {
            let pool = if height % 3 == 0 { Pool::new(2) } else { Pool::new(2).ceil() };
            let Ok([rows, columns]) = pool.positions([height, width]) else { continue };
            // Few values, so that many are equal.
            let plane: Vec<f32> = (0..height * width).map(|i| (i * 7919 % 5) as f32).collect();
            let from: Vec<f32> = (0..rows * columns).map(|i| i as f32 + 1.0).collect();
            for backend in Backend::available() {
                let kernels = Kernels::of(backend);
                let (mut values, mut places) = (vec![0.0; rows * columns], vec![0.0; rows * columns]);
                let (to_values, to_places) = (&mut values[..], &mut places[..]);
                largest(kernels, &pool, [height, width], &plane, (Some(to_values), None), [rows, columns]).unwrap();
                largest(kernels, &pool, [height, width], &plane, (None, Some(to_places)), [rows, columns]).unwrap();
                for (at, (&value, &place)) in values.iter().zip(&places).enumerate() {
                    let wanted = largest_of(&pool, [height, width], &plane, [at / columns, at % columns]);
                    assert_eq!((place as usize, value), wanted, "{backend} {height} {width}");
                }
                let mut wanted = vec![0.0; plane.len()];
                put(&from, &places, &mut wanted);
                let mut found = vec![f32::NAN; plane.len()];
                put_largest(kernels, &pool, [height, width], (&from, &places), &mut found, true).unwrap();
                assert_eq!(found, wanted);
                put_largest(kernels, &pool, [height, width], (&from, &places), &mut found, false).unwrap();
                assert_eq!(found, wanted.iter().map(|x| 2.0 * x).collect::<Vec<_>>());
            }
        }
    }
}
