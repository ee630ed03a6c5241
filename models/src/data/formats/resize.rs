//! Pictures of another size: each side by itself, averaged over areas where it shrinks, linear between the centres of
//! pixels where it grows.

use crate::data::memory::reserved;
use crate::error::Result;

/// What of one side goes into one new pixel: the first old pixel, and the weight of it and those after it. They add up to
/// 1.
type Weights = (usize, Vec<f32>);

/// Planes `[height, width]` of bytes to planes of `to`, stretched where the ratio of the sides is another.
pub(super) fn resized(plane: &[u8], from: [usize; 2], to: [usize; 2]) -> Result<Vec<u8>> {
    let ([height, width], [rows, columns]) = (from, to);
    let (down, across) = (weights(height, rows), weights(width, columns));
    // Across first: every old row to new columns.
    let mut narrow = reserved(height.saturating_mul(columns), "a picture")?;
    for row in plane.chunks_exact(width.max(1)) {
        narrow.extend(across.iter().map(|weights| sum(weights, |at| row.get(at).copied().map_or(0.0, f32::from))));
    }
    let mut out = reserved(rows.saturating_mul(columns), "a picture")?;
    for weights in &down {
        let value = |column: usize| sum(weights, |row| narrow.get(row * columns + column).copied().unwrap_or_default());
        out.extend((0..columns).map(|column| value(column).round().clamp(0.0, 255.0) as u8));
    }
    Ok(out)
}

fn sum((first, weights): &Weights, value: impl Fn(usize) -> f32) -> f32 {
    weights.iter().enumerate().map(|(at, weight)| weight * value(first + at)).sum()
}

/// The weights of every new pixel of a side of `from` pixels that becomes one of `to`.
fn weights(from: usize, to: usize) -> Vec<Weights> {
    let step = from as f64 / to.max(1) as f64;
    let shrunk = |at: usize| {
        let (start, end) = (at as f64 * step, ((at + 1) as f64 * step).min(from as f64));
        let (first, last) = (start.floor() as usize, (end.ceil() as usize).clamp(1, from));
        let covered = |pixel: usize| (end.min(pixel as f64 + 1.0) - start.max(pixel as f64)).max(0.0) / (end - start);
        (first, (first..last).map(|pixel| covered(pixel) as f32).collect())
    };
    let grown = |at: usize| {
        let centre = ((at as f64 + 0.5) * step - 0.5).clamp(0.0, from.saturating_sub(1) as f64);
        let first = (centre.floor() as usize).min(from.saturating_sub(2));
        let part = (centre - first as f64) as f32;
        (first, if from > 1 { vec![1.0 - part, part] } else { vec![1.0] })
    };
    (0..to).map(|at| if to < from { shrunk(at) } else { grown(at) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_size_keeps_every_pixel() {
        let plane: Vec<u8> = (0..12).map(|value| value * 20).collect();
        assert_eq!(resized(&plane, [3, 4], [3, 4]).unwrap(), plane);
        assert_eq!(resized(&[7], [1, 1], [2, 3]).unwrap(), [7; 6]);
    }

    #[test]
    fn shrinking_averages_areas() {
        assert_eq!(resized(&[0, 10, 20, 30], [2, 2], [1, 1]).unwrap(), [15]);
        assert_eq!(resized(&[0, 90, 180], [1, 3], [1, 2]).unwrap(), [30, 150]);
        // A mean stays a mean.
        let plane: Vec<u8> = (0..=255).collect();
        let small = resized(&plane, [16, 16], [5, 3]).unwrap();
        let mean = small.iter().map(|&value| f64::from(value)).sum::<f64>() / 15.0;
        assert!((mean - 127.5).abs() < 0.5, "{mean}");
    }

    #[test]
    fn growing_is_linear_between_centres() {
        assert_eq!(resized(&[0, 100], [1, 2], [1, 4]).unwrap(), [0, 25, 75, 100]);
        assert_eq!(resized(&[0, 100], [2, 1], [4, 1]).unwrap(), [0, 25, 75, 100]);
    }
}
