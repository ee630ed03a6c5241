//! Whitening of a grey picture: natural images have spectra near 1/f, and a filter that rises with f makes them flat.
//!
//! Olshausen and Field, "Sparse Coding with an Overcomplete Basis Set" (Vision Research, 1997): `R(f) = f
//! exp(-(f/f0)^4)`, `f0` = 0.4 cycles per pixel (they: 200 cycles in 512 pixels), the exponential against the noise and
//! the corners of the spectrum. They multiply spectra; here the filter is a window of 21 x 21 weights that is applied
//! directly, edges reflected: any size of picture, no Fourier transform, no wrapping from one edge to the other. Cut to
//! that window it passes 0.009 at f = 0, where `R` is 0 (at its best, 0.22); the patches' means are removed anyway.

use std::f64::consts::TAU;
use std::ops::Range;

use super::memory::reserved;
use crate::error::Result;

/// Frequencies along a side of the grid on which the filter is made: 32 cycles in 32 pixels and fewer.
const GRID: i32 = 32;
/// The weights' window reaches so many pixels from its centre: 21 x 21.
const REACH: usize = 10;
/// The cut-off, in cycles per pixel.
const F0: f64 = 0.4;
/// Deviations below this are rounding: the picture is of one grey.
const NO_CONTRAST: f64 = f32::EPSILON as f64;

/// A grey picture, `[height, width]`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plane {
    pub(super) values: Vec<f32>,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Plane {
    /// Some of its rows and columns.
    pub(super) fn cropped(mut self, rows: Range<usize>, columns: Range<usize>) -> Self {
        let (height, width) = (rows.len(), columns.len());
        for (to, from) in rows.enumerate() {
            let start = from * self.width + columns.start;
            self.values.copy_within(start..start + width, to * width);
        }
        self.values.truncate(height * width);
        Self { values: self.values, height, width }
    }
}

/// The filter: the weight `a` rows and `b` columns from the centre, the same in all four directions.
#[derive(Debug)]
pub(super) struct Whitening([[f32; REACH + 1]; REACH + 1]);

impl Whitening {
    /// The inverse Fourier transform of `R`, which is real and even, on [`GRID`], cut to the window.
    pub(super) fn new() -> Self {
        let mut weights = [[0.0; REACH + 1]; REACH + 1];
        for (a, row) in weights.iter_mut().enumerate() {
            for (b, weight) in row.iter_mut().enumerate() {
                *weight = weight_at(a, b) as f32;
            }
        }
        Self(weights)
    }

    /// Filters a picture and scales the result to mean 0 and standard deviation 1, so that bright and dull pictures
    /// count alike; one of a single grey becomes 0. The weights' symmetry leaves 121 products per pixel of 441.
    ///
    /// # Errors
    /// If memory runs out.
    pub(super) fn apply(&self, picture: &Plane) -> Result<Plane> {
        let (height, width) = (picture.height, picture.width);
        let mut values = reserved(height * width, "a whitened photograph")?;
        values.resize(height * width, 0.0);
        let mut padded = reserved(width + 2 * REACH, "a row of a photograph")?;
        padded.resize(width + 2 * REACH, 0.0);
        for (y, out) in values.chunks_exact_mut(width).enumerate() {
            for (a, weights) in self.0.iter().enumerate() {
                add_rows(picture, y, a, &mut padded);
                accumulate(weights, &padded, out);
            }
        }
        standardise(&mut values);
        Ok(Plane { values, height, width })
    }
}

fn weight_at(a: usize, b: usize) -> f64 {
    let grid = f64::from(GRID);
    let mut sum = 0.0;
    for u in -GRID / 2..GRID / 2 {
        for v in -GRID / 2..GRID / 2 {
            let (fy, fx) = (f64::from(u) / grid, f64::from(v) / grid);
            sum += response(fy.hypot(fx)) * (TAU * fy * a as f64).cos() * (TAU * fx * b as f64).cos();
        }
    }
    sum / (grid * grid)
}

/// `R(f)`, `f` in cycles per pixel.
fn response(f: f64) -> f64 {
    f * (-(f / F0).powi(4)).exp()
}

/// The sum of the rows `a` above and `a` below `y` (row `y` itself once), edges reflected on all sides.
fn add_rows(picture: &Plane, y: usize, a: usize, padded: &mut [f32]) {
    let row = |offset: isize| {
        let start = reflect(y as isize + offset, picture.height) * picture.width;
        &picture.values[start..start + picture.width]
    };
    let inner = &mut padded[REACH..REACH + picture.width];
    inner.copy_from_slice(row(-(a as isize)));
    if a > 0 {
        inner.iter_mut().zip(row(a as isize)).for_each(|(sum, value)| *sum += value);
    }
    for x in (0..REACH).chain(REACH + picture.width..padded.len()) {
        padded[x] = padded[REACH + reflect(x as isize - REACH as isize, picture.width)];
    }
}

/// `out[x] += sum over b of weights[b] * (padded[x - b] + padded[x + b])`, `padded` being ahead by [`REACH`].
fn accumulate(weights: &[f32; REACH + 1], padded: &[f32], out: &mut [f32]) {
    let centre = &padded[REACH..];
    out.iter_mut().zip(centre).for_each(|(out, value)| *out += weights[0] * value);
    for (b, weight) in weights.iter().enumerate().skip(1) {
        let (left, right) = (&padded[REACH - b..], &padded[REACH + b..]);
        for ((out, left), right) in out.iter_mut().zip(left).zip(right) {
            *out += weight * (left + right);
        }
    }
}

/// The index in `0..len` that `i` is mirrored to, the edge repeated: `c b a | a b c | c b a`.
fn reflect(i: isize, len: usize) -> usize {
    let period = 2 * len as isize;
    let i = i.rem_euclid(period);
    i.min(period - 1 - i) as usize
}

/// Mean 0, standard deviation 1; all 0 where there is no deviation.
fn standardise(values: &mut [f32]) {
    let count = values.len() as f64;
    let mean = values.iter().copied().map(f64::from).sum::<f64>() / count;
    let variance = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
    let deviation = variance.sqrt();
    let scale = if deviation > NO_CONTRAST { 1.0 / deviation } else { 0.0 };
    values.iter_mut().for_each(|value| *value = ((f64::from(*value) - mean) * scale) as f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The weight at any place of the window.
    fn weight(filter: &Whitening, a: isize, b: isize) -> f64 {
        f64::from(filter.0[a.unsigned_abs()][b.unsigned_abs()])
    }

    fn window() -> impl Iterator<Item = (isize, isize)> {
        let reach = REACH as isize;
        (-reach..=reach).flat_map(move |a| (-reach..=reach).map(move |b| (a, b)))
    }

    #[test]
    fn passes_the_frequencies_it_should() {
        let filter = Whitening::new();
        for step in 0..=50 {
            let f = f64::from(step) / 100.0;
            for (fy, fx) in [(f, 0.0), (0.0, f), (f / 2f64.sqrt(), -f / 2f64.sqrt())] {
                let wave = |(a, b): (isize, isize)| (TAU * (fy * a as f64 + fx * b as f64)).cos();
                let got: f64 = window().map(|(a, b)| weight(&filter, a, b) * wave((a, b))).sum();
                // The window costs 0.0092 at f = 0 and 0.004 from 0.03 on; the greatest response is 0.22.
                let allowed = if f < 0.03 { 0.01 } else { 0.005 };
                assert!((got - response(f)).abs() < allowed, "{f} along ({fy}, {fx}): {got}, not {}", response(f));
            }
        }
    }

    #[test]
    fn is_a_convolution_with_reflected_edges() {
        let filter = Whitening::new();
        for (height, width) in [(1, 1), (1, 7), (9, 2), (5, 40), (33, 30)] {
            let values = (0..height * width).map(|i| ((i * i * 31 + i * 7) % 97) as f32 / 97.0).collect();
            let picture = Plane { values, height, width };
            let at = |y, x| picture.values[reflect(y, height) * width + reflect(x, width)];
            let mut expected: Vec<f32> = (0..height as isize * width as isize)
                .map(|i| (i / width as isize, i % width as isize))
                .map(|(y, x)| window().map(|(a, b)| weight(&filter, a, b) * f64::from(at(y + a, x + b))).sum::<f64>())
                .map(|sum| sum as f32)
                .collect();
            standardise(&mut expected);
            let got = filter.apply(&picture).unwrap();
            assert_eq!((got.height, got.width, got.values.len()), (height, width, height * width));
            for (got, expected) in got.values.iter().zip(&expected) {
                assert!((got - expected).abs() < 1e-4, "{height} x {width}: {got}, not {expected}");
            }
        }
    }

    #[test]
    fn mirrors_and_scales() {
        let mirrored = |len| (-4..5).map(|i| reflect(i, len)).collect::<Vec<_>>();
        assert_eq!(mirrored(3), [2, 2, 1, 0, 0, 1, 2, 2, 1]);
        assert_eq!(mirrored(1), [0; 9]);
        let mut values = [1.0, 5.0, 1.0, 5.0];
        standardise(&mut values);
        assert_eq!(values, [-1.0, 1.0, -1.0, 1.0]);
        let one_grey = Plane { values: vec![0.3; 600], height: 20, width: 30 };
        assert_eq!(Whitening::new().apply(&one_grey).unwrap().values, [0.0; 600]);
    }
}
