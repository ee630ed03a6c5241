//! Larger images: `nearest` repeats each pixel a whole number of times down and across; `bilinear` lies between the
//! four nearest pixels (PyTorch's rules, with `align_corners` or without).

use super::planes::shape_of;
use super::planes::{Planes, PlanesMut, each, image, sides};
use crate::base::Error;
use crate::conv::pooling::between;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// Input 0 is the image; how many times each pixel, down and across.
struct Nearest([usize; 2]);

/// Input 0 is the image; the result's height and width, and whether corners fall on corners.
struct Bilinear([usize; 2], bool);

impl<T: Real> Tape<T> {
    /// Each pixel of `x`, `[N, channels, height, width]`, `factor` times down and across: nearest-neighbour upsampling.
    #[track_caller]
    pub fn upsample_nearest2d(&self, x: Var, factor: [usize; 2]) -> Var {
        self.record(Nearest(factor), &[x])
    }

    /// `x`, `[N, channels, height, width]`, at the height and width `size`, linear between pixels. With `align_corners`
    /// the centres of the corner pixels stay where they are, else the images' edges do.
    #[track_caller]
    pub fn upsample_bilinear2d(&self, x: Var, size: [usize; 2], align_corners: bool) -> Var {
        self.record(Bilinear(size, align_corners), &[x])
    }
}

impl<T: Real> Operation<T> for Nearest {
    fn name(&self) -> &'static str {
        "upsample_nearest2d"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let (channels, [height, width]) = image(&inputs[0])?;
        let sizes = height.checked_mul(self.0[0]).zip(width.checked_mul(self.0[1])).filter(|_| !self.0.contains(&0));
        let (rows, columns) =
            sizes.ok_or_else(|| format!("{height} by {width} pixels cannot be made {:?} times", self.0))?;
        Ok(Spec::new(shape_of(&inputs[0], [channels, rows, columns]), 1))
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let ([height, width], [down, across]) = (sides(&run.inputs.shape(0))?, self.0);
        let x = run.inputs.get(0)?;
        let planes = || Planes(x, height * width);
        let to = PlanesMut(run.output, height * width * down * across);
        each(run.context, planes(), planes(), to, &|x, _, y| {
            for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width * across * down)) {
                let (first, others) = y.split_at_mut(width * across);
                x.iter().zip(first.chunks_exact_mut(across)).for_each(|(x, y)| y.fill(*x));
                others.chunks_exact_mut(width * across).for_each(|row| row.copy_from_slice(first));
            }
            Ok(())
        })
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let ([height, width], [down, across]) = (sides(&run.inputs.shape(0))?, self.0);
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        let fresh = !target.accumulate;
        let dy = || Planes(&*run.output_gradient, height * width * down * across);
        each(run.context, dy(), dy(), PlanesMut(target.slice, height * width), &|dy, _, dx| {
            if fresh {
                dx.fill(T::ZERO);
            }
            for (row, dy) in dy.chunks_exact(width * across).enumerate() {
                let dx = &mut dx[row / down * width..][..width];
                for (dx, dy) in dx.iter_mut().zip(dy.chunks_exact(across)) {
                    *dx = dy.iter().fold(*dx, |sum, &dy| sum + dy);
                }
            }
            Ok(())
        })
    }
}

impl<T: Real> Operation<T> for Bilinear {
    fn name(&self) -> &'static str {
        "upsample_bilinear2d"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let (channels, _) = image(&inputs[0])?;
        Ok(Spec::new(shape_of(&inputs[0], [channels, self.0[0], self.0[1]]), 1).flops_per_element(8))
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let (from, [rows, columns]) = (sides(&run.inputs.shape(0))?, self.0);
        let x = run.inputs.get(0)?;
        let planes = || Planes(x, from[0] * from[1]);
        each(run.context, planes(), planes(), PlanesMut(run.output, rows * columns), &|x, _, y| {
            self.corners(from, |at, places, weights| {
                let terms = places.into_iter().zip(weights);
                y[at] = terms.fold(T::ZERO, |sum, (place, weight)| sum + T::from_f64(weight) * x[place]);
            });
            Ok(())
        })
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let (from, [rows, columns]) = (sides(&run.inputs.shape(0))?, self.0);
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        let fresh = !target.accumulate;
        let dy = || Planes(&*run.output_gradient, rows * columns);
        each(run.context, dy(), dy(), PlanesMut(target.slice, from[0] * from[1]), &|dy, _, dx| {
            if fresh {
                dx.fill(T::ZERO);
            }
            self.corners(from, |at, places, weights| {
                for (place, weight) in places.into_iter().zip(weights) {
                    dx[place] += T::from_f64(weight) * dy[at];
                }
            });
            Ok(())
        })
    }
}

impl Bilinear {
    /// Calls `visit` for every pixel of a result with the four pixels of the image about it and their weights.
    fn corners(&self, [height, width]: [usize; 2], mut visit: impl FnMut(usize, [usize; 4], [f64; 4])) {
        let Self([rows, columns], corners) = *self;
        for row in 0..rows {
            let (top, bottom, v) = between(row, height, rows, corners);
            for column in 0..columns {
                let (left, right, h) = between(column, width, columns, corners);
                let places = [top * width + left, top * width + right, bottom * width + left, bottom * width + right];
                let weights = [(1.0 - v) * (1.0 - h), (1.0 - v) * h, v * (1.0 - h), v * h];
                visit(row * columns + column, places, weights);
            }
        }
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;
    use crate::ops::max_pool2d::cases::planes;

    /// By the definition: each axis by itself, `f` the place in the image of a place in the result.
    fn reference(
        x: &[f64],
        [h, w]: [usize; 2],
        [rows, columns]: [usize; 2],
        f: fn(usize, usize, usize) -> f64,
    ) -> Vec<f64> {
        let line = |values: &[f64], result: usize| -> Vec<f64> {
            let at = |i| f(i, values.len(), result).clamp(0.0, (values.len() - 1) as f64);
            let value = |at: f64| {
                let (low, high) = (values[at as usize], values[(at as usize + 1).min(values.len() - 1)]);
                low + (at - at.floor()) * (high - low)
            };
            (0..result).map(|i| value(at(i))).collect()
        };
        let mut y = Vec::new();
        for plane in x.chunks(h * w) {
            let wide: Vec<Vec<f64>> = plane.chunks(w).map(|row| line(row, columns)).collect();
            let tall: Vec<Vec<f64>> =
                (0..columns).map(|j| line(&wide.iter().map(|row| row[j]).collect::<Vec<_>>(), rows)).collect();
            y.extend((0..rows).flat_map(|i| tall.iter().map(move |column| column[i])));
        }
        y
    }

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!("upsample_nearest2d", |s| vec![planes(s, 2).0], |t, v| t.upsample_nearest2d(v[0], [2, 3]), |x| {
                let [h, w] = planes(s, 2).1;
                let pixel = |at: usize| at / (6 * h * w) * h * w + at / (3 * w) % (2 * h) / 2 * w + at % (3 * w) / 3;
                (0..6 * x[0].len()).map(|at| x[0][pixel(at)]).collect()
            },),
            case!(
                "upsample_bilinear2d",
                |s| vec![planes(s, 2).0],
                |t, v| t.upsample_bilinear2d(v[0], [7, 9], false),
                |x| reference(&x[0], planes(s, 2).1, [7, 9], |at, n, m| (at as f64 + 0.5) * n as f64 / m as f64 - 0.5),
            ),
            case!(
                "upsample_bilinear2d, aligned corners",
                |s| vec![planes(s, 2).0],
                |t, v| t.upsample_bilinear2d(v[0], [8, 5], true),
                |x| reference(&x[0], planes(s, 2).1, [8, 5], |at, n, m| at as f64 * (n - 1) as f64 / (m - 1) as f64),
            ),
        ]
    }
}
