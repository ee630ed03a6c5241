//! The last dimensions in another order: `[N, C, H, W]` with the axes `[1, 2, 0]` gives `[N, H, W, C]`.
//!
//! The axes number the last dimensions alone, as many as there are axes; those before them stay, the batch always.
//! Where the last dimension stays the last, runs of it are copied. Else the old and the new last dimension are a matrix
//! for each position of the others, which the kernel of the matrix products transposes. Samples are shared among
//! threads. Bound by memory.

use super::GATE;
use crate::base::Error;
use crate::base::parallel::Placed;
use crate::base::{Backend, Context};
use crate::gemm::transpose;
use crate::simd::InOut;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var, Wanted};

/// The most dimensions that can change places.
const RANK: usize = 5;

/// New dimension `i` is old dimension `axes[i]` of the last `rank`.
struct Permute {
    axes: [usize; RANK],
    rank: usize,
    /// What was asked for is no permutation.
    wrong: Option<String>,
}

impl<T: Real> Tape<T> {
    /// The last `axes.len()` dimensions of `x` in the order of `axes`, which number them from 0; what stands before
    /// them, the batch among it, stays. `[N, H, W, C]` with `[2, 0, 1]` gives `[N, C, H, W]`.
    #[track_caller]
    pub fn permute(&self, x: Var, axes: &[usize]) -> Var {
        self.record(Permute::new(axes), &[x])
    }
}

impl Permute {
    fn new(axes: &[usize]) -> Self {
        let rank = axes.len();
        let each_once = rank <= RANK && (0..rank).all(|axis| axes.contains(&axis));
        let mut operation = Self { axes: [0; RANK], rank: rank.min(RANK), wrong: None };
        match each_once {
            true => operation.axes[..rank].copy_from_slice(axes),
            false => {
                operation.wrong =
                    Some(format!("the axes {axes:?}; they must be the numbers from 0 on, each once, at most {RANK}"))
            }
        }
        operation
    }

    /// The other way round.
    fn inverse(&self) -> Self {
        let mut axes = [0; RANK];
        self.axes[..self.rank].iter().enumerate().for_each(|(new, &old)| axes[old] = new);
        Self { axes, rank: self.rank, wrong: None }
    }

    /// The sizes of the last dimensions of `shape`, and how many numbers they hold.
    fn last(&self, shape: &Shape) -> ([usize; RANK], usize) {
        let mut sizes = [1; RANK];
        sizes[..self.rank].copy_from_slice(&shape.sizes()[shape.sizes().len() - self.rank..]);
        (sizes, sizes.iter().product())
    }

    /// `to = permuted from`, or added, for a value whose last dimensions have `sizes`, `each` numbers in all.
    fn run<T: Real>(
        &self,
        (sizes, each): ([usize; RANK], usize),
        from: &[T],
        to: Wanted<'_, T>,
        context: Context,
    ) -> Result<(), Error> {
        let split = context.split.gated(to.slice.len(), GATE);
        let copies = Copies::of(self, sizes);
        let accumulate = to.accumulate;
        split.try_parts(Placed { slice: to.slice, from: 0 }, each, &|part: Placed<'_, T>| {
            let from = &from[part.from..part.from + part.slice.len()];
            for (from, to) in from.chunks_exact(each).zip(part.slice.chunks_exact_mut(each)) {
                copies.one(from, to, accumulate, context.backend)?;
            }
            Ok(())
        })
    }
}

/// How one sample is permuted: for every position of the outer dimensions, a run or a matrix.
struct Copies {
    /// Of each outer dimension its size, and what a step in it is in the old and in the new order.
    outer: [(usize, usize, usize); RANK],
    /// The length of a run that stays together, or 1.
    run: usize,
    /// The new last dimension and the old last one, where they differ: size and step of the first in the old order,
    /// size and step of the second in the new.
    matrix: Option<[(usize, usize); 2]>,
}

impl Copies {
    fn of(permute: &Permute, sizes: [usize; RANK]) -> Self {
        let rank = permute.rank;
        let mut old_steps = [1; RANK];
        let mut new_steps = [1; RANK];
        for i in (0..rank.saturating_sub(1)).rev() {
            old_steps[i] = old_steps[i + 1] * sizes[i + 1];
            new_steps[i] = new_steps[i + 1] * sizes[permute.axes[i + 1]];
        }
        let mut outer = [(1, 0, 0); RANK];
        for new in 0..rank {
            let old = permute.axes[new];
            outer[new] = (sizes[old], old_steps[old], new_steps[new]);
        }
        let Some(last) = rank.checked_sub(1) else { return Self { outer, run: 1, matrix: None } };
        let old_last = (0..rank).find(|&new| permute.axes[new] == last).unwrap_or(last);
        let (row, column) = (outer[last], outer[old_last]);
        outer[last] = (1, 0, 0);
        outer[old_last] = (1, 0, 0);
        match old_last == last {
            true => Self { outer, run: sizes[last], matrix: None },
            false => Self { outer, run: 1, matrix: Some([(row.0, row.1), (column.0, column.2)]) },
        }
    }

    /// One sample.
    fn one<T: Real>(&self, from: &[T], to: &mut [T], accumulate: bool, backend: Backend) -> Result<(), Error> {
        let [a, b, c, d, e] = self.outer;
        for (i, j, k) in (0..a.0).flat_map(|i| (0..b.0).flat_map(move |j| (0..c.0).map(move |k| (i, j, k)))) {
            for (l, m) in (0..d.0).flat_map(|l| (0..e.0).map(move |m| (l, m))) {
                let start = i * a.1 + j * b.1 + k * c.1 + l * d.1 + m * e.1;
                let place = i * a.2 + j * b.2 + k * c.2 + l * d.2 + m * e.2;
                self.inner(&from[start..], &mut to[place..], accumulate, backend)?;
            }
        }
        Ok(())
    }

    /// One run or one matrix.
    fn inner<T: Real>(&self, from: &[T], to: &mut [T], accumulate: bool, backend: Backend) -> Result<(), Error> {
        match self.matrix {
            None if accumulate => {
                let io = InOut::pair(&from[..self.run], &mut to[..self.run]);
                T::elementwise(backend).scale_into(io, T::ONE, true);
            }
            None => to[..self.run].copy_from_slice(&from[..self.run]),
            Some([(rows, from_row), (columns, to_row)]) if !accumulate => {
                return transpose(backend, [rows, columns], (from, from_row), (to, to_row));
            }
            Some([(rows, from_row), (columns, to_row)]) => {
                for j in 0..columns {
                    let row = &mut to[j * to_row..j * to_row + rows];
                    row.iter_mut().enumerate().for_each(|(i, to)| *to += from[i * from_row + j]);
                }
            }
        }
        Ok(())
    }
}

impl<T: Real> Operation<T> for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        if let Some(wrong) = &self.wrong {
            return Err(wrong.clone());
        }
        let old = inputs[0].sizes();
        let Some(kept) = old.len().checked_sub(self.rank) else {
            return Err(format!("{} axes of {}, which has {}", self.rank, inputs[0], old.len()));
        };
        let mut sizes = old.to_vec();
        (0..self.rank).for_each(|new| sizes[kept + new] = old[kept + self.axes[new]]);
        Ok(Spec::new(if inputs[0].is_batch() { Shape::batch(&sizes) } else { Shape::fixed(&sizes) }, 1))
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let sizes = self.last(&run.inputs.shape(0));
        let to = Wanted { slice: run.output, accumulate: false };
        self.run(sizes, run.inputs.get(0)?, to, run.context)
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let (old, each) = self.last(&run.inputs.shape(0));
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        let mut new = [1; RANK];
        (0..self.rank).for_each(|i| new[i] = old[self.axes[i]]);
        self.inverse().run((new, each), run.output_gradient, target, run.context)
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::Shape;
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "permute, channels last",
                |s| vec![of(&[3, 4, s.columns])],
                |t, v| t.permute(v[0], &[1, 2, 0]),
                |x| reference(&x[0], [1, 3, 4, s.columns], [0, 2, 3, 1]),
            ),
            case!(
                "permute, a transpose of the last two",
                |s| vec![of(&[2, s.other, s.columns])],
                |t, v| t.permute(v[0], &[1, 0]),
                |x| reference(&x[0], [1, 2, s.other, s.columns], [0, 1, 3, 2]),
            ),
            case!(
                "permute, the last stays",
                |s| vec![of(&[2, 3, 2, s.columns])],
                |t, v| t.permute(v[0], &[2, 0, 1, 3]),
                |x| reference(&x[0], [2, 3, 2, s.columns], [2, 0, 1, 3]),
            ),
            case!(
                "permute there and back, beside another use",
                |s| vec![of(&[2, s.other, s.columns])],
                |t, v| {
                    let there = t.permute(v[0], &[2, 0, 1]);
                    let back = t.permute(t.square(there), &[1, 2, 0]);
                    t.add(t.mul(back, v[0]), t.permute(t.permute(v[0], &[0, 2, 1]), &[0, 2, 1]))
                },
                |x| x[0].iter().map(|x| x * x * x + x).collect(),
            ),
        ]
    }

    fn of(sizes: &[usize]) -> CaseInput {
        CaseInput { shape: Shape::batch(sizes), domain: Domain::Real }
    }

    /// Number by number, for samples of four dimensions.
    fn reference(x: &[f64], old: [usize; 4], axes: [usize; 4]) -> Vec<f64> {
        let new = axes.map(|axis| old[axis]);
        let each: usize = old.iter().product();
        let pick = |sample: &[f64], at: usize| {
            let mut places = [0; 4];
            let mut rest = at;
            for i in (0..4).rev() {
                places[axes[i]] = rest % new[i];
                rest /= new[i];
            }
            sample[places.iter().zip(old).fold(0, |at, (&place, size)| at * size + place)]
        };
        x.chunks(each).flat_map(|sample| (0..each).map(move |at| pick(sample, at))).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Parameters, Shape, Tape};

    #[test]
    fn shapes_and_what_is_no_permutation() {
        let parameters = Parameters::<f32>::new();
        let of = |axes: &[usize]| {
            let tape = Tape::new(&parameters, 1);
            let y = tape.permute(tape.input("x", Shape::batch(&[3, 4, 5])), axes);
            tape.infer(&[y]).map(|_| tape.shape(y).to_string()).map_err(|error| error.message().to_owned())
        };
        assert_eq!(of(&[1, 2, 0]).unwrap(), "[N, 4, 5, 3]");
        assert_eq!(of(&[1, 0]).unwrap(), "[N, 3, 5, 4]");
        assert_eq!(of(&[]).unwrap(), "[N, 3, 4, 5]");
        for (axes, words) in
            [(&[0, 0][..], "each once"), (&[0, 1, 2, 3], "4 axes of [N, 3, 4, 5]"), (&[7; 9], "at most 5")]
        {
            let error = of(axes).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
