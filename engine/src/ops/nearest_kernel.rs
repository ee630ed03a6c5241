//! `k_i = sum of w_t over e - t + size - 1 = i, 0 <= e < factor`: the kernel of the transposed convolution that is
//! nearest upsampling and then a convolution.
//!
//! A pixel of the small image stands in `factor` pixels of the upsampled one, and each of those is seen by `size`
//! positions of the window: by `size + factor - 1` in all, from one to the next `factor` apart. That is a transposed
//! convolution of stride `factor`, whose kernel is the weight, reversed along both axes, and smeared over `factor`
//! places. It does `(size + factor - 1)²` multiply-adds for each small pixel where the two steps do `(size factor)²`:
//! 16 for 36 with a kernel of 3 and a factor of 2; and the upsampled image, a factor² larger, is never there.

use super::conv_options::{ConvOptions, ConvTransposeOptions};
use crate::base::Error;
use crate::gemm::Activation;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// Input 0 is the weight, `[filters, channels, rows, columns]`; the factors down and across.
struct NearestKernel([usize; 2]);

impl<T: Real> Tape<T> {
    /// `activation(convolution(nearest upsampling of x, weight) + bias)`, the convolution with stride 1 and `padding`
    /// on every side: `x` is `[N, channels, height, width]`, `weight` `[filters, channels, kernel_rows,
    /// kernel_columns]`, `bias` `[filters]`; gives `[N, filters, factor[0] height + 2 padding - kernel_rows + 1,
    /// likewise]`. The same function as [`Self::upsample_nearest2d`] and [`Self::conv2d`], with less arithmetic where
    /// it can be (padding below the kernel's size).
    #[track_caller]
    pub fn upsample_nearest_conv2d(
        &self,
        x: Var,
        factor: [usize; 2],
        weight: Var,
        bias: Option<Var>,
        padding: [usize; 2],
        activation: Activation<T>,
    ) -> Var {
        let sizes = self.shape(weight);
        let kernel = match *sizes.sizes() {
            [_, _, rows, columns] if !sizes.is_batch() => [rows, columns],
            _ => [0, 0],
        };
        if factor == [1, 1] || (0..2).any(|axis| padding[axis] >= kernel[axis] || factor[axis] == 0) {
            let upsampled = self.upsample_nearest2d(x, factor);
            let options = ConvOptions::default().padding(padding);
            return self.conv2d(upsampled, weight, bias, options, activation);
        }
        if let [_, height, width] = *self.shape(x).sizes() {
            let sides = [height, width];
            let fits = (0..2).all(|axis| {
                let upsampled = sides[axis].checked_mul(factor[axis]).and_then(|n| n.checked_add(2 * padding[axis]));
                upsampled.is_some_and(|upsampled| upsampled >= kernel[axis])
            });
            if !fits {
                self.fail(format!(
                    "upsample_nearest_conv2d: a kernel of {kernel:?} on an image of {sides:?}, upsampled {factor:?} \
                     times and padded by {padding:?}; use a smaller kernel or more padding"
                ));
            }
        }
        let smeared = self.record(NearestKernel(factor), &[weight]);
        let padding = [0, 1].map(|axis| kernel[axis] - 1 - padding[axis]);
        let options = ConvTransposeOptions::default().stride(factor).padding(padding);
        self.conv_transpose2d(x, smeared, bias, options, activation)
    }
}

impl NearestKernel {
    /// Calls `visit(place in the weight, place in the kernel)` for every term of every sum.
    fn terms(&self, weight: &Shape, mut visit: impl FnMut(usize, usize)) {
        let &[filters, channels, rows, columns] = weight.sizes() else { return };
        let [down, across] = self.0;
        let size = [rows + down - 1, columns + across - 1];
        let mut from = 0;
        for filter in 0..filters {
            for channel in 0..channels {
                let plane = (channel * filters + filter) * size[0] * size[1];
                for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                    let first = plane + (rows - 1 - row) * size[1] + columns - 1 - column;
                    for (i, j) in (0..down).flat_map(|i| (0..across).map(move |j| (i, j))) {
                        visit(from, first + i * size[1] + j);
                    }
                    from += 1;
                }
            }
        }
    }
}

impl<T: Real> Operation<T> for NearestKernel {
    fn name(&self) -> &'static str {
        "nearest_kernel"
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let &[filters, channels, rows, columns] = inputs[0].sizes() else {
            return Err(format!("the weight is {}; it must be [filters, channels, rows, columns]", inputs[0]));
        };
        let [down, across] = self.0;
        let size = |kernel: usize, factor: usize| kernel.checked_add(factor)?.checked_sub(1);
        let (Some(tall), Some(wide)) = (size(rows, down), size(columns, across)) else {
            return Err(format!("factors {:?} are too large", self.0));
        };
        let output = Shape::fixed(&[channels, filters, tall, wide]);
        Ok(Spec::new(output, 1).flops_per_element(1))
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let weight = run.inputs.get(0)?;
        run.output.fill(T::ZERO);
        self.terms(&run.inputs.shape(0), |from, to| run.output[to] += weight[from]);
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let shape = run.inputs.shape(0);
        let Some(target) = run.gradients.of(0)?.wanted() else { return Ok(()) };
        if !target.accumulate {
            target.slice.fill(T::ZERO);
        }
        self.terms(&shape, |from, to| target.slice[from] += run.output_gradient[to]);
        Ok(())
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use super::*;
    use crate::conv::geometry::Window;
    use crate::ops::cases::*;
    use crate::ops::conv2d::cases::{images, reference};

    /// A small image that varies, and its upsampling, for the cases.
    pub(in crate::ops) fn small(s: Sizes) -> [usize; 2] {
        [2 + s.columns % 3, 1 + s.other % 4]
    }

    pub(in crate::ops) fn upsampled(x: &[f64], [h, w]: [usize; 2], [down, across]: [usize; 2]) -> Vec<f64> {
        let row = |row: &[f64]| row.iter().flat_map(|&x| std::iter::repeat_n(x, across)).collect::<Vec<_>>();
        let rows = x.chunks(w).take(x.len() / (h * w) * h);
        rows.flat_map(|x| std::iter::repeat_n(row(x), down).flatten()).collect()
    }

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "upsample_nearest_conv2d, 2x2, 3x3, padding 1, tanh",
                |s| {
                    let [h, w] = small(s);
                    vec![images([2, h, w]), fixed(&[3, 2, 3, 3], Domain::Real), fixed(&[3], Domain::Real)]
                },
                |t, v| t.upsample_nearest_conv2d(v[0], [2, 2], v[1], Some(v[2]), [1, 1], Activation::Tanh),
                |x| {
                    let [h, w] = small(s);
                    let large = [upsampled(&x[0], [h, w], [2, 2]), x[1].clone(), x[2].clone()];
                    reference(&large, [2, 2 * h, 2 * w], Window::new([3, 3]).padding([1, 1]), 3, 1, f64::tanh)
                },
            ),
            case!(
                "upsample_nearest_conv2d, 3x2, 2x3, no padding, no bias",
                |s| {
                    let [h, w] = small(s);
                    vec![images([2, h, w + 1]), fixed(&[1, 2, 2, 3], Domain::Real)]
                },
                |t, v| t.upsample_nearest_conv2d(v[0], [3, 2], v[1], None, [0, 0], Activation::Identity),
                |x| {
                    let [h, w] = [small(s)[0], small(s)[1] + 1];
                    let large = [upsampled(&x[0], [h, w], [3, 2]), x[1].clone()];
                    reference(&large, [2, 3 * h, 2 * w], Window::new([2, 3]), 1, 1, |y| y)
                },
            ),
            case!(
                "upsample_nearest_conv2d, more padding than kernel",
                |s| {
                    let [h, w] = small(s);
                    vec![images([2, h, w]), fixed(&[2, 2, 2, 2], Domain::Real)]
                },
                |t, v| t.upsample_nearest_conv2d(v[0], [2, 2], v[1], None, [2, 1], Activation::Sigmoid),
                |x| {
                    let [h, w] = small(s);
                    let large = [upsampled(&x[0], [h, w], [2, 2]), x[1].clone()];
                    let window = Window::new([2, 2]).padding([2, 1]);
                    reference(&large, [2, 2 * h, 2 * w], window, 2, 1, |y| 1.0 / (1.0 + (-y).exp()))
                },
            ),
        ]
    }
}
