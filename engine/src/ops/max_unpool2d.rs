//! `y[s_i] += x_i`: max unpooling, every number back to the place its maximum came from (Zeiler & Fergus 2014), and 0
//! elsewhere. It is the transpose of max pooling with these switches; where windows overlap and share a place, the
//! numbers add up.

use super::planes::shape_of;
use super::planes::{Planes, PlanesMut, each, image, sides};
use crate::base::Error;
use crate::conv::pooling::{put, take};
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// Input 0 is the image, input 1 the places; height and width of the result.
struct MaxUnpool([usize; 2]);

impl<T: Real> Tape<T> {
    /// Puts each number of `x` at its place among `size` pixels, height and width: `x` and `switches` are
    /// `[N, channels, windows, windows]`, the switches those of [`Self::max_pool2d_with_switches`]; gives
    /// `[N, channels, height, width]`. A place outside the plane takes nothing.
    #[track_caller]
    pub fn max_unpool2d(&self, x: Var, switches: Var, size: [usize; 2]) -> Var {
        self.record(MaxUnpool(size), &[x, switches])
    }
}

impl<T: Real> Operation<T> for MaxUnpool {
    fn name(&self) -> &'static str {
        "max_unpool2d"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let (channels, _) = image(&inputs[0])?;
        if inputs[0] != inputs[1] {
            return Err(format!("the switches are {}; they must be {}", inputs[1], inputs[0]));
        }
        let mut spec = Spec::new(shape_of(&inputs[0], [channels, self.0[0], self.0[1]]), 2);
        spec.differentiable = 0b01;
        spec.reads_inputs = 0b10;
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let from = sides(&run.inputs.shape(0))?.iter().product::<usize>();
        let (x, places) = (Planes(run.inputs.get(0)?, from), Planes(run.inputs.get(1)?, from));
        each(run.context, x, places, PlanesMut(run.output, self.0[0] * self.0[1]), &|x, places, y| {
            y.fill(T::ZERO);
            put(x, places, y);
            Ok(())
        })
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let from = sides(&run.inputs.shape(1))?.iter().product::<usize>();
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        let (dy, places) = (Planes(&*run.output_gradient, self.0[0] * self.0[1]), Planes(run.inputs.get(1)?, from));
        let accumulate = target.accumulate;
        each(run.context, dy, places, PlanesMut(target.slice, from), &|dy, places, dx| {
            take(dy, places, dx, accumulate);
            Ok(())
        })
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::conv::pool::Pool;
    use crate::ops::cases::*;
    use crate::ops::max_pool2d::cases::planes;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![case!(
            "max_unpool2d, of max_pool2d",
            |s| vec![planes(s, 2).0],
            |t, v| {
                let (y, switches) = t.max_pool2d_with_switches(v[0], Pool::new(2));
                t.max_unpool2d(t.mul(y, y), switches, planes(s, 2).1)
            },
            |x| {
                let [h, w] = planes(s, 2).1;
                let mut y = vec![0.0; x[0].len()];
                for (plane, x) in x[0].chunks(h * w).enumerate() {
                    for (row, column) in (0..h / 2).flat_map(|row| (0..w / 2).map(move |column| (row, column))) {
                        let window = [0, 1, w, w + 1].map(|step| 2 * row * w + 2 * column + step);
                        let best = window.into_iter().reduce(|a, b| if x[b] > x[a] { b } else { a }).unwrap();
                        y[plane * h * w + best] = x[best] * x[best];
                    }
                }
                y
            },
        )]
    }
}
