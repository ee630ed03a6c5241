//! `y = x sigmoid(x)` (Elfwing et al. 2017), also called swish; and, since its derivative is not a function of the
//! output, the cases of every operation that may be fused with it.

use crate::gemm::Activation;
use crate::tape::{Real, Tape, Var};

impl<T: Real> Tape<T> {
    /// `y = x sigmoid(x)` (Elfwing et al. 2017), also called swish. The shape is kept.
    #[track_caller]
    pub fn silu(&self, x: Var) -> Var {
        self.activation(x, Activation::Silu)
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::conv::geometry::Window;
    use crate::conv::pool::Pool;
    use crate::gemm::Activation;
    use crate::ops::cases::*;
    use crate::ops::conv_transpose2d::cases::reference as transposed;
    use crate::ops::conv2d::cases::{images, reference as convolved, sides};
    use crate::ops::linear::cases::reference as product;
    use crate::ops::max_pool2d::cases::{by_windows, maximum, planes};
    use crate::ops::{ConvOptions, ConvTransposeOptions};

    fn silu(x: f64) -> f64 {
        x / (1.0 + (-x).exp())
    }

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            pointwise_case!("silu", Domain::Real, |t, x| t.silu(x), |x| silu(x)),
            pointwise_case!("silu, a chain", Domain::Real, |t, x| t.exp(t.silu(t.scale(x, 0.5))), |x| silu(0.5 * x)
                .exp()),
            case!(
                "linear, silu",
                |s| vec![
                    batch(s.columns, Domain::Real),
                    fixed(&[s.other, s.columns], Domain::Real),
                    fixed(&[s.other], Domain::Real),
                ],
                |t, v| t.linear(v[0], v[1], Some(v[2]), Activation::Silu),
                |x| product(x, s.columns, s.other, silu),
            ),
            case!(
                "linear_transposed, silu, no bias, a tied pair",
                |s| vec![batch(s.columns, Domain::Unit), fixed(&[s.other, s.columns], Domain::Unit)],
                |t, v| {
                    let h = t.linear(t.scale(v[0], 0.1), v[1], None, Activation::Silu);
                    t.linear_transposed(h, v[1], None, Activation::Silu)
                },
                |x| {
                    let small = x[0].iter().map(|x| 0.1 * x).collect();
                    let h = product(&[small, x[1].clone()], s.columns, s.other, silu);
                    let weight = (0..s.columns).flat_map(|c| (0..s.other).map(move |o| o * s.columns + c));
                    let weight = weight.map(|at| x[1][at]).collect();
                    product(&[h, weight], s.other, s.columns, silu)
                },
            ),
            case!(
                "conv2d, silu",
                |s| {
                    let [h, w] = sides(s);
                    vec![images([2, h, w]), fixed(&[3, 2, 3, 3], Domain::Real), fixed(&[3], Domain::Real)]
                },
                |t, v| t.conv2d(v[0], v[1], Some(v[2]), ConvOptions::default().padding(1), Activation::Silu),
                |x| {
                    let [h, w] = sides(s);
                    convolved(x, [2, h, w], Window::new([3, 3]).padding([1, 1]), 3, 1, silu)
                },
            ),
            // A kernel of one element keeps numbers apart, as a check of functions that compare needs them.
            case!(
                "conv2d_max_pool2d, silu",
                |s| vec![planes(s, 1).0, fixed(&[3, 1, 1, 1], Domain::AwayFromZero(0.5)), fixed(&[3], Domain::Real)],
                |t, v| {
                    let (scaled, pool) = (t.scale(v[0], 0.1), Pool::new(2).ceil());
                    t.conv2d_max_pool2d(scaled, v[1], Some(v[2]), ConvOptions::default(), pool, Activation::Silu)
                },
                |x| {
                    let (_, [h, w]) = planes(s, 1);
                    let scaled = [x[0].iter().map(|x| 0.1 * x).collect(), x[1].clone(), x[2].clone()];
                    let sums = convolved(&scaled, [1, h, w], Window::new([1, 1]), 3, 1, |y| y);
                    by_windows(&sums, [h, w], Pool::new(2).ceil(), maximum).into_iter().map(silu).collect()
                },
            ),
            case!(
                "conv_transpose2d, stride 2, silu",
                |s| {
                    let [h, w] = sides(s);
                    vec![images([3, h, w]), fixed(&[3, 2, 3, 3], Domain::Real), fixed(&[2], Domain::Real)]
                },
                |t, v| {
                    let options = ConvTransposeOptions::default().stride(2).padding(1).output_padding(1);
                    t.conv_transpose2d(v[0], v[1], Some(v[2]), options, Activation::Silu)
                },
                |x| {
                    let [h, w] = sides(s);
                    let window = Window::new([3, 3]).stride([2, 2]).padding([1, 1]);
                    transposed(x, [2, 2 * h, 2 * w], window, 3, 1, silu)
                },
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use crate::conv::pool::Pool;
    use crate::gemm::Activation;
    use crate::ops::ConvOptions;
    use crate::random::fill_uniform;
    use crate::{Backend, Parameters, Split, Tape};

    /// The sums that a training plan saves, and the place that an inference plan works in: the same bits, and
    /// infinities are functions' limits.
    #[test]
    fn saved_and_in_place_are_the_same_bits() {
        for backend in Backend::available() {
            let mut parameters = Parameters::<f32>::new();
            let image = parameters.add("image", &[5, 4, 9, 11]).unwrap();
            let kernel = parameters.add("kernel", &[4, 4, 3, 3]).unwrap();
            let bias = parameters.add("bias", &[4]).unwrap();
            let rows = parameters.add("rows", &[37, 4]).unwrap();
            let matrix = parameters.add("matrix", &[4, 4]).unwrap();
            fill_uniform(1, 0, 0, -2.0, 2.0, parameters.flat_mut());
            let tape = Tape::on(&parameters, 1, backend);
            let [image, kernel, bias, rows, matrix] = [image, kernel, bias, rows, matrix].map(|id| tape.parameter(id));
            let (options, act) = (ConvOptions::default().padding(1), Activation::Silu);
            let outputs = [
                tape.linear(rows, matrix, Some(bias), act),
                tape.linear_transposed(rows, matrix, None, act),
                tape.conv2d(image, kernel, Some(bias), options, act),
                tape.conv2d_max_pool2d(image, kernel, Some(bias), options, Pool::new(2), act),
                tape.conv_transpose2d(image, kernel, Some(bias), options.into(), act),
                tape.silu(tape.scale(rows, 3.0)),
            ];
            let loss = outputs.map(|y| tape.mean(y)).into_iter().reduce(|a, b| tape.add(a, b)).unwrap();
            outputs.iter().for_each(|&y| tape.keep(y));
            let (train, infer) = (tape.train(loss).unwrap(), tape.infer(&outputs).unwrap());
            let (mut saved, mut in_place) = (train.workspace().unwrap(), infer.workspace().unwrap());
            train.forward(&parameters, &mut saved, Split::Serial).unwrap();
            infer.forward(&parameters, &mut in_place, Split::Serial).unwrap();
            for y in outputs {
                let bits = |y: &[f32]| y.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(saved.value(y).unwrap()), bits(in_place.value(y).unwrap()), "{backend}");
            }
        }
    }

    #[test]
    fn infinities_are_limits() {
        for backend in Backend::available() {
            let x = [f64::NEG_INFINITY, -1e300, 0.0, 1e300, f64::INFINITY, f64::NAN];
            let (mut y, mut dy) = (x, [1.0; 6]);
            Activation::Silu.apply_to(backend, &mut y);
            Activation::Silu.differentiate(backend, &x, &mut dy);
            assert_eq!((y[0], y[1], y[2], y[3], y[4]), (0.0, 0.0, 0.0, 1e300, f64::INFINITY), "{backend}");
            assert_eq!((dy[0], dy[1], dy[2], dy[3], dy[4]), (0.0, 0.0, 0.5, 1.0, 1.0), "{backend}");
            assert!(y[5].is_nan() && dy[5].is_nan(), "{backend}");
        }
    }
}
