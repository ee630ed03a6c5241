//! A row of a table as layers see it: quantities and yes and no as they are, a class as a row that is 1 at its number and
//! 0 elsewhere, `[N, C]` to `[N, W]`; what a mask says is missing is 0 throughout.
//!
//! There is no gradient. One pass over a row, as in `column_likelihood`, whose columns these are.

use super::column_likelihood::ColumnLikelihood;
use super::select::{check_indices, check_places};
use crate::base::Error;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// Input 0 is the columns, input 1 the mask, where there is one.
struct OneHotColumns(Vec<ColumnLikelihood>);

impl<T: Real> Tape<T> {
    /// `x` `[N, C]` with each class as a row of its column's classes, `[N, W]`, times the `mask` `[N, C]` of what is there. No
    /// gradient. A class that is not a whole number of its column's is an error of the forward pass.
    #[track_caller]
    pub fn one_hot_columns(&self, x: Var, mask: Option<Var>, columns: &[ColumnLikelihood]) -> Var {
        let operation = OneHotColumns(columns.to_vec());
        match mask {
            Some(mask) => self.record(operation, &[x, mask]),
            None => self.record(operation, &[x]),
        }
    }
}

impl<T: Real> Operation<T> for OneHotColumns {
    fn name(&self) -> &'static str {
        "one_hot_columns"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let x = inputs[0];
        let width = self.0.iter().try_fold(0usize, |sum, column| sum.checked_add(column.width()));
        let width = width.filter(|&width| width > 0).ok_or("the columns have no numbers, or too many")?;
        let sizes = if x.is_batch() { 1 } else { 2 };
        if x.sizes().len() != sizes || x.last() != self.0.len() || inputs.iter().any(|shape| *shape != x) {
            return Err(format!("{x} is not [N, {}], or the mask is not like it", self.0.len()));
        }
        check_places::<T>(x, width)?;
        Ok(Spec::new(x.with_last(width), inputs.len()).without_gradient())
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let x = run.inputs.get(0)?;
        let mask = if run.inputs.count() > 1 { Some(run.inputs.get(1)?) } else { None };
        let count = self.0.len().max(1);
        let width = run.output.len() / (x.len() / count).max(1);
        for (row, (x, out)) in x.chunks_exact(count).zip(run.output.chunks_exact_mut(width.max(1))).enumerate() {
            let mut at = 0;
            for (column, (kind, &value)) in self.0.iter().zip(x).enumerate() {
                let there = mask.map_or(T::ONE, |mask| mask[row * count + column]);
                match *kind {
                    ColumnLikelihood::Categorical(classes) => {
                        check_indices(std::slice::from_ref(&value), classes)?;
                        out[at..at + classes].fill(T::ZERO);
                        out[at + value.to_f64() as usize] = there;
                    }
                    _ => out[at] = value * there,
                }
                at += kind.width();
            }
        }
        Ok(())
    }

    fn backward(&self, _: Backward<'_, T>) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use super::ColumnLikelihood::{Bernoulli, Categorical, Gaussian};
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![case!(
            "one_hot_columns, times what is beside it",
            |_s| vec![batch(3, Domain::Index(2)), batch(3, Domain::Index(2)), batch(5, Domain::Real)],
            |t, v| t.mul(t.one_hot_columns(v[0], Some(v[1]), &[Gaussian, Categorical(3), Bernoulli]), v[2]),
            |x| {
                let rows = x[0].chunks(3).zip(x[1].chunks(3)).zip(x[2].chunks(5));
                rows.flat_map(|((x, mask), beside)| {
                    let mut row = [x[0] * mask[0], 0.0, 0.0, 0.0, x[2] * mask[2]];
                    row[1 + x[1] as usize] = mask[1];
                    row.into_iter().zip(beside).map(|(a, b)| a * b).collect::<Vec<f64>>()
                })
                .collect()
            },
        )]
    }
}
