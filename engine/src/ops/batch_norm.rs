//! `y = (x − μ_c) / √(σ²_c + ε) · scale_c + shift_c` for each channel c of `[N, C]` or `[N, C, ..]` (Ioffe & Szegedy
//! 2015).
//!
//! In training μ and σ² are the mean and the (biased) variance over the batch and all positions, and the gradient goes
//! through both: with `r = 1/√(σ² + ε)`, `h = x − μ` and M numbers in a channel,
//! `dx = scale r (dy − Σdy / M − h r² Σ(dy h) / M)`, `dscale = r Σ(dy h)`, `dshift = Σ dy`. In evaluation they are
//! given and constant, and `dx = scale r dy`. Of each channel μ and r are kept.
//!
//! Bound by memory: x is read three times forward, x and dy twice backward; what is between stays in the first cache.
//! See [`channels`](super::channels) for the order of additions.

use super::channels::{Channels, TILE, count, minus, plus, room, times};
use super::normalise::{PARTS, check_epsilon, reciprocal};
use crate::base::parallel::PerChunk;
use crate::base::{Context, Error};
use crate::simd::InOut;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var, Wanted};

/// Input 0 is x, input 1 the scale, input 2 the shift, input 3 the moments where they are given.
struct BatchNorm {
    epsilon: f64,
    given: bool,
}

impl<T: Real> Tape<T> {
    /// Normalises each channel of `x`, `[N, C]` or `[N, C, ..]`, by its own mean and biased variance over the batch,
    /// for training; `scale` and `shift` are `[C]`. `epsilon`, PyTorch's default being 1e-5, is added to the variance.
    /// The shape is kept. Evaluation takes moments that were averaged while training: see [`Self::batch_moments`].
    #[track_caller]
    pub fn batch_norm(&self, x: Var, scale: Var, shift: Var, epsilon: f64) -> Var {
        self.record(BatchNorm { epsilon, given: false }, &[x, scale, shift])
    }

    /// The same by given `moments`, `[2, C]`, the means and then the variances, for evaluation. They have no gradient.
    #[track_caller]
    pub fn batch_norm_given(&self, x: Var, scale: Var, shift: Var, moments: Var, epsilon: f64) -> Var {
        self.record(BatchNorm { epsilon, given: true }, &[x, scale, shift, moments])
    }
}

/// What backward found of each channel: `dx = factor (dy - level - h slope)`.
#[derive(Clone, Copy)]
struct Coefficients<'a, T> {
    means: &'a [T],
    factors: &'a [T],
    levels: &'a [T],
    slopes: &'a [T],
}

impl Channels {
    /// The sums of dy and of `dy (x - mean)` over each part.
    fn gradient_sums<T: Real>(
        &self,
        (x, dy, means): (&[T], &[T], &[T]),
        [levels, slopes]: [&mut [T]; 2],
        context: Context,
    ) {
        let (kernels, grain) = (T::elementwise(context.backend), self.grain());
        let whole = ((x, dy), (self.per_part(levels), self.per_part(slopes)));
        self.split(context).parts(whole, grain, &|((x, dy), (levels, slopes)): Summed<'_, T>| {
            let mut room = [T::ZERO; TILE];
            let sums =
                levels.results.chunks_exact_mut(self.channels).zip(slopes.results.chunks_exact_mut(self.channels));
            for ((x, dy), (levels, slopes)) in x.chunks(grain).zip(dy.chunks(grain)).zip(sums) {
                levels.fill(T::ZERO);
                slopes.fill(T::ZERO);
                for tile in self.tiles(x.len()) {
                    let (h, dy) = (&mut room[..tile.range.len()], &dy[tile.range.clone()]);
                    minus(kernels, &x[tile.range.clone()], self.row(means, &tile), h);
                    self.add(kernels, dy, levels, &tile);
                    self.add_products(kernels, (h, dy), slopes, &tile);
                }
            }
        });
    }

    /// `dx = factor (dy - level - h slope)`, or added; dy is overwritten.
    fn gradient<T: Real>(
        &self,
        (x, dy): (&[T], &mut [T]),
        of: Coefficients<'_, T>,
        Wanted { slice, accumulate }: Wanted<'_, T>,
        context: Context,
    ) {
        let kernels = T::elementwise(context.backend);
        let whole = ((x, dy), slice);
        self.split(context).parts(whole, self.grain(), &|((x, dy), dx): ((&[T], &mut [T]), &mut [T])| {
            let mut room = [T::ZERO; TILE];
            for tile in self.tiles(x.len()) {
                let (h, range) = (&mut room[..tile.range.len()], tile.range.clone());
                let dy = &mut dy[range.clone()];
                minus(kernels, &x[range.clone()], self.row(of.means, &tile), h);
                times(kernels, InOut::same(h), self.row(of.slopes, &tile), false);
                plus(kernels, h, self.row(of.levels, &tile));
                kernels.scale_into(InOut::pair(h, dy), -T::ONE, true);
                times(kernels, InOut::pair(dy, &mut dx[range]), self.row(of.factors, &tile), accumulate);
            }
        });
    }
}

/// Numbers of x and of dy, and the sums of their parts.
type Summed<'a, T> = ((&'a [T], &'a [T]), (PerChunk<'a, T>, PerChunk<'a, T>));

impl<T: Real> Operation<T> for BatchNorm {
    fn name(&self) -> &'static str {
        if self.given { "batch_norm_given" } else { "batch_norm" }
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let x = inputs[0];
        let channels = count(&x)?;
        check_epsilon(self.epsilon)?;
        for (what, shape) in [("scale", inputs[1]), ("shift", inputs[2])] {
            if shape != Shape::fixed(&[channels]) {
                return Err(format!("the {what} is {shape}; it must be [{channels}], a number a channel of {x}"));
            }
        }
        if let Some(moments) = inputs.get(3).filter(|&&shape| shape != Shape::fixed(&[2, channels])) {
            return Err(format!("the moments are {moments}; they must be [2, {channels}]: means, then variances"));
        }
        let mut spec = Spec::new(x, inputs.len()).reading(&[0, 1]).flops_per_element(8);
        spec.differentiable = 0b111;
        spec.saved = Some(Shape::fixed(&[2, channels]));
        spec.scratch = Some(room(channels, 1, 3));
        spec.backward_scratch = Some(room(channels, 2, 3));
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let channels = Channels::of(&run.inputs.shape(0), run.inputs.rows());
        let c = channels.channels;
        let (x, scale, shift) = (run.inputs.get(0)?, run.inputs.get(1)?, run.inputs.get(2)?);
        let (sums, rest) = run.scratch.split_at_mut(PARTS * c);
        let (factors, rest) = rest.split_at_mut(c);
        let kept = if run.saved.is_empty() { rest } else { run.saved };
        let (means, reciprocals) = kept[..2 * c].split_at_mut(c);
        if self.given {
            let moments = run.inputs.get(3)?;
            means.copy_from_slice(&moments[..c]);
            reciprocals.copy_from_slice(&moments[c..]);
        } else {
            channels.moments(x, sums, [&mut *means, &mut *reciprocals], run.context);
        }
        for ((factor, r), &scale) in factors.iter_mut().zip(reciprocals).zip(scale) {
            *r = T::from_f64(reciprocal(r.to_f64(), self.epsilon));
            *factor = *r * scale;
        }
        let (means, factors) = (&*means, &*factors);
        let whole = (x, run.output);
        channels.split(run.context).parts(whole, channels.grain(), &|(x, y): (&[T], &mut [T])| {
            for tile in channels.tiles(x.len()) {
                let y = &mut y[tile.range.clone()];
                minus(kernels, &x[tile.range.clone()], channels.row(means, &tile), y);
                times(kernels, InOut::same(y), channels.row(factors, &tile), false);
                plus(kernels, y, channels.row(shift, &tile));
            }
        });
        Ok(())
    }

    fn backward(&self, run: Backward<'_, T>) -> Result<(), Error> {
        let Backward { inputs, saved, scratch, output_gradient, mut gradients, context, .. } = run;
        let channels = Channels::of(&inputs.shape(0), inputs.rows());
        let c = channels.channels;
        let (x, scale) = (inputs.get(0)?, inputs.get(1)?);
        let (means, reciprocals) = saved[..2 * c].split_at(c);
        let (level_sums, rest) = scratch.split_at_mut(PARTS * c);
        let (slope_sums, rest) = rest.split_at_mut(PARTS * c);
        let sums = [&mut *level_sums, &mut *slope_sums];
        channels.gradient_sums((x, &*output_gradient, means), sums, context);
        for (input, sums) in [(1, &*slope_sums), (2, &*level_sums)] {
            let Some(Wanted { slice, accumulate }) = gradients.of(input)?.wanted() else { continue };
            for (channel, to) in slice.iter_mut().enumerate() {
                let factor = if input == 1 { reciprocals[channel].to_f64() } else { 1.0 };
                let sum = T::from_f64(factor * channels.total(sums, channel));
                *to = if accumulate { *to + sum } else { sum };
            }
        }
        let Some(target) = gradients.of(0)?.wanted() else { return Ok(()) };
        let (factors, rest) = rest.split_at_mut(c);
        let (levels, slopes) = rest.split_at_mut(c);
        // Given moments are constants: nothing flows through them.
        let share = if self.given { 0.0 } else { 1.0 / channels.numbers() };
        for channel in 0..c {
            let r = reciprocals[channel];
            factors[channel] = r * scale[channel];
            levels[channel] = T::from_f64(share * channels.total(level_sums, channel));
            let slope = r.to_f64() * r.to_f64() * channels.total(slope_sums, channel);
            slopes[channel] = T::from_f64(share * slope);
        }
        let of = Coefficients { means, factors, levels, slopes: &slopes[..c] };
        channels.gradient((x, output_gradient), of, target, context);
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::Shape;
    use crate::ops::batch_moments::cases::moments;
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "batch_norm of columns",
                |s| with(batch(s.columns, Domain::Real), s.columns),
                |t, v| t.batch_norm(v[0], v[1], v[2], 0.1),
                |x| reference(x, [s.columns, 1], 0.1, &moments(&x[0], s.columns, 1, 0.0)),
            ),
            case!(
                "batch_norm of planes, far from 0, beside another use",
                |s| with(planes(s), 3),
                |t, v| t.add(t.batch_norm(t.add_scalar(v[0], 2.0), v[1], v[2], 0.1), v[0]),
                |x| {
                    let [h, w] = [2, s.columns];
                    let y = reference(x, [3, h * w], 0.1, &moments(&x[0], 3, h * w, 0.0));
                    y.iter().zip(&x[0]).map(|(y, x)| y + x).collect()
                },
            ),
            case!(
                "batch_norm_given",
                |s| {
                    let mut inputs = with(planes(s), 3);
                    inputs.push(fixed(&[2, 3], Domain::Positive));
                    inputs
                },
                |t, v| t.batch_norm_given(v[0], v[1], v[2], v[3], 1e-3),
                |x| reference(x, [3, 2 * s.columns], 1e-3, &[x[3][..3].to_vec(), x[3][3..].to_vec()]),
            ),
        ]
    }

    fn planes(s: Sizes) -> CaseInput {
        CaseInput { shape: Shape::batch(&[3, 2, s.columns]), domain: Domain::Real }
    }

    /// With scale and shift.
    fn with(x: CaseInput, channels: usize) -> Vec<CaseInput> {
        vec![x, fixed(&[channels], Domain::Real), fixed(&[channels], Domain::Real)]
    }

    fn reference(x: &[Vec<f64>], [channels, positions]: [usize; 2], epsilon: f64, of: &[Vec<f64>; 2]) -> Vec<f64> {
        let each = x[0].iter().enumerate();
        let one = |(at, v): (usize, &f64)| {
            let c = at / positions % channels;
            (v - of[0][c]) / (of[1][c] + epsilon).sqrt() * x[1][c] + x[2][c]
        };
        each.map(one).collect()
    }
}
