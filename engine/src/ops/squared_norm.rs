//! `Σ_i ‖θ_i‖²` over any number of values: the L2 penalty over parameters. The gradient is `2 θ_i`.
//!
//! One pass over each value forward and one backward, nothing kept; as many operations of `square` and `sum` would
//! write and read every value's square and its gradient besides. flops: 2 for each number; bound by memory.

use super::reduce::{partials, total};
use super::{CHUNK, GATE, GRAIN};
use crate::base::Error;
use crate::base::parallel::PerChunk;
use crate::simd::InOut;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

struct SquaredNorm;

impl<T: Real> Tape<T> {
    /// The sum of the squares of all numbers of all `values`, a single number.
    #[track_caller]
    pub fn squared_norm(&self, values: &[Var]) -> Var {
        if values.is_empty() {
            self.fail("squared_norm(): nothing to sum; give at least one value".into());
        }
        self.record(SquaredNorm, values)
    }
}

impl<T: Real> Operation<T> for SquaredNorm {
    fn name(&self) -> &'static str {
        "squared_norm"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let mut spec = Spec::new(Shape::scalar(), inputs.len());
        spec.reads_inputs = u64::MAX >> (64 - inputs.len().clamp(1, 64));
        spec.scratch = inputs.iter().map(|&shape| partials(shape)).max_by_key(|shape| shape.sample_elements());
        if inputs.iter().any(Shape::is_batch) {
            spec.scratch = spec.scratch.map(|shape| Shape::batch(&[shape.sample_elements()]));
        }
        for shape in inputs {
            let each = 2u64.saturating_mul(shape.sample_elements() as u64);
            let (fixed, rows) = if shape.is_batch() { (0, each) } else { (each, 0) };
            spec.flops = (spec.flops.0.saturating_add(fixed), spec.flops.1.saturating_add(rows));
        }
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let mut sum = 0.0;
        for i in 0..run.inputs.count() {
            let x = run.inputs.get(i)?;
            let results = &mut run.scratch[..x.len().div_ceil(CHUNK)];
            let split = run.context.split.gated(x.len(), GATE);
            split.parts((x, PerChunk { results, chunk: CHUNK }), CHUNK, &|(x, partial): (&[T], PerChunk<'_, T>)| {
                for (x, result) in x.chunks(CHUNK).zip(partial.results) {
                    *result = kernels.dot(x, x);
                }
            });
            sum += total(&run.scratch[..x.len().div_ceil(CHUNK)]);
        }
        run.output[0] = T::from_f64(sum);
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let g = T::from_f64(2.0) * run.output_gradient[0];
        for i in 0..run.inputs.count() {
            let x = run.inputs.get(i)?;
            let split = run.context.split.gated(x.len(), GATE);
            let Some(target) = run.gradients.of(i)?.wanted() else { continue };
            let accumulate = target.accumulate;
            split.parts(InOut::pair(x, target.slice), GRAIN, &|io| kernels.scale_into(io, g, accumulate));
        }
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![case!(
            "squared_norm of three values, one of them twice",
            |s| vec![
                batch(s.columns, Domain::Real),
                fixed(&[s.other, s.columns], Domain::Real),
                fixed(&[s.other], Domain::Real),
            ],
            |t, v| t.squared_norm(&[v[0], v[1], v[2], v[1]]),
            |x| vec![[0, 1, 2, 1].iter().flat_map(|&i| &x[i]).map(|x| x * x).sum()],
        )]
    }
}
