//! The place of the largest and of the smallest of each row: `[.., C]` gives `[.., 1]`, numbers from 0.
//!
//! Of equal ones it is the first. NaN counts as larger than all, as in `top_k`: the largest is the first NaN, the
//! smallest is one that is not. There is no gradient; cut by `stop_gradient` where a loss depends on the places.

use super::GATE;
use super::select::{check_places, rows};
use crate::base::Error;
use crate::base::parallel::PerChunk;
use crate::simd::kernels::Elementwise;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extreme {
    Largest,
    Smallest,
}

impl<T: Real> Tape<T> {
    /// The place of the largest number of each row of `x`, `[.., C]`; gives `[.., 1]`, which [`Self::gather_rows`]
    /// takes.
    #[track_caller]
    pub fn argmax(&self, x: Var) -> Var {
        self.record(Extreme::Largest, &[x])
    }

    /// The place of the smallest number of each row of `x`, `[.., C]`; gives `[.., 1]`: the nearest code of a codebook
    /// from the distances to all.
    #[track_caller]
    pub fn argmin(&self, x: Var) -> Var {
        self.record(Extreme::Smallest, &[x])
    }
}

impl Extreme {
    /// The place in one row: what is extreme is found in vectors, and then where it stands.
    fn place<T: Real>(self, kernels: &Elementwise<T>, row: &[T]) -> usize {
        let found = match self {
            Self::Largest if row.iter().fold(false, |nan, x| nan | x.is_nan()) => row.iter().position(|x| x.is_nan()),
            Self::Largest => {
                let most = kernels.largest(row, T::ONE);
                row.iter().position(|&x| x == most)
            }
            Self::Smallest => {
                let least = -kernels.largest(row, -T::ONE);
                row.iter().position(|&x| x == least)
            }
        };
        // Nothing is found where all are NaN.
        found.unwrap_or(0)
    }
}

impl<T: Real> Operation<T> for Extreme {
    fn name(&self) -> &'static str {
        match self {
            Self::Largest => "argmax",
            Self::Smallest => "argmin",
        }
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let x = inputs[0];
        if x.sizes().is_empty() {
            return Err(format!("{x} has no rows; give [.., C]"));
        }
        check_places::<T>(x, x.last())?;
        let mut spec = Spec::new(x.with_last(1), 1).without_gradient();
        let elements = x.sample_elements() as u64;
        spec.flops = if x.is_batch() { (0, elements) } else { (elements, 0) };
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let columns = run.inputs.shape(0).last();
        let x = run.inputs.get(0)?;
        let split = run.context.split.gated(x.len(), GATE);
        let whole = (x, PerChunk { results: run.output, chunk: columns });
        split.parts(whole, rows(columns), &|(x, places): (&[T], PerChunk<'_, T>)| {
            for (row, place) in x.chunks_exact(columns).zip(places.results) {
                *place = T::from_f64(self.place(kernels, row) as f64);
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
        vec![
            case!(
                "argmax, times what it was found in",
                |s| vec![batch(s.columns, Domain::Apart)],
                |t, v| t.mul(t.stop_gradient(t.argmax(v[0])), v[0]),
                |x| times_place(&x[0], s.columns, |x, best| x > best),
            ),
            case!(
                "argmin, times what it was found in",
                |s| vec![batch(s.columns, Domain::Apart)],
                |t, v| t.mul(t.stop_gradient(t.argmin(v[0])), v[0]),
                |x| times_place(&x[0], s.columns, |x, best| x < best),
            ),
        ]
    }

    fn times_place(x: &[f64], columns: usize, better: fn(f64, f64) -> bool) -> Vec<f64> {
        let row = |row: &[f64]| {
            let best = (0..columns).reduce(|best, at| if better(row[at], row[best]) { at } else { best });
            row.iter().map(|x| x * best.unwrap() as f64).collect::<Vec<f64>>()
        };
        x.chunks(columns).flat_map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Backend;
    use crate::simd::Float;

    #[test]
    fn the_first_of_equals_and_nan_above_all() {
        const NAN: f64 = f64::NAN;
        let infinite = [f64::INFINITY, f64::NEG_INFINITY];
        let rows: [(&[f64], usize, usize); 7] = [
            (&[1.0, 3.0, 1.0, 3.0], 1, 0),
            (&[1.0, NAN, 0.0, NAN, 7.0], 1, 2),
            (&[NAN, NAN], 0, 0),
            (&[-0.0, 0.0], 0, 0),
            (&[NAN, infinite[0]], 0, 1),
            (&[infinite[1]; 3], 0, 0),
            (&[5.0], 0, 0),
        ];
        for backend in Backend::available() {
            let kernels = f64::elementwise(backend);
            for (row, most, least) in rows {
                // Alone, and far into a row that vectors reach.
                let long: Vec<f64> = vec![2.0; 40].into_iter().chain(row.iter().copied()).collect();
                let places = |row: &[f64]| [Extreme::Largest, Extreme::Smallest].map(|of| of.place(kernels, row));
                assert_eq!(places(row), [most, least], "{backend} {row:?}");
                let first = |better: &dyn Fn(f64, f64) -> bool| {
                    (0..long.len()).reduce(|a, b| if better(long[b], long[a]) { b } else { a }).unwrap()
                };
                let above = |a: f64, b: f64| a > b || (a.is_nan() && !b.is_nan());
                let expected = [first(&|a, b| above(a, b)), first(&|a, b| above(b, a))];
                assert_eq!(places(&long), expected, "{backend} {long:?}");
            }
        }
    }

    #[test]
    fn a_loss_that_depends_on_places_must_cut() {
        let mut parameters = crate::Parameters::<f32>::new();
        let a = parameters.add("a", &[2, 3]).unwrap();
        let tape = Tape::new(&parameters, 1);
        let places = tape.argmax(tape.parameter(a));
        let error = tape.train(tape.sum(places)).err().unwrap().to_string();
        assert!(error.starts_with("argmax: no gradient flows through its input 0 (`a`)"), "{error}");
    }
}
