//! Sums and means over everything, each row or each column: what `sum` and `mean` share.
//!
//! The total is added in chunks of fixed size whose partial sums are added in order, so it does not depend on the
//! number of threads.

use super::{CHUNK, GATE};
use crate::base::Error;
use crate::base::parallel::PerChunk;
use crate::simd::InOut;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec};

/// What is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Everything: the result is a single number.
    All,
    /// Each row, that is, over the last dimension: `[.., C]` gives `[.., 1]`.
    Row,
    /// Each column, that is, over everything but the last dimension: `[.., C]` gives `[C]`.
    Column,
}

/// The sum or the mean.
pub(crate) struct Reduce {
    pub(crate) axis: Axis,
    pub(crate) mean: bool,
}

impl Reduce {
    /// What every element counts: 1, or 1 over how many are summed.
    fn weight(&self, shape: Shape, rows: usize) -> f64 {
        let (before, last) = shape.matrix(rows);
        let count = match self.axis {
            Axis::All => before * last,
            Axis::Row => last,
            Axis::Column => before,
        };
        if self.mean { 1.0 / count.max(1) as f64 } else { 1.0 }
    }
}

impl<T: Real> Operation<T> for Reduce {
    fn name(&self) -> &'static str {
        match (self.mean, self.axis) {
            (false, Axis::All) => "sum",
            (false, Axis::Row) => "sum_per_row",
            (false, Axis::Column) => "sum_per_column",
            (true, Axis::All) => "mean",
            (true, Axis::Row) => "mean_per_row",
            (true, Axis::Column) => "mean_per_column",
        }
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let x = inputs[0];
        let output = match self.axis {
            Axis::All => Shape::scalar(),
            Axis::Row => x.with_last(1),
            Axis::Column => Shape::fixed(&[x.last()]),
        };
        let mut spec = Spec::new(output, 1);
        if self.axis == Axis::All {
            spec.scratch = Some(partials(x));
        }
        let elements = x.sample_elements() as u64;
        spec.flops = if x.is_batch() { (0, elements) } else { (elements, 0) };
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let x = run.inputs.get(0)?;
        let shape = run.inputs.shape(0);
        let weight = self.weight(shape, run.inputs.rows());
        let (_, columns) = shape.matrix(run.inputs.rows());
        match self.axis {
            Axis::All => {
                let results = &mut run.scratch[..x.len().div_ceil(CHUNK)];
                let split = run.context.split.gated(x.len(), GATE);
                split.parts((x, PerChunk { results, chunk: CHUNK }), CHUNK, &|(x, partial)| {
                    for (x, result) in x.chunks(CHUNK).zip(partial.results) {
                        *result = kernels.sum(x);
                    }
                });
                run.output[0] = T::from_f64(weight * total(&run.scratch[..x.len().div_ceil(CHUNK)]));
            }
            Axis::Row => {
                for (row, out) in x.chunks_exact(columns.max(1)).zip(run.output) {
                    *out = T::from_f64(weight) * kernels.sum(row);
                }
            }
            Axis::Column => {
                kernels.column_sums(x, columns, run.output, false);
                kernels.scale(InOut::same(run.output), T::from_f64(weight));
            }
        }
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let shape = run.inputs.shape(0);
        let weight = T::from_f64(self.weight(shape, run.inputs.rows()));
        let (_, columns) = shape.matrix(run.inputs.rows());
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        let dy = run.output_gradient;
        for (r, to) in target.slice.chunks_exact_mut(columns.max(1)).enumerate() {
            match self.axis {
                Axis::Column => kernels.scale_into(InOut::pair(dy, to), weight, target.accumulate),
                Axis::All | Axis::Row => {
                    let g = weight * if self.axis == Axis::All { dy[0] } else { dy[r] };
                    if target.accumulate {
                        kernels.add_scalar(InOut::same(to), g);
                    } else {
                        to.fill(g);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The shape of the partial sums of `x`: enough for the largest batch.
pub(crate) fn partials(x: Shape) -> Shape {
    let chunks = x.sample_elements().div_ceil(CHUNK).max(1);
    if x.is_batch() { Shape::batch(&[chunks]) } else { Shape::fixed(&[chunks]) }
}

/// Partial sums added in order, in f64.
pub(crate) fn total<T: Real>(partial: &[T]) -> f64 {
    partial.iter().map(|x| x.to_f64()).sum()
}
