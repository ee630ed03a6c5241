//! Agreement with sums in `f64`, on every backend, at the shapes where tiles, panels and blocks end.

use super::float::HasKernels;
use super::*;
use crate::base::{Backend, Threads};
use crate::simd::Float;
use crate::{Context, Split};
use proptest::prelude::*;

/// Numbers in [-1, 1), a function of the seed.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n
    }

    fn vec<T: Float>(&mut self, len: usize) -> Vec<T> {
        (0..len).map(|_| T::from_f64(self.next() as f64 / (1u64 << 30) as f64 - 1.0)).collect()
    }
}

/// Where the elements of a matrix lie in its slice.
#[derive(Clone, Copy, Debug)]
struct Layout {
    rows: usize,
    cols: usize,
    row: usize,
    col: usize,
}

impl Layout {
    /// Row-major, column-major, or spread out, with gaps or without.
    fn random(noise: &mut Noise, rows: usize, cols: usize) -> Self {
        let gap = [0, 0, 1, 5][noise.below(4)];
        let (row, col) = match noise.below(5) {
            0 | 1 => (cols + gap, 1),
            2 | 3 => (1, rows + gap),
            _ => ((cols * 2) + gap, 2),
        };
        Self { rows, cols, row, col }
    }

    fn len(&self) -> usize {
        if self.rows == 0 || self.cols == 0 { 0 } else { (self.rows - 1) * self.row + (self.cols - 1) * self.col + 1 }
    }

    fn at(&self, i: usize, j: usize) -> usize {
        i * self.row + j * self.col
    }

    fn view<'a, T>(&self, data: &'a [T]) -> MatrixRef<'a, T> {
        MatrixRef::new(data, self.rows, self.cols, self.row, self.col).unwrap()
    }

    fn view_mut<'a, T>(&self, data: &'a mut [T]) -> MatrixMut<'a, T> {
        MatrixMut::new(data, self.rows, self.cols, self.row, self.col).unwrap()
    }
}

/// A product with everything that belongs to it.
struct Case<T> {
    a: (Vec<T>, Layout),
    b: (Vec<T>, Layout),
    c: (Vec<T>, Layout),
    alpha: f64,
    beta: f64,
    bias: (usize, Vec<T>),
}

impl<T: GemmFloat> Case<T> {
    fn new(seed: u64, [m, n, k]: [usize; 3]) -> Self {
        let noise = &mut Noise(seed);
        let factors = [0.0, 1.0, 1.0, -1.0, 0.5, 0.3];
        let (alpha, beta) = (factors[noise.below(6)], factors[noise.below(6)]);
        let [a, b, c] = [(m, k), (k, n), (m, n)].map(|(rows, cols)| {
            let layout = Layout::random(noise, rows, cols);
            (noise.vec(layout.len()), layout)
        });
        let kind = noise.below(3);
        let mut case = Self { a, b, c, alpha, beta, bias: (kind, noise.vec([0, n, m][kind])) };
        if beta == 0.0 {
            case.c.0.fill(T::from_f64(f64::NAN));
        }
        if alpha == 0.0 {
            case.a.0.fill(T::from_f64(f64::NAN));
        }
        case
    }

    fn epilogue(&self, activation: Activation<T>) -> Epilogue<'_, T> {
        let bias = match self.bias.0 {
            0 => None,
            1 => Some(Bias::PerColumn(&self.bias.1[..])),
            _ => Some(Bias::PerRow(&self.bias.1[..])),
        };
        Epilogue { bias, activation }
    }

    fn run(&self, backend: Backend, split: Split, activation: Activation<T>) -> Vec<T> {
        let mut c = self.c.0.clone();
        let (alpha, beta) = (T::from_f64(self.alpha), T::from_f64(self.beta));
        let (a, b) = (self.a.1.view(&self.a.0), self.b.1.view(&self.b.0));
        gemm(Context { backend, split }, alpha, a, b, beta, self.c.1.view_mut(&mut c), &self.epilogue(activation))
            .unwrap();
        c
    }

    fn run_packed(&self, backend: Backend, split: Split, activation: Activation<T>) -> Vec<T> {
        let mut c = self.c.0.clone();
        let (alpha, beta) = (T::from_f64(self.alpha), T::from_f64(self.beta));
        let (a, b) = (self.a.1.view(&self.a.0), self.b.1.view(&self.b.0));
        let b = PackedB::new(Context { backend, split }, b).unwrap();
        gemm_packed(split, alpha, a, &b, beta, self.c.1.view_mut(&mut c), &self.epilogue(activation)).unwrap();
        c
    }

    /// The element before the activation, and the sum of the terms' sizes.
    fn expected(&self, i: usize, j: usize) -> (f64, f64) {
        let (mut sum, mut size) = (0.0, 0.0);
        let mut add = |term: f64| {
            sum += term;
            size += term.abs();
        };
        for p in (0..self.a.1.cols).filter(|_| self.alpha != 0.0) {
            add(self.alpha * self.a.0[self.a.1.at(i, p)].to_f64() * self.b.0[self.b.1.at(p, j)].to_f64());
        }
        if self.beta != 0.0 {
            add(self.beta * self.c.0[self.c.1.at(i, j)].to_f64());
        }
        match self.bias.0 {
            0 => {}
            1 => add(self.bias.1[j].to_f64()),
            _ => add(self.bias.1[i].to_f64()),
        }
        (sum, size)
    }

    fn check_sums(&self, found: &[T], activation: Activation<T>) {
        let layout = self.c.1;
        let mut gaps = self.c.0.clone();
        for i in 0..layout.rows {
            for j in 0..layout.cols {
                let (sum, size) = self.expected(i, j);
                let wanted = match activation {
                    Activation::Relu => sum.max(0.0),
                    Activation::LeakyRelu(slope) if sum < 0.0 => slope.to_f64() * sum,
                    _ => sum,
                };
                let got = found[layout.at(i, j)].to_f64();
                let bound = 2.0 * (self.a.1.cols as f64 + 4.0) * T::EPSILON.to_f64() * size;
                assert!((got - wanted).abs() <= bound, "({i}, {j}): {got} for {wanted}, within {bound}");
                gaps[layout.at(i, j)] = found[layout.at(i, j)];
            }
        }
        assert!(same_bits(&gaps, found), "a gap was written");
    }

    /// The activations that are functions give what the element-wise kernels give on the finished sums.
    fn check_function(&self, backend: Backend, activation: Activation<T>) {
        let mut sums = self.run(backend, Split::Serial, Activation::Identity);
        let layout = self.c.1;
        for i in 0..layout.rows {
            for j in 0..layout.cols {
                let element = std::slice::from_mut(&mut sums[layout.at(i, j)]);
                activation.apply_to(backend, element);
            }
        }
        assert!(same_bits(&sums, &self.run(backend, Split::Serial, activation)), "{activation:?}");
    }

    fn check(&self, functions: bool) {
        for backend in Backend::available() {
            let slope = T::from_f64(0.25);
            for activation in [Activation::Identity, Activation::Relu, Activation::LeakyRelu(slope)] {
                self.check_sums(&self.run(backend, Split::Serial, activation), activation);
                self.check_sums(&self.run_packed(backend, Split::Serial, activation), activation);
            }
            if functions {
                let all = Activation::one_of_each(slope);
                all.iter().for_each(|&activation| self.check_function(backend, activation));
            }
        }
    }
}

fn same_bits<T: Float>(a: &[T], b: &[T]) -> bool {
    bytemuck::cast_slice::<T, u8>(a) == bytemuck::cast_slice::<T, u8>(b)
}

fn side() -> impl Strategy<Value = usize> {
    const ENDS: &[usize] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 28, 29, 31, 32, 33, 64];
    const OTHERS: &[usize] = &[11, 23, 37, 53, 71, 97, 130];
    prop_oneof![6 => prop::sample::select(ENDS), 3 => prop::sample::select(OTHERS), 1 => Just(301)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_f64(m in side(), n in side(), k in side(), seed: u64) {
        let small = m * n < 2000;
        Case::<f32>::new(seed, [m, n, k]).check(small);
        Case::<f64>::new(seed, [m, n, k]).check(small);
    }
}

/// Larger than a block in each direction.
#[test]
fn crosses_blocks() {
    for (seed, sides) in
        [[700, 40, 9], [20, 2100, 530], [15, 15, 1700], [400, 70, 520], [3, 5, 3000]].iter().enumerate()
    {
        for seed in 0..4 {
            Case::<f32>::new(seed * 7 + 3, *sides).check(false);
        }
        Case::<f64>::new(seed as u64, *sides).check(false);
    }
}

#[test]
#[cfg(feature = "threads")]
fn threads_do_not_change_bits() {
    let pools = [1, 2, 3, 7].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    let shapes = [
        ([130, 260, 97], 6),
        ([1000, 9, 130], 6),
        ([5, 2000, 301], 6),
        ([1, 3000, 400], 6),
        ([200, 200, 600], 6),
        ([31, 1, 40000], 6),
        // Several blocks of a shared B in both directions.
        ([230, 2100, 600], 3),
    ];
    for (sides, seeds) in shapes {
        for seed in 0..seeds {
            let case = Case::<f32>::new(seed, sides);
            for backend in Backend::available() {
                let alone = case.run(backend, Split::Serial, Activation::Tanh);
                let without = pools[1].install(|| arena::without(|| case.run(backend, Split::Rayon, Activation::Tanh)));
                assert!(same_bits(&alone, &without), "{sides:?}, seed {seed}, {backend}, without memory");
                for pool in &pools {
                    let shared = pool.install(|| case.run(backend, Split::Rayon, Activation::Tanh));
                    assert!(
                        same_bits(&alone, &shared),
                        "{sides:?}, seed {seed}, {backend} {:?} {:?} {:?} {} {} {:?} {:?}",
                        case.a.1,
                        case.b.1,
                        case.c.1,
                        case.alpha,
                        case.beta,
                        alone
                            .iter()
                            .zip(&shared)
                            .filter(|(a, b)| a.to_bits() != b.to_bits())
                            .take(5)
                            .collect::<Vec<_>>(),
                        case.bias.0
                    );
                }
            }
        }
    }
}

/// Below the gate a product stays on its thread: two threads are never slower than one because of the waking.
#[test]
#[cfg(feature = "threads")]
fn small_products_stay_on_one_thread() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.install(|| {
        for ([m, n, k], threads) in [([32, 64, 16], 1), ([50, 50, 50], 1), ([64, 64, 64], 2), ([1, 784, 512], 2)] {
            assert_eq!(split::threads(Split::Rayon, m * n * k), threads, "{m}x{n}x{k}");
        }
    });
}

/// C with gaps between its columns, with columns side by side, and with columns between rows: none of them may be
/// transposed, and all get their own elements.
#[test]
fn a_transposed_product_keeps_to_the_strides_of_c() {
    let noise = &mut Noise(11);
    let (m, n, k) = (30, 300, 128);
    let (x, w) = (noise.vec::<f32>(m * k), noise.vec::<f32>(n * k));
    let product = |backend, split, row: usize, col: usize| {
        let mut c = vec![f32::NAN; (m - 1) * row + (n - 1) * col + 1];
        let to = MatrixMut::new(&mut c, m, n, row, col).unwrap();
        let (a, b) = (MatrixRef::row_major(&x, m, k).unwrap(), MatrixRef::row_major(&w, n, k).unwrap().t());
        gemm(Context { backend, split }, 1.0, a, b, 0.0, to, &Epilogue::none()).unwrap();
        c
    };
    for backend in Backend::available() {
        let plain = product(backend, Split::Serial, n, 1);
        for (row, col) in [(600, 2), (1, m), (2, 2 * m)] {
            for threads in [Threads::One, Threads::Current] {
                let c = threads.run(|split| product(backend, split, row, col));
                let mut written = vec![f32::NAN; c.len()];
                for (i, j) in (0..m).flat_map(|i| (0..n).map(move |j| (i, j))) {
                    written[i * row + j * col] = plain[i * n + j];
                }
                assert!(same_bits(&written, &c), "strides {row} and {col}, {backend}");
            }
        }
    }
}

/// A product of part of the rows and columns has the bits of the whole one, wherever it lies in a tile.
#[test]
fn position_in_a_tile_does_not_change_bits() {
    let (m, n, k) = (40, 70, 600);
    let noise = &mut Noise(5);
    let (a, b) = (noise.vec::<f32>(m * k), noise.vec::<f32>(k * n));
    for backend in Backend::available() {
        let product = |rows: usize, cols: usize| {
            let mut c = vec![0.0; rows * cols];
            let a = MatrixRef::row_major(&a, rows, k).unwrap();
            let b = MatrixRef::new(&b, k, cols, n, 1).unwrap();
            let to = MatrixMut::row_major(&mut c, rows, cols).unwrap();
            gemm(Context { backend, split: Split::Serial }, 1.0, a, b, 0.0, to, &Epilogue::none()).unwrap();
            c
        };
        let whole = product(m, n);
        for (rows, cols) in (1..m).map(|rows| (rows, 1 + rows * 7 % n)) {
            let part = product(rows, cols);
            // One column is the transpose of one row, which may be a family of its own.
            for (i, row) in part.chunks(cols).enumerate().filter(|_| cols > 2) {
                assert!(same_bits(row, &whole[i * n..i * n + cols]), "{rows} x {cols}, {backend}");
            }
        }
    }
}

/// A linear layer's forward product, done the other way round, has the bits of the same product with a B that cannot
/// be: rounding does not depend on the operands' order.
#[test]
#[cfg(feature = "threads")]
fn transposed_products_have_the_same_bits() {
    let noise = &mut Noise(9);
    let mut transposed = 0;
    let pools = [2, 3, 7].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    for [m, n, k] in [[128, 300, 130], [30, 257, 513], [64, 700, 64], [45, 500, 1024], [16, 90, 70], [128, 600, 2048]] {
        let (x, w, bias) = (noise.vec::<f32>(m * k), noise.vec::<f32>(n * k), noise.vec::<f32>(n));
        let across: Vec<f32> = (0..k * n).map(|i| w[i % n * k + i / n]).collect();
        for backend in Backend::available() {
            for activation in [Activation::Identity, Activation::Relu, Activation::Tanh] {
                let epilogue = Epilogue { bias: Some(Bias::PerColumn(&bias)), activation };
                let product = |b: MatrixRef<f32>, split| {
                    let mut c = vec![f32::NAN; m * n];
                    let to = MatrixMut::row_major(&mut c, m, n).unwrap();
                    let a = MatrixRef::row_major(&x, m, k).unwrap();
                    gemm(Context { backend, split }, 1.0, a, b, 0.0, to, &epilogue).unwrap();
                    c
                };
                let plain = product(MatrixRef::row_major(&across, k, n).unwrap(), Split::Serial);
                let weights = MatrixRef::row_major(&w, n, k).unwrap().t();
                let before = shared::TRANSPOSED.get();
                assert!(same_bits(&plain, &product(weights, Split::Serial)), "{m}x{n}x{k}, {backend}, {activation:?}");
                transposed += usize::from(shared::TRANSPOSED.get() > before);
                for pool in &pools {
                    let shared = Threads::Pool(pool).run(|split| product(weights, split));
                    assert!(same_bits(&plain, &shared), "{m}x{n}x{k}, {backend}, {activation:?}");
                }
                let without = arena::without(|| product(weights, Split::Serial));
                assert!(same_bits(&plain, &without), "{m}x{n}x{k}, {backend}, {activation:?}");
            }
        }
    }
    assert!(transposed > 0, "none of these was transposed");
}

#[test]
fn packed_operands_give_the_bits_of_tiles_on_any_threads() {
    for (seed, sides) in [[40, 70, 130], [200, 300, 90], [9, 48, 600]].into_iter().enumerate() {
        let mut case = Case::<f32>::new(seed as u64, sides);
        // Which operand takes alpha depends on C's orientation; a power of two does not show it.
        case.alpha = if case.alpha == 0.3 { 0.5 } else { case.alpha };
        for backend in Backend::available() {
            let plain = case.run(backend, Split::Serial, Activation::Sigmoid);
            assert!(same_bits(&plain, &case.run_packed(backend, Split::Serial, Activation::Sigmoid)), "{sides:?}");
            let shared = Threads::Current.run(|split| case.run_packed(backend, split, Activation::Sigmoid));
            assert!(same_bits(&plain, &shared), "{sides:?}, {backend}");
        }
    }
}

#[test]
fn memory_may_fail() {
    for seed in 0..40 {
        let case = Case::<f32>::new(seed, [45, 70, 130]);
        let with = case.run(Backend::current(), Split::Serial, Activation::Relu);
        let without = arena::without(|| case.run(Backend::current(), Split::Serial, Activation::Relu));
        assert!(same_bits(&with, &without));
    }
}

#[test]
fn nan_propagates() {
    for backend in Backend::available() {
        let (mut a, b) = (vec![0.0f32; 20 * 30], vec![0.0f32; 30 * 40]);
        a[5 * 30 + 7] = f32::NAN;
        let mut c = vec![0.0; 20 * 40];
        let to = MatrixMut::row_major(&mut c, 20, 40).unwrap();
        let (a, b) = (MatrixRef::row_major(&a, 20, 30).unwrap(), MatrixRef::row_major(&b, 30, 40).unwrap());
        let relu = Epilogue { bias: None, activation: Activation::Relu };
        gemm(Context { backend, split: Split::Serial }, 1.0, a, b, 0.0, to, &relu).unwrap();
        assert!(c.iter().enumerate().all(|(i, x)| x.is_nan() == (i / 40 == 5)));
    }
}

#[test]
fn each_backend_has_its_own_tiles() {
    for backend in Backend::available() {
        let lanes = backend.vector_bytes() / 4;
        assert_eq!(f32::gemm_kernels(backend).tiling(std::marker::PhantomData).lanes, lanes, "{backend}");
        assert_eq!(f64::gemm_kernels(backend).tiling(std::marker::PhantomData).lanes, lanes / 2, "{backend}");
    }
}

/// Without memory, blocks are on the stack: they are large enough there for every tile.
#[test]
fn blocks_on_the_stack_are_large_enough() {
    for backend in Backend::available() {
        for n in [1, 3, 5, 9, 17, 33, 49, 70, 97] {
            for seed in 0..6 {
                let case = Case::<f64>::new(seed, [29, n, 70]);
                let with = case.run(backend, Split::Serial, Activation::Relu);
                assert!(same_bits(&with, &arena::without(|| case.run(backend, Split::Serial, Activation::Relu))));
                let case = Case::<f32>::new(seed, [29, n, 70]);
                let with = case.run(backend, Split::Serial, Activation::Relu);
                assert!(same_bits(&with, &arena::without(|| case.run(backend, Split::Serial, Activation::Relu))));
            }
        }
    }
}
