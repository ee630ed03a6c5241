//! `y = x m / (1 − p)`, m of ones and, with probability p, zeros: inverted dropout (Srivastava et al. 2014), whose mean
//! is x.
//!
//! The mask is a function of (seed, step, operation, element), drawn once more in backward instead of kept: a few
//! hundred elements at a time, in the processor's first cache. It works in the place of its input, and its gradient in
//! that of the output's. A number that is dropped is multiplied by 0, so that NaN stays NaN.

use super::{GATE, GRAIN};
use crate::base::parallel::Halve;
use crate::base::{Context, Error};
use crate::random::{Noise, fill_uniform_on, stream_id};
use crate::simd::InOut;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

struct Dropout(f64);

/// Elements that are drawn at a time.
const DRAWN: usize = 512;

impl<T: Real> Tape<T> {
    /// Makes each number of `x` 0 with probability `p`, below 1, and multiplies the others by `1 / (1 - p)`: for
    /// training only. With `p = 0` it is `x` itself. The shape is kept.
    #[track_caller]
    pub fn dropout(&self, x: Var, p: f64) -> Var {
        if p == 0.0 { x } else { self.record(Dropout(p), &[x]) }
    }
}

/// What is multiplied by the mask, and where it begins in the whole.
struct Part<'a, T> {
    io: InOut<'a, T>,
    from: usize,
}

impl<T: Real> Halve for Part<'_, T> {
    fn len(&self) -> usize {
        self.io.len()
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (head, rest) = self.io.split_at(at);
        (Self { io: head, from: self.from }, Self { io: rest, from: self.from + at })
    }
}

impl Dropout {
    /// Multiplies by the mask and the scale.
    fn apply<T: Real>(&self, io: InOut<'_, T>, accumulate: bool, context: Context, (noise, operation): (Noise, u32)) {
        let kernels = T::elementwise(context.backend);
        let (p, scale) = (T::from_f64(self.0), T::from_f64(1.0 / (1.0 - self.0)));
        let stream = stream_id(noise.step, operation);
        let split = context.split.gated(io.len(), GATE);
        split.parts(Part { io, from: 0 }, GRAIN, &|part: Part<'_, T>| {
            let Part { io: mut rest, mut from } = part;
            let mut drawn = [T::ZERO; DRAWN];
            while !rest.is_empty() {
                let (io, after) = rest.split_at(DRAWN);
                let mask = &mut drawn[..io.len()];
                fill_uniform_on(context.backend, noise.seed, stream, from as u64, T::ZERO, T::ONE, mask);
                mask.iter_mut().for_each(|u| *u = if *u < p { T::ZERO } else { scale });
                kernels.product(mask, io, T::ZERO, accumulate);
                (rest, from) = (after, from + DRAWN);
            }
        });
    }
}

impl<T: Real> Operation<T> for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        // The second keeps a probability so near to 1 that it is 1 in the element type.
        if !(0.0..1.0).contains(&self.0) || T::from_f64(self.0) == T::ONE {
            return Err(format!("the probability is {}; it must be at least 0 and less than 1", self.0));
        }
        let mut spec = Spec::new(inputs[0], 1).flops_per_element(30);
        spec.in_place = true;
        spec.gradient_in_place = true;
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let (context, noise) = (run.context, (run.noise, run.operation));
        self.apply(run.unary()?, false, context, noise);
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let (context, noise) = (run.context, (run.noise, run.operation));
        if let Some((io, accumulate)) = run.unary()? {
            self.apply(io, accumulate, context, noise);
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
                "dropout of nothing",
                |s| vec![batch(s.columns, Domain::Real)],
                |t, v| t.square(t.dropout(v[0], 0.0)),
                |x| x[0].iter().map(|x| x * x).collect(),
            ),
            case!(
                // With y = x or y = 0 this is x, and so is its derivative 1, whatever the mask.
                "dropout of a half, by (y - x) y + x",
                |s| vec![batch(s.columns, Domain::Real)],
                |t, v| {
                    let y = t.scale(t.dropout(v[0], 0.5), 0.5);
                    t.add(t.mul(t.sub(y, v[0]), y), v[0])
                },
                |x| x[0].clone(),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Parameters, Split};

    #[test]
    fn a_share_is_dropped_and_the_gradient_has_the_same_mask() {
        let mut parameters = Parameters::<f32>::new();
        let id = parameters.add("x", &[100, 501]).unwrap();
        parameters.view_mut(id).fill(1.0);
        let tape = Tape::new(&parameters, 1);
        let y = tape.dropout(tape.parameter(id), 0.2);
        tape.keep(y);
        let plan = tape.train(tape.sum(y)).unwrap();
        let mut workspace = plan.workspace().unwrap();
        let mut run = |step| {
            workspace.set_noise(Noise { seed: 4, step });
            plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
            plan.backward(&parameters, &mut workspace, Split::Serial).unwrap();
            (workspace.value(y).unwrap().to_vec(), workspace.gradients()[parameters.range(id)].to_vec())
        };
        let (first, second, again) = (run(1), run(2), run(1));
        assert!(first == again && first.0 != second.0);
        assert_eq!(first.0, first.1, "of ones, the result is the factor of the gradient");
        assert!(first.0.iter().all(|&y| y == 0.0 || y == 1.25));
        let kept = first.0.iter().filter(|&&y| y != 0.0).count() as f64 / first.0.len() as f64;
        assert!((kept - 0.8).abs() < 0.01, "{kept}");
    }

    #[test]
    fn impossible_probabilities_are_refused() {
        let parameters = Parameters::<f32>::new();
        for p in [1.0, -0.1, 1.5, f64::NAN, 1.0 - 1e-12] {
            let tape = Tape::new(&parameters, 1);
            let y = tape.dropout(tape.input("x", Shape::batch(&[2])), p);
            let error = tape.infer(&[y]).err().unwrap().to_string();
            assert!(error.contains("it must be at least 0 and less than 1"), "{p}: {error}");
        }
    }
}
