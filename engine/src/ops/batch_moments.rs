//! The mean and the unbiased variance of each channel of `[N, C]` or `[N, C, ..]` over the batch and all positions:
//! what batch normalisation's evaluation uses, averaged over steps of training.

use super::channels::{Channels, count, room};
use crate::base::Error;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

struct BatchMoments;

impl<T: Real> Tape<T> {
    /// The means of the channels of `x`, `[N, C]` or `[N, C, ..]`, and their unbiased variances: `[2, C]`. No gradient.
    /// Of a channel with one number the variance is 0.
    ///
    /// Keep it beside [`Self::batch_norm`] and average it as PyTorch does (its `momentum` is 0.1); the average is what
    /// [`Self::batch_norm_given`] takes in evaluation:
    ///
    /// ```
    /// use narrows_engine::{Parameters, Shape, Split, Tape};
    ///
    /// # fn main() -> Result<(), narrows_engine::Error> {
    /// let mut parameters = Parameters::<f32>::new();
    /// let [scale, shift] = [parameters.add("scale", &[2])?, parameters.add("shift", &[2])?];
    /// parameters.view_mut(scale).fill(1.0);
    /// let tape = Tape::new(&parameters, 4);
    /// let x = tape.input("x", Shape::batch(&[2]));
    /// let moments = tape.batch_moments(x);
    /// tape.keep(moments);
    /// let y = tape.batch_norm(x, tape.parameter(scale), tape.parameter(shift), 1e-5);
    /// let plan = tape.train(tape.sum(tape.square(y)))?;
    /// let mut workspace = plan.workspace()?;
    ///
    /// let mut running = [0.0, 0.0, 1.0, 1.0]; // two means, two variances
    /// workspace.set_rows(2)?;
    /// workspace.input_mut(x)?.copy_from_slice(&[1.0, 5.0, 3.0, 5.0]);
    /// plan.forward(&parameters, &mut workspace, Split::Serial)?;
    /// for (running, &now) in running.iter_mut().zip(workspace.value(moments)?) {
    ///     *running += 0.1 * (now - *running);
    /// }
    /// assert_eq!(running, [0.2, 0.5, 1.1, 0.9]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn batch_moments(&self, x: Var) -> Var {
        self.record(BatchMoments, &[x])
    }
}

impl<T: Real> Operation<T> for BatchMoments {
    fn name(&self) -> &'static str {
        "batch_moments"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let x = inputs[0];
        let channels = count(&x)?;
        let mut spec = Spec::new(Shape::fixed(&[2, channels]), 1).without_gradient();
        spec.scratch = Some(room(channels, 1, 0));
        let elements = 4u64.saturating_mul(x.sample_elements() as u64);
        spec.flops = if x.is_batch() { (0, elements) } else { (elements, 0) };
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let channels = Channels::of(&run.inputs.shape(0), run.inputs.rows());
        let (means, variances) = run.output.split_at_mut(channels.channels);
        channels.moments(run.inputs.get(0)?, run.scratch, [means, &mut *variances], run.context);
        let numbers = channels.numbers();
        let unbiased = T::from_f64(numbers / (numbers - 1.0).max(1.0));
        variances.iter_mut().for_each(|variance| *variance = *variance * unbiased);
        Ok(())
    }

    fn backward(&self, _: Backward<'_, T>) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::Shape;
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "batch_moments of columns, beside what they are of",
                |s| vec![batch(s.columns, Domain::AwayFromZero(0.1))],
                |t, v| {
                    let moments = t.stop_gradient(t.batch_moments(t.sigmoid(t.scale(v[0], 1e4))));
                    t.mul(moments, t.sum(v[0]))
                },
                |x| scaled(&x[0], s.columns, 1),
            ),
            case!(
                "batch_moments of planes, beside what they are of",
                |s| vec![CaseInput { shape: Shape::batch(&[3, 2, s.columns]), domain: Domain::AwayFromZero(0.1) }],
                |t, v| {
                    let moments = t.stop_gradient(t.batch_moments(t.sigmoid(t.scale(v[0], 1e4))));
                    t.mul(moments, t.sum(v[0]))
                },
                |x| scaled(&x[0], 3, 2 * s.columns),
            ),
        ]
    }

    /// The moments of which are positive, which small differences do not change, times the sum of all.
    fn scaled(x: &[f64], channels: usize, positions: usize) -> Vec<f64> {
        let sum: f64 = x.iter().sum();
        let positive: Vec<f64> = x.iter().map(|&x| f64::from(u8::from(x > 0.0))).collect();
        let [means, variances] = moments(&positive, channels, positions, 1.0);
        means.into_iter().chain(variances).map(|moment| moment * sum).collect()
    }

    /// Means, and variances with so many numbers less.
    pub(in crate::ops) fn moments(x: &[f64], channels: usize, positions: usize, less: f64) -> [Vec<f64>; 2] {
        let of = |c: usize| {
            let all: Vec<f64> = x.chunks(positions).skip(c).step_by(channels).flatten().copied().collect();
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            let squares: f64 = all.iter().map(|x| (x - mean).powi(2)).sum();
            (mean, squares / (all.len() as f64 - less).max(1.0))
        };
        let (means, variances) = (0..channels).map(of).unzip();
        [means, variances]
    }
}
