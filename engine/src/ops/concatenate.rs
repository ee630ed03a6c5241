//! Several matrices side by side: `[.., A]` and `[.., B]` give `[.., A + B]`.

use crate::base::Error;
use crate::simd::InOut;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

struct Concatenate;

impl<T: Real> Tape<T> {
    /// The columns of all `parts`, which agree in all sizes but the last, one part after the other.
    #[track_caller]
    pub fn concatenate(&self, parts: &[Var]) -> Var {
        if parts.is_empty() {
            self.fail("concatenate(): nothing to put together; give at least one value".into());
        }
        self.record(Concatenate, parts)
    }
}

impl<T: Real> Operation<T> for Concatenate {
    fn name(&self) -> &'static str {
        "concatenate"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let first = inputs.first().ok_or("nothing to put together")?;
        let mut width = 0usize;
        for shape in inputs {
            if shape.sizes().is_empty() || shape.with_last(1) != first.with_last(1) {
                return Err(format!("{shape} and {first} differ in more than the last size"));
            }
            width = width.checked_add(shape.last()).ok_or("too many columns")?;
        }
        Ok(Spec::new(first.with_last(width), inputs.len()))
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let width = (0..run.inputs.count()).map(|i| run.inputs.shape(i).last()).sum::<usize>().max(1);
        let mut start = 0;
        for i in 0..run.inputs.count() {
            let columns = run.inputs.shape(i).last();
            let rows = run.inputs.get(i)?.chunks_exact(columns.max(1));
            for (from, to) in rows.zip(run.output.chunks_exact_mut(width)) {
                to[start..start + columns].copy_from_slice(from);
            }
            start += columns;
        }
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let width = (0..run.inputs.count()).map(|i| run.inputs.shape(i).last()).sum::<usize>().max(1);
        let mut start = 0;
        for i in 0..run.inputs.count() {
            let columns = run.inputs.shape(i).last();
            if let Some(target) = run.gradients.of(i)?.wanted() {
                let rows = run.output_gradient.chunks_exact(width);
                for (from, to) in rows.zip(target.slice.chunks_exact_mut(columns.max(1))) {
                    let from = &from[start..start + columns];
                    kernels.scale_into(InOut::pair(from, to), T::ONE, target.accumulate);
                }
            }
            start += columns;
        }
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "concatenate",
                |s| vec![batch(s.columns, Domain::Real), batch(s.other, Domain::Real)],
                |t, v| t.concatenate(&[v[0], v[1]]),
                |x| {
                    let rows = x[0].chunks(s.columns).zip(x[1].chunks(s.other));
                    rows.flat_map(|(a, b)| a.iter().chain(b).copied()).collect()
                },
            ),
            case!(
                "concatenate, one input twice",
                |s| vec![batch(s.columns, Domain::Real)],
                |t, v| t.concatenate(&[v[0], v[0]]),
                |x| x[0].chunks(s.columns).flat_map(|row| row.iter().chain(row).copied()).collect(),
            ),
        ]
    }
}
