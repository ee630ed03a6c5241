//! Bounds and special values of the functions, on every backend this machine has, against `f64` references.
//!
//! `exhaustive_table` runs all 2^32 `f32` and prints the table that ACCURACY.md records.

use super::constants::MathConstants;
use super::erf::erf;
use super::exp::{exp, expm1};
use super::ln::{ln, log1p};
use super::logistic::{sigmoid, softplus};
use super::sincospi::sincospi;
use super::tanh::tanh;
use crate::simd::Lanes;
use crate::simd::{Backend, Float, InOut, kernel_table};

macro_rules! functions {
    ($($name:ident = $body:ident: $f:expr;)*) => {
        kernel_table! {
            /// The functions under test.
            pub(crate) struct Functions in entries;
            $( #[allow(missing_docs)] fn $name(io: InOut<'_, T>) = $body; )*
        }
        $(
            #[inline(always)]
            fn $body<T: MathConstants, I: Lanes<T>>(isa: I, mut io: InOut<'_, T>) {
                let mut at = 0;
                while at < io.len() {
                    let x = io.load(isa, at);
                    let f: fn(I, I::V) -> I::V = $f;
                    io.store(isa, at, f(isa, x));
                    at += I::LANES;
                }
            }
        )*
    };
}

functions! {
    exp = exp_all: exp::<T, I>;
    expm1 = expm1_all: expm1::<T, I>;
    ln = ln_all: ln::<T, I>;
    log1p = log1p_all: log1p::<T, I>;
    tanh = tanh_all: tanh::<T, I>;
    sigmoid = sigmoid_all: sigmoid::<T, I>;
    softplus = softplus_all: softplus::<T, I>;
    erf = erf_all: erf::<T, I>;
    sinpi = sinpi_all: |isa, x| sincospi::<T, I>(isa, x).0;
    cospi = cospi_all: |isa, x| sincospi::<T, I>(isa, x).1;
}

/// A function under test: its bound for `f32` in units in the last place, its entry point, its reference.
struct Case<T: 'static> {
    name: &'static str,
    bound: f64,
    run: fn(&Functions<T>, InOut<'_, T>),
    reference: fn(f64) -> f64,
}

fn cases<T: Float>() -> [Case<T>; 10] {
    macro_rules! case {
        ($name:ident, $bound:literal, $reference:expr) => {
            Case { name: stringify!($name), bound: $bound, run: Functions::<T>::$name, reference: $reference }
        };
    }
    [
        case!(exp, 1.0, f64::exp),
        case!(expm1, 1.5, f64::exp_m1),
        case!(ln, 1.5, f64::ln),
        case!(log1p, 1.5, f64::ln_1p),
        case!(tanh, 2.0, f64::tanh),
        case!(sigmoid, 2.0, reference::sigmoid),
        case!(softplus, 2.0, reference::softplus),
        case!(erf, 2.0, reference::erf),
        case!(sinpi, 2.0, reference::sinpi),
        case!(cospi, 2.0, reference::cospi),
    ]
}

mod reference {
    pub(super) fn sigmoid(x: f64) -> f64 {
        let e = (-x.abs()).exp();
        if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
    }

    pub(super) fn softplus(x: f64) -> f64 {
        if x.is_nan() { x } else { x.max(0.0) + (-x.abs()).exp().ln_1p() }
    }

    /// Up to 1.25 the series `2/sqrt(pi) e^(-x²) Σ 2^k x^(2k+1) / (2k+1)!!` (DLMF 7.6.2), whose terms are all positive,
    /// so that nothing cancels; beyond, 1 less the continued fraction of erfc (DLMF 7.9.1).
    pub(super) fn erf(x: f64) -> f64 {
        let a = x.abs();
        if a.is_nan() || a >= 6.0 {
            return if a.is_nan() { x } else { x.signum() };
        }
        let gaussian = (-a * a).exp();
        if a >= 1.25 {
            let fraction = (1..150).rev().fold(a, |below, k| a + f64::from(k) / 2.0 / below);
            return (1.0 - gaussian * std::f64::consts::FRAC_2_SQRT_PI / 2.0 / fraction).copysign(x);
        }
        let (mut term, mut sum, mut k) = (x, x, 0.0);
        while term.abs() > 1e-18 * sum.abs() {
            k += 1.0;
            term *= 2.0 * x * x / (2.0 * k + 1.0);
            sum += term;
        }
        std::f64::consts::FRAC_2_SQRT_PI * gaussian * sum
    }

    /// `(quarter turns, what is left of x)`, exactly.
    fn reduce(x: f64) -> (i32, f64) {
        // From 2^54 on all are even, and the remainder takes its time.
        let y = if x.abs() < 2.0f64.powi(54) || !x.is_finite() { x % 2.0 } else { 0.0 };
        let n = (2.0 * y).round_ties_even();
        (n as i32 & 3, y - n / 2.0)
    }

    pub(super) fn sinpi(x: f64) -> f64 {
        let (n, r) = reduce(x);
        let (s, c) = (std::f64::consts::PI * r).sin_cos();
        let y = [s, c, -s, -c][n as usize];
        if y == 0.0 { 0.0f64.copysign(x) } else { y }
    }

    pub(super) fn cospi(x: f64) -> f64 {
        let (n, r) = reduce(x);
        let (s, c) = (std::f64::consts::PI * r).sin_cos();
        [c, -s, -c, s][n as usize] + 0.0
    }
}

/// The distance of `y` from `expected` in units of the last place of a type with `digits` bits after the point and
/// normal exponents from `lowest`; infinite where one is NaN, or a zero or infinity has the other's sign.
fn distance(y: f64, expected: f64, digits: i32, lowest: i32) -> f64 {
    if y.is_nan() && expected.is_nan() || y.to_bits() == expected.to_bits() {
        return 0.0;
    }
    if y.is_nan() || expected.is_nan() || y == expected {
        return f64::INFINITY;
    }
    // An f32 infinity stands where the next number would, were the exponents unlimited; an f64 one does not.
    let limit = if digits == 23 { 2.0f64.powi(128) } else { f64::INFINITY };
    let (y, expected) = (y.clamp(-limit, limit), expected.clamp(-limit, limit));
    let exponent = ((expected.to_bits() >> 52 & 0x7ff) as i32 - 1023).clamp(lowest, 1 - lowest);
    // In two steps: the whole power of two may be out of range.
    let (a, b) = ((digits - exponent) / 2, digits - exponent - (digits - exponent) / 2);
    ((y * 2.0f64.powi(a)) * 2.0f64.powi(b) - (expected * 2.0f64.powi(a)) * 2.0f64.powi(b)).abs()
}

fn distance_f32(y: f32, expected: f64) -> f64 {
    distance(f64::from(y), expected, 23, -126)
}

/// The largest distance on each backend over the patterns, and where.
fn worst(case: &Case<f32>, backends: &[Backend], patterns: impl Iterator<Item = u32>) -> Vec<(f64, f32)> {
    let mut worst = vec![(0.5, 0.0); backends.len()];
    let mut patterns = patterns.peekable();
    let (mut x, mut expected, mut y) = (Vec::new(), Vec::new(), Vec::new());
    while patterns.peek().is_some() {
        x.clear();
        x.extend(patterns.by_ref().take(4096).map(f32::from_bits));
        expected.clear();
        expected.extend(x.iter().map(|&x| (case.reference)(f64::from(x))));
        y.resize(x.len(), 0.0f32);
        for (backend, worst) in backends.iter().zip(&mut worst) {
            (case.run)(Functions::<f32>::of(*backend), InOut::pair(&x, &mut y));
            for ((&x, &y), &expected) in x.iter().zip(&y).zip(&expected) {
                // A correctly rounded result is off by a half at most; most are, and that is quicker to see.
                let rounded = y.to_bits() == (expected as f32).to_bits();
                let off = if rounded { 0.5 } else { distance_f32(y, expected) };
                if off > worst.0 {
                    *worst = (off, x);
                }
            }
        }
    }
    worst
}

fn special() -> Vec<f32> {
    let around = [
        0.0,
        f32::MIN_POSITIVE,
        2.0f32.powi(-40),
        0.25,
        0.5,
        0.625,
        0.75,
        1.0,
        1.25,
        1.5,
        2.0,
        4.0,
        9.1,
        16.635_532,
        17.328_68,
        18.0,
        20.0,
        87.336_55,
        88.722_83,
        103.278_93,
        103.972_08,
        104.0,
        8_388_608.0,
        16_777_216.0,
        f32::MAX,
        f32::INFINITY,
        f32::NAN,
    ];
    let mut all = Vec::new();
    for x in around {
        for step in -200i32..=200 {
            let bits = f32::to_bits(x).wrapping_add_signed(step);
            all.extend([f32::from_bits(bits), f32::from_bits(bits ^ 0x8000_0000)]);
        }
    }
    all
}

#[test]
fn bounds_f32() {
    let backends = Backend::available();
    for case in cases::<f32>() {
        let patterns = (0..=u32::MAX).step_by(4099).chain(special().into_iter().map(f32::to_bits));
        for (backend, (off, x)) in backends.iter().zip(worst(&case, &backends, patterns)) {
            assert!(off <= case.bound, "{} on {backend}: {off} ulp at {x:e} ({:#x})", case.name, x.to_bits());
        }
    }
}

/// xorshift64* (Vigna 2016); enough for picking points.
fn random(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_f491_4f6c_dd1d)
}

#[test]
fn bounds_f64() {
    let mut state = 1;
    // Any bit pattern, and as many of a moderate size.
    let mut x: Vec<f64> = (0..20_000).map(|_| f64::from_bits(random(&mut state))).collect();
    x.extend((0..40_000).map(|_| (random(&mut state) as f64 / 2.0f64.powi(63) - 1.0) * 2.0));
    x.extend((0..40_000).map(|_| (random(&mut state) as f64 / 2.0f64.powi(63) - 1.0) * 50.0));
    x.extend((0..20_000).map(|_| (random(&mut state) as f64 / 2.0f64.powi(63) - 1.0) * 750.0));
    x.extend((0..2_000).map(|_| f64::from_bits(random(&mut state) & 0x801f_ffff_ffff_ffff)));
    x.extend(special().into_iter().map(f64::from));
    let mut y = vec![0.0; x.len()];
    for case in cases::<f64>() {
        for backend in Backend::available() {
            (case.run)(Functions::<f64>::of(backend), InOut::pair(&x, &mut y));
            // The series for erf is itself off by some units.
            let bound = if case.name == "erf" { 8.0 } else { 4.0 };
            let (mut most, mut at) = (0.0, 0.0);
            for (&x, &y) in x.iter().zip(&y) {
                let off = distance(y, (case.reference)(x), 52, -1022);
                if off > most {
                    (most, at) = (off, x);
                }
            }
            println!("f64 {} {backend} {most:.2} at {at:e}", case.name);
            assert!(most <= bound, "{} on {backend}: {most} ulp at {at:e}", case.name);
        }
    }
}

/// Values of erf to 40 digits, rounded.
const ERF: [(f64, f64); 21] = [
    (0.001, 0.0011283787909692365),
    (0.1, 0.1124629160182849),
    (0.25, 0.27632639016823696),
    (0.5, 0.5204998778130465),
    (0.75, 0.7111556336535151),
    (0.9, 0.7969082124228322),
    (0.99999, 0.8426966418332298),
    (1.0, 0.8427007929497149),
    (1.0001, 0.8427422995485203),
    (1.25, 0.9229001282564583),
    (1.5, 0.9661051464753108),
    (1.75, 0.9866716712191824),
    (2.0, 0.9953222650189527),
    (2.5, 0.999593047982555),
    (3.0, 0.9999779095030014),
    (3.5, 0.9999992569016276),
    (4.0, 0.9999999845827421),
    (4.5, 0.9999999998033839),
    (5.0, 0.9999999999984626),
    (5.5, 0.9999999999999927),
    (5.9, 0.9999999999999999),
];

#[test]
fn erf_f64_against_known_values() {
    for backend in Backend::available() {
        for (x, expected) in ERF {
            let mut y = [x, -x];
            Functions::<f64>::of(backend).erf(InOut::same(&mut y));
            assert!(distance(y[0], expected, 52, -1022) <= 2.0, "{backend}: erf({x}) = {} not {expected}", y[0]);
            assert_eq!(y[1], -y[0]);
        }
    }
}

/// `f` of special values, bit by bit where the expected value is not NaN.
fn check_special<T: Float>(of: fn(Backend) -> &'static Functions<T>) {
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    let table: [(&str, &[(f64, f64)]); 10] = [
        ("exp", &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (1e4, INF), (-1e4, 0.0)]),
        ("expm1", &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1.0), (1e4, INF), (-1e4, -1.0)]),
        ("ln", &[(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (-INF, NAN), (-1e-42, NAN)]),
        ("log1p", &[(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (INF, INF), (-2.0, NAN), (-INF, NAN)]),
        ("tanh", &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (1e4, 1.0), (-1e4, -1.0)]),
        ("sigmoid", &[(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (1e4, 1.0), (-1e4, 0.0)]),
        ("softplus", &[(INF, INF), (-INF, 0.0), (1e4, 1e4), (-1e4, 0.0)]),
        ("erf", &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (1e4, 1.0), (-1e4, -1.0)]),
        (
            "sinpi",
            &[(0.0, 0.0), (-0.0, -0.0), (0.5, 1.0), (1.0, 0.0), (-1.0, -0.0), (1.5, -1.0), (1e30, 0.0), (INF, NAN)],
        ),
        ("cospi", &[(0.0, 1.0), (0.5, 0.0), (-0.5, 0.0), (1.0, -1.0), (1.5, 0.0), (1e30, 1.0), (-INF, NAN)]),
    ];
    for (case, (name, values)) in cases::<T>().iter().zip(table) {
        assert_eq!(case.name, name);
        for backend in Backend::available() {
            for &(x, expected) in values.iter().chain(&[(NAN, NAN), (-NAN, NAN)]) {
                let mut y = [T::from_f64(x)];
                (case.run)(of(backend), InOut::same(&mut y));
                let (y, expected) = (y[0].to_f64(), T::from_f64(expected).to_f64());
                let same = if expected.is_nan() { y.is_nan() } else { y.to_bits() == expected.to_bits() };
                assert!(same, "{name}({x}) on {backend} is {y}, not {expected}");
            }
        }
    }
}

#[test]
fn special_values() {
    check_special::<f32>(Functions::<f32>::of);
    check_special::<f64>(Functions::<f64>::of);
}

/// Prints the table of ACCURACY.md. `cargo test -p narrows-engine exhaustive_table -- --ignored --nocapture`
#[test]
#[ignore = "all 2^32 inputs of ten functions: tens of minutes"]
fn exhaustive_table() {
    let backends = Backend::available();
    let mut within = true;
    println!("| function | backend | max ulp | at |\n|---|---|---|---|");
    for case in cases::<f32>() {
        let halves = std::thread::scope(|scope| {
            let half = |range: std::ops::RangeInclusive<u32>| {
                let (case, backends) = (&case, &backends);
                scope.spawn(move || worst(case, backends, range))
            };
            [half(0..=0x7fff_ffff), half(0x8000_0000..=u32::MAX)].map(|thread| thread.join().unwrap())
        });
        for (i, backend) in backends.iter().enumerate() {
            let (off, x) = if halves[0][i].0 >= halves[1][i].0 { halves[0][i] } else { halves[1][i] };
            println!("| {} | {backend} | {off:.3} | {x:e} (`{:#010x}`) |", case.name, x.to_bits());
            within &= off <= case.bound;
        }
    }
    assert!(within);
}
