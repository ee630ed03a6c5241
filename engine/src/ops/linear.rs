//! `y = f(x Wᵀ + b)`: the fully connected layer, its bias and its activation in one pass over the result.
//!
//! Backward first makes the gradient of `y` that of the sum, in place, by the activation's derivative at `y`, and
//! sums its columns for `db` in the same pass; then `dx = dz W` and `dW = dzᵀ x`. All three products go through `gemm`.
//!
//! Measured and not done (Zen 4, 2026-11-24): the derivative while packing, because neither product packs `dz` any
//! more and it is read twice; and Adam on each part of `dW` while that is in L2, which gains nothing (1000x784, batch
//! 128, one thread: 2460 us apart, 2440 to 2550 together), since Adam waits for its moments, not for the gradient.
//!
//! flops: 2 N in out forward, twice that backward; bound by arithmetic for batches beyond a few dozen rows.

use super::{GATE, fused};
use crate::base::parallel::PerChunk;
use crate::base::{Context, Error};
use crate::gemm::{Activation, Bias, Epilogue, MatrixMut, MatrixRef, gemm};
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var, Wanted};

/// The operation; input 0 is x, input 1 the weight `[out, in]` (or its transpose), input 2 the bias `[out]` if there is
/// one.
struct Linear<T> {
    activation: Activation<T>,
    /// Whether the weight is stored `[in, out]`.
    transposed: bool,
}

impl<T: Real> Tape<T> {
    /// `activation(x weightᵀ + bias)`: `x` is `[.., in]`, `weight` `[out, in]`, `bias` `[out]`; gives `[.., out]`.
    #[track_caller]
    pub fn linear(&self, x: Var, weight: Var, bias: Option<Var>, activation: Activation<T>) -> Var {
        self.linear_of(x, weight, bias, activation, false)
    }

    /// `activation(x weight + bias)`: `weight` is `[in, out]`, another layer's `[out, in]` read the other way round. A
    /// decoder tied to its encoder, W* = Wᵀ, is this over the encoder's weight, whose gradient is then the sum of both
    /// uses.
    #[track_caller]
    pub fn linear_transposed(&self, x: Var, weight: Var, bias: Option<Var>, activation: Activation<T>) -> Var {
        self.linear_of(x, weight, bias, activation, true)
    }

    #[track_caller]
    fn linear_of(&self, x: Var, weight: Var, bias: Option<Var>, activation: Activation<T>, transposed: bool) -> Var {
        let operation = Linear { activation, transposed };
        match bias {
            Some(bias) => self.record(operation, &[x, weight, bias]),
            None => self.record(operation, &[x, weight]),
        }
    }
}

/// The most partial sums of a column, and the fewest rows of one. They fix the order of additions at any number of
/// threads.
const SUMS: usize = 8;
const ROWS: usize = 32;

impl<T: Real> Linear<T> {
    /// Outputs and inputs.
    fn sizes(&self, weight: &Shape) -> Option<(usize, usize)> {
        match *weight.sizes() {
            [out, into] if !self.transposed => Some((out, into)),
            [into, out] => Some((out, into)),
            _ => None,
        }
    }

    /// The weight as `[out, in]`, whichever way it is stored.
    fn weight<'a>(&self, w: &'a [T], out: usize, into: usize) -> Result<MatrixRef<'a, T>, Error> {
        if self.transposed {
            MatrixRef::row_major(w, into, out).map(MatrixRef::t)
        } else {
            MatrixRef::row_major(w, out, into)
        }
    }

    /// The gradient of the sum, in place of that of the output, and the sums of its columns in up to [`SUMS`] parts of
    /// the batch, to be added up in their order; returns how many.
    fn differentiate_and_sum(&self, run: &mut Backward<'_, T>, rows: usize, out: usize) -> Result<usize, Error> {
        let Context { backend, split } = run.context.gated(run.output_gradient.len(), GATE);
        let each = rows.div_ceil(SUMS).max(ROWS);
        let (part, parts) = (each * out, rows.div_ceil(each));
        let kept = fused::kept(self.activation, run.output, run.saved)?;
        let sums = PerChunk { results: &mut run.scratch[..parts * out], chunk: each };
        let Some(traits) = self.activation.traits() else {
            let kernels = T::elementwise(backend);
            split.parts((&*run.output_gradient, sums), part, &|(dy, sums): (&[T], PerChunk<'_, T>)| {
                for (dy, sums) in dy.chunks(part).zip(sums.results.chunks_mut(out)) {
                    kernels.column_sums(dy, out, sums, false);
                }
            });
            return Ok(parts);
        };
        let whole = ((kept, &mut *run.output_gradient), sums);
        split.parts(whole, part, &|((kept, dy), sums): ((&[T], &mut [T]), PerChunk<'_, T>)| {
            for ((kept, dy), sums) in kept.chunks(part).zip(dy.chunks_mut(part)).zip(sums.results.chunks_mut(out)) {
                traits.differentiate_and_sum(backend, kept, dy, out, sums);
            }
        });
        Ok(parts)
    }
}

impl<T: Real> Operation<T> for Linear<T> {
    fn name(&self) -> &'static str {
        if self.transposed { "linear_transposed" } else { "linear" }
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let (x, weight) = (inputs[0], inputs[1]);
        let which = if self.transposed { ("[in, out]", "first") } else { ("[out, in]", "second") };
        let Some((out, into)) = self.sizes(&weight) else {
            return Err(format!("the weight is {weight}; it must be {}", which.0));
        };
        if weight.is_batch() || x.sizes().is_empty() || x.last() != into {
            return Err(format!("the last size of {x} must be the weight's {}, {into}", which.1));
        }
        if let Some(bias) = inputs.get(2).filter(|bias| **bias != Shape::fixed(&[out])) {
            return Err(format!("the bias is {bias}; it must be [{out}]"));
        }
        let mut spec = Spec::new(x.with_last(out), inputs.len());
        spec.reads_inputs = 0b011;
        fused::infer(self.activation, &mut spec)?;
        spec.backward_scratch = (inputs.len() > 2).then(|| Shape::fixed(&[SUMS, out]));
        let flops = (spec.output.sample_elements() as u64).saturating_mul(2 * into as u64);
        spec.flops = if x.is_batch() { (0, flops) } else { (flops, 0) };
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let (rows, into) = run.inputs.shape(0).matrix(run.inputs.rows());
        let out = run.output.len() / rows.max(1);
        let bias = if run.inputs.count() > 2 { Some(Bias::PerColumn(run.inputs.get(2)?)) } else { None };
        let x = MatrixRef::row_major(run.inputs.get(0)?, rows, into)?;
        let w = self.weight(run.inputs.get(1)?, out, into)?;
        fused::forward(self.activation, run.context, (run.saved, run.output), |activation, y| {
            let y = Wanted { slice: y, accumulate: false };
            multiply(run.context, x, w.t(), y, [rows, out], &Epilogue { bias, activation })
        })
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let inputs = run.inputs;
        let (rows, into) = inputs.shape(0).matrix(inputs.rows());
        let out = run.output_gradient.len() / rows.max(1);
        if inputs.count() > 2 && run.gradients.wants(2) {
            let parts = self.differentiate_and_sum(&mut run, rows, out)?;
            if let Some(target) = run.gradients.of(2)?.wanted() {
                let kernels = T::elementwise(run.context.backend);
                kernels.column_sums(&run.scratch[..parts * out], out, target.slice, target.accumulate);
            }
        } else {
            fused::differentiate(self.activation, &mut run)?;
        }
        let dz = MatrixRef::row_major(run.output_gradient, rows, out)?;
        let none = Epilogue::none();
        if let Some(target) = run.gradients.of(0)?.wanted() {
            let w = self.weight(inputs.get(1)?, out, into)?;
            multiply(run.context, dz, w, target, [rows, into], &none)?;
        }
        if let Some(target) = run.gradients.of(1)?.wanted() {
            let x = MatrixRef::row_major(inputs.get(0)?, rows, into)?;
            match self.transposed {
                true => multiply(run.context, x.t(), dz, target, [into, out], &none)?,
                false => multiply(run.context, dz.t(), x, target, [out, into], &none)?,
            }
        }
        Ok(())
    }
}

/// One product into `to`, row-major.
fn multiply<T: Real>(
    context: Context,
    a: MatrixRef<'_, T>,
    b: MatrixRef<'_, T>,
    to: Wanted<'_, T>,
    [rows, columns]: [usize; 2],
    epilogue: &Epilogue<'_, T>,
) -> Result<(), Error> {
    let beta = if to.accumulate { T::ONE } else { T::ZERO };
    gemm(context, T::ONE, a, b, beta, MatrixMut::row_major(to.slice, rows, columns)?, epilogue)
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use super::*;
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "linear",
                |s| vec![
                    batch(s.columns, Domain::Real),
                    fixed(&[s.other, s.columns], Domain::Real),
                    fixed(&[s.other], Domain::Real),
                ],
                |t, v| t.linear(v[0], v[1], Some(v[2]), Activation::Identity),
                |x| reference(x, s.columns, s.other, |z| z),
            ),
            case!(
                "linear, tanh",
                |s| vec![
                    batch(s.columns, Domain::Real),
                    fixed(&[s.other, s.columns], Domain::Real),
                    fixed(&[s.other], Domain::Real),
                ],
                |t, v| t.linear(v[0], v[1], Some(v[2]), Activation::Tanh),
                |x| reference(x, s.columns, s.other, f64::tanh),
            ),
            case!(
                "linear, sigmoid, no bias",
                |s| vec![batch(s.columns, Domain::Real), fixed(&[s.other, s.columns], Domain::Real)],
                |t, v| t.linear(v[0], v[1], None, Activation::Sigmoid),
                |x| reference(x, s.columns, s.other, |z| 1.0 / (1.0 + (-z).exp())),
            ),
            case!(
                "linear, softplus",
                |s| vec![
                    batch(s.columns, Domain::Real),
                    fixed(&[s.other, s.columns], Domain::Real),
                    fixed(&[s.other], Domain::Real),
                ],
                |t, v| t.linear(v[0], v[1], Some(v[2]), Activation::Softplus),
                |x| reference(x, s.columns, s.other, |z| z.exp().ln_1p()),
            ),
            case!(
                "linear, kinks kept away from (elu of a large bias)",
                |s| vec![
                    batch(s.columns, Domain::Unit),
                    fixed(&[s.other, s.columns], Domain::Unit),
                    fixed(&[s.other], Domain::Positive),
                ],
                |t, v| {
                    let y = t.linear(v[0], v[1], Some(v[2]), Activation::Relu);
                    let y = t.scale(y, -1.0);
                    t.mul(t.elu(y, 1.0), t.leaky_relu(y, 0.2))
                },
                |x| reference(x, s.columns, s.other, |z| (-z).exp_m1() * -0.2 * z),
            ),
            case!(
                "linear, relu on both sides of its kink",
                |s| kinked(s),
                |t, v| t.linear(t.scale(v[0], 0.01), v[1], Some(v[2]), Activation::Relu),
                |x| reference(&small(x), s.columns, s.other, |z| z.max(0.0)),
            ),
            case!(
                "linear, leaky_relu on both sides of its kink",
                |s| kinked(s),
                |t, v| t.linear(t.scale(v[0], 0.01), v[1], Some(v[2]), Activation::LeakyRelu(0.25)),
                |x| reference(&small(x), s.columns, s.other, |z| if z < 0.0 { 0.25 * z } else { z }),
            ),
            case!(
                "linear, elu on both sides of its kink",
                |s| kinked(s),
                |t, v| t.linear(t.scale(v[0], 0.01), v[1], Some(v[2]), Activation::Elu(1.5)),
                |x| reference(&small(x), s.columns, s.other, |z| if z < 0.0 { 1.5 * z.exp_m1() } else { z }),
            ),
            case!(
                "linear_transposed, a tied pair",
                |s| vec![
                    batch(s.columns, Domain::Real),
                    fixed(&[s.other, s.columns], Domain::Real),
                    fixed(&[s.columns], Domain::Real),
                ],
                |t, v| {
                    let h = t.linear(v[0], v[1], None, Activation::Tanh);
                    t.linear_transposed(h, v[1], Some(v[2]), Activation::Sigmoid)
                },
                |x| {
                    let h = reference(&x[..2], s.columns, s.other, f64::tanh);
                    let transposed = (0..s.columns).flat_map(|c| (0..s.other).map(move |o| (c, o)));
                    let transposed = transposed.map(|(c, o)| x[1][o * s.columns + c]).collect();
                    reference(&[h, transposed, x[2].clone()], s.other, s.columns, |z| 1.0 / (1.0 + (-z).exp()))
                },
            ),
            case!(
                "linear, one input twice",
                |s| vec![fixed(&[s.columns, s.other], Domain::Real)],
                |t, v| t.linear(v[0], v[0], None, Activation::Identity),
                |x| reference(&[x[0].clone(), x[0].clone()], s.other, s.columns, |z| z),
            ),
        ]
    }

    /// Inputs whose sums have both signs and stay away from 0, once x is multiplied by 0.01.
    fn kinked(s: Sizes) -> Vec<CaseInput> {
        vec![
            batch(s.columns, Domain::Unit),
            fixed(&[s.other, s.columns], Domain::Unit),
            fixed(&[s.other], Domain::AwayFromZero(0.5)),
        ]
    }

    fn small(x: &[Vec<f64>]) -> [Vec<f64>; 3] {
        [x[0].iter().map(|x| 0.01 * x).collect(), x[1].clone(), x[2].clone()]
    }

    pub(in crate::ops) fn reference(x: &[Vec<f64>], into: usize, out: usize, f: fn(f64) -> f64) -> Vec<f64> {
        let bias = |o: usize| x.get(2).map_or(0.0, |bias| bias[o]);
        let rows = x[0].chunks(into);
        rows.flat_map(|row| {
            (0..out).map(move |o| {
                let weights = &x[1][o * into..(o + 1) * into];
                f(row.iter().zip(weights).map(|(a, b)| a * b).sum::<f64>() + bias(o))
            })
        })
        .collect()
    }
}
