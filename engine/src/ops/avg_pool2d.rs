//! `y[w] = mean of x over window w`: average pooling, padding counted as zeros, and the average of whole planes.

use super::max_pool2d::windows;
use super::planes::shape_of;
use super::planes::words;
use super::planes::{Planes, PlanesMut, each, image, sides};
use crate::base::Error;
use crate::conv::pool::Pool;
use crate::conv::pooling::{average, average_transposed};
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// Input 0 is the image; the window, or none for the whole plane.
struct AvgPool(Option<Pool>);

impl<T: Real> Tape<T> {
    /// Average pooling of `x`, `[N, channels, height, width]`: `[N, channels, windows, windows]`.
    #[track_caller]
    pub fn avg_pool2d(&self, x: Var, pool: Pool) -> Var {
        self.record(AvgPool(Some(pool)), &[x])
    }

    /// The average of each plane of `x`, `[N, channels, height, width]`: `[N, channels, 1, 1]`.
    #[track_caller]
    pub fn global_avg_pool2d(&self, x: Var) -> Var {
        self.record(AvgPool(None), &[x])
    }
}

impl AvgPool {
    fn on(&self, sides: [usize; 2]) -> Pool {
        self.0.unwrap_or(Pool::of(sides))
    }
}

impl<T: Real> Operation<T> for AvgPool {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let (channels, sides) = image(&inputs[0])?;
        let pool = self.on(sides);
        let [rows, columns] = pool.positions(sides).map_err(words)?;
        let spec = Spec::new(shape_of(&inputs[0], [channels, rows, columns]), 1);
        Ok(spec.flops_per_element((pool.kernel()[0] as u64).saturating_mul(pool.kernel()[1] as u64)))
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let from = sides(&run.inputs.shape(0))?;
        let pool = self.on(from);
        let [rows, columns] = windows(&pool, &run.inputs.shape(0))?;
        let x = run.inputs.get(0)?;
        let planes = || Planes(x, from[0] * from[1]);
        each(run.context, planes(), planes(), PlanesMut(run.output, rows * columns), &|x, _, y| {
            average(&pool, from, x, y, columns);
            Ok(())
        })
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let from = sides(&run.inputs.shape(0))?;
        let pool = self.on(from);
        let [rows, columns] = windows(&pool, &run.inputs.shape(0))?;
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        let fresh = !target.accumulate;
        let dy = || Planes(&*run.output_gradient, rows * columns);
        each(run.context, dy(), dy(), PlanesMut(target.slice, from[0] * from[1]), &|dy, _, dx| {
            if fresh {
                dx.fill(T::ZERO);
            }
            average_transposed(&pool, from, dy, dx, columns);
            Ok(())
        })
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use super::*;
    use crate::ops::cases::*;
    use crate::ops::max_pool2d::cases::{by_windows, planes};

    pub(in crate::ops) fn mean(seen: &[f64], counted: usize) -> f64 {
        seen.iter().sum::<f64>() / counted as f64
    }

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "avg_pool2d, overlapping, padded, ceil",
                |s| vec![planes(s, 2).0],
                |t, v| t.avg_pool2d(v[0], Pool::new(3).stride(2).padding(1).ceil()),
                |x| by_windows(&x[0], planes(s, 2).1, Pool::new(3).stride(2).padding(1).ceil(), mean),
            ),
            case!("global_avg_pool2d", |s| vec![planes(s, 2).0], |t, v| t.global_avg_pool2d(v[0]), |x| x[0]
                .chunks(planes(s, 2).1.iter().product())
                .map(|plane| mean(plane, plane.len()))
                .collect(),),
        ]
    }
}
