//! Rows as a matrix product compares them: about their centre for Euclidean distances, of length 1 for cosine ones.
//!
//! Distances do not depend on the centre, but the error of the product does: of 1000 ± 1 it would rule out nothing.
//! Any point near the rows will do; it is the mean of some.
#![forbid(unsafe_code)]

use super::kernels::ScanTable;
use super::request::{Distance, check_finite};
use super::target::inverse;
use crate::base::parallel::{Numbers, RowsMut};
use crate::base::{Buffer, Context, Error};

/// Rows that the centre is the mean of.
const SAMPLE: usize = 256;
/// Numbers below which threads do not share the work, and about how many each takes at a time.
const GATE: usize = 1 << 16;
const GRAIN: usize = 1 << 14;

/// A point near `rows`.
pub(super) fn centre(rows: &[f32], width: usize) -> Result<Buffer<f32>, Error> {
    let mut sums = Buffer::<f64>::zeroed(width)?;
    let count = rows.len() / width;
    let step = count.div_ceil(SAMPLE).max(1);
    for row in rows.chunks_exact(width).step_by(step) {
        sums.as_mut_slice().iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let mut centre = Buffer::zeroed(width)?;
    for (to, sum) in centre.as_mut_slice().iter_mut().zip(sums.as_slice()) {
        let mean = (sum / count.div_ceil(step) as f64) as f32;
        // Sums of NaN and infinities; the rows are refused when they come.
        *to = if mean.is_finite() { mean } else { 0.0 };
    }
    Ok(centre)
}

/// Who prepares.
pub(super) struct Prepare<'a> {
    pub(super) context: Context,
    pub(super) distance: Distance,
    pub(super) centre: &'a [f32],
}

impl Prepare<'_> {
    /// Writes `raw`, rows of `width`, to `out`, and to `lengths` their squared lengths about the centre, or the inverses of
    /// their lengths; messages call them `what`, the first number `first`.
    pub(super) fn run(
        &self,
        (what, first): (&str, usize),
        raw: &[f32],
        width: usize,
        out: &mut [f32],
        lengths: &mut [f64],
    ) -> Result<(), Error> {
        let kernels = ScanTable::<f32>::of(self.context.backend);
        let split = self.context.split.gated(raw.len(), GATE);
        let (out, rows) = (RowsMut { slice: out, width }, Numbers(0..lengths.len()));
        split.try_parts((out, (lengths, rows)), GRAIN.div_ceil(width), &|(out, (lengths, Numbers(rows)))| {
            let raw = raw[rows.start * width..].chunks_exact(width);
            for (((row, raw), out), length) in rows.zip(raw).zip(out.slice.chunks_exact_mut(width)).zip(lengths) {
                *length = self.one(kernels, raw, out);
                if !length.is_finite() {
                    check_finite(what, first + row, raw, width)?;
                }
            }
            Ok(())
        })
    }

    fn one(&self, kernels: &ScanTable<f32>, raw: &[f32], out: &mut [f32]) -> f64 {
        match self.distance {
            Distance::Euclidean => {
                out.iter_mut().zip(raw.iter().zip(self.centre)).for_each(|(to, (x, centre))| *to = x - centre);
                kernels.exact_squared_norm(out)
            }
            Distance::Cosine => {
                let norm = kernels.exact_squared_norm(raw);
                if !norm.is_finite() {
                    return norm;
                }
                let inverse = inverse(norm);
                out.iter_mut().zip(raw).for_each(|(to, &x)| *to = (f64::from(x) * inverse) as f32);
                inverse
            }
        }
    }
}
