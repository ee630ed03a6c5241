//! `ε` with every component drawn from the normal distribution: additive Gaussian noise, and what a sample of a
//! Gaussian is made of, `z = μ + σ ε` (Kingma & Welling 2013).
//!
//! A function of (seed, step, operation, element). It has no gradient: only the shape of its input counts.

use super::{GATE, GRAIN};
use crate::base::Error;
use crate::base::parallel::Placed;
use crate::random::{fill_normal_on, stream_id};
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

struct NormalNoise;

impl<T: Real> Tape<T> {
    /// A value of the shape of `like` with mean 0 and deviation 1.
    #[track_caller]
    pub fn normal_noise(&self, like: Var) -> Var {
        self.stop_gradient(self.record(NormalNoise, &[like]))
    }
}

impl<T: Real> Operation<T> for NormalNoise {
    fn name(&self) -> &'static str {
        "normal_noise"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        Ok(Spec { differentiable: 0, ..Spec::new(inputs[0], 1).flops_per_element(60) })
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let context = run.context;
        let (seed, stream) = (run.noise.seed, stream_id(run.noise.step, run.operation));
        let split = context.split.gated(run.output.len(), GATE);
        split.parts(Placed { slice: run.output, from: 0 }, GRAIN, &|part: Placed<'_, T>| {
            fill_normal_on(context.backend, seed, stream, part.from as u64, T::ZERO, T::ONE, part.slice);
        });
        Ok(())
    }

    fn backward(&self, _: Backward<'_, T>) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![case!(
            "normal_noise, taken away again",
            |s| vec![batch(s.columns, Domain::Real)],
            |t, v| {
                let noise = t.normal_noise(v[0]);
                t.sub(t.add(v[0], noise), noise)
            },
            |x| x[0].clone(),
        )]
    }
}

#[cfg(test)]
mod tests {
    use crate::random::Noise;
    use crate::{Parameters, Shape, Split, Tape};

    #[test]
    fn it_is_normal_and_another_in_each_step_and_operation() {
        let parameters = Parameters::<f64>::new();
        let tape = Tape::new(&parameters, 400);
        let x = tape.input("x", Shape::batch(&[50]));
        let (a, b) = (tape.normal_noise(x), tape.normal_noise(x));
        let plan = tape.infer(&[a, b]).unwrap();
        let mut workspace = plan.workspace().unwrap();
        let mut run = |step| {
            workspace.set_noise(Noise { seed: 3, step });
            plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
            [a, b].map(|var| workspace.value(var).unwrap().to_vec())
        };
        let ([first, other], [second, _]) = (run(1), run(2));
        assert!(first != other && first != second && run(1)[0] == first);
        let mean = first.iter().sum::<f64>() / 20_000.0;
        let variance = first.iter().map(|x| x * x).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
