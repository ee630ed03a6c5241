//! `1/N Σ_i ln Σ_j e^(z_ij) − z_i,c(i)`: the cross-entropy of `softmax(z)` against the class `c(i)` of each row of
//! logits `z`: the loss of classifiers (a row a sample) and of categorical features (a row for each feature of a
//! sample).
//!
//! Every row is shifted by its maximum first, so that the exponentials neither overflow nor all vanish. One pass gives
//! the loss and, in a training plan, the gradient `(softmax(z) − onehot(c)) / N`. A row is worked on by one thread and
//! the rows' losses are added in order, so the bits are the same at any number of threads. Classes have no gradient.

use super::mean_squared_error::weight;
use super::reduce::total;
use super::{CHUNK, GATE, Reduction};
use crate::base::Error;
use crate::base::parallel::{PerChunk, Split};
use crate::simd::InOut;
use crate::simd::kernels::Elementwise;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// Input 0 is the logits, input 1 the classes.
struct SoftmaxCrossEntropy {
    reduction: Reduction,
}

impl<T: Real> Tape<T> {
    /// The cross-entropy of `softmax(logits)` against `classes`, in nats; a single number.
    ///
    /// `logits` are `[N, .., C]`, `classes` `[N, .., 1]`: the class of each row, from 0, as a number of the element
    /// type (rounded to the nearest whole one). `[N, C]` is a class a sample, and every reduction the average over
    /// samples. `[N, F, C]` is F categorical features a sample: summed and then averaged over samples, or averaged over
    /// all.
    ///
    /// A class that is not in `0..C` gives its row no loss and no gradient, and the row still counts in the average;
    /// whoever does not want that checks the classes first.
    #[track_caller]
    pub fn softmax_cross_entropy(&self, logits: Var, classes: Var, reduction: Reduction) -> Var {
        self.record(SoftmaxCrossEntropy { reduction }, &[logits, classes])
    }
}

/// Some rows' logits, room for as many numbers (afterwards the gradient) and one number a row: a class, then its loss.
type Rows<'a, T> = ((&'a [T], &'a mut [T]), PerChunk<'a, T>);

/// The greatest logit of a row.
fn greatest<T: Real>(z: &[T]) -> T {
    z.iter().fold(z[0], |most, &z| if z > most { z } else { most })
}

/// Replaces the class of each row by its loss and, given the gradient's factor, fills `room` with the gradient.
fn run_rows<T: Real>(kernels: &Elementwise<T>, rows: Rows<'_, T>, factor: Option<T>) {
    let ((logits, room), PerChunk { results, chunk: columns }) = rows;
    for (z, shifted) in logits.chunks_exact(columns).zip(room.chunks_exact_mut(columns)) {
        let most = greatest(z);
        shifted.iter_mut().zip(z).for_each(|(to, &z)| *to = z - most);
    }
    // All rows at once: short rows would leave most of a vector idle.
    kernels.exp(InOut::same(room), T::ONE);
    for ((z, powers), result) in logits.chunks_exact(columns).zip(room.chunks_exact_mut(columns)).zip(results) {
        let class = result.to_f64().round();
        if !(0.0..columns as f64).contains(&class) {
            *result = T::ZERO;
            if factor.is_some() {
                powers.fill(T::ZERO);
            }
            continue;
        }
        let class = class as usize;
        let sum = kernels.sum(powers);
        *result = T::from_f64(sum.to_f64().ln() + (greatest(z).to_f64() - z[class].to_f64()));
        if let Some(factor) = factor {
            kernels.scale(InOut::same(powers), factor / sum);
            powers[class] = powers[class] - factor;
        }
    }
}

/// [`run_rows`] for a batch: `losses` becomes the loss of each row and `room`, for a factor, the gradient.
fn run_batch<T: Real>(
    (kernels, split): (&Elementwise<T>, Split),
    (logits, classes): (&[T], &[T]),
    room: &mut [T],
    losses: &mut [T],
    factor: Option<T>,
) {
    let columns = logits.len() / losses.len().max(1);
    losses.copy_from_slice(classes);
    let grain = (CHUNK / columns.max(1)).max(1) * columns;
    let rows = ((logits, room), PerChunk { results: losses, chunk: columns });
    split.gated(logits.len(), GATE).parts(rows, grain, &|((logits, room), losses): Rows<'_, T>| {
        let parts = logits.chunks(grain).zip(room.chunks_mut(grain));
        for ((logits, room), results) in parts.zip(losses.results.chunks_mut(grain / columns)) {
            run_rows(kernels, ((logits, room), PerChunk { results, chunk: columns }), factor);
        }
    });
}

impl<T: Real> Operation<T> for SoftmaxCrossEntropy {
    fn name(&self) -> &'static str {
        "softmax_cross_entropy"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let (logits, classes) = (inputs[0], inputs[1]);
        if logits.sizes().len() < if logits.is_batch() { 1 } else { 2 } {
            return Err(format!("the logits are {logits}; they must be [N, .., classes]"));
        }
        if classes != logits.with_last(1) {
            return Err(format!(
                "the classes are {classes}; they must be {}, a number a row of logits",
                logits.with_last(1)
            ));
        }
        let mut spec = Spec::new(Shape::scalar(), 2);
        spec.differentiable = 0b01;
        spec.reads_inputs = 0b11;
        spec.early_gradient = true;
        // The exponentials, and a loss for every row.
        spec.scratch = Some(logits.with_last(logits.last().saturating_add(1)));
        spec.backward_scratch = spec.scratch;
        let elements = 25u64.saturating_mul(logits.sample_elements() as u64);
        spec.flops = if logits.is_batch() { (0, elements) } else { (elements, 0) };
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let (logits, classes) = (run.inputs.get(0)?, run.inputs.get(1)?);
        let weight = weight(self.reduction, run.inputs.shape(1), run.inputs.rows());
        let (losses, room) = run.scratch.split_at_mut(classes.len());
        let (room, factor) = match run.early.is_empty() {
            true => (&mut room[..logits.len()], None),
            false => (run.early, Some(T::from_f64(weight))),
        };
        run_batch((kernels, run.context.split), (logits, classes), room, losses, factor);
        run.output[0] = T::from_f64(weight * total(losses));
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let upstream = run.output_gradient[0];
        let (logits, classes) = (run.inputs.get(0)?, run.inputs.get(1)?);
        let weight = weight(self.reduction, run.inputs.shape(1), run.inputs.rows());
        let Some(to) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        if run.early {
            if upstream != T::ONE {
                kernels.scale(InOut::same(to.slice), upstream);
            }
            return Ok(());
        }
        let (losses, room) = run.scratch.split_at_mut(classes.len());
        let (how, values) = ((kernels, run.context.split), (logits, classes));
        let factor = Some(T::from_f64(weight) * upstream);
        if to.accumulate {
            let room = &mut room[..logits.len()];
            run_batch(how, values, room, losses, factor);
            kernels.scale_into(InOut::pair(room, to.slice), T::ONE, true);
        } else {
            run_batch(how, values, to.slice, losses, factor);
        }
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use super::*;
    use crate::Shape;
    use crate::ops::Axis;
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        // The class is the number of positive logits, which small differences do not change; where all are positive
        // there is no such class, so rows without a loss are among the samples.
        vec![
            case!(
                "softmax_cross_entropy",
                |s| vec![batch(s.columns, Domain::AwayFromZero(0.1))],
                |t, v| {
                    let positive = t.sigmoid(t.scale(v[0], 1e4));
                    let classes = t.stop_gradient(t.sum_over(positive, Axis::Row));
                    t.softmax_cross_entropy(v[0], classes, Reduction::SumOverFeatures)
                },
                |x| vec![entropy(&x[0], s.columns, |z| z)],
            ),
            case!(
                "softmax_cross_entropy of two features a sample, by both reductions",
                |s| vec![CaseInput { shape: Shape::batch(&[2, s.columns]), domain: Domain::AwayFromZero(0.1) }],
                |t, v| {
                    let positive = t.sigmoid(t.scale(v[0], 1e4));
                    let classes = t.stop_gradient(t.sum_over(positive, Axis::Row));
                    let summed = t.softmax_cross_entropy(v[0], classes, Reduction::SumOverFeatures);
                    t.sub(t.scale(summed, 2.0), t.softmax_cross_entropy(v[0], classes, Reduction::Mean))
                },
                |x| vec![3.0 * entropy(&x[0], s.columns, |z| z)],
            ),
            case!(
                "softmax_cross_entropy, twice on one prediction, of large logits",
                |s| vec![batch(s.columns, Domain::AwayFromZero(0.1))],
                |t, v| {
                    let positive = t.sigmoid(t.scale(v[0], 1e4));
                    let classes = t.stop_gradient(t.sum_over(positive, Axis::Row));
                    let z = t.add_scalar(t.scale(v[0], 3.0), 100.0);
                    let a = t.scale(t.softmax_cross_entropy(z, classes, Reduction::Mean), 0.5);
                    t.add(a, t.softmax_cross_entropy(z, classes, Reduction::SumOverFeatures))
                },
                |x| vec![1.5 * entropy(&x[0], s.columns, |z| 3.0 * z)],
            ),
        ]
    }

    /// The definition, each row's class being the number of its positive elements.
    fn entropy(x: &[f64], columns: usize, logit: impl Fn(f64) -> f64) -> f64 {
        let of = |row: &[f64]| {
            let class = row.iter().filter(|&&x| x > 0.0).count();
            let sum: f64 = row.iter().map(|&x| logit(x).exp()).sum();
            row.get(class).map_or(0.0, |&x| sum.ln() - logit(x))
        };
        x.chunks(columns).map(of).sum::<f64>() / (x.len() / columns) as f64
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::Reduction::{Mean, SumOverFeatures};
    use crate::{Parameters, Shape, Split, Tape};

    /// The loss and its gradient for the logits `[N, C]`.
    fn run(logits: &[f32], classes: &[f32], columns: usize) -> (f32, Vec<f32>) {
        let rows = classes.len();
        let mut parameters = Parameters::<f32>::new();
        let z = parameters.add("z", &[rows, columns]).unwrap();
        parameters.view_mut(z).copy_from_slice(logits);
        let tape = Tape::new(&parameters, 1);
        let c = tape.input("c", Shape::fixed(&[rows, 1]));
        let loss = tape.softmax_cross_entropy(tape.parameter(z), c, Mean);
        let plan = tape.train(loss).unwrap();
        let mut workspace = plan.workspace().unwrap();
        workspace.input_mut(c).unwrap().copy_from_slice(classes);
        plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
        plan.backward(&parameters, &mut workspace, Split::Serial).unwrap();
        (workspace.value(loss).unwrap()[0], workspace.gradients()[parameters.range(z)].to_vec())
    }

    #[test]
    fn a_worked_value() {
        let ln = |x: f32| x.ln();
        let (loss, gradient) = run(&[ln(1.0), ln(2.0), ln(5.0), ln(4.0), ln(2.0), ln(2.0)], &[2.0, 0.0], 3);
        assert!((loss - (ln(8.0 / 5.0) + ln(2.0)) / 2.0).abs() < 1e-6, "{loss}");
        let expected = [1.0 / 16.0, 1.0 / 8.0, -3.0 / 16.0, -1.0 / 4.0, 1.0 / 8.0, 1.0 / 8.0];
        assert!(gradient.iter().zip(expected).all(|(g, e): (&f32, f32)| (g - e).abs() < 1e-6), "{gradient:?}");
    }

    #[test]
    fn reductions_differ_where_a_sample_has_features() {
        let parameters = Parameters::<f64>::new();
        let tape = Tape::new(&parameters, 2);
        let (z, c) = (tape.input("z", Shape::batch(&[3, 2])), tape.input("c", Shape::batch(&[3, 1])));
        let [summed, mean] = [SumOverFeatures, Mean].map(|reduction| tape.softmax_cross_entropy(z, c, reduction));
        let plan = tape.infer(&[summed, mean]).unwrap();
        let mut workspace = plan.workspace().unwrap();
        plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
        // Equal logits: ln 2 for each of three features of two samples.
        let of = |loss| workspace.value(loss).unwrap()[0];
        let ln2 = std::f64::consts::LN_2;
        assert!((of(summed) - 3.0 * ln2).abs() < 1e-12 && (of(mean) - ln2).abs() < 1e-12);
    }

    #[test]
    fn extreme_logits_stay_finite() {
        let (loss, gradient) = run(&[3e38, -3e37, 0.0, -1e4], &[0.0, 1.0], 2);
        assert_eq!(loss, 5000.0);
        assert_eq!(gradient, [0.0, 0.0, 0.5, -0.5]);
    }

    #[test]
    fn classes_that_do_not_exist_have_no_loss() {
        for class in [-1.0, 2.0, 1e30, f32::NAN, f32::INFINITY] {
            let (loss, gradient) = run(&[1.0, 1.0, 5.0, -7.0], &[1.2, class], 2);
            assert!((loss - 2f32.ln() / 2.0).abs() < 1e-6, "{class}: {loss}");
            assert!(gradient[0] > 0.2 && gradient[1] < -0.2 && gradient[2..] == [0.0, 0.0], "{class}: {gradient:?}");
        }
    }

    #[test]
    fn shapes_are_checked() {
        let parameters = Parameters::<f32>::new();
        let tape = || Tape::new(&parameters, 4);
        let refused = |logits: &[usize], classes: &[usize], words: &str| {
            let tape = tape();
            let (z, c) = (tape.input("z", Shape::batch(logits)), tape.input("c", Shape::batch(classes)));
            let error = tape.infer(&[tape.softmax_cross_entropy(z, c, Mean)]).err().unwrap().to_string();
            assert!(error.contains(words), "{error}");
        };
        refused(&[5], &[5], "the classes are [N, 5]; they must be [N, 1]");
        refused(&[5], &[], "the classes are [N]");
        refused(&[2, 5], &[1], "the classes are [N, 1]; they must be [N, 2, 1]");
        refused(&[], &[1], "the logits are [N]");
    }
}
