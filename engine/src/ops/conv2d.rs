//! `y = f(C x + b)`: the convolution of a batch of images with a bias and an activation (LeCun et al. 1989).
//!
//! `x` is `[N, channels, height, width]`, the weight `[filters, channels / groups, kernel_rows, kernel_columns]`, as in
//! PyTorch. Backward: `dz = dy f'(y)`, `db` its sums, `dx = Cᵀ dz`, `dW = Σ dz im2col(x)ᵀ`; see [`crate::conv`].

use super::conv_options::{Conv1dOptions, ConvOptions};
use super::convolution::Convolve;
use crate::base::Error;
use crate::conv::pool::Pool;
use crate::gemm::Activation;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// The operation; input 0 is the image, input 1 the weight, input 2 the bias if there is one.
struct Conv2d<T: 'static>(Convolve<T>);

impl<T: Real> Tape<T> {
    /// `activation(convolution(x, weight) + bias)`: `x` is `[N, channels, height, width]`, `weight`
    /// `[filters, channels / groups, kernel_rows, kernel_columns]`, `bias` `[filters]`; gives
    /// `[N, filters, (height + 2 padding - dilation (kernel_rows - 1) - 1) / stride + 1, likewise]`.
    #[track_caller]
    pub fn conv2d(
        &self,
        x: Var,
        weight: Var,
        bias: Option<Var>,
        options: ConvOptions,
        activation: Activation<T>,
    ) -> Var {
        let operation = Conv2d(Convolve::new(options, activation));
        match bias {
            Some(bias) => self.record(operation, &[x, weight, bias]),
            None => self.record(operation, &[x, weight]),
        }
    }

    /// `activation(max pooling of (convolution(x, weight) + bias))`, which is the pooling of [`Self::conv2d`]'s
    /// result where the activation rises ([`Activation::rises`]); the result before pooling only exists an image at a
    /// time. Shapes are those of the two in turn.
    #[track_caller]
    pub fn conv2d_max_pool2d(
        &self,
        x: Var,
        weight: Var,
        bias: Option<Var>,
        options: ConvOptions,
        pool: Pool,
        activation: Activation<T>,
    ) -> Var {
        let operation = Conv2d(Convolve::new(options, activation).pooled(pool));
        match bias {
            Some(bias) => self.record(operation, &[x, weight, bias]),
            None => self.record(operation, &[x, weight]),
        }
    }

    /// [`Self::conv2d`] over sequences: `x` is `[N, channels, length]`, `weight`
    /// `[filters, channels / groups, kernel]`.
    #[track_caller]
    pub fn conv1d(
        &self,
        x: Var,
        weight: Var,
        bias: Option<Var>,
        options: Conv1dOptions,
        activation: Activation<T>,
    ) -> Var {
        self.conv2d(x, weight, bias, options.of_images(), activation)
    }
}

impl<T: Real> Operation<T> for Conv2d<T> {
    fn name(&self) -> &'static str {
        if self.0.is_pooled() { "conv2d_max_pool2d" } else { "conv2d" }
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        self.0.infer(inputs)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        self.0.forward(run)
    }

    fn backward(&self, run: Backward<'_, T>) -> Result<(), Error> {
        self.0.backward(run)
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use super::*;
    use crate::conv::geometry::Window;
    use crate::conv::matrix::ConvolutionMatrix;
    use crate::ops::cases::*;
    use crate::ops::max_pool2d::cases::{by_windows, maximum, planes as pool_planes};

    /// The convolution of each image of a batch by the matrix itself.
    pub(in crate::ops) fn reference(
        x: &[Vec<f64>],
        sizes: [usize; 3],
        window: Window,
        filters: usize,
        groups: usize,
        f: fn(f64) -> f64,
    ) -> Vec<f64> {
        let matrix = ConvolutionMatrix::new(window, sizes, filters, groups, &x[1]).expect("a geometry that fits");
        let images = x[0].chunks(sizes.iter().product());
        let results = images.flat_map(|image| matrix.multiply(image).expect("an image of that size"));
        let positions = matrix.rows() / filters;
        let bias = |at: usize| x.get(2).map_or(0.0, |bias| bias[at / positions % filters]);
        results.enumerate().map(|(at, y)| f(y + bias(at))).collect()
    }

    /// An image for the cases: `[channels, height, width]` in place of columns.
    pub(in crate::ops) fn images([channels, height, width]: [usize; 3]) -> CaseInput {
        CaseInput { shape: Shape::batch(&[channels, height, width]), domain: Domain::Real }
    }

    /// Small sides that vary with the sizes a case is tried at.
    pub(in crate::ops) fn sides(s: Sizes) -> [usize; 2] {
        [4 + s.columns % 5, 5 + s.other % 4]
    }

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "conv2d, 3x3, padding 1, tanh",
                |s| {
                    let [h, w] = sides(s);
                    vec![images([2, h, w]), fixed(&[3, 2, 3, 3], Domain::Real), fixed(&[3], Domain::Real)]
                },
                |t, v| t.conv2d(v[0], v[1], Some(v[2]), ConvOptions::default().padding(1), Activation::Tanh),
                |x| {
                    let [h, w] = sides(s);
                    reference(x, [2, h, w], Window::new([3, 3]).padding([1, 1]), 3, 1, f64::tanh)
                },
            ),
            case!(
                "conv2d, stride 2, no bias",
                |s| {
                    let [h, w] = sides(s);
                    vec![images([2, h, w]), fixed(&[3, 2, 3, 2], Domain::Real)]
                },
                |t, v| t.conv2d(v[0], v[1], None, ConvOptions::default().padding(1).stride(2), Activation::Identity),
                |x| {
                    let [h, w] = sides(s);
                    reference(x, [2, h, w], Window::new([3, 2]).padding([1, 1]).stride([2, 2]), 3, 1, |y| y)
                },
            ),
            case!(
                "conv2d, groups and dilation, sigmoid",
                |s| {
                    let [h, w] = sides(s);
                    vec![images([4, h, w]), fixed(&[6, 2, 2, 3], Domain::Real), fixed(&[6], Domain::Real)]
                },
                |t, v| {
                    let options = ConvOptions::default().padding([0, 2]).dilation(2).groups(2);
                    t.conv2d(v[0], v[1], Some(v[2]), options, Activation::Sigmoid)
                },
                |x| {
                    let [h, w] = sides(s);
                    let window = Window::new([2, 3]).dilation([2, 2]).padding([0, 2]);
                    reference(x, [4, h, w], window, 6, 2, |y| 1.0 / (1.0 + (-y).exp()))
                },
            ),
            case!(
                "conv2d, one element",
                |s| {
                    let [h, w] = sides(s);
                    vec![images([3, h, w]), fixed(&[2, 3, 1, 1], Domain::Real), fixed(&[2], Domain::Real)]
                },
                |t, v| t.conv2d(v[0], v[1], Some(v[2]), ConvOptions::default(), Activation::Softplus),
                |x| {
                    let [h, w] = sides(s);
                    reference(x, [3, h, w], Window::new([1, 1]), 2, 1, |y| y.exp().ln_1p())
                },
            ),
            // A kernel of one element keeps numbers apart, as a check of functions that compare needs them.
            case!(
                "conv2d_max_pool2d, ceil, tanh",
                |s| vec![
                    pool_planes(s, 1).0,
                    fixed(&[3, 1, 1, 1], Domain::AwayFromZero(0.5)),
                    fixed(&[3], Domain::Real)
                ],
                |t, v| {
                    let scaled = t.scale(v[0], 0.1);
                    let pool = Pool::new(2).ceil();
                    t.conv2d_max_pool2d(scaled, v[1], Some(v[2]), ConvOptions::default(), pool, Activation::Tanh)
                },
                |x| {
                    let (_, [h, w]) = pool_planes(s, 1);
                    let scaled = [x[0].iter().map(|x| 0.1 * x).collect(), x[1].clone(), x[2].clone()];
                    let y = reference(&scaled, [1, h, w], Window::new([1, 1]), 3, 1, f64::tanh);
                    by_windows(&y, [h, w], Pool::new(2).ceil(), maximum)
                },
            ),
            case!(
                "conv2d_max_pool2d, groups, stride, overlapping windows, no bias",
                |s| vec![pool_planes(s, 2).0, fixed(&[4, 1, 1, 1], Domain::AwayFromZero(0.5))],
                |t, v| {
                    let pool = Pool::new(3).stride(2).padding(1);
                    let options = ConvOptions::default().stride([1, 2]).groups(2);
                    t.conv2d_max_pool2d(v[0], v[1], None, options, pool, Activation::Identity)
                },
                |x| {
                    let (_, [h, w]) = pool_planes(s, 2);
                    let y = reference(x, [2, h, w], Window::new([1, 1]).stride([1, 2]), 4, 2, |y| y);
                    by_windows(&y, [h, w.div_ceil(2)], Pool::new(3).stride(2).padding(1), maximum)
                },
            ),
            case!(
                "conv1d, stride 2",
                |s| vec![
                    CaseInput { shape: Shape::batch(&[2, 6 + s.columns % 7]), domain: Domain::Real },
                    fixed(&[3, 2, 3], Domain::Real),
                    fixed(&[3], Domain::Real),
                ],
                |t, v| {
                    let options = Conv1dOptions::default().stride(2).padding(1);
                    t.conv1d(v[0], v[1], Some(v[2]), options, Activation::Tanh)
                },
                |x| {
                    let window = Window::new([1, 3]).stride([1, 2]).padding([0, 1]);
                    reference(x, [2, 1, 6 + s.columns % 7], window, 3, 1, f64::tanh)
                },
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::fill_uniform;
    use crate::{Backend, Parameters, Split};

    /// Fused and one after the other: the same results and gradients, with kernels larger than one element too.
    #[test]
    fn pooling_in_the_convolution_is_pooling_after_it() {
        for (options, sizes, filters, pool) in [
            (ConvOptions::default().padding(1), [3, 9, 11], 4, Pool::new(2).ceil()),
            (ConvOptions::default().stride(2), [4, 16, 20], 17, Pool::new(3).stride(1)),
            (ConvOptions::default().padding(1), [1, 620, 430], 1, Pool::new(2)),
        ] {
            for backend in Backend::available() {
                let mut parameters = Parameters::<f32>::new();
                let input = parameters.add("x", &[5, sizes[0], sizes[1], sizes[2]]).unwrap();
                let weight = parameters.add("weight", &[filters, sizes[0], 3, 3]).unwrap();
                let bias = parameters.add("bias", &[filters]).unwrap();
                fill_uniform(1, 0, 0, -1.0, 1.0, parameters.flat_mut());
                let run = |fused: bool| {
                    let tape = Tape::on(&parameters, 1, backend);
                    let [x, w, b] = [input, weight, bias].map(|id| tape.parameter(id));
                    let y = match fused {
                        true => tape.conv2d_max_pool2d(x, w, Some(b), options, pool, Activation::Sigmoid),
                        false => {
                            let y = tape.conv2d(x, w, Some(b), options, Activation::Identity);
                            tape.sigmoid(tape.max_pool2d(y, pool))
                        }
                    };
                    let loss = tape.mean(tape.square(y));
                    let plan = tape.train(loss).unwrap();
                    let mut workspace = plan.workspace().unwrap();
                    plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
                    plan.backward(&parameters, &mut workspace, Split::Serial).unwrap();
                    let infer = tape.infer(&[y]).unwrap();
                    let mut inferred = infer.workspace().unwrap();
                    infer.forward(&parameters, &mut inferred, Split::Serial).unwrap();
                    (inferred.value(y).unwrap().to_vec(), workspace.gradients().to_vec())
                };
                let (fused, apart) = (run(true), run(false));
                let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(distance(&fused.0, &apart.0) < 1e-6, "{backend} {sizes:?}");
                assert!(distance(&fused.1, &apart.1) < 1e-6, "{backend} {sizes:?}");
            }
        }
    }
}
