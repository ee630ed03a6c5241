//! `y = (x − μ) / √(σ² + ε) · scale + shift`, μ and σ² the mean and the (biased) variance of each sample's last
//! dimensions (Ba, Kiros & Hinton 2016).
//!
//! With `r = 1/√(σ² + ε)`, `h = (x − μ) r` and `g = dy · scale`: `dx = r (g − mean(g) − h mean(g h))`,
//! `dscale = Σ dy h`, `dshift = Σ dy`. Of each row μ and r are kept. Rows are cut into fixed parts, whose sums are
//! added in order. A few passes over each row, which stays in the first cache.

use super::GATE;
use super::normalise::{PARTS, check_epsilon, part, reciprocal};
use super::select::rows;
use crate::base::Error;
use crate::base::parallel::{Halve, PerChunk};
use crate::simd::InOut;
use crate::simd::kernels::Elementwise;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var, Wanted};

/// Input 0 is x, input 1 the scale, input 2 the shift.
struct LayerNorm {
    epsilon: f64,
}

impl<T: Real> Tape<T> {
    /// Normalises `x` over its last dimensions, which are those of `scale` and `shift`: `[.., C]` with `[C]`, or
    /// `[.., H, W]` with `[H, W]`. `epsilon`, PyTorch's default being 1e-5, is added to the variance. The shape is
    /// kept.
    #[track_caller]
    pub fn layer_norm(&self, x: Var, scale: Var, shift: Var, epsilon: f64) -> Var {
        self.record(LayerNorm { epsilon }, &[x, scale, shift])
    }
}

/// Rows of the backward pass, and the sums of the parts that they are cut into.
struct Rows<'a, T> {
    columns: usize,
    /// Rows of a part.
    each: usize,
    x: &'a [T],
    means: &'a [T],
    factors: &'a [T],
    /// Overwritten.
    dy: &'a mut [T],
    dx: Option<Wanted<'a, T>>,
    /// For each part, one row.
    dscales: &'a mut [T],
    dshifts: &'a mut [T],
    rooms: &'a mut [T],
}

impl<T: Real> Halve for Rows<'_, T> {
    fn len(&self) -> usize {
        self.means.len()
    }

    /// At a whole number of parts.
    fn split_at(self, at: usize) -> (Self, Self) {
        let (columns, each) = (self.columns, self.each);
        let parts = at.div_ceil(each) * columns;
        let (means, factors) = (self.means.split_at(at), self.factors.split_at(at));
        let (x, dy) = (self.x.split_at(at * columns), self.dy.split_at_mut(at * columns));
        let (dscales, dshifts) = (self.dscales.split_at_mut(parts), self.dshifts.split_at_mut(parts));
        let rooms = self.rooms.split_at_mut(parts);
        let dx = match self.dx {
            None => (None, None),
            Some(Wanted { slice, accumulate }) => {
                let (a, b) = slice.split_at_mut(at * columns);
                (Some(Wanted { slice: a, accumulate }), Some(Wanted { slice: b, accumulate }))
            }
        };
        let half = |x, means, factors, dy, dx, dscales, dshifts, rooms| Self {
            columns,
            each,
            x,
            means,
            factors,
            dy,
            dx,
            dscales,
            dshifts,
            rooms,
        };
        (
            half(x.0, means.0, factors.0, dy.0, dx.0, dscales.0, dshifts.0, rooms.0),
            half(x.1, means.1, factors.1, dy.1, dx.1, dscales.1, dshifts.1, rooms.1),
        )
    }
}

impl<T: Real> Rows<'_, T> {
    /// All parts, one after the other.
    fn run(mut self, kernels: &Elementwise<T>, scale: &[T]) {
        while self.means.len() > self.each {
            let at = self.each;
            let (first, rest) = self.split_at(at);
            first.part(kernels, scale);
            self = rest;
        }
        self.part(kernels, scale);
    }

    /// One part: its sums, and the gradients of its rows.
    fn part(mut self, kernels: &Elementwise<T>, scale: &[T]) {
        let columns = self.columns;
        self.dscales.fill(T::ZERO);
        self.dshifts.fill(T::ZERO);
        let h = &mut *self.rooms;
        let rows = self.x.chunks_exact(columns).zip(self.dy.chunks_exact_mut(columns));
        for (r, ((x, dy), (&mean, &factor))) in rows.zip(self.means.iter().zip(self.factors)).enumerate() {
            kernels.add_scalar(InOut::pair(x, h), -mean);
            kernels.scale(InOut::same(h), factor);
            kernels.scale_into(InOut::pair(dy, self.dshifts), T::ONE, true);
            kernels.product(h, InOut::pair(dy, self.dscales), T::ZERO, true);
            let Some(Wanted { slice, accumulate }) = &mut self.dx else { continue };
            let dx = &mut slice[r * columns..(r + 1) * columns];
            kernels.product(scale, InOut::same(dy), T::ZERO, false);
            let mean = |sum: T| factor * T::from_f64(sum.to_f64() / columns as f64);
            let (level, slope) = (mean(kernels.sum(dy)), mean(kernels.dot(dy, h)));
            kernels.scale_into(InOut::pair(dy, dx), factor, *accumulate);
            kernels.scale_into(InOut::pair(h, dx), -slope, true);
            kernels.add_scalar(InOut::same(dx), -level);
        }
    }
}

impl<T: Real> Operation<T> for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let [x, scale, shift] = [inputs[0], inputs[1], inputs[2]];
        check_epsilon(self.epsilon)?;
        if scale.is_batch() || scale.sizes().is_empty() || !x.sizes().ends_with(scale.sizes()) {
            return Err(format!("the scale is {scale}; it must have the last sizes of {x}"));
        }
        if shift != scale {
            return Err(format!("the shift is {shift}; it must be {scale} as the scale"));
        }
        let columns = scale.sample_elements();
        let mut spec = Spec::new(x, 3).reading(&[0, 1]).flops_per_element(8);
        let normalised = x.sample_elements() / columns.max(1);
        spec.saved = Some(if x.is_batch() { Shape::batch(&[2, normalised]) } else { Shape::fixed(&[2, normalised]) });
        spec.scratch = spec.saved;
        spec.backward_scratch = Some(Shape::fixed(&[3, PARTS, columns]));
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let (x, scale, shift) = (run.inputs.get(0)?, run.inputs.get(1)?, run.inputs.get(2)?);
        let columns = scale.len();
        let kept = if run.saved.is_empty() { run.scratch } else { run.saved };
        let (means, factors) = kept.split_at_mut(x.len() / columns);
        let per_row = |results| PerChunk { results, chunk: columns };
        let whole = ((x, run.output), (per_row(means), per_row(factors)));
        let split = run.context.split.gated(x.len(), GATE);
        split.parts(whole, rows(columns), &|((x, y), (means, factors)): Normalised<'_, T>| {
            let kept = means.results.iter_mut().zip(factors.results);
            for ((x, y), (mean, factor)) in x.chunks_exact(columns).zip(y.chunks_exact_mut(columns)).zip(kept) {
                let over = |sum: T| sum.to_f64() / columns as f64;
                *mean = T::from_f64(over(kernels.sum(x)));
                kernels.add_scalar(InOut::pair(x, y), -*mean);
                *factor = T::from_f64(reciprocal(over(kernels.dot(y, y)), self.epsilon));
                kernels.scale_shift(InOut::same(y), scale, shift, *factor);
            }
        });
        Ok(())
    }

    fn backward(&self, run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let Backward { inputs, saved, scratch, output_gradient, mut gradients, context, .. } = run;
        let (x, scale) = (inputs.get(0)?, inputs.get(1)?);
        let columns = scale.len();
        let count = x.len() / columns;
        let each = part(count);
        let sums = count.div_ceil(each) * columns;
        let (dscales, rest) = scratch.split_at_mut(sums);
        let (dshifts, rest) = rest.split_at_mut(sums);
        let (means, factors) = saved.split_at(count);
        let rows = Rows {
            columns,
            each,
            x,
            means,
            factors,
            dy: output_gradient,
            dx: gradients.of(0)?.wanted(),
            dscales: &mut *dscales,
            dshifts: &mut *dshifts,
            rooms: &mut rest[..sums],
        };
        context.split.gated(x.len(), GATE).parts(rows, each, &|rows: Rows<'_, T>| rows.run(kernels, scale));
        for (input, sums) in [(1, dscales), (2, dshifts)] {
            if let Some(target) = gradients.of(input)?.wanted() {
                kernels.column_sums(sums, columns, target.slice, target.accumulate);
            }
        }
        Ok(())
    }
}

/// Rows of x and of the result, and what is kept of each.
type Normalised<'a, T> = ((&'a [T], &'a mut [T]), (PerChunk<'a, T>, PerChunk<'a, T>));

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::Shape;
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "layer_norm",
                |s| vec![
                    batch(s.columns, Domain::Real),
                    fixed(&[s.columns], Domain::Real),
                    fixed(&[s.columns], Domain::Real),
                ],
                |t, v| t.layer_norm(v[0], v[1], v[2], 0.1),
                |x| reference(x, s.columns, 0.1),
            ),
            case!(
                "layer_norm over two dimensions, far from 0, beside another use",
                |s| vec![
                    CaseInput { shape: Shape::batch(&[3, 2, s.columns]), domain: Domain::Real },
                    fixed(&[2, s.columns], Domain::Real),
                    fixed(&[2, s.columns], Domain::Real),
                ],
                |t, v| t.add(t.layer_norm(t.add_scalar(v[0], 20.0), v[1], v[2], 0.1), v[0]),
                |x| reference(x, 2 * s.columns, 0.1).iter().zip(&x[0]).map(|(y, x)| y + x).collect(),
            ),
        ]
    }

    fn reference(x: &[Vec<f64>], columns: usize, epsilon: f64) -> Vec<f64> {
        let row = |row: &[f64]| {
            let mean = row.iter().sum::<f64>() / columns as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / columns as f64;
            let of = |(c, v): (usize, &f64)| (v - mean) / (variance + epsilon).sqrt() * x[1][c] + x[2][c];
            row.iter().enumerate().map(of).collect::<Vec<f64>>()
        };
        x[0].chunks(columns).flat_map(row).collect()
    }
}
