//! `y[w] = max of x over window w`: max pooling, as the places of the maxima (the switches) and what stands there.
//!
//! The places are an operation of their own, so that max unpooling finds them (Zeiler & Fergus 2014) and the gradient
//! goes where the maximum came from. Places are numbers of the element type, exact up to 2^24 pixels a plane in `f32`.

use super::cases::{Case, CaseInput, Domain, case};
use super::convolution::{means, shape_of};
use super::planes::{Planes, PlanesMut, each, image, sides};
use crate::conv::pooling::{Pool, largest, put, take};
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// The places of the maxima; input 0 is the image.
struct Switches(Pool);

/// What stands at the places; input 0 is the image, input 1 the places.
struct Take;

impl<T: Real> Tape<T> {
    /// Max pooling of `x`, `[N, channels, height, width]`: `[N, channels, windows, windows]`. NaN is larger than all.
    #[track_caller]
    pub fn max_pool2d(&self, x: Var, pool: Pool) -> Var {
        self.max_pool2d_with_switches(x, pool).0
    }

    /// Max pooling, and the place in its plane of each maximum, for [`Self::max_unpool2d`].
    #[track_caller]
    pub fn max_pool2d_with_switches(&self, x: Var, pool: Pool) -> (Var, Var) {
        // Places change by jumps: their derivative is 0 wherever there is one.
        let switches = self.stop_gradient(self.record(Switches(pool), &[x]));
        (self.record(Take, &[x, switches]), switches)
    }
}

impl<T: Real> Operation<T> for Switches {
    fn name(&self) -> &'static str {
        "max_pool2d_switches"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let (channels, sides) = image(&inputs[0])?;
        let [rows, columns] = self.0.positions(sides).map_err(|error| error.to_string())?;
        let exact = (2.0 / T::EPSILON.to_f64()) as u64;
        if sides[0].saturating_mul(sides[1]) as u64 > exact {
            return Err(format!("a plane of {} by {}; places are exact up to {exact} pixels", sides[0], sides[1]));
        }
        let mut spec = Spec::new(shape_of(&inputs[0], [channels, rows, columns]), 1);
        spec.differentiable = 0;
        Ok(spec.flops_per_element((self.0.kernel[0] * self.0.kernel[1]) as u64))
    }

    fn forward(&self, run: Forward<'_, T>) {
        let (from, [rows, columns]) = (sides(&run.inputs.shape(0)), windows(&self.0, &run.inputs.shape(0)));
        let planes = || Planes(run.inputs.get(0), from[0] * from[1]);
        each(means(&run.device), planes(), planes(), PlanesMut(run.output, rows * columns), &|x, _, y| {
            largest(&self.0, from, x, y, columns);
        });
    }

    fn backward(&self, _: Backward<'_, T>) {}
}

/// Windows on the images of an accepted shape.
pub(super) fn windows(pool: &Pool, shape: &Shape) -> [usize; 2] {
    pool.positions(sides(shape)).unwrap_or([1, 1])
}

impl<T: Real> Operation<T> for Take {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let mut spec = Spec::new(inputs[1], 2);
        spec.differentiable = 0b01;
        spec.reads_inputs = 0b10;
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) {
        let [from, to] = [0, 1].map(|input| sides(&run.inputs.shape(input)).iter().product());
        let (x, places) = (Planes(run.inputs.get(0), from), Planes(run.inputs.get(1), to));
        each(means(&run.device), x, places, PlanesMut(run.output, to), &|x, places, y| take(x, places, y, false));
    }

    fn backward(&self, mut run: Backward<'_, T>) {
        let [from, to] = [0, 1].map(|input| sides(&run.inputs.shape(input)).iter().product());
        let Some(target) = run.gradients.of(0) else { return };
        let (dy, places) = (Planes(&*run.output_gradient, to), Planes(run.inputs.get(1), to));
        let fresh = !target.accumulate;
        each(means(&run.device), dy, places, PlanesMut(target.slice, from), &|dy, places, dx| {
            if fresh {
                dx.fill(T::ZERO);
            }
            put(dy, places, dx);
        });
    }
}

/// `[2, height, width]` for the cases.
pub(super) fn planes(s: super::cases::Sizes) -> (CaseInput, [usize; 2]) {
    let sides = [3 + s.columns % 6, 4 + s.other % 5];
    (CaseInput { shape: Shape::batch(&[2, sides[0], sides[1]]), domain: Domain::Apart }, sides)
}

/// A function of every window's pixels, by their places.
pub(super) fn by_windows(x: &[f64], [h, w]: [usize; 2], pool: Pool, f: impl Fn(&[f64], usize) -> f64) -> Vec<f64> {
    let [rows, columns] = pool.positions([h, w]).expect("windows that fit");
    let mut y = Vec::new();
    for plane in x.chunks(h * w) {
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let inside = |at: usize, axis: usize, side: usize| {
                let first = at as isize - pool.padding[axis] as isize;
                (first >= 0 && (first as usize) < side).then_some(first as usize)
            };
            let (mut seen, mut counted) = (Vec::new(), 0);
            for (i, j) in (0..pool.kernel[0]).flat_map(|i| (0..pool.kernel[1]).map(move |j| (i, j))) {
                let (y, x) = (row * pool.stride[0] + i, column * pool.stride[1] + j);
                counted += usize::from(y < h + 2 * pool.padding[0] && x < w + 2 * pool.padding[1]);
                if let (Some(y), Some(x)) = (inside(y, 0, h), inside(x, 1, w)) {
                    seen.push(plane[y * w + x]);
                }
            }
            y.push(f(&seen, counted));
        }
    }
    y
}

fn maximum(seen: &[f64], _: usize) -> f64 {
    seen.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        case!(
            "max_pool2d, 2x2",
            |s| vec![planes(s).0],
            |t, v| t.max_pool2d(v[0], Pool::new(2)),
            |x| by_windows(&x[0], planes(s).1, Pool::new(2), maximum),
        ),
        case!(
            "max_pool2d, overlapping, padded, ceil",
            |s| vec![planes(s).0],
            |t, v| t.max_pool2d(v[0], Pool::new(3).stride(2).padding(1).ceil()),
            |x| by_windows(&x[0], planes(s).1, Pool::new(3).stride(2).padding(1).ceil(), maximum),
        ),
    ]
}
