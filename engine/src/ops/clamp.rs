//! `y = min(max(x, low), high)`. The gradient passes strictly between the two.

use super::{GATE, GRAIN};
use crate::base::Error;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

struct Clamp {
    low: f64,
    high: f64,
}

impl<T: Real> Tape<T> {
    /// `x` cut at `low` and at `high`. The shape is kept; NaN stays NaN.
    #[track_caller]
    pub fn clamp(&self, x: Var, low: f64, high: f64) -> Var {
        self.record(Clamp { low, high }, &[x])
    }
}

impl<T: Real> Operation<T> for Clamp {
    fn name(&self) -> &'static str {
        "clamp"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        if !(self.low.is_finite() && self.high.is_finite() && self.low < self.high) {
            return Err(format!("from {} to {}; the first must be less than the second", self.low, self.high));
        }
        let mut spec = Spec::new(inputs[0], 1).flops_per_element(2);
        spec.reads_inputs = 1;
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let (low, high) = (T::from_f64(self.low), T::from_f64(self.high));
        let split = run.context.split.gated(run.output.len(), GATE);
        split.parts((run.inputs.get(0)?, run.output), GRAIN, &|(x, y): (&[T], &mut [T])| {
            for (y, &x) in y.iter_mut().zip(x) {
                let above = if x < low { low } else { x };
                *y = if above > high { high } else { above };
            }
        });
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let (low, high) = (T::from_f64(self.low), T::from_f64(self.high));
        let split = run.context.split.gated(run.output_gradient.len(), GATE);
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        let (x, dy, accumulate) = (run.inputs.get(0)?, &*run.output_gradient, target.accumulate);
        split.parts(((x, dy), target.slice), GRAIN, &|((x, dy), dx): ((&[T], &[T]), &mut [T])| {
            for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
                let passed = if x > low && x < high { dy } else { T::ZERO };
                *dx = if accumulate { *dx + passed } else { passed };
            }
        });
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![case!(
            "clamp",
            // Numbers whose distance from the borders is at least 0.005.
            |s| vec![batch(s.columns, Domain::Apart)],
            |t, v| t.clamp(v[0], -0.9825, 0.6175),
            |x| x[0].iter().map(|x| x.clamp(-0.9825, 0.6175)).collect(),
        )]
    }
}
