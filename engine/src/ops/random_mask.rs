//! `m`, of ones and zeros by chance: what masking and salt-and-pepper noise choose their components with (Vincent et
//! al. 2008, 2010).
//!
//! Either every component is 0 with probability q, independently of the others, or exactly `count` of each row are.
//! A function of (seed, step, operation, element), so that a step's noise can be had again. Multiply by it; nothing is
//! rescaled. It has no gradient: the choice does not depend on what it is made for, only on its shape.

use super::select::{largest, rows};
use super::{GATE, GRAIN};
use crate::base::Error;
use crate::base::parallel::Placed;
use crate::random::{fill_uniform_on, stream_id};
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// What decides how many are 0.
enum RandomMask {
    Probability(f64),
    Count(usize),
}

impl<T: Real> Tape<T> {
    /// A value of the shape of `like`, `[N, ..]`: each component is 0 with probability `q` and else 1.
    #[track_caller]
    pub fn random_mask(&self, like: Var, q: f64) -> Var {
        self.stop_gradient(self.record(RandomMask::Probability(q), &[like]))
    }

    /// The same with exactly `count` zeros among the last dimension of each row.
    #[track_caller]
    pub fn random_mask_exact(&self, like: Var, count: usize) -> Var {
        self.stop_gradient(self.record(RandomMask::Count(count), &[like]))
    }
}

impl<T: Real> Operation<T> for RandomMask {
    fn name(&self) -> &'static str {
        "random_mask"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let mut spec = Spec::new(inputs[0], 1).flops_per_element(30);
        spec.differentiable = 0;
        match *self {
            RandomMask::Probability(q) if !(0.0..=1.0).contains(&q) => {
                return Err(format!("the probability is {q}; it must be from 0 to 1"));
            }
            RandomMask::Count(count) if inputs[0].sizes().is_empty() || count > inputs[0].last() => {
                return Err(format!("{count} zeros in a row of {}; there must be room for them", inputs[0]));
            }
            RandomMask::Count(_) => spec.scratch = Some(Shape::batch(&[2, inputs[0].sample_elements()])),
            RandomMask::Probability(_) => {}
        }
        if !inputs[0].is_batch() {
            spec.scratch = spec.scratch.map(|_| Shape::fixed(&[2, inputs[0].sample_elements()]));
        }
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let context = run.context;
        let (seed, stream) = (run.noise.seed, stream_id(run.noise.step, run.operation));
        let split = context.split.gated(run.output.len(), GATE);
        let draw = |from: usize, to: &mut [T]| {
            fill_uniform_on(context.backend, seed, stream, from as u64, T::ZERO, T::ONE, to);
        };
        match *self {
            RandomMask::Probability(q) => {
                let q = T::from_f64(q);
                split.parts(Placed { slice: run.output, from: 0 }, GRAIN, &|part: Placed<'_, T>| {
                    draw(part.from, part.slice);
                    part.slice.iter_mut().for_each(|u| *u = if *u < q { T::ZERO } else { T::ONE });
                });
            }
            RandomMask::Count(count) => {
                let columns = run.inputs.shape(0).last();
                let len = run.output.len();
                let (drawn, order) = run.scratch[..2 * len].split_at_mut(len);
                let whole = ((Placed { slice: drawn, from: 0 }, order), run.output);
                split.parts(whole, rows(columns), &|((drawn, order), out): Rows<'_, T>| {
                    draw(drawn.from, drawn.slice);
                    let rows = drawn.slice.chunks_exact(columns).zip(order.chunks_exact_mut(columns));
                    for ((row, order), out) in rows.zip(out.chunks_exact_mut(columns)) {
                        out.fill(T::ONE);
                        largest(row, count, order, |_, at| out[at] = T::ZERO);
                    }
                });
            }
        }
        Ok(())
    }

    fn backward(&self, _: Backward<'_, T>) -> Result<(), Error> {
        Ok(())
    }
}

/// What is drawn, room to order it, and the result.
type Rows<'a, T> = ((Placed<'a, T>, &'a mut [T]), &'a mut [T]);

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::Axis;
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "random_mask that drops nothing, and one that drops everything",
                |s| vec![batch(s.columns, Domain::Real)],
                |t, v| t.sub(t.mul(v[0], t.random_mask(v[0], 0.0)), t.mul(v[0], t.random_mask(v[0], 1.0))),
                |x| x[0].clone(),
            ),
            case!(
                "random_mask of exactly one zero a row, by its sum",
                |s| vec![batch(s.columns, Domain::Real)],
                |t, v| {
                    let kept = t.sum_over(t.random_mask_exact(v[0], 1), Axis::Row);
                    t.mul(v[0], kept)
                },
                |x| x[0].iter().map(|x| x * (s.columns as f64 - 1.0)).collect(),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use crate::random::Noise;
    use crate::{Parameters, Shape, Split, Tape};

    #[test]
    fn a_share_is_dropped_anew_in_each_step_and_again_in_the_same() {
        let parameters = Parameters::<f32>::new();
        let tape = Tape::new(&parameters, 500);
        let x = tape.input("x", Shape::batch(&[101]));
        let (share, exact) = (tape.random_mask(x, 0.25), tape.random_mask_exact(x, 25));
        let plan = tape.infer(&[share, exact]).unwrap();
        let mut workspace = plan.workspace().unwrap();
        let mut run = |step| {
            workspace.set_noise(Noise { seed: 7, step });
            plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
            (workspace.value(share).unwrap().to_vec(), workspace.value(exact).unwrap().to_vec())
        };
        let (first, second, again) = (run(1), run(2), run(1));
        assert!(first == again && first.0 != second.0 && first.1 != second.1);
        let kept = first.0.iter().filter(|&&m| m == 1.0).count() as f64 / first.0.len() as f64;
        assert!((kept - 0.75).abs() < 0.01, "{kept}");
        for row in first.1.chunks(101) {
            assert_eq!(row.iter().filter(|&&m| m == 0.0).count(), 25);
        }
    }
}
