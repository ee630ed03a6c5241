//! `y_j = x_j` for the k largest of each row, and 0 for the others: the k-sparse code (Makhzani & Frey 2013).
//!
//! The gradient goes to those that were kept. Exactly k are: of equal ones the first. Which they were is kept for
//! backward, as numbers of the element type, exact up to 2^24 columns in `f32`.

use super::GATE;
use super::select::{check_places, largest, rows};
use crate::base::Error;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

struct TopK(usize);

impl<T: Real> Tape<T> {
    /// Keeps the `k` largest numbers of each row of `x`, `[.., C]`, and makes the others 0.
    #[track_caller]
    pub fn top_k(&self, x: Var, k: usize) -> Var {
        self.record(TopK(k), &[x])
    }
}

impl<T: Real> Operation<T> for TopK {
    fn name(&self) -> &'static str {
        "top_k"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let x = inputs[0];
        if x.sizes().is_empty() || self.0 == 0 || self.0 > x.last() {
            return Err(format!("the {} largest of rows of {x}; there must be from 1 to as many", self.0));
        }
        check_places::<T>(x, x.last())?;
        let mut spec = Spec::new(x, 1).flops_per_element(4);
        spec.saved = Some(x.with_last(self.0));
        spec.scratch = Some(x);
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let (x, k, columns) = (run.inputs.get(0)?, self.0, run.inputs.shape(0).last());
        let split = run.context.split.gated(x.len(), GATE);
        let order = &mut run.scratch[..x.len()];
        split.parts(((x, order), &mut *run.output), rows(columns), &|((x, order), y): ((&[T], &mut [T]), &mut [T])| {
            let all = x.chunks_exact(columns).zip(order.chunks_exact_mut(columns)).zip(y.chunks_exact_mut(columns));
            for ((x, order), y) in all {
                y.fill(T::ZERO);
                largest(x, k, order, |_, place| y[place] = x[place]);
            }
        });
        if run.saved.is_empty() {
            return Ok(());
        }
        // Which were kept is seen from the result, but for those that are 0 themselves.
        let kept = run.saved.chunks_exact_mut(k);
        for ((x, y), kept) in x.chunks_exact(columns).zip(run.output.chunks_exact(columns)).zip(kept) {
            let mut places = (0..columns).filter(|&place| y[place] != T::ZERO);
            let mut zeros = (0..columns).filter(|&place| x[place] == T::ZERO);
            for to in kept {
                let place = places.next().or_else(|| zeros.next()).unwrap_or(0);
                *to = T::from_f64(place as f64);
            }
        }
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let columns = run.inputs.shape(0).last();
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        if !target.accumulate {
            target.slice.fill(T::ZERO);
        }
        let rows = run.output_gradient.chunks_exact(columns).zip(run.saved.chunks_exact(self.0));
        for ((dy, kept), dx) in rows.zip(target.slice.chunks_exact_mut(columns)) {
            for place in kept.iter().map(|place| place.to_f64() as usize) {
                dx[place] += dy[place];
            }
        }
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "top_k",
                |s| vec![batch(s.columns, Domain::Apart)],
                |t, v| t.top_k(v[0], s.columns.div_ceil(3)),
                |x| reference(&x[0], s.columns, s.columns.div_ceil(3)),
            ),
            case!(
                "top_k of all",
                |s| vec![batch(s.columns, Domain::Real)],
                |t, v| t.mul(t.top_k(v[0], s.columns), v[0]),
                |x| x[0].iter().map(|x| x * x).collect(),
            ),
        ]
    }

    fn reference(x: &[f64], columns: usize, k: usize) -> Vec<f64> {
        let row = |row: &[f64]| {
            let mut sorted = row.to_vec();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let (least, mut left) = (sorted[k - 1], k);
            let keep = |&x: &f64| {
                let kept = left > 0 && x >= least;
                left -= usize::from(kept);
                if kept { x } else { 0.0 }
            };
            row.iter().map(keep).collect::<Vec<f64>>()
        };
        x.chunks(columns).flat_map(row).collect()
    }
}
