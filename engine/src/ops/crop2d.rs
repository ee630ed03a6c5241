//! `y_ij = x_ij` for the first rows and columns: what an image has beyond its size is cut off below and on the right.

use super::planes::shape_of;
use super::planes::{Planes, PlanesMut, each, image, sides};
use crate::base::Error;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// Input 0 is the image; height and width of the result.
struct Crop([usize; 2]);

impl<T: Real> Tape<T> {
    /// The first `size` rows and columns of `x`, `[N, channels, height, width]`; gives `[N, channels, size[0],
    /// size[1]]`.
    #[track_caller]
    pub fn crop2d(&self, x: Var, size: [usize; 2]) -> Var {
        self.record(Crop(size), &[x])
    }
}

impl<T: Real> Operation<T> for Crop {
    fn name(&self) -> &'static str {
        "crop2d"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let (channels, [height, width]) = image(&inputs[0])?;
        let [rows, columns] = self.0;
        if rows > height || columns > width {
            return Err(format!("{height} by {width} pixels cannot be cut to {rows} by {columns}, which is larger"));
        }
        Ok(Spec::new(shape_of(&inputs[0], [channels, rows, columns]), 1))
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let ([height, width], [rows, columns]) = (sides(&run.inputs.shape(0))?, self.0);
        let x = run.inputs.get(0)?;
        let planes = || Planes(x, height * width);
        each(run.context, planes(), planes(), PlanesMut(run.output, rows * columns), &|x, _, y| {
            x.chunks_exact(width).zip(y.chunks_exact_mut(columns)).for_each(|(x, y)| y.copy_from_slice(&x[..columns]));
            Ok(())
        })
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let ([height, width], [rows, columns]) = (sides(&run.inputs.shape(0))?, self.0);
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        let fresh = !target.accumulate;
        let dy = || Planes(&*run.output_gradient, rows * columns);
        each(run.context, dy(), dy(), PlanesMut(target.slice, height * width), &|dy, _, dx| {
            if fresh {
                dx.fill(T::ZERO);
            }
            for (dx, dy) in dx.chunks_exact_mut(width).zip(dy.chunks_exact(columns)) {
                dx.iter_mut().zip(dy).for_each(|(dx, dy)| *dx += *dy);
            }
            Ok(())
        })
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;
    use crate::ops::max_pool2d::cases::planes;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![case!(
            "crop2d",
            |s| vec![planes(s, 2).0],
            |t, v| {
                let [h, w] = planes(s, 2).1;
                t.crop2d(v[0], [h - 1, w - 2])
            },
            |x| {
                let [h, w] = planes(s, 2).1;
                let rows = x[0].chunks(w).enumerate().filter(|(row, _)| row % h < h - 1);
                rows.flat_map(|(_, row)| row[..w - 2].to_vec()).collect()
            },
        )]
    }
}
