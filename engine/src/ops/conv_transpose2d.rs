//! `x = f(Cᵀ y + b)`: the transposed convolution, Cᵀ the transpose of the convolution matrix (Dumoulin & Visin 2016,
//! chapter 4; Zeiler et al. 2010 call it deconvolution).
//!
//! The input is `[N, channels, height, width]`, the weight `[channels, filters / groups, kernel_rows, kernel_columns]`, as
//! in PyTorch: it is the weight of the convolution that this is the transpose of. Backward: `dz = dx f'(x)`, `db` its
//! sums, `dy = C dz`, `dW = Σ y im2col(dz)ᵀ`.

use crate::base::Error;
use super::convolution::{ConvOptions, Convolve};
use crate::gemm::Activation;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// The operation; input 0 is the small image, input 1 the weight, input 2 the bias if there is one.
struct ConvTranspose2d<T>(Convolve<T>);

impl<T: Real> Tape<T> {
    /// `activation(transposed convolution(x, weight) + bias)`: `x` is `[N, channels, height, width]`, `weight`
    /// `[channels, filters / groups, kernel_rows, kernel_columns]`, `bias` `[filters]`; gives
    /// `[N, filters, (height - 1) stride - 2 padding + dilation (kernel_rows - 1) + output_padding + 1, likewise]`. The
    /// output padding, below the stride, tells apart the sizes that one convolution takes to the same.
    #[track_caller]
    pub fn conv_transpose2d(
        &self,
        x: Var,
        weight: Var,
        bias: Option<Var>,
        options: ConvOptions,
        output_padding: [usize; 2],
        activation: Activation<T>,
    ) -> Var {
        let operation = ConvTranspose2d(Convolve::new(options, Some(output_padding), activation));
        match bias {
            Some(bias) => self.record(operation, &[x, weight, bias]),
            None => self.record(operation, &[x, weight]),
        }
    }

    /// [`Self::conv_transpose2d`] over sequences: `x` is `[N, channels, length]`, `weight`
    /// `[channels, filters / groups, kernel]`; the numbers are stride, padding, dilation and output padding.
    #[track_caller]
    pub fn conv_transpose1d(
        &self,
        x: Var,
        weight: Var,
        bias: Option<Var>,
        [stride, padding, dilation, output_padding]: [usize; 4],
        groups: usize,
        activation: Activation<T>,
    ) -> Var {
        let options = ConvOptions::of_sequence(stride, padding, dilation, groups);
        self.conv_transpose2d(x, weight, bias, options, [0, output_padding], activation)
    }
}

impl<T: Real> Operation<T> for ConvTranspose2d<T> {
    fn name(&self) -> &'static str {
        "conv_transpose2d"
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
    use crate::ops::conv2d::cases::{images, sides};

    /// The transposed convolution of each image of a batch by the transposed matrix itself; `sizes` are those of the result.
    pub(in crate::ops) fn reference(
        x: &[Vec<f64>],
        sizes: [usize; 3],
        window: Window,
        channels: usize,
        groups: usize,
        f: fn(f64) -> f64,
    ) -> Vec<f64> {
        let matrix = ConvolutionMatrix::new(window, sizes, channels, groups, &x[1]).expect("a geometry that fits");
        let images = x[0].chunks(matrix.rows());
        let results = images.flat_map(|image| matrix.multiply_transposed(image).expect("an image of that size"));
        let bias = |at: usize| x.get(2).map_or(0.0, |bias| bias[at / (sizes[1] * sizes[2]) % sizes[0]]);
        results.enumerate().map(|(at, y)| f(y + bias(at))).collect()
    }

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!(
                "conv_transpose2d, stride 2, padding 1, output padding 1, tanh",
                |s| {
                    let [h, w] = sides(s);
                    vec![images([3, h, w]), fixed(&[3, 2, 3, 3], Domain::Real), fixed(&[2], Domain::Real)]
                },
                |t, v| {
                    let options = ConvOptions::default().stride(2).padding(1);
                    t.conv_transpose2d(v[0], v[1], Some(v[2]), options, [1, 1], Activation::Tanh)
                },
                |x| {
                    let [h, w] = sides(s);
                    let window = Window::new([3, 3]).stride([2, 2]).padding([1, 1]);
                    reference(x, [2, 2 * h, 2 * w], window, 3, 1, f64::tanh)
                },
            ),
            case!(
                "conv_transpose2d, groups, no bias",
                |s| {
                    let [h, w] = sides(s);
                    vec![images([4, h, w]), fixed(&[4, 3, 2, 3], Domain::Real)]
                },
                |t, v| {
                    let options = ConvOptions::default().groups(2);
                    t.conv_transpose2d(v[0], v[1], None, options, [0, 0], Activation::Identity)
                },
                |x| {
                    let [h, w] = sides(s);
                    reference(x, [6, h + 1, w + 2], Window::new([2, 3]), 4, 2, |y| y)
                },
            ),
            case!(
                "conv_transpose2d, one element, sigmoid",
                |s| {
                    let [h, w] = sides(s);
                    vec![images([2, h, w]), fixed(&[2, 3, 1, 1], Domain::Real), fixed(&[3], Domain::Real)]
                },
                |t, v| t.conv_transpose2d(v[0], v[1], Some(v[2]), ConvOptions::default(), [0, 0], Activation::Sigmoid),
                |x| {
                    let [h, w] = sides(s);
                    reference(x, [3, h, w], Window::new([1, 1]), 2, 1, |y| 1.0 / (1.0 + (-y).exp()))
                },
            ),
            case!(
                "conv_transpose1d, stride 3, output padding 2",
                |s| vec![
                    CaseInput { shape: Shape::batch(&[2, 4 + s.columns % 5]), domain: Domain::Real },
                    fixed(&[2, 3, 4], Domain::Real),
                    fixed(&[3], Domain::Real),
                ],
                |t, v| t.conv_transpose1d(v[0], v[1], Some(v[2]), [3, 1, 1, 2], 1, Activation::Tanh),
                |x| {
                    let large = (4 + s.columns % 5 - 1) * 3 - 2 + 3 + 2 + 1;
                    let window = Window::new([1, 4]).stride([1, 3]).padding([0, 1]);
                    reference(x, [3, 1, large], window, 2, 1, f64::tanh)
                },
            ),
        ]
    }
}
