//! `y_j = e^(x_j − m) / Σ_k e^(x_k − m)` over the last dimension, m the largest of a row, so that nothing overflows;
//! and its logarithm, `(x_j − m) − ln Σ_k e^(x_k − m)`, which is exact where the quotient would be 0.
//!
//! Backward: `y_j (dy_j − Σ_k dy_k y_k)`, and `dy_j − e^(y_j) Σ_k dy_k` for the logarithm. Softmax works in the place
//! of its input. A row is worked on by one thread. NaN anywhere in a row, and nothing but −∞ in it, give NaN in all of
//! it.

use super::GATE;
use super::select::rows;
use crate::base::Error;
use crate::simd::InOut;
use crate::simd::kernels::Elementwise;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

struct Softmax;

struct LogSoftmax;

impl<T: Real> Tape<T> {
    /// The softmax of each row of `x`, `[.., C]`: positive numbers whose sum is 1. The shape is kept.
    #[track_caller]
    pub fn softmax(&self, x: Var) -> Var {
        self.record(Softmax, &[x])
    }

    /// The logarithm of the softmax of each row of `x`, `[.., C]`, finite for all finite `x`. The shape is kept.
    #[track_caller]
    pub fn log_softmax(&self, x: Var) -> Var {
        self.record(LogSoftmax, &[x])
    }
}

/// The shape rule: rows of at least one number.
fn infer(x: Shape) -> Result<Spec, String> {
    if x.sizes().is_empty() {
        return Err(format!("{x} has no rows; give [.., C]"));
    }
    let mut spec = Spec::new(x, 1).flops_per_element(25);
    spec.reads_output = true;
    Ok(spec)
}

/// The backward pass of both: `factor` finds a row's sum, `gradient` is the kernel that takes it.
fn backward<T: Real>(
    mut run: Backward<'_, T>,
    factor: fn(&Elementwise<T>, &[T], &[T]) -> T,
    gradient: fn(&Elementwise<T>, &[T], InOut<'_, T>, T, bool),
) -> Result<(), Error> {
    let kernels = T::elementwise(run.context.backend);
    let columns = run.inputs.shape(0).last();
    let y = run.output()?;
    let split = run.context.split.gated(y.len(), GATE);
    let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
    let (dy, accumulate) = (&*run.output_gradient, target.accumulate);
    split.parts(((y, dy), target.slice), rows(columns), &|((y, dy), dx): ((&[T], &[T]), &mut [T])| {
        let rows = y.chunks_exact(columns).zip(dy.chunks_exact(columns));
        for ((y, dy), dx) in rows.zip(dx.chunks_exact_mut(columns)) {
            gradient(kernels, y, InOut::pair(dy, dx), factor(kernels, y, dy), accumulate);
        }
    });
    Ok(())
}

impl<T: Real> Operation<T> for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let mut spec = infer(inputs[0])?;
        spec.in_place = true;
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let columns = run.inputs.shape(0).last();
        if !run.in_place {
            run.output.copy_from_slice(run.inputs.get(0)?);
        }
        let split = run.context.split.gated(run.output.len(), GATE);
        split.parts(run.output, rows(columns), &|part: &mut [T]| {
            for row in part.chunks_exact_mut(columns) {
                let most = kernels.largest(row, T::ONE);
                kernels.add_scalar(InOut::same(row), -most);
            }
            // All rows at once: short rows would leave most of a vector idle.
            kernels.exp(InOut::same(part), T::ONE);
            for row in part.chunks_exact_mut(columns) {
                let sum = kernels.sum(row);
                kernels.scale(InOut::same(row), T::ONE / sum);
            }
        });
        Ok(())
    }

    fn backward(&self, run: Backward<'_, T>) -> Result<(), Error> {
        backward(run, |kernels, y, dy| kernels.dot(y, dy), Elementwise::softmax_gradient)
    }
}

impl<T: Real> Operation<T> for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        infer(inputs[0])
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let columns = run.inputs.shape(0).last();
        let split = run.context.split.gated(run.output.len(), GATE);
        let whole = (run.inputs.get(0)?, run.output);
        split.parts(whole, rows(columns), &|(x, out): (&[T], &mut [T])| {
            for (x, out) in x.chunks_exact(columns).zip(out.chunks_exact_mut(columns)) {
                kernels.add_scalar(InOut::pair(x, out), -kernels.largest(x, T::ONE));
            }
            kernels.exp(InOut::same(out), T::ONE);
            for (x, out) in x.chunks_exact(columns).zip(out.chunks_exact_mut(columns)) {
                let logarithm = T::from_f64(kernels.sum(out).to_f64().ln());
                kernels.add_scalar(InOut::pair(x, out), -kernels.largest(x, T::ONE));
                kernels.add_scalar(InOut::same(out), -logarithm);
            }
        });
        Ok(())
    }

    fn backward(&self, run: Backward<'_, T>) -> Result<(), Error> {
        backward(run, |kernels, _, dy| kernels.sum(dy), Elementwise::log_softmax_gradient)
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!("softmax", |s| vec![batch(s.columns, Domain::Real)], |t, v| t.softmax(v[0]), |x| reference(
                &x[0], s.columns
            ),),
            case!(
                "softmax of large logits, in more than one dimension",
                |s| vec![of_two(s)],
                |t, v| t.mul(t.softmax(t.add_scalar(t.scale(v[0], 4.0), 100.0)), v[0]),
                |x| {
                    let logits: Vec<f64> = x[0].iter().map(|x| 4.0 * x).collect();
                    reference(&logits, s.columns).iter().zip(&x[0]).map(|(y, x)| y * x).collect()
                },
            ),
            case!("log_softmax", |s| vec![of_two(s)], |t, v| t.log_softmax(v[0]), |x| reference(&x[0], s.columns)
                .into_iter()
                .map(f64::ln)
                .collect(),),
        ]
    }

    /// `[N, 2, C]`
    fn of_two(s: Sizes) -> CaseInput {
        CaseInput { shape: crate::Shape::batch(&[2, s.columns]), domain: Domain::Real }
    }

    fn reference(x: &[f64], columns: usize) -> Vec<f64> {
        let row = |row: &[f64]| {
            let sum: f64 = row.iter().map(|x| x.exp()).sum();
            row.iter().map(|x| x.exp() / sum).collect::<Vec<f64>>()
        };
        x.chunks(columns).flat_map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Backend, Parameters, Shape, Split, Tape};

    #[test]
    fn extreme_logits_stay_finite_and_nan_is_seen() {
        let parameters = Parameters::<f32>::new();
        for backend in Backend::available() {
            let tape = Tape::on(&parameters, 1, backend);
            let x = tape.input("x", Shape::fixed(&[5, 2]));
            let (y, logarithm) = (tape.softmax(x), tape.log_softmax(x));
            let plan = tape.infer(&[y, logarithm]).unwrap();
            let mut workspace = plan.workspace().unwrap();
            let rows = [[3e38, -3e38], [0.0, -1e4], [f32::NEG_INFINITY, 1.0], [f32::NAN, 0.0], [1.0, 1.0]];
            workspace.input_mut(x).unwrap().copy_from_slice(&rows.concat());
            plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
            let y = workspace.value(y).unwrap();
            assert_eq!(y[..6], [1.0, 0.0, 1.0, 0.0, 0.0, 1.0], "{backend}");
            assert!(y[6].is_nan() && y[7].is_nan() && y[8..] == [0.5, 0.5], "{backend}: {y:?}");
            let logarithm = workspace.value(logarithm).unwrap();
            assert_eq!(logarithm[2..4], [0.0, -1e4], "{backend}");
        }
    }
}
