//! `y[w] = max of x over window w`: max pooling, as the places of the maxima (the switches) and what stands there.
//!
//! The gradient goes where the maximum came from. For max unpooling (Zeiler & Fergus 2014) the places are an operation
//! of their own, so that it finds them. Places are numbers of the element type, exact up to 2^24 pixels a plane in
//! `f32`, 2^31 in `f64`.

use super::planes::shape_of;
use super::planes::words;
use super::planes::{Planes, PlanesMut, each, image, sides};
use super::{GATE, GRAIN};
use crate::base::Context;
use crate::base::Error;
use crate::conv::batch::{Images, ImagesMut};
use crate::conv::kernels::Kernels;
use crate::conv::pool::Pool;
use crate::conv::pooling::{largest, put_largest, take};
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var, Wanted};

/// The maxima; input 0 is the image. Places are kept for backward.
struct MaxPool(Pool);

/// The places of the maxima; input 0 is the image.
struct Switches(Pool);

/// What stands at the places; input 0 is the image, input 1 the places.
struct Take(Pool);

impl<T: Real> Tape<T> {
    /// Max pooling of `x`, `[N, channels, height, width]`: `[N, channels, windows, windows]`. NaN is larger than all.
    #[track_caller]
    pub fn max_pool2d(&self, x: Var, pool: Pool) -> Var {
        self.record(MaxPool(pool), &[x])
    }

    /// Max pooling, and the place in its plane of each maximum, for [`Self::max_unpool2d`].
    #[track_caller]
    pub fn max_pool2d_with_switches(&self, x: Var, pool: Pool) -> (Var, Var) {
        // Places change by jumps: their derivative is 0 wherever there is one.
        let switches = self.stop_gradient(self.record(Switches(pool), &[x]));
        (self.record(Take(pool), &[x, switches]), switches)
    }
}

/// The result of either kind of pooling; the places must be exact.
pub(super) fn pooled<T: Real>(pool: &Pool, input: &Shape) -> Result<Spec, String> {
    let (channels, sides) = image(input)?;
    let [rows, columns] = pool.positions(sides).map_err(words)?;
    // Whole numbers that the type holds, and that an `i32` counts up to.
    let exact = ((2.0 / T::EPSILON.to_f64()) as u64).min(i32::MAX as u64);
    if sides[0].saturating_mul(sides[1]) as u64 > exact {
        return Err(format!("a plane of {} by {}; places are exact up to {exact} pixels", sides[0], sides[1]));
    }
    let spec = Spec::new(shape_of(input, [channels, rows, columns]), 1);
    Ok(spec.flops_per_element((pool.kernel()[0] as u64).saturating_mul(pool.kernel()[1] as u64)))
}

/// Maxima, or places, or both, of every plane.
fn pool_planes<T: Real>(
    pool: &Pool,
    run: &Forward<'_, T>,
    x: &[T],
    y: Option<&mut [T]>,
    places: Option<&mut [T]>,
) -> Result<(), Error> {
    let shape = run.inputs.shape(0);
    let (from, to) = (sides(&shape)?, windows(pool, &shape)?);
    let (of_x, of_y) = (from[0] * from[1], to[0] * to[1]);
    let planes = |data| ImagesMut { data, each: of_y };
    let items = (Images { data: x, each: of_x }, (y.map(planes), places.map(planes)));
    let kernels = Kernels::for_rows(run.context.backend, to[1]);
    type Parts<'a, T> = (Images<'a, T>, (Option<ImagesMut<'a, T>>, Option<ImagesMut<'a, T>>));
    let split = run.context.split.gated(x.len(), GATE);
    split.try_parts(items, GRAIN.div_ceil(of_x), &|(x, (mut y, mut places)): Parts<'_, T>| {
        for (i, x) in x.each().enumerate() {
            fn plane<'a, T>(all: &'a mut Option<ImagesMut<'_, T>>, i: usize) -> Option<&'a mut [T]> {
                all.as_mut().map(|all| &mut all.data[i * all.each..][..all.each])
            }
            largest(kernels, pool, from, x, (plane(&mut y, i), plane(&mut places, i)), to)?;
        }
        Ok(())
    })
}

/// The transpose: the gradient of the image.
fn unpool_planes<T: Real>(
    pool: &Pool,
    context: Context,
    shape: &Shape,
    (dy, places): (&[T], &[T]),
    target: Wanted<'_, T>,
) -> Result<(), Error> {
    let from = sides(shape)?;
    let windows = windows(pool, shape)?;
    let to = windows[0] * windows[1];
    let (kernels, fresh) = (Kernels::for_rows(context.backend, windows[1]), !target.accumulate);
    let dx = PlanesMut(target.slice, from[0] * from[1]);
    each(context, Planes(dy, to), Planes(places, to), dx, &|dy, places, dx| {
        put_largest(kernels, pool, from, (dy, places), dx, fresh)
    })
}

impl<T: Real> Operation<T> for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let spec = pooled::<T>(&self.0, &inputs[0])?;
        Ok(Spec { saved: Some(spec.output), ..spec })
    }

    fn forward(&self, mut run: Forward<'_, T>) -> Result<(), Error> {
        let (output, saved) = (std::mem::take(&mut run.output), std::mem::take(&mut run.saved));
        let places = (!saved.is_empty()).then_some(saved);
        pool_planes(&self.0, &run, run.inputs.get(0)?, Some(output), places)
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let shape = run.inputs.shape(0);
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        unpool_planes(&self.0, run.context, &shape, (run.output_gradient, run.saved), target)
    }
}

impl<T: Real> Operation<T> for Switches {
    fn name(&self) -> &'static str {
        "max_pool2d_switches"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        Ok(Spec { differentiable: 0, ..pooled::<T>(&self.0, &inputs[0])? })
    }

    fn forward(&self, mut run: Forward<'_, T>) -> Result<(), Error> {
        let places = std::mem::take(&mut run.output);
        pool_planes(&self.0, &run, run.inputs.get(0)?, None, Some(places))
    }

    fn backward(&self, _: Backward<'_, T>) -> Result<(), Error> {
        Ok(())
    }
}

/// Windows on the images of a shape.
pub(super) fn windows(pool: &Pool, shape: &Shape) -> Result<[usize; 2], Error> {
    pool.positions(sides(shape)?)
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

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let side = |input| sides(&run.inputs.shape(input)).map(|[height, width]| height * width);
        let (from, to) = (side(0)?, side(1)?);
        let (x, places) = (Planes(run.inputs.get(0)?, from), Planes(run.inputs.get(1)?, to));
        each(run.context, x, places, PlanesMut(run.output, to), &|x, places, y| {
            take(x, places, y, false);
            Ok(())
        })
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let shape = run.inputs.shape(0);
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        unpool_planes(&self.0, run.context, &shape, (run.output_gradient, run.inputs.get(1)?), target)
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use super::*;
    use crate::ops::cases::*;

    /// `[channels, height, width]` for the cases.
    pub(in crate::ops) fn planes(s: Sizes, channels: usize) -> (CaseInput, [usize; 2]) {
        let sides = [3 + s.columns % 6, 4 + s.other % 5];
        (CaseInput { shape: Shape::batch(&[channels, sides[0], sides[1]]), domain: Domain::Apart }, sides)
    }

    /// A function of every window's pixels, by their places.
    pub(in crate::ops) fn by_windows(
        x: &[f64],
        [h, w]: [usize; 2],
        pool: Pool,
        f: impl Fn(&[f64], usize) -> f64,
    ) -> Vec<f64> {
        let [rows, columns] = pool.positions([h, w]).expect("windows that fit");
        let mut y = Vec::new();
        for plane in x.chunks(h * w) {
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                let inside = |at: usize, axis: usize, side: usize| {
                    let first = at as isize - pool.paddings()[axis] as isize;
                    (first >= 0 && (first as usize) < side).then_some(first as usize)
                };
                let (mut seen, mut counted) = (Vec::new(), 0);
                for (i, j) in (0..pool.kernel()[0]).flat_map(|i| (0..pool.kernel()[1]).map(move |j| (i, j))) {
                    let (y, x) = (row * pool.strides()[0] + i, column * pool.strides()[1] + j);
                    counted += usize::from(y < h + 2 * pool.paddings()[0] && x < w + 2 * pool.paddings()[1]);
                    if let (Some(y), Some(x)) = (inside(y, 0, h), inside(x, 1, w)) {
                        seen.push(plane[y * w + x]);
                    }
                }
                y.push(f(&seen, counted));
            }
        }
        y
    }

    pub(in crate::ops) fn maximum(seen: &[f64], _: usize) -> f64 {
        seen.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "max_pool2d, 2x2",
                |s| vec![planes(s, 2).0],
                |t, v| t.max_pool2d(v[0], Pool::new(2)),
                |x| by_windows(&x[0], planes(s, 2).1, Pool::new(2), maximum),
            ),
            case!(
                "max_pool2d, 2x2, ceil, with switches",
                |s| vec![planes(s, 2).0],
                |t, v| t.max_pool2d_with_switches(v[0], Pool::new(2).ceil()).0,
                |x| by_windows(&x[0], planes(s, 2).1, Pool::new(2).ceil(), maximum),
            ),
            case!(
                "max_pool2d, overlapping, padded, ceil",
                |s| vec![planes(s, 2).0],
                |t, v| t.max_pool2d(v[0], Pool::new(3).stride(2).padding(1).ceil()),
                |x| by_windows(&x[0], planes(s, 2).1, Pool::new(3).stride(2).padding(1).ceil(), maximum),
            ),
        ]
    }
}
