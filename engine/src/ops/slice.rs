//! Some columns of a matrix: `[.., C]` gives `[.., end - start]`.

use crate::base::Error;
use crate::simd::InOut;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};
use std::ops::Range;

struct Slice {
    columns: Range<usize>,
}

impl<T: Real> Tape<T> {
    /// The given columns of `x`.
    #[track_caller]
    pub fn slice(&self, x: Var, columns: Range<usize>) -> Var {
        self.record(Slice { columns }, &[x])
    }
}

impl<T: Real> Operation<T> for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let Range { start, end } = self.columns;
        if inputs[0].sizes().is_empty() || start >= end || end > inputs[0].last() {
            return Err(format!("columns {start}..{end} of {}; there must be at least one, and all inside", inputs[0]));
        }
        Ok(Spec::new(inputs[0].with_last(end - start), 1))
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let width = run.inputs.shape(0).last();
        let rows = run.inputs.get(0)?.chunks_exact(width);
        for (from, to) in rows.zip(run.output.chunks_exact_mut(self.columns.len())) {
            to.copy_from_slice(&from[self.columns.clone()]);
        }
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let width = run.inputs.shape(0).last();
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        let rows = run.output_gradient.chunks_exact(self.columns.len());
        for (from, to) in rows.zip(target.slice.chunks_exact_mut(width)) {
            if !target.accumulate {
                to[..self.columns.start].fill(T::ZERO);
                to[self.columns.end..].fill(T::ZERO);
            }
            kernels.scale_into(InOut::pair(from, &mut to[self.columns.clone()]), T::ONE, target.accumulate);
        }
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!("slice", |s| vec![batch(s.columns + 2, Domain::Real)], |t, v| t.slice(v[0], 1..s.columns + 1), |x| x
                [0]
            .chunks(s.columns + 2)
            .flat_map(|row| row[1..=s.columns].iter().copied())
            .collect(),),
            case!(
                "slice, two overlapping parts of one input",
                |s| vec![batch(s.columns + 1, Domain::Real)],
                |t, v| t.mul(t.slice(v[0], 0..s.columns), t.slice(v[0], 1..s.columns + 1)),
                |x| x[0].chunks(s.columns + 1).flat_map(|row| row.windows(2).map(|w| w[0] * w[1])).collect(),
            ),
        ]
    }
}
