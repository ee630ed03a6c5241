//! The convolution matrix against plain loops, and everything else against the convolution matrix, at random
//! geometries.
#![forbid(unsafe_code)]

use super::convolution::Convolution;
use super::direct::Direct;
use super::passes::{Apply, Differentiate, Passes};
use super::*;
use crate::Context;
use crate::Split;
use crate::base::parallel::Threads;
use crate::gemm::Activation;
use crate::simd::Backend;
use proptest::prelude::*;

/// A convolution of random sizes, and numbers for it.
#[derive(Debug, Clone)]
struct Random {
    window: Window,
    image: [usize; 2],
    groups: usize,
    seen: usize,
    made: usize,
    seed: u64,
}

impl Random {
    fn channels(&self) -> usize {
        self.groups * self.seen
    }

    fn filters(&self) -> usize {
        self.groups * self.made
    }

    fn weight(&self) -> Vec<f64> {
        numbers(self.seed, self.filters() * self.seen * self.window.kernel().iter().product::<usize>())
    }

    fn matrix(&self) -> ConvolutionMatrix<f64> {
        let [height, width] = self.image;
        let sizes = [self.channels(), height, width];
        ConvolutionMatrix::new(self.window, sizes, self.filters(), self.groups, &self.weight()).unwrap()
    }

    fn convolution(&self) -> Convolution {
        let geometry = Geometry::new(self.window, self.seen, self.image).unwrap();
        Convolution::new(geometry, self.groups, self.made).unwrap()
    }

    /// The definition, by loops.
    fn naive(&self, x: &[f64]) -> Vec<f64> {
        let (kernel, stride) = (self.window.kernel(), self.window.strides());
        let (padding, dilation) = (self.window.paddings(), self.window.dilations());
        let [height, width] = self.image;
        let geometry = Geometry::new(self.window, self.seen, self.image).unwrap();
        let weight = self.weight();
        let mut y = Vec::new();
        for filter in 0..self.filters() {
            for (row, column) in
                (0..geometry.positions()[0]).flat_map(|r| (0..geometry.positions()[1]).map(move |c| (r, c)))
            {
                let mut sum = 0.0;
                for channel in 0..self.seen {
                    for (i, j) in (0..kernel[0]).flat_map(|i| (0..kernel[1]).map(move |j| (i, j))) {
                        let at = |position: usize, axis: usize, k: usize| {
                            (position * stride[axis] + k * dilation[axis]) as isize - padding[axis] as isize
                        };
                        let (y, x_) = (at(row, 0, i), at(column, 1, j));
                        if (0..height as isize).contains(&y) && (0..width as isize).contains(&x_) {
                            let from = filter / self.made * self.seen + channel;
                            let pixel = (from * height + y as usize) * width + x_ as usize;
                            sum += weight[((filter * self.seen + channel) * kernel[0] + i) * kernel[1] + j] * x[pixel];
                        }
                    }
                }
                y.push(sum);
            }
        }
        y
    }
}

fn numbers(seed: u64, len: usize) -> Vec<f64> {
    let mut x = vec![0.0; len];
    crate::random::fill_uniform(seed, 0, 0, -1.0, 1.0, &mut x);
    x
}

fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-10)
}

prop_compose! {
    fn random()(
        kernel in [1..5usize, 1..5usize],
        stride in [1..4usize, 1..4usize],
        padding in [0..4usize, 0..4usize],
        dilation in [1..3usize, 1..3usize],
        more in [0..9usize, 0..9usize],
        groups in 1..3usize,
        seen in 1..4usize,
        made in 1..4usize,
        seed: u64,
    ) -> Random {
        let window = Window::new(kernel).stride(stride).padding(padding).dilation(dilation);
        // At least as large as the kernel reaches, and one pixel.
        let side = |axis: usize| {
            (dilation[axis] * (kernel[axis] - 1) + 1).saturating_sub(2 * padding[axis]).max(1) + more[axis]
        };
        Random { window, image: [side(0), side(1)], groups, seen, made, seed }
    }
}

/// A transposed convolution by its definition: every number of the small image adds its share to every pixel of the
/// large one that the kernel reaches from it.
fn scattered(
    window: Window,
    [made, rows, columns]: [usize; 3],
    small: [usize; 3],
    x: &[f64],
    weight: &[f64],
) -> Vec<f64> {
    let (kernel, stride) = (window.kernel(), window.strides());
    let (padding, dilation) = (window.paddings(), window.dilations());
    let mut y = vec![0.0; made * rows * columns];
    for (at, &pixel) in x.iter().enumerate() {
        let (channel, row, column) = (at / (small[1] * small[2]), at / small[2] % small[1], at % small[2]);
        for tap in 0..made * kernel[0] * kernel[1] {
            let (filter, i, j) = (tap / (kernel[0] * kernel[1]), tap / kernel[1] % kernel[0], tap % kernel[1]);
            let down = (row * stride[0] + i * dilation[0]).checked_sub(padding[0]).filter(|&down| down < rows);
            let across = (column * stride[1] + j * dilation[1]).checked_sub(padding[1]).filter(|&at| at < columns);
            if let (Some(down), Some(across)) = (down, across) {
                let weight = weight[channel * made * kernel[0] * kernel[1] + tap];
                y[(filter * rows + down) * columns + across] += pixel * weight;
            }
        }
    }
    y
}

proptest! {
    /// Output padding up to the larger of stride and dilation: the definition's values, on every backend, and gradients
    /// that are the transpose of that.
    #[test]
    fn transposes_take_pytorchs_output_padding(
        (kernel, stride, dilation) in ([1..4usize, 1..4usize], [1..4usize, 1..4usize], [1..5usize, 1..5usize]),
        small in [1..6usize, 1..6usize],
        share in [0..100usize, 0..100usize],
        (filters, made, cut) in (1..4usize, 1..3usize, 0..2usize),
        seed: u64,
    ) {
        let more = [0, 1].map(|axis| share[axis] * stride[axis].max(dilation[axis]) / 100);
        let window = Window::new(kernel).stride(stride).padding(cut).dilation(dilation);
        let Ok(geometry) = Geometry::of_transposed(window, made, small, more) else { return Ok(()) };
        prop_assert_eq!(geometry.positions(), small);
        let convolution = Convolution::new(geometry, 1, filters).unwrap();
        let [rows, columns] = geometry.image();
        let (x, weight) = (numbers(seed, filters * small[0] * small[1]), numbers(seed ^ 1, filters * geometry.rows()));
        let dy = numbers(seed ^ 2, geometry.image_elements());
        let wanted = scattered(window, [made, rows, columns], [filters, small[0], small[1]], &x, &weight);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for backend in Backend::available() {
            let run = Run::of(&convolution, true, backend, Split::Serial, (&x, &weight, &dy));
            prop_assert!(close(&run.result, &wanted), "{} {:?}", backend, geometry);
            prop_assert!((dot(&run.d_input, &x) - dot(&dy, &wanted)).abs() < 1e-9);
            prop_assert!((dot(&run.d_weight, &weight) - dot(&dy, &wanted)).abs() < 1e-9);
        }
        // The column matrix sees the same pixels.
        let mut image = vec![0.0; geometry.image_elements()];
        let columns = numbers(seed ^ 3, geometry.rows() * geometry.columns());
        col2im(&geometry, &columns, &mut image).unwrap();
        let mut back = vec![0.0; columns.len()];
        im2col(&geometry, &dy, &mut back).unwrap();
        prop_assert!((dot(&columns, &back) - dot(&dy, &image)).abs() < 1e-9);
    }

    #[test]
    fn the_matrix_is_the_definition(random in random()) {
        let matrix = random.matrix();
        let x = numbers(random.seed ^ 1, matrix.columns());
        prop_assert!(close(&matrix.multiply(&x).unwrap(), &random.naive(&x)));
    }

    #[test]
    fn the_transpose_is_one(random in random()) {
        let matrix = random.matrix();
        let (x, y) = (numbers(random.seed ^ 1, matrix.columns()), numbers(random.seed ^ 2, matrix.rows()));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (there, back) = (matrix.multiply(&x).unwrap(), matrix.multiply_transposed(&y).unwrap());
        prop_assert!((dot(&there, &y) - dot(&x, &back)).abs() < 1e-9);
    }

    #[test]
    fn columns_are_what_each_position_sees(random in random()) {
        let geometry = Geometry::new(random.window, random.channels(), random.image).unwrap();
        let x = numbers(random.seed ^ 1, geometry.image_elements());
        let mut columns = vec![f64::NAN; geometry.rows() * geometry.columns()];
        im2col(&geometry, &x, &mut columns).unwrap();
        // W im2col(x) is the convolution.
        let single = Random { groups: 1, seen: random.channels(), made: 2, ..random.clone() };
        let (weight, all) = (single.weight(), geometry.columns());
        let product = |filter: usize, at: usize| {
            (0..geometry.rows()).map(|r| weight[filter * geometry.rows() + r] * columns[r * all + at]).sum::<f64>()
        };
        let places = (0..2).flat_map(|filter| (0..all).map(move |at| (filter, at)));
        let y: Vec<f64> = places.map(|(filter, at)| product(filter, at)).collect();
        prop_assert!(close(&y, &single.matrix().multiply(&x).unwrap()));
        // col2im is its transpose.
        let other = numbers(random.seed ^ 2, columns.len());
        let mut image = vec![0.0; x.len()];
        col2im(&geometry, &other, &mut image).unwrap();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        prop_assert!((dot(&columns, &other) - dot(&x, &image)).abs() < 1e-9);
    }

    #[test]
    fn the_passes_are_products_with_the_matrix(random in random(), images in 1..20usize) {
        let (matrix, convolution) = (random.matrix(), random.convolution());
        let x = numbers(random.seed ^ 1, images * matrix.columns());
        let y = numbers(random.seed ^ 2, images * matrix.rows());
        let weight = random.weight();
        for backend in Backend::available() {
            let there = Run::of(&convolution, false, backend, Split::Serial, (&x, &weight, &y));
            let wanted = x.chunks(matrix.columns()).flat_map(|x| matrix.multiply(x).unwrap()).collect::<Vec<_>>();
            prop_assert!(close(&there.result, &wanted));
            let transposed = |y: &[f64]| matrix.multiply_transposed(y).unwrap();
            let wanted = y.chunks(matrix.rows()).flat_map(transposed).collect::<Vec<_>>();
            prop_assert!(close(&there.d_input, &wanted));
            let back = Run::of(&convolution, true, backend, Split::Serial, (&y, &weight, &x));
            prop_assert!(close(&back.result, &wanted) && close(&back.d_input, &there.result));
            // <C(W) x, y> is linear in W: its gradient is the pass's result.
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let product = dot(&there.result, &y);
            let size = 1.0 + dot(&there.result, &there.result);
            prop_assert!((dot(&there.d_weight, &weight) - product).abs() < 1e-8 * size);
            prop_assert!(close(&there.d_weight, &back.d_weight));
        }
    }
}

/// What the passes of an operation give, its result's gradient being `gradient`, without bias and activation.
struct Run<T> {
    result: Vec<T>,
    d_input: Vec<T>,
    d_weight: Vec<T>,
    d_bias: Vec<T>,
}

impl<T: ConvFloat> Run<T> {
    fn of(
        convolution: &Convolution,
        transposed: bool,
        backend: Backend,
        split: Split,
        (input, weight, gradient): (&[T], &[T], &[T]),
    ) -> Self {
        let (passes, context) = (Passes::<T>::new(*convolution, transposed, None).unwrap(), Context { backend, split });
        let nan = |len| vec![T::from_f64(f64::NAN); len];
        let mut scratch = nan(passes.scratch(false).unwrap());
        let (mut result, mut d_input) = (nan(gradient.len()), nan(input.len()));
        let activation = Activation::Identity;
        let work = Apply { input, weight, bias: None, activation, output: &mut result, places: None };
        passes.apply(context, work, &mut scratch).unwrap();
        let geometry = convolution.geometry();
        let each = if transposed { geometry.channels() } else { convolution.filters() };
        let channels = convolution.groups() * each;
        let run = |d_input: &mut [T], accumulate, scratch: &mut [T]| {
            let mut gradient = gradient.to_vec();
            let work = Differentiate {
                input,
                weight,
                kept: &[],
                places: &[],
                gradient: &mut gradient,
                activation: Activation::Identity,
                d_input: Some((d_input, accumulate)),
                wants: [true; 2],
            };
            let sums = passes.differentiate(context, work, scratch).unwrap();
            [weight.len(), channels]
                .iter()
                .zip(sums)
                .map(|(&len, sums)| {
                    let mut sum = nan(len);
                    T::elementwise(backend).column_sums(sums, len, &mut sum, false);
                    sum
                })
                .collect::<Vec<_>>()
        };
        let mut scratch = nan(passes.scratch(true).unwrap());
        let sums = run(&mut d_input, false, &mut scratch);
        // Added to what is there, it is twice as much.
        let mut twice = d_input.clone();
        run(&mut twice, true, &mut scratch);
        let apart = twice.iter().zip(&d_input).map(|(a, b)| (a.to_f64() - 2.0 * b.to_f64()).abs()).fold(0.0, f64::max);
        assert!(apart < 1e-3, "accumulated: {apart}");
        let [d_weight, d_bias] = sums.try_into().unwrap();
        Self { result, d_input, d_weight, d_bias }
    }

    fn bits(&self) -> Vec<u64> {
        let all = [&self.result, &self.d_input, &self.d_weight, &self.d_bias];
        all.into_iter().flatten().map(|x| x.to_f64().to_bits()).collect()
    }
}

/// Every route (positions or filters in the lanes, strips of the column matrix), more images than chunks, several
/// threads: the same bits, and the numbers of the matrix.
#[test]
fn routes_agree_and_threads_do_not_change_bits() {
    let padded = Window::new([3, 3]).padding([1, 1]);
    for (window, channels, image, groups, filters, direct) in [
        (padded, 4, [40, 40], 2, 5, true),
        (padded, 2, [28, 28], 1, 1, true),
        (padded, 1, [20, 28], 1, 24, true),
        (padded.stride([2, 2]), 8, [14, 14], 1, 64, true),
        (padded.stride([2, 3]), 3, [9, 11], 2, 17, true),
        (Window::new([1, 1]), 8, [9, 9], 1, 7, false),
        (padded, 1, [600, 500], 1, 2, false),
        (padded, 128, [6, 6], 1, 120, false),
    ] {
        let geometry = Geometry::new(window, channels, image).unwrap();
        let convolution = Convolution::new(geometry, groups, filters).unwrap();
        assert_eq!(Direct::new(&geometry, filters).is_some(), direct);
        let images = if direct { 37 } else { 2 };
        let values = |seed, len| numbers(seed, len).into_iter().map(|x| x as f32).collect::<Vec<_>>();
        let (x, y) = (values(1, images * convolution.image()), values(2, images * convolution.result()));
        let weight = values(3, convolution.weight());
        for backend in Backend::available() {
            for (transposed, input, gradient) in [(false, &x, &y), (true, &y, &x)] {
                let operands = (&input[..], &weight[..], &gradient[..]);
                let alone = Run::of(&convolution, transposed, backend, Split::Serial, operands);
                for threads in [2, 3, 7] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    let run = |split| Run::of(&convolution, transposed, backend, split, operands);
                    let shared = Threads::Pool(&pool).run(run);
                    assert!(shared.bits() == alone.bits(), "{backend} {window:?} {threads} threads");
                }
                let double = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
                let exact = (double(input), double(&weight), double(gradient));
                let operands = (&exact.0[..], &exact.1[..], &exact.2[..]);
                let exact = Run::of(&convolution, transposed, Backend::portable(), Split::Serial, operands);
                for (single, double) in [
                    (&alone.result, &exact.result),
                    (&alone.d_input, &exact.d_input),
                    (&alone.d_weight, &exact.d_weight),
                    (&alone.d_bias, &exact.d_bias),
                ] {
                    let size = double.iter().map(|x| x.abs()).fold(1.0, f64::max);
                    let apart = single.iter().zip(double).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
                    assert!(apart < 2e-5 * size, "{backend} {window:?}: {apart} of {size}");
                }
            }
        }
    }
}

/// Scratch memory is bounded for images of any size, and says nothing of the batch; forward needs less than backward.
#[test]
fn scratch_is_bounded() {
    for (channels, side, filters) in [(64, 1024, 64), (1, 500, 1), (3, 256, 3), (32, 80, 32), (1, 4000, 8)] {
        let geometry = Geometry::new(Window::new([3, 3]).padding([1, 1]), channels, [side, side]).unwrap();
        let convolution = Convolution::new(geometry, 1, filters).unwrap();
        let passes = Passes::<f32>::new(convolution, false, None).unwrap();
        let [forward, backward] = [false, true].map(|backward| 4 * passes.scratch(backward).unwrap());
        assert!(forward <= backward && backward < 80 << 20, "{channels} {side}: {forward} and {backward} bytes");
    }
}

/// A kernel of one element whose dilation allows output padding: the image is larger than the positions, so it is not
/// the column matrix.
#[test]
fn output_padding_of_a_kernel_of_one_element() {
    let window = Window::new([1, 1]).dilation(3);
    let geometry = Geometry::of_transposed(window, 2, [2, 3], [2, 1]).unwrap();
    assert_eq!((geometry.image(), geometry.positions()), ([4, 4], [2, 3]));
    let convolution = Convolution::new(geometry, 1, 2).unwrap();
    let (x, weight, dy) = (numbers(1, 12), numbers(2, 4), numbers(3, 32));
    let wanted = scattered(window, [2, 4, 4], [2, 2, 3], &x, &weight);
    for backend in Backend::available() {
        assert!(close(&Run::of(&convolution, true, backend, Split::Serial, (&x, &weight, &dy)).result, &wanted));
    }
    assert!(wanted[8..16].iter().all(|&y| y == 0.0), "rows that no element of the kernel reaches");
}

/// The lecture's case: a 4x4 image and a 3x3 kernel.
#[test]
fn a_small_matrix_prints() {
    let kernel: Vec<f64> = (1..=9).map(f64::from).collect();
    let matrix = ConvolutionMatrix::new(Window::new([3, 3]), [1, 4, 4], 1, 1, &kernel).unwrap();
    let text = "\
1 2 3 . 4 5 6 . 7 8 9 . . . . .
. 1 2 3 . 4 5 6 . 7 8 9 . . . .
. . . . 1 2 3 . 4 5 6 . 7 8 9 .
. . . . . 1 2 3 . 4 5 6 . 7 8 9
";
    assert_eq!(matrix.to_string(), text);
    assert!(ConvolutionMatrix::new(Window::new([3, 3]), [2, 4, 4], 2, 0, &kernel).is_err());
    assert!(ConvolutionMatrix::new(Window::new([3, 3]), [1, 4, 4], 1, 1, &kernel[1..]).is_err());
    assert!(matrix.multiply(&[0.0; 15]).is_err() && matrix.multiply_transposed(&[0.0; 5]).is_err());
}
