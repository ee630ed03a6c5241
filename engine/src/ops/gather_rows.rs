//! `y_i = E_c(i)`: rows of a table by their numbers, an embedding. `[K, D]` and `[N, ..]` give `[N, .., D]`.
//!
//! The gradient of a row is the sum of those of all places it was copied to, added in the samples' order. Threads share
//! the rows of the table, and each goes through all numbers, so that the order is the same for any count of them. A
//! number that is none of `0..K`, NaN among them, is an error of the forward pass, for it would be silent damage later.

use super::select::{check_indices, check_places};
use super::{GATE, GRAIN};
use crate::base::Error;
use crate::base::parallel::Placed;
use crate::simd::InOut;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// Input 0 is the table, input 1 the numbers of the rows.
struct GatherRows;

/// The most parts that share a table's gradient: each of them reads all numbers.
const PARTS: usize = 16;

impl<T: Real> Tape<T> {
    /// The rows of `table`, `[K, D]`, that `indices` names: `[N, ..]` whole numbers from 0 give `[N, .., D]`. What
    /// [`Self::argmin`] gives, `[N, 1]`, gives `[N, 1, D]`, which [`Self::reshape`] makes `[N, D]`.
    ///
    /// The indices have no gradient. One that is not a whole number in `0..K` is an error of the forward pass.
    #[track_caller]
    pub fn gather_rows(&self, table: Var, indices: Var) -> Var {
        self.record(GatherRows, &[table, indices])
    }
}

impl<T: Real> Operation<T> for GatherRows {
    fn name(&self) -> &'static str {
        "gather_rows"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let (table, indices) = (inputs[0], inputs[1]);
        let [count, width] = *table.sizes() else {
            return Err(format!("the table is {table}; it must be [K, D]"));
        };
        if table.is_batch() {
            return Err(format!("the table is {table}; it must be the same for all samples, [K, D]"));
        }
        check_places::<T>(table, count)?;
        let sizes: Vec<usize> = indices.sizes().iter().copied().chain([width]).collect();
        let mut spec = Spec::new(if indices.is_batch() { Shape::batch(&sizes) } else { Shape::fixed(&sizes) }, 2);
        spec.differentiable = 0b01;
        spec.reads_inputs = 0b10;
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let (table, indices) = (run.inputs.get(0)?, run.inputs.get(1)?);
        let width = run.inputs.shape(0).last();
        check_indices(indices, table.len() / width)?;
        let split = run.context.split.gated(run.output.len(), GATE);
        let grain = GRAIN.div_ceil(width) * width;
        split.parts(Placed { slice: run.output, from: 0 }, grain, &|part: Placed<'_, T>| {
            for (to, index) in part.slice.chunks_exact_mut(width).zip(&indices[part.from / width..]) {
                let start = index.to_f64() as usize * width;
                to.copy_from_slice(&table[start..start + width]);
            }
        });
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let width = run.inputs.shape(0).last();
        let indices = run.inputs.get(1)?;
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        let (dy, accumulate, len) = (&*run.output_gradient, target.accumulate, target.slice.len());
        // Once more: the caller may have changed an input since.
        check_indices(indices, len / width)?;
        let grain = (len / width).div_ceil(PARTS).max(GRAIN.div_ceil(width)) * width;
        let split = run.context.split.gated(len.max(dy.len()), GATE);
        split.parts(Placed { slice: target.slice, from: 0 }, grain, &|part: Placed<'_, T>| {
            if !accumulate {
                part.slice.fill(T::ZERO);
            }
            for (dy, index) in dy.chunks_exact(width).zip(indices) {
                let start = (index.to_f64() as usize * width).checked_sub(part.from);
                if let Some(to) = start.and_then(|start| part.slice.get_mut(start..start + width)) {
                    kernels.scale_into(InOut::pair(dy, to), T::ONE, true);
                }
            }
        });
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "gather_rows, some of them more than once",
                |s| vec![fixed(&[s.other, s.columns], Domain::Real), indices(&[5], s)],
                |t, v| t.gather_rows(v[0], v[1]),
                |x| reference(x, s.columns),
            ),
            case!(
                "gather_rows, beside another use of the table, a number a sample",
                |s| vec![fixed(&[s.other, s.columns], Domain::Real), indices(&[], s)],
                |t, v| {
                    let others = t.sum(t.square(v[0]));
                    t.add(t.gather_rows(v[0], v[1]), others)
                },
                |x| {
                    let others: f64 = x[0].iter().map(|x| x * x).sum();
                    reference(x, s.columns).iter().map(|y| y + others).collect()
                },
            ),
        ]
    }

    fn indices(sizes: &[usize], s: Sizes) -> CaseInput {
        CaseInput { shape: crate::Shape::batch(sizes), domain: Domain::Index(s.other) }
    }

    fn reference(x: &[Vec<f64>], width: usize) -> Vec<f64> {
        x[1].iter().flat_map(|&index| x[0][index as usize * width..][..width].to_vec()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Parameters, Split};

    #[test]
    fn what_is_no_row_is_an_error_with_its_place() {
        let mut parameters = Parameters::<f32>::new();
        let table = parameters.add("table", &[4, 3]).unwrap();
        let tape = Tape::new(&parameters, 2);
        let indices = tape.input("indices", Shape::batch(&[2]));
        let plan = tape.infer(&[tape.gather_rows(tape.parameter(table), indices)]).unwrap();
        let mut workspace = plan.workspace().unwrap();
        let wrong = [(4.0, "4"), (-1.0, "-1"), (0.5, "0.5"), (f32::NAN, "NaN"), (f32::INFINITY, "inf")];
        for (index, words) in wrong {
            workspace.input_mut(indices).unwrap().copy_from_slice(&[3.0, 0.0, index, 1.0]);
            let error = plan.forward(&parameters, &mut workspace, Split::Serial).err().unwrap();
            let expected = format!("gather_rows: index 2 is {words}, but must be a whole number from 0 to 3");
            assert_eq!((error.message(), error.kind()), (&*expected, ErrorKind::OutOfRange));
        }
    }
}
