//! One query: which rows its cheap distances do not rule out, and what these are exactly.
#![forbid(unsafe_code)]

use super::best::{Entry, limit, offer};
use super::kernels::ScanTable;
use super::request::{Distance, check_finite};
use crate::base::Error;

/// How far cheap distances of rows of so many numbers may be off, as a share of what they are made of: of ‖a‖² + ‖b‖²,
/// of a squared distance, or of 1. Sums of `width` products, and of roundings before and after, are off by less than half
/// of it (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.1).
pub(super) fn slack(width: usize) -> f64 {
    2.0 * f64::from(f32::EPSILON) * (width as f64 + 32.0)
}

/// What squares that underflow may be off by.
pub(super) fn underflow(width: usize) -> f64 {
    4.0 * f64::from(f32::MIN_POSITIVE) * (width as f64 + 32.0)
}

/// What a cheap number must be at most, so that the row's key may be at most `limit`: `slope limit + shift`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    pub(super) slope: f64,
    pub(super) shift: f64,
}

impl Bound {
    /// Rounded up; infinite where nothing can be ruled out.
    fn of(self, limit: f64) -> f32 {
        let bound = self.slope * limit + self.shift;
        if bound.is_nan() { f32::INFINITY } else { (bound as f32).next_up() }
    }
}

/// `1 / ‖a‖`, or 0 of zeros.
pub(super) fn inverse(squared_norm: f64) -> f64 {
    if squared_norm > 0.0 { 1.0 / squared_norm.sqrt() } else { 0.0 }
}

/// A query among rows.
pub(super) struct Target<'a> {
    pub(super) kernels: &'static ScanTable<f32>,
    pub(super) distance: Distance,
    /// The query, and the inverse of its length if the distance is of angles.
    pub(super) query: &'a [f32],
    pub(super) inverse: f64,
    pub(super) bound: Bound,
    pub(super) excluded: Option<u32>,
}

impl Target<'_> {
    /// What a row is ordered by: the squared Euclidean distance, or the cosine one.
    fn key(&self, row: &[f32]) -> f64 {
        match self.distance {
            Distance::Euclidean => self.kernels.exact_squared_distance(self.query, row),
            Distance::Cosine => {
                let inverse = inverse(self.kernels.exact_squared_norm(row));
                if self.inverse == 0.0 || inverse == 0.0 {
                    return 1.0;
                }
                // Half the squared distance of the unit vectors: 1 - cos loses its digits where they are alike.
                0.5 * self.kernels.exact_scaled_distance(self.query, self.inverse, row, inverse)
            }
        }
    }

    /// Offers the heap those of `rows`, of which `cheap` holds a number each, that it does not rule out; `first` is the
    /// number of the first. `found` has room for as many.
    pub(super) fn offer(
        &self,
        cheap: &[f32],
        rows: &[f32],
        first: usize,
        found: &mut [u32],
        heap: &mut [Entry],
    ) -> Result<(), Error> {
        let width = self.query.len();
        let count = self.kernels.not_above(cheap, self.bound.of(limit(heap)), found);
        for &place in &found[..count] {
            let (row, cheap) = (first + place as usize, cheap[place as usize]);
            // The limit has fallen since.
            let ruled_out = cheap > self.bound.of(limit(heap)) && cheap < f32::INFINITY;
            if ruled_out || self.excluded == Some(row as u32) {
                continue;
            }
            let values = &rows[place as usize * width..][..width];
            if !cheap.is_finite() {
                check_finite("row", row, values, width)?;
            }
            offer(heap, Entry { key: self.key(values), row: row as u32 });
        }
        Ok(())
    }
}
