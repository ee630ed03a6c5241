//! `1/N Σ_i ‖x_i − t_i‖²`: the squared error, summed over features and averaged over samples (or over everything).
//!
//! One pass gives the loss and, in a training plan, the gradient `2 (x − t) / N`, which waits where the backward
//! pass looks for it. The target may have a gradient too (its negative).

use super::reduce::{partials, total};
use super::{CHUNK, GATE, Reduction};
use crate::base::Error;
use crate::base::parallel::PerChunk;
use crate::simd::InOut;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

struct MeanSquaredError {
    reduction: Reduction,
}

impl<T: Real> Tape<T> {
    /// The squared error of `x` against `target`, both `[N, ..]`; a single number.
    #[track_caller]
    pub fn mean_squared_error(&self, x: Var, target: Var, reduction: Reduction) -> Var {
        self.record(MeanSquaredError { reduction }, &[x, target])
    }
}

/// What every element counts in a loss over a value of `shape`.
pub(super) fn weight(reduction: Reduction, shape: Shape, rows: usize) -> f64 {
    let count = match reduction {
        Reduction::SumOverFeatures => shape.leading(rows),
        Reduction::Mean => shape.elements(rows),
    };
    1.0 / count.max(1) as f64
}

/// The shape rule of a loss over two equal shapes.
pub(super) fn infer_loss(inputs: &[Shape], flops: u64, differentiable: u64) -> Result<Spec, String> {
    if inputs[0] != inputs[1] {
        return Err(format!("{} against a target {}; the shapes must be equal", inputs[0], inputs[1]));
    }
    let mut spec = Spec::new(Shape::scalar(), 2);
    spec.differentiable = differentiable;
    spec.reads_inputs = 0b11;
    spec.early_gradient = true;
    spec.scratch = Some(partials(inputs[0]));
    spec.backward_scratch = spec.scratch;
    let elements = flops.saturating_mul(inputs[0].sample_elements() as u64);
    spec.flops = if inputs[0].is_batch() { (0, elements) } else { (elements, 0) };
    Ok(spec)
}

/// One of the loss kernels: prediction, target, gradient or nothing, factor of the gradient; gives the sum.
pub(super) type LossKernel<T> = fn(&crate::simd::kernels::Elementwise<T>, &[T], &[T], &mut [T], T) -> T;

/// Forward of a loss: chunks of fixed size, their sums added in order; the gradient on the way.
pub(super) fn forward_loss<T: Real>(run: Forward<'_, T>, weight: f64, kernel: LossKernel<T>) -> Result<(), Error> {
    let kernels = T::elementwise(run.context.backend);
    let (x, target) = (run.inputs.get(0)?, run.inputs.get(1)?);
    let results = &mut run.scratch[..x.len().div_ceil(CHUNK)];
    let split = run.context.split.gated(x.len(), GATE);
    let g = T::from_f64(weight);
    let partial = PerChunk { results, chunk: CHUNK };
    if run.early.is_empty() {
        split.parts(((x, target), partial), CHUNK, &|((x, target), partial)| {
            for ((x, target), result) in x.chunks(CHUNK).zip(target.chunks(CHUNK)).zip(partial.results) {
                *result = kernel(kernels, x, target, &mut [], g);
            }
        });
    } else {
        split.parts(((x, target), (run.early, partial)), CHUNK, &|((x, target), (early, partial))| {
            let chunks = x.chunks(CHUNK).zip(target.chunks(CHUNK)).zip(early.chunks_mut(CHUNK));
            for (((x, target), early), result) in chunks.zip(partial.results) {
                *result = kernel(kernels, x, target, early, g);
            }
        });
    }
    run.output[0] = T::from_f64(weight * total(&run.scratch[..x.len().div_ceil(CHUNK)]));
    Ok(())
}

/// Backward of a loss for input 0: scales what forward left there, or computes it, chunk by chunk where it is added.
pub(super) fn backward_loss<T: Real>(
    run: &mut Backward<'_, T>,
    weight: f64,
    kernel: LossKernel<T>,
) -> Result<(), Error> {
    let kernels = T::elementwise(run.context.backend);
    let upstream = run.output_gradient[0];
    let (x, target) = (run.inputs.get(0)?, run.inputs.get(1)?);
    let g = T::from_f64(weight) * upstream;
    let early = run.early;
    let scratch = &mut *run.scratch;
    let Some(to) = run.gradients.of(0)?.wanted() else { return Ok(()) };
    if early {
        if upstream != T::ONE {
            kernels.scale(InOut::same(to.slice), upstream);
        }
    } else if !to.accumulate {
        kernel(kernels, x, target, to.slice, g);
    } else {
        // The partial sums' room is too small for a gradient: pieces of it, then added.
        let piece = scratch.len().max(1);
        for ((x, target), to) in x.chunks(piece).zip(target.chunks(piece)).zip(to.slice.chunks_mut(piece)) {
            let room = &mut scratch[..x.len()];
            kernel(kernels, x, target, room, g);
            kernels.scale_into(InOut::pair(room, to), T::ONE, true);
        }
    }
    Ok(())
}

impl<T: Real> Operation<T> for MeanSquaredError {
    fn name(&self) -> &'static str {
        "mean_squared_error"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        infer_loss(inputs, 4, 0b11)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let weight = weight(self.reduction, run.inputs.shape(0), run.inputs.rows());
        forward_loss(run, weight, |kernels, x, t, gradient, g| kernels.squared_error(x, t, gradient, g))
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let weight = weight(self.reduction, run.inputs.shape(0), run.inputs.rows());
        backward_loss(&mut run, weight, |kernels, x, t, gradient, g| kernels.squared_error(x, t, gradient, g))?;
        let g = T::from_f64(-2.0 * weight) * run.output_gradient[0];
        let (x, target) = (run.inputs.get(0)?, run.inputs.get(1)?);
        if let Some(to) = run.gradients.of(1)?.wanted() {
            // -2 w (x - t), as two additions.
            kernels.scale_into(InOut::pair(x, to.slice), g, to.accumulate);
            kernels.scale_into(InOut::pair(target, to.slice), -g, true);
        }
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use super::*;
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "mean_squared_error",
                |s| vec![batch(s.columns, Domain::Real), batch(s.columns, Domain::Real)],
                |t, v| t.mean_squared_error(v[0], v[1], Reduction::SumOverFeatures),
                |x| vec![x[0].iter().zip(&x[1]).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / s.rows as f64],
            ),
            case!(
                "mean_squared_error, mean over everything, scaled, beside another use of its input",
                |s| vec![batch(s.columns, Domain::Real), batch(s.columns, Domain::Real)],
                |t, v| {
                    let x = t.scale(v[0], 2.0);
                    let loss = t.scale(t.mean_squared_error(x, v[1], Reduction::Mean), 0.3);
                    t.add(loss, t.mean(t.square(x)))
                },
                |x| {
                    let n = x[0].len() as f64;
                    let error = x[0].iter().zip(&x[1]).map(|(a, b)| (2.0 * a - b).powi(2)).sum::<f64>() / n;
                    vec![0.3 * error + x[0].iter().map(|a| 4.0 * a * a).sum::<f64>() / n]
                },
            ),
            case!(
                "mean_squared_error, two losses on one prediction",
                |s| vec![batch(s.columns, Domain::Real), batch(s.columns, Domain::Real)],
                |t, v| {
                    let x = t.tanh(v[0]);
                    let a = t.mean_squared_error(x, v[1], Reduction::SumOverFeatures);
                    let b = t.mean_squared_error(x, v[0], Reduction::SumOverFeatures);
                    t.add(t.scale(a, 2.0), b)
                },
                |x| {
                    let error = |target: &[f64]| {
                        x[0].iter().zip(target).map(|(a, b)| (a.tanh() - b).powi(2)).sum::<f64>() / s.rows as f64
                    };
                    vec![2.0 * error(&x[1]) + error(&x[0])]
                },
            ),
        ]
    }
}
