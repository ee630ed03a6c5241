//! `1/N Σ_i Σ_j max(z,0) − z t + ln(1 + e^−|z|)`: the cross-entropy of `sigmoid(z)` against `t` in 0..1, from the
//! logits `z`, so that it is finite wherever they are. Summed over features, averaged over samples (or everything).
//!
//! One pass gives the loss and, in a training plan, the gradient `(sigmoid(z) − t) / N`. The target has none.

use super::Reduction;
use super::mean_squared_error::{backward_loss, forward_loss, infer_loss, weight};
use crate::base::Error;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

struct BinaryCrossEntropy {
    reduction: Reduction,
}

impl<T: Real> Tape<T> {
    /// The binary cross-entropy of `sigmoid(logits)` against `target`, both `[N, ..]`; a single number.
    #[track_caller]
    pub fn binary_cross_entropy(&self, logits: Var, target: Var, reduction: Reduction) -> Var {
        self.record(BinaryCrossEntropy { reduction }, &[logits, target])
    }
}

impl<T: Real> Operation<T> for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary_cross_entropy"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        infer_loss(inputs, 45, 0b01)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let weight = weight(self.reduction, run.inputs.shape(0), run.inputs.rows());
        forward_loss(run, weight, |kernels, z, t, gradient, g| kernels.binary_cross_entropy(z, t, gradient, g))
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let weight = weight(self.reduction, run.inputs.shape(0), run.inputs.rows());
        backward_loss(&mut run, weight, |kernels, z, t, gradient, g| kernels.binary_cross_entropy(z, t, gradient, g))
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use super::*;
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "binary_cross_entropy",
                |s| vec![batch(s.columns, Domain::Real), batch(s.columns, Domain::Unit)],
                |t, v| t.binary_cross_entropy(v[0], t.stop_gradient(v[1]), Reduction::SumOverFeatures),
                |x| vec![entropy(&x[0], &x[1]) / s.rows as f64],
            ),
            case!(
                "binary_cross_entropy, mean over everything, twice on one prediction",
                |s| vec![batch(s.columns, Domain::Real), batch(s.columns, Domain::Unit)],
                |t, v| {
                    let z = t.scale(v[0], 3.0);
                    let target = t.stop_gradient(v[1]);
                    let a = t.binary_cross_entropy(z, target, Reduction::Mean);
                    t.add(t.scale(a, 0.5), t.binary_cross_entropy(z, target, Reduction::SumOverFeatures))
                },
                |x| {
                    let z: Vec<f64> = x[0].iter().map(|z| 3.0 * z).collect();
                    vec![entropy(&z, &x[1]) * (0.5 / z.len() as f64 + 1.0 / s.rows as f64)]
                },
            ),
        ]
    }

    fn entropy(z: &[f64], t: &[f64]) -> f64 {
        let of = |(z, t): (&f64, &f64)| {
            let p = 1.0 / (1.0 + (-z).exp());
            -(t * p.ln() + (1.0 - t) * (1.0 - p).ln())
        };
        z.iter().zip(t).map(of).sum()
    }
}
