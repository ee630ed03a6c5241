//! `y_ij = 1` where j is the number `c_i`, else 0: a class as a row. `[N, 1]` gives `[N, C]`.
//!
//! There is no gradient. A number that is none of `0..C`, NaN among them, is an error of the forward pass.

use super::GATE;
use super::select::{check_indices, check_places, rows};
use crate::base::Error;
use crate::base::parallel::Placed;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// So many classes.
struct OneHot(usize);

impl<T: Real> Tape<T> {
    /// The numbers of `indices`, `[.., 1]`, each as a row of `count` that is 1 at that number and 0 elsewhere,
    /// `[.., count]`. No gradient. One that is not a whole number in `0..count` is an error of the forward pass.
    #[track_caller]
    pub fn one_hot(&self, indices: Var, count: usize) -> Var {
        self.record(OneHot(count), &[indices])
    }
}

impl<T: Real> Operation<T> for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let indices = inputs[0];
        if indices.sizes().is_empty() || indices.last() != 1 {
            return Err(format!("{indices} are no single numbers; give [.., 1]"));
        }
        if self.0 == 0 {
            return Err("there are 0 classes; give at least 1".into());
        }
        check_places::<T>(indices, self.0)?;
        Ok(Spec::new(indices.with_last(self.0), 1).without_gradient())
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let indices = run.inputs.get(0)?;
        check_indices(indices, self.0)?;
        let split = run.context.split.gated(run.output.len(), GATE);
        split.parts(Placed { slice: run.output, from: 0 }, rows(self.0), &|part: Placed<'_, T>| {
            part.slice.fill(T::ZERO);
            for (row, index) in part.slice.chunks_exact_mut(self.0).zip(&indices[part.from / self.0..]) {
                row[index.to_f64() as usize] = T::ONE;
            }
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
            "one_hot, times what is beside it",
            |s| {
                let indices = CaseInput { shape: crate::Shape::batch(&[1]), domain: Domain::Index(s.columns) };
                vec![indices, batch(s.columns, Domain::Real)]
            },
            |t, v| t.mul(t.one_hot(v[0], t.shape(v[1]).last()), v[1]),
            |x| {
                let row = |(row, &index): (&[f64], &f64)| {
                    let at = |(i, x): (usize, &f64)| if i == index as usize { *x } else { 0.0 };
                    row.iter().enumerate().map(at).collect::<Vec<f64>>()
                };
                x[1].chunks(s.columns).zip(&x[0]).flat_map(row).collect()
            },
        )]
    }
}
