//! `1/N Σ_i ‖∂h/∂x‖_F²` of one layer `h = f(x Wᵀ + b)`, averaged over samples: the contractive penalty (Rifai et al.
//! 2011).
//!
//! Closed form, because the Jacobian of a layer is `diag(f') W`. With `s(h) = f'(z)`, the slope as a function of the
//! output `h = f(z)`, and `r_j = Σ_k W_jk²`: `Ω = 1/N Σ_i Σ_j s(h_ij)² r_j`. One pass over h and one over W forward,
//! the same backward: O(N · out + out · in) instead of O(N · out · in).
//!
//! `∂Ω/∂h_ij = 2/N s(h_ij) s'(h_ij) r_j`, where `s' = ds/dh` is how the slope changes with the output (`1 − 2h` for the
//! sigmoid), not `f''(z)`, which is `s' s`; `∂Ω/∂W_jk = 2/N W_jk Σ_i s(h_ij)²`.

use crate::base::Error;
use crate::gemm::{Activation, Derivative, Traits};
use crate::simd::InOut;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// Input 0 is h, input 1 the weight `[out, in]`.
struct JacobianNorm<T>(Activation<T>);

impl<T: Real> Tape<T> {
    /// The squared Frobenius norm of `∂h/∂x`, averaged over samples, of a layer with `activation`, output `h` `[N,
    /// out]` and `weight` `[out, in]`; a single number.
    #[track_caller]
    pub fn jacobian_norm(&self, h: Var, weight: Var, activation: Activation<T>) -> Var {
        self.record(JacobianNorm(activation), &[h, weight])
    }
}

impl<T: Real> JacobianNorm<T> {
    /// The function that gives `f'` at an output of the layer, and what it changes by with that.
    ///
    /// # Errors
    /// These are not functions of the output.
    fn slope(&self) -> Result<impl Fn(T) -> (f64, f64) + use<T>, String> {
        let identity: fn(f64, f64) -> (f64, f64) = |_, _| (1.0, 0.0);
        let (slope, parameter) = match self.0.traits() {
            None => (identity, None),
            Some(Traits { derivative: Derivative::OfOutput(slope), parameter, .. }) => (slope, parameter),
            Some(Traits { name, .. }) => {
                return Err(format!(
                    "the derivative of {name} is not a function of the layer's output, from which this works; use \
                     sigmoid, tanh or another whose derivative is"
                ));
            }
        };
        let parameter = parameter.map_or(0.0, |(parameter, _)| parameter.to_f64());
        Ok(move |h: T| slope(h.to_f64(), parameter))
    }
}

impl<T: Real> Operation<T> for JacobianNorm<T> {
    fn name(&self) -> &'static str {
        "jacobian_norm"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let (h, weight) = (inputs[0], inputs[1]);
        self.slope().map(drop)?;
        match *weight.sizes() {
            [out, _] if !weight.is_batch() && !h.sizes().is_empty() && h.last() == out => {
                let mut spec = Spec::new(Shape::scalar(), 2);
                spec.reads_inputs = 0b11;
                // Per unit: the weights' squared norm, and the sum of s² over samples.
                spec.saved = Some(Shape::fixed(&[2, out]));
                spec.scratch = spec.saved;
                let of = |each: u64, shape: Shape| each.saturating_mul(shape.sample_elements() as u64);
                let flops = (of(2, weight), of(6, h));
                spec.flops = if h.is_batch() { flops } else { (flops.0.saturating_add(flops.1), 0) };
                Ok(spec)
            }
            _ => Err(format!("the layer gives {h} and its weight is {weight}; they must be [N, out] and [out, in]")),
        }
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let (h, weight) = (run.inputs.get(0)?, run.inputs.get(1)?);
        let (rows, out) = run.inputs.shape(0).matrix(run.inputs.rows());
        let into = run.inputs.shape(1).last();
        let room = if run.saved.is_empty() { run.scratch } else { run.saved };
        let (norms, slopes) = room[..2 * out].split_at_mut(out);
        for (norm, weight) in norms.iter_mut().zip(weight.chunks_exact(into)) {
            *norm = kernels.dot(weight, weight);
        }
        slopes.fill(T::ZERO);
        let slope_at = self.slope().map_err(Error::misuse)?;
        for h in h.chunks_exact(out) {
            for (sum, &h) in slopes.iter_mut().zip(h) {
                let slope = T::from_f64(slope_at(h).0);
                *sum += slope * slope;
            }
        }
        let sum: f64 = norms.iter().zip(&*slopes).map(|(&norm, &slope)| (norm * slope).to_f64()).sum();
        run.output[0] = T::from_f64(sum / rows.max(1) as f64);
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let (rows, out) = run.inputs.shape(0).matrix(run.inputs.rows());
        let into = run.inputs.shape(1).last();
        let g = T::from_f64(2.0 / rows.max(1) as f64) * run.output_gradient[0];
        let (norms, slopes) = run.saved[..2 * out].split_at(out);
        let (h, weight) = (run.inputs.get(0)?, run.inputs.get(1)?);
        let slope_at = self.slope().map_err(Error::misuse)?;
        if let Some(target) = run.gradients.of(0)?.wanted() {
            for (to, h) in target.slice.chunks_exact_mut(out).zip(h.chunks_exact(out)) {
                for ((to, &h), &norm) in to.iter_mut().zip(h).zip(norms) {
                    let (slope, change) = slope_at(h);
                    let dh = g * norm * T::from_f64(slope * change);
                    *to = if target.accumulate { *to + dh } else { dh };
                }
            }
        }
        if let Some(target) = run.gradients.of(1)?.wanted() {
            let rows = weight.chunks_exact(into).zip(target.slice.chunks_exact_mut(into));
            for ((weight, to), &slope) in rows.zip(slopes) {
                kernels.scale_into(InOut::pair(weight, to), g * slope, target.accumulate);
            }
        }
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use super::*;
    use crate::ops::cases::*;

    /// A layer and the norm of its Jacobian, against the sum over all of the Jacobian's entries.
    macro_rules! of {
        ($name:literal, $activation:expr, $slope:expr) => {
            case!(
                $name,
                |s| vec![
                    batch(s.columns, Domain::Real),
                    fixed(&[s.other, s.columns], Domain::Unit),
                    fixed(&[s.other], Domain::AwayFromZero(0.5)),
                ],
                |t, v| {
                    let x = t.scale(v[0], 0.01);
                    let h = t.linear(x, v[1], Some(v[2]), $activation);
                    t.jacobian_norm(h, v[1], $activation)
                },
                |x| vec![reference(x, s.columns, s.other, $slope)],
            )
        };
    }

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            of!("jacobian_norm, sigmoid", Activation::Sigmoid, |z| {
                let h = 1.0 / (1.0 + (-z).exp());
                h * (1.0 - h)
            }),
            of!("jacobian_norm, tanh", Activation::Tanh, |z| 1.0 - z.tanh().powi(2)),
            of!("jacobian_norm, relu", Activation::Relu, |z| f64::from(u8::from(z > 0.0))),
            of!("jacobian_norm, softplus", Activation::Softplus, |z| 1.0 / (1.0 + (-z).exp())),
            of!("jacobian_norm, elu", Activation::Elu(1.0), |z| z.min(0.0).exp()),
        ]
    }

    fn reference(x: &[Vec<f64>], into: usize, out: usize, slope: fn(f64) -> f64) -> f64 {
        let rows = x[0].len() / into;
        let mut sum = 0.0;
        for row in x[0].chunks(into) {
            for o in 0..out {
                let weights = &x[1][o * into..(o + 1) * into];
                let z = row.iter().zip(weights).map(|(a, b)| 0.01 * a * b).sum::<f64>() + x[2][o];
                sum += weights.iter().map(|w| (slope(z) * w).powi(2)).sum::<f64>();
            }
        }
        sum / rows as f64
    }
}
