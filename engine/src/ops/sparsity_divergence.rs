//! `Ω = Σ_l ρ ln(ρ/ρ̂_l) + (1−ρ) ln((1−ρ)/(1−ρ̂_l))`: how far mean activations ρ̂ are from ρ, as the divergence of
//! Kullback and Leibler between two coins (Lee, Ekanadham & Ng 2008; Ng, CS294A lecture notes, 2011).
//!
//! 0 where every ρ̂_l is ρ, and only there. ρ̂ is kept at least 1e-6 from 0 and 1, where Ω has its poles; the
//! derivative there is that of the nearest ρ̂ inside, so that a unit that is off can come back. A row of C numbers: no
//! vectors.

use crate::base::Error;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// How near ρ̂ may come to 0 and 1.
const MARGIN: f64 = 1e-6;

struct SparsityDivergence(f64);

impl<T: Real> Tape<T> {
    /// The divergence of the mean activations `mean`, `[C]` of numbers in 0..1, from `rho`; a single number.
    #[track_caller]
    pub fn sparsity_divergence(&self, mean: Var, rho: f64) -> Var {
        self.record(SparsityDivergence(rho), &[mean])
    }
}

impl<T: Real> Operation<T> for SparsityDivergence {
    fn name(&self) -> &'static str {
        "sparsity_divergence"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        if !(self.0 > 0.0 && self.0 < 1.0) {
            return Err(format!("rho is {}; it must lie between 0 and 1", self.0));
        }
        if inputs[0].is_batch() {
            return Err(format!("{} has a batch; give the mean activations over it, [C]", inputs[0]));
        }
        let mut spec = Spec::new(Shape::scalar(), 1);
        spec.reads_inputs = 1;
        spec.flops = (50u64.saturating_mul(inputs[0].sample_elements() as u64), 0);
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let rho = self.0;
        let of = |mean: &T| {
            let mean = mean.to_f64();
            // Also keeps NaN, which `clamp` does.
            let mean = mean.clamp(MARGIN, 1.0 - MARGIN);
            rho * (rho / mean).ln() + (1.0 - rho) * ((1.0 - rho) / (1.0 - mean)).ln()
        };
        run.output[0] = T::from_f64(run.inputs.get(0)?.iter().map(of).sum());
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let (rho, g) = (self.0, run.output_gradient[0].to_f64());
        let mean = run.inputs.get(0)?;
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        for (to, mean) in target.slice.iter_mut().zip(mean) {
            let mean = mean.to_f64().clamp(MARGIN, 1.0 - MARGIN);
            let slope = T::from_f64(g * ((1.0 - rho) / (1.0 - mean) - rho / mean));
            *to = if target.accumulate { *to + slope } else { slope };
        }
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![case!(
            "sparsity_divergence",
            |s| vec![fixed(&[s.columns], Domain::Unit)],
            |t, v| t.sparsity_divergence(t.add_scalar(t.scale(v[0], 0.8), 0.1), 0.3),
            |x| {
                let of = |x: &f64| {
                    let p: f64 = 0.8 * x + 0.1;
                    0.3 * (0.3 / p).ln() + 0.7 * (0.7 / (1.0 - p)).ln()
                };
                vec![x[0].iter().map(of).sum()]
            },
        )]
    }
}

#[cfg(test)]
mod tests {
    use crate::{Parameters, Split, Tape};

    #[test]
    fn it_is_nothing_at_rho_and_finite_at_the_ends() {
        let mut parameters = Parameters::<f64>::new();
        let id = parameters.add("mean", &[1]).unwrap();
        let tape = Tape::new(&parameters, 1);
        let omega = tape.sparsity_divergence(tape.parameter(id), 0.005);
        let plan = tape.train(omega).unwrap();
        let mut workspace = plan.workspace().unwrap();
        for (mean, sign) in [(0.005, 0.0), (0.0, -1.0), (1.0, 1.0), (0.004, -1.0)] {
            parameters.view_mut(id)[0] = mean;
            plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
            plan.backward(&parameters, &mut workspace, Split::Serial).unwrap();
            let (value, slope) = (workspace.value(omega).unwrap()[0], workspace.gradients()[0]);
            assert!(value.is_finite() && slope.is_finite() && value >= 0.0);
            assert!(if sign == 0.0 { value == 0.0 && slope.abs() < 1e-9 } else { value > 0.0 && slope * sign > 0.0 });
        }
    }
}
