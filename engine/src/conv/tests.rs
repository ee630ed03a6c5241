//! The convolution matrix against plain loops, and everything else against the convolution matrix, at random geometries.

use super::passes::{Convolution, Means};
use super::*;
use crate::Split;
use crate::gemm::Activation;
use crate::parallel::Threads;
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
        numbers(self.seed, self.filters() * self.seen * self.window.kernel[0] * self.window.kernel[1])
    }

    fn matrix(&self) -> ConvolutionMatrix<f64> {
        let [height, width] = self.image;
        let sizes = [self.channels(), height, width];
        ConvolutionMatrix::new(self.window, sizes, self.filters(), self.groups, &self.weight()).unwrap()
    }

    fn convolution(&self) -> Convolution {
        let geometry = Geometry::new(self.window, self.seen, self.image).unwrap();
        Convolution { geometry, groups: self.groups, filters: self.made }
    }

    /// The definition, by loops.
    fn naive(&self, x: &[f64]) -> Vec<f64> {
        let Window { kernel, stride, padding, dilation } = self.window;
        let [height, width] = self.image;
        let geometry = Geometry::new(self.window, self.seen, self.image).unwrap();
        let weight = self.weight();
        let mut y = Vec::new();
        for filter in 0..self.filters() {
            for (row, column) in
                (0..geometry.positions[0]).flat_map(|r| (0..geometry.positions[1]).map(move |c| (r, c)))
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
        let window = Window { kernel, stride, padding, dilation };
        // At least as large as the kernel reaches, and one pixel.
        let side = |axis: usize| {
            (dilation[axis] * (kernel[axis] - 1) + 1).saturating_sub(2 * padding[axis]).max(1) + more[axis]
        };
        Random { window, image: [side(0), side(1)], groups, seen, made, seed }
    }
}

proptest! {
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
        let y: Vec<f64> = (0..2).flat_map(|filter| (0..all).map(move |at| (filter, at))).map(|(f, a)| product(f, a)).collect();
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
        let (x, y) = (numbers(random.seed ^ 1, images * matrix.columns()), numbers(random.seed ^ 2, images * matrix.rows()));
        let weight = random.weight();
        let mut scratch = vec![f64::NAN; convolution.scratch().unwrap()];
        for backend in Backend::available() {
            let means = Means { backend, split: Split::Serial };
            let mut there = vec![f64::NAN; y.len()];
            convolution.apply(means, (&x, &weight, None), Activation::Identity, &mut there, false, &mut scratch);
            let wanted = x.chunks(matrix.columns()).flat_map(|x| matrix.multiply(x).unwrap()).collect::<Vec<_>>();
            prop_assert!(close(&there, &wanted));
            let mut back = vec![f64::NAN; x.len()];
            convolution.apply_transposed(means, (&y, &weight), &mut back, false, &mut scratch);
            let wanted = y.chunks(matrix.rows()).flat_map(|y| matrix.multiply_transposed(y).unwrap()).collect::<Vec<_>>();
            prop_assert!(close(&back, &wanted));
            convolution.apply_transposed(means, (&y, &weight), &mut back, true, &mut scratch);
            prop_assert!(close(&back, &wanted.iter().map(|x| 2.0 * x).collect::<Vec<_>>()));
            // <C(W) x, y> is linear in W: its gradient is the pass's result.
            let mut gradient = vec![f64::NAN; weight.len()];
            convolution.weight_gradient(means, (&x, &y), &mut gradient, false, &mut scratch);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            prop_assert!((dot(&gradient, &weight) - dot(&there, &y)).abs() < 1e-8 * (1.0 + dot(&there, &there)));
        }
    }
}

/// Strips of several rows, more images than chunks, several threads: the same bits.
#[test]
fn threads_do_not_change_bits() {
    let window = Window::new([3, 3]).padding([1, 1]);
    let geometry = Geometry::new(window, 8, [40, 40]).unwrap();
    let convolution = Convolution { geometry, groups: 2, filters: 5 };
    assert!(convolution.scratch().unwrap() < 16 * (40_000 + 1000), "a strip, not the whole column matrix");
    let images = 37;
    let values = |seed, len| numbers(seed, len).into_iter().map(|x| x as f32).collect::<Vec<_>>();
    let (x, y) = (values(1, images * convolution.image()), values(2, images * convolution.result()));
    let (weight, bias) = (values(3, convolution.weight()), values(4, 10));
    for backend in Backend::available() {
        let run = |split| {
            let means = Means { backend, split };
            let mut scratch = vec![f32::NAN; convolution.scratch().unwrap()];
            let (mut there, mut back) = (vec![f32::NAN; y.len()], vec![f32::NAN; x.len()]);
            let (mut gradient, mut sums) = (vec![f32::NAN; weight.len()], vec![f32::NAN; 10]);
            convolution.apply(means, (&x, &weight, Some(&bias)), Activation::Relu, &mut there, false, &mut scratch);
            convolution.apply_transposed(means, (&y, &weight), &mut back, false, &mut scratch);
            convolution.weight_gradient(means, (&x, &y), &mut gradient, false, &mut scratch);
            passes::channel_sums(means, &y, convolution.result(), &mut sums, false, &mut scratch);
            [there, back, gradient, sums].map(|x| x.into_iter().map(f32::to_bits).collect::<Vec<_>>())
        };
        let alone = run(Split::Serial);
        assert!(Threads::Current.run(run) == alone, "{backend}");
    }
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
