//! `x = f(Cᵀ y + b)`: the transposed convolution, Cᵀ the transpose of the convolution matrix (Dumoulin & Visin 2016,
//! chapter 4; Zeiler et al. 2010 call it deconvolution).
//!
//! The input is `[N, channels, height, width]`, the weight `[channels, filters / groups, kernel_rows, kernel_columns]`,
//! as in PyTorch: it is the weight of the convolution that this is the transpose of. Backward: `dz = dx f'(x)`, `db`
//! its sums, `dy = C dz`, `dW = Σ y im2col(dz)ᵀ`.

use super::conv_options::{ConvTranspose1dOptions, ConvTransposeOptions};
use super::convolution::Convolve;
use crate::base::Error;
use crate::gemm::Activation;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec, Tape, Var};

/// The operation; input 0 is the small image, input 1 the weight, input 2 the bias if there is one.
struct ConvTranspose2d<T: 'static>(Convolve<T>);

impl<T: Real> Tape<T> {
    /// `activation(transposed convolution(x, weight) + bias)`: `x` is `[N, channels, height, width]`, `weight`
    /// `[channels, filters / groups, kernel_rows, kernel_columns]`, `bias` `[filters]`; gives
    /// `[N, filters, (height - 1) stride - 2 padding + dilation (kernel_rows - 1) + output_padding + 1, likewise]`. The
    /// output padding, below the stride or the dilation, tells apart the sizes that one convolution takes to the same;
    /// rows and columns that no element of the kernel reaches hold `activation(bias)`.
    #[track_caller]
    pub fn conv_transpose2d(
        &self,
        x: Var,
        weight: Var,
        bias: Option<Var>,
        options: ConvTransposeOptions,
        activation: Activation<T>,
    ) -> Var {
        let operation = ConvTranspose2d(Convolve::transposed(options, activation));
        match bias {
            Some(bias) => self.record(operation, &[x, weight, bias]),
            None => self.record(operation, &[x, weight]),
        }
    }

    /// [`Self::conv_transpose2d`] over sequences: `x` is `[N, channels, length]`, `weight`
    /// `[channels, filters / groups, kernel]`.
    #[track_caller]
    pub fn conv_transpose1d(
        &self,
        x: Var,
        weight: Var,
        bias: Option<Var>,
        options: ConvTranspose1dOptions,
        activation: Activation<T>,
    ) -> Var {
        self.conv_transpose2d(x, weight, bias, options.of_images(), activation)
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

    /// The transposed convolution of each image of a batch by the transposed matrix itself; `sizes` are those of the
    /// result.
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

    /// The definition, by loops, of the case below: 2 channels, 3 filters, a kernel of 3 by 2, stride `[1, 2]`, padding
    /// `[1, 0]`, dilation 3: every number of the input adds its share to every pixel that the kernel reaches from it.
    pub(in crate::ops) fn scattered(
        x: &[Vec<f64>],
        [h, w]: [usize; 2],
        [rows, columns]: [usize; 2],
        f: fn(f64) -> f64,
    ) -> Vec<f64> {
        let mut all = Vec::new();
        for image in x[0].chunks(2 * h * w) {
            let mut y: Vec<f64> = (0..3 * rows * columns).map(|at| x[2][at / (rows * columns)]).collect();
            for (at, &pixel) in image.iter().enumerate() {
                let (channel, row, column) = (at / (h * w), at / w % h, at % w);
                for tap in 0..3 * 3 * 2 {
                    let (filter, i, j) = (tap / 6, tap / 2 % 3, tap % 2);
                    let (down, across) = ((row + 3 * i).checked_sub(1), 2 * column + 3 * j);
                    if let Some(down) = down.filter(|&down| down < rows && across < columns) {
                        y[(filter * rows + down) * columns + across] += pixel * x[1][channel * 18 + tap];
                    }
                }
            }
            all.extend(y.into_iter().map(f));
        }
        all
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
                    let options = ConvTransposeOptions::default().stride(2).padding(1).output_padding(1);
                    t.conv_transpose2d(v[0], v[1], Some(v[2]), options, Activation::Tanh)
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
                    let options = ConvTransposeOptions::default().groups(2);
                    t.conv_transpose2d(v[0], v[1], None, options, Activation::Identity)
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
                |t, v| t.conv_transpose2d(v[0], v[1], Some(v[2]), ConvTransposeOptions::default(), Activation::Sigmoid),
                |x| {
                    let [h, w] = sides(s);
                    reference(x, [3, h, w], Window::new([1, 1]), 2, 1, |y| 1.0 / (1.0 + (-y).exp()))
                },
            ),
            // More output padding than the stride: as PyTorch, nothing but the bias beyond what the kernel reaches.
            case!(
                "conv_transpose2d, dilation 3, output padding 2, softplus",
                |s| {
                    let [h, w] = sides(s);
                    vec![images([2, h, w]), fixed(&[2, 3, 3, 2], Domain::Real), fixed(&[3], Domain::Real)]
                },
                |t, v| {
                    let options =
                        ConvTransposeOptions::default().stride([1, 2]).padding([1, 0]).dilation(3).output_padding(2);
                    t.conv_transpose2d(v[0], v[1], Some(v[2]), options, Activation::Softplus)
                },
                |x| {
                    let [h, w] = sides(s);
                    // (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1
                    let [rows, columns] = [h - 1 - 2 + 6 + 2 + 1, (w - 1) * 2 + 3 + 2 + 1];
                    scattered(x, [h, w], [rows, columns], |y| y.exp().ln_1p())
                },
            ),
            case!(
                "conv_transpose1d, stride 3, output padding 2",
                |s| vec![
                    CaseInput { shape: Shape::batch(&[2, 4 + s.columns % 5]), domain: Domain::Real },
                    fixed(&[2, 3, 4], Domain::Real),
                    fixed(&[3], Domain::Real),
                ],
                |t, v| {
                    let options = ConvTranspose1dOptions::default().stride(3).padding(1).output_padding(2);
                    t.conv_transpose1d(v[0], v[1], Some(v[2]), options, Activation::Tanh)
                },
                |x| {
                    let large = (4 + s.columns % 5 - 1) * 3 - 2 + 3 + 2 + 1;
                    let window = Window::new([1, 4]).stride([1, 3]).padding([0, 1]);
                    reference(x, [3, 1, large], window, 2, 1, f64::tanh)
                },
            ),
        ]
    }
}
