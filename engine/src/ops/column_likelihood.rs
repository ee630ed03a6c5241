//! `−ln p_c(x_c | z)` of each column c of a table, columns of quantities, of yes and no, and of classes side by side:
//!
//! * Gaussian, of a mean z and a variance v of the column's own: `(z − x)²/(2v) + ½ ln 2πv`; plain, without the second
//!   term.
//! * Bernoulli, of a logit z: `softplus(z) − x z`.
//! * Categorical, of logits z_1 .. z_L: `ln Σ_j e^(z_j) − z_x`, x being the number of the class.
//!
//! One pass over a row does all of them: column by column, from operations that are there, a table of twenty columns
//! would be a hundred operations on a few numbers each. Exponentials are taken of a whole row at a time. One thread does
//! it: a batch is a few thousand numbers.

use super::select::{check_indices, check_places};
use crate::base::Error;
use crate::simd::InOut;
use crate::simd::kernels::Elementwise;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};
use std::f64::consts::TAU;

/// The distribution of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnLikelihood {
    /// Of quantities: a mean.
    Gaussian,
    /// Of 0 and 1: a logit.
    Bernoulli,
    /// Of so many classes: a logit each.
    Categorical(usize),
}

impl ColumnLikelihood {
    /// How many numbers describe it.
    pub fn width(self) -> usize {
        match self {
            Self::Gaussian | Self::Bernoulli => 1,
            Self::Categorical(classes) => classes,
        }
    }
}

/// Input 0 is what describes the columns, input 1 the columns, input 2 the Gaussian ones' variances, where there are any.
struct LikelihoodOfColumns {
    columns: Vec<ColumnLikelihood>,
    plain: bool,
}

impl<T: Real> Tape<T> {
    /// The negative log-likelihood of each column, `[N, C]`: of `x` `[N, C]` by `raw` `[N, W]`, which holds the numbers of
    /// all columns' distributions one after the other, and `variance` `[G]`, of the Gaussian ones in their order, all above
    /// 0. `plain` leaves out the Gaussian ones' `½ ln 2πv`, so that no value is negative. Gradients go to `raw` and
    /// `variance`. A class that is not a whole number of its column's is an error of the forward pass.
    #[track_caller]
    pub fn column_likelihood(
        &self,
        raw: Var,
        x: Var,
        variance: Option<Var>,
        columns: &[ColumnLikelihood],
        plain: bool,
    ) -> Var {
        let operation = LikelihoodOfColumns { columns: columns.to_vec(), plain };
        match variance {
            Some(variance) => self.record(operation, &[raw, x, variance]),
            None => self.record(operation, &[raw, x]),
        }
    }
}

impl LikelihoodOfColumns {
    fn width(&self) -> Option<usize> {
        self.columns.iter().try_fold(0usize, |sum, column| sum.checked_add(column.width()))
    }

    /// Fills `room` with the exponentials that a row needs: of a logit `e^−|z|`, of classes `e^(z − max)`.
    fn exponentials<T: Real>(&self, kernels: &Elementwise<T>, raw: &[T], room: &mut [T]) {
        let mut at = 0;
        for column in &self.columns {
            let (z, to) = (&raw[at..at + column.width()], &mut room[at..at + column.width()]);
            match column {
                ColumnLikelihood::Gaussian => to[0] = T::ZERO,
                ColumnLikelihood::Bernoulli => to[0] = T::from_f64(-z[0].to_f64().abs()),
                ColumnLikelihood::Categorical(_) => {
                    let most = z.iter().fold(z[0], |most, &z| if z > most { z } else { most });
                    to.iter_mut().zip(z).for_each(|(to, &z)| *to = z - most);
                }
            }
            at += column.width();
        }
        kernels.exp(InOut::same(room), T::ONE);
    }

    /// The values of a row.
    fn row<T: Real>(
        &self,
        kernels: &Elementwise<T>,
        (raw, x, variance): (&[T], &[T], &[T]),
        room: &mut [T],
        out: &mut [T],
    ) {
        self.exponentials(kernels, raw, room);
        let (mut at, mut gaussian) = (0, 0);
        for ((column, &x), out) in self.columns.iter().zip(x).zip(out) {
            let z = raw[at].to_f64();
            *out = T::from_f64(match *column {
                ColumnLikelihood::Gaussian => {
                    let v = variance[gaussian].to_f64();
                    gaussian += 1;
                    let constant = if self.plain { 0.0 } else { 0.5 * (TAU * v).ln() };
                    (z - x.to_f64()).powi(2) / (2.0 * v) + constant
                }
                ColumnLikelihood::Bernoulli => z.max(0.0) + room[at].to_f64().ln_1p() - x.to_f64() * z,
                ColumnLikelihood::Categorical(classes) => {
                    let (z, powers) = (&raw[at..at + classes], &room[at..at + classes]);
                    let most = z.iter().fold(z[0], |most, &z| if z > most { z } else { most });
                    kernels.sum(powers).to_f64().ln() + most.to_f64() - z[x.to_f64() as usize].to_f64()
                }
            });
            at += column.width();
        }
    }

    /// The gradient of a row's `raw`, for that of its values.
    fn gradient<T: Real>(
        &self,
        kernels: &Elementwise<T>,
        (raw, x, variance): (&[T], &[T], &[T]),
        upstream: &[T],
        room: &mut [T],
    ) {
        self.exponentials(kernels, raw, room);
        let (mut at, mut gaussian) = (0, 0);
        for ((column, &x), &g) in self.columns.iter().zip(x).zip(upstream) {
            let (z, x) = (raw[at].to_f64(), x.to_f64());
            match *column {
                ColumnLikelihood::Gaussian => {
                    room[at] = T::from_f64(g.to_f64() * (z - x) / variance[gaussian].to_f64());
                    gaussian += 1;
                }
                ColumnLikelihood::Bernoulli => {
                    let power = room[at].to_f64();
                    let sigmoid = if z >= 0.0 { 1.0 / (1.0 + power) } else { power / (1.0 + power) };
                    room[at] = T::from_f64(g.to_f64() * (sigmoid - x));
                }
                ColumnLikelihood::Categorical(classes) => {
                    let powers = &mut room[at..at + classes];
                    let factor = T::from_f64(g.to_f64() / kernels.sum(powers).to_f64());
                    powers.iter_mut().for_each(|power| *power = *power * factor);
                    powers[x as usize] = powers[x as usize] - g;
                }
            }
            at += column.width();
        }
    }

    /// Adds what all rows give to the gradient of the variances.
    fn variances<T: Real>(&self, (raw, x, variance): (&[T], &[T], &[T]), upstream: &[T], sums: &mut [T]) {
        let (width, count) = (raw.len() / (x.len() / self.columns.len().max(1)).max(1), self.columns.len());
        for ((raw, x), g) in raw.chunks_exact(width).zip(x.chunks_exact(count)).zip(upstream.chunks_exact(count)) {
            let (mut at, mut gaussian) = (0, 0);
            for ((column, &x), &g) in self.columns.iter().zip(x).zip(g) {
                if *column == ColumnLikelihood::Gaussian {
                    let v = variance[gaussian].to_f64();
                    let square = (raw[at].to_f64() - x.to_f64()).powi(2);
                    let constant = if self.plain { 0.0 } else { 0.5 / v };
                    sums[gaussian] += T::from_f64(g.to_f64() * (constant - 0.5 * square / (v * v)));
                    gaussian += 1;
                }
                at += column.width();
            }
        }
    }
}

impl<T: Real> Operation<T> for LikelihoodOfColumns {
    fn name(&self) -> &'static str {
        "column_likelihood"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let (raw, x) = (inputs[0], inputs[1]);
        let width = self.width().ok_or("the columns' distributions have too many numbers")?;
        let gaussian = self.columns.iter().filter(|column| **column == ColumnLikelihood::Gaussian).count();
        if self.columns.is_empty() || self.columns.iter().any(|column| column.width() == 0) {
            return Err("there must be a column, and each column of classes must have one".into());
        }
        let sizes = if raw.is_batch() { 1 } else { 2 };
        if raw.sizes().len() != sizes || raw.last() != width || x != raw.with_last(self.columns.len()) {
            return Err(format!("{raw} and {x} are not [N, {width}] and [N, {}]", self.columns.len()));
        }
        match inputs.get(2) {
            None if gaussian > 0 => return Err("Gaussian columns need variances".into()),
            Some(variance) if variance.is_batch() || variance.sizes() != [gaussian] => {
                return Err(format!("the variances are {variance}; they must be [{gaussian}]"));
            }
            _ => {}
        }
        check_places::<T>(raw, width)?;
        let mut spec = Spec::new(x, inputs.len());
        spec.differentiable = 0b101 & if inputs.len() > 2 { 0b111 } else { 0b011 };
        spec.reads_inputs = if inputs.len() > 2 { 0b111 } else { 0b011 };
        spec.scratch = Some(raw);
        spec.backward_scratch = Some(raw);
        let elements = 25u64.saturating_mul(raw.sample_elements() as u64);
        spec.flops = if raw.is_batch() { (0, elements) } else { (elements, 0) };
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let (raw, x) = (run.inputs.get(0)?, run.inputs.get(1)?);
        let variance = if run.inputs.count() > 2 { run.inputs.get(2)? } else { &[] };
        let (count, width) = (self.columns.len(), run.inputs.shape(0).last());
        for (at, column) in self.columns.iter().enumerate() {
            if let ColumnLikelihood::Categorical(classes) = *column {
                x.iter().skip(at).step_by(count).try_for_each(|x| check_indices(std::slice::from_ref(x), classes))?;
            }
        }
        let rows = raw.chunks_exact(width).zip(x.chunks_exact(count));
        for ((raw, x), (room, out)) in
            rows.zip(run.scratch.chunks_exact_mut(width).zip(run.output.chunks_exact_mut(count)))
        {
            self.row(kernels, (raw, x, variance), room, out);
        }
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let (raw, x) = (run.inputs.get(0)?, run.inputs.get(1)?);
        let has_variance = run.inputs.count() > 2;
        let variance = if has_variance { run.inputs.get(2)? } else { &[] };
        let (count, width) = (self.columns.len(), run.inputs.shape(0).last());
        if let Some(to) = run.gradients.of(0)?.wanted() {
            let accumulate = to.accumulate;
            let rows = raw.chunks_exact(width).zip(x.chunks_exact(count)).zip(run.output_gradient.chunks_exact(count));
            for (((raw, x), g), (room, to)) in
                rows.zip(run.scratch.chunks_exact_mut(width).zip(to.slice.chunks_exact_mut(width)))
            {
                self.gradient(kernels, (raw, x, variance), g, room);
                kernels.scale_into(InOut::pair(room, to), T::ONE, accumulate);
            }
        }
        if has_variance && let Some(to) = run.gradients.of(2)?.wanted() {
            let sums = &mut run.scratch[..variance.len()];
            sums.fill(T::ZERO);
            self.variances((raw, x, variance), run.output_gradient, sums);
            kernels.scale_into(InOut::pair(sums, to.slice), T::ONE, to.accumulate);
        }
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use super::ColumnLikelihood::{self, Bernoulli, Categorical, Gaussian};
    use crate::ops::cases::*;
    use std::f64::consts::TAU;

    /// Columns of each kind in turn.
    fn kinds(columns: usize) -> Vec<ColumnLikelihood> {
        (0..columns).map(|at| [Gaussian, Categorical(3), Bernoulli, Categorical(2)][at % 4]).collect()
    }

    fn inputs(columns: usize) -> Vec<CaseInput> {
        let kinds = kinds(columns);
        let width = kinds.iter().map(|kind| kind.width()).sum();
        let gaussian = kinds.iter().filter(|kind| **kind == Gaussian).count();
        vec![batch(width, Domain::Real), batch(columns, Domain::Index(2)), fixed(&[gaussian], Domain::Positive)]
    }

    fn reference(x: &[Vec<f64>], columns: usize, plain: bool) -> Vec<f64> {
        let kinds = kinds(columns);
        let width: usize = kinds.iter().map(|kind| kind.width()).sum();
        let mut out = Vec::new();
        for (raw, values) in x[0].chunks(width).zip(x[1].chunks(columns)) {
            let (mut at, mut gaussian) = (0, 0);
            for (kind, &x_c) in kinds.iter().zip(values) {
                let z = &raw[at..at + kind.width()];
                out.push(match kind {
                    Gaussian => {
                        let v = x[2][gaussian];
                        gaussian += 1;
                        (z[0] - x_c).powi(2) / (2.0 * v) + if plain { 0.0 } else { 0.5 * (TAU * v).ln() }
                    }
                    Bernoulli => z[0].exp().ln_1p() - x_c * z[0],
                    Categorical(_) => z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[x_c as usize],
                });
                at += kind.width();
            }
        }
        out
    }

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "column_likelihood",
                |s| inputs(s.columns),
                |t, v| t.column_likelihood(v[0], v[1], Some(v[2]), &kinds(t.shape(v[1]).last()), false),
                |x| reference(x, s.columns, false),
            ),
            case!(
                "column_likelihood, plain, twice",
                |s| inputs(s.columns),
                |t, v| {
                    let kinds = kinds(t.shape(v[1]).last());
                    let of = |plain| t.column_likelihood(v[0], v[1], Some(v[2]), &kinds, plain);
                    t.sub(t.scale(of(true), 3.0), of(true))
                },
                |x| reference(x, s.columns, true).into_iter().map(|x| 2.0 * x).collect(),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::ColumnLikelihood::{Bernoulli, Categorical, Gaussian};
    use crate::{Parameters, Shape, Split, Tape};

    #[test]
    fn what_does_not_fit_is_refused() {
        let parameters = Parameters::<f32>::new();
        let tape = |width: usize, columns: usize, variance: Option<usize>| {
            let tape = Tape::new(&parameters, 2);
            let (raw, x) = (tape.input("raw", Shape::batch(&[width])), tape.input("x", Shape::batch(&[columns])));
            let variance = variance.map(|count| tape.input("v", Shape::fixed(&[count])));
            let value = tape.column_likelihood(raw, x, variance, &[Gaussian, Categorical(2), Bernoulli], false);
            tape.infer(&[value]).map(|_| ())
        };
        assert!(tape(4, 3, Some(1)).is_ok());
        for (width, columns, variance) in [(5, 3, Some(1)), (4, 2, Some(1)), (4, 3, Some(2)), (4, 3, None)] {
            assert!(tape(width, columns, variance).is_err());
        }
    }

    #[test]
    fn a_class_that_is_none_is_an_error() {
        let parameters = Parameters::<f32>::new();
        let tape = Tape::new(&parameters, 2);
        let (raw, x) = (tape.input("raw", Shape::batch(&[3])), tape.input("x", Shape::batch(&[1])));
        let value = tape.column_likelihood(raw, x, None, &[Categorical(3)], false);
        let plan = tape.infer(&[value]).unwrap();
        let mut workspace = plan.workspace().unwrap();
        for (class, good) in [(2.0, true), (3.0, false), (0.5, false), (f32::NAN, false)] {
            workspace.input_mut(raw).unwrap().fill(1.0);
            workspace.input_mut(x).unwrap().fill(class);
            assert_eq!(plan.forward(&parameters, &mut workspace, Split::Serial).is_ok(), good);
        }
    }
}
