//! Fills against the scalar definition, against themselves in parts, and against their distributions.

use super::*;
use crate::random::philox4x32_10;
use proptest::prelude::*;

/// Word `index` of a stream, from the definition: word `w` of block `b` of a tile is the tile's element `16 w + b`.
fn word(seed: u64, stream: u64, index: u64) -> u32 {
    let (tile, at) = (index / 64, index % 64);
    let block = tile * 16 + at % 16;
    let counter = [block as u32, (block >> 32) as u32, stream as u32, (stream >> 32) as u32];
    philox4x32_10(counter, [seed as u32, (seed >> 32) as u32])[(at / 16) as usize]
}

/// The two words of element `index` of a stream of `f64`, as one number of 53 bits.
fn wide(seed: u64, stream: u64, index: u64) -> u64 {
    let (tile, at) = (index / 32, index % 32);
    let first = tile * 64 + at / 16 * 32 + at % 16;
    u64::from(word(seed, stream, first)) << 21 | u64::from(word(seed, stream, first + 16) >> 11)
}

fn reference_normal_f32(seed: u64, stream: u64, index: u64) -> f64 {
    let first = index - index % 32 + index % 16;
    // Rounded to `f32` before the logarithm, as there: next to 1 this moves small radii by more than their last place.
    let u = f64::from(((f64::from(word(seed, stream, first)) + 1.0) / 2f64.powi(32)) as f32);
    let v = f64::from(word(seed, stream, first + 16) >> 8) / 2f64.powi(24);
    box_muller(u, v, index % 32 < 16)
}

fn reference_normal_f64(seed: u64, stream: u64, index: u64) -> f64 {
    let first = index - index % 32 + index % 16;
    let u = (wide(seed, stream, first) + 1) as f64 / 2f64.powi(53);
    let v = wide(seed, stream, first + 16) as f64 / 2f64.powi(53);
    box_muller(u, v, index % 32 < 16)
}

/// In plain `f64`; rounding the angle costs `8e-16` times the radius.
fn box_muller(u: f64, v: f64, cosine: bool) -> f64 {
    let angle = 2.0 * std::f64::consts::PI * v;
    (-2.0 * u.ln()).sqrt() * if cosine { angle.cos() } else { angle.sin() }
}

proptest! {
    #[test]
    fn every_backend_gives_the_definition(
        seed: u64,
        stream: u64,
        offset in prop_oneof![0u64..300, (1u64 << 34) - 200..1 << 34, 0..u64::MAX / 4],
        len in 0usize..300,
    ) {
        for backend in Backend::available() {
            let mut words = vec![0; len];
            fill_bits_on(backend, seed, stream, offset, &mut words);
            let mut single = vec![0f32; len];
            fill_uniform_on(backend, seed, stream, offset, 0.0, 1.0, &mut single);
            let mut double = vec![0f64; len];
            fill_uniform_on(backend, seed, stream, offset, 0.0, 1.0, &mut double);
            for i in 0..len {
                let at = offset + i as u64;
                prop_assert_eq!(words[i], word(seed, stream, at));
                prop_assert_eq!(single[i], (words[i] >> 8) as f32 / 16_777_216.0);
                prop_assert_eq!(double[i], wide(seed, stream, at) as f64 / 2f64.powi(53));
            }
        }
    }

    #[test]
    fn normals_follow_the_formula(seed: u64, stream: u64, offset in 0u64..1000, len in 0usize..200) {
        for backend in Backend::available() {
            let mut single = vec![0f32; len];
            fill_normal_on(backend, seed, stream, offset, 0.0, 1.0, &mut single);
            let mut double = vec![0f64; len];
            fill_normal_on(backend, seed, stream, offset, 0.0, 1.0, &mut double);
            for i in 0..len {
                let at = offset + i as u64;
                let close = |x: f64, exact: f64, tolerance: f64| (x - exact).abs() <= tolerance * (1.0 + exact.abs());
                prop_assert!(close(f64::from(single[i]), reference_normal_f32(seed, stream, at), 1e-6));
                prop_assert!(close(double[i], reference_normal_f64(seed, stream, at), 1e-14));
            }
        }
    }

    #[test]
    fn parts_equal_the_whole(seed: u64, start in 0u64..200, len in 0usize..600, cut: prop::sample::Index) {
        let cut = cut.index(len + 1);
        for backend in Backend::available() {
            let mut whole = vec![0f32; len];
            fill_normal_on(backend, seed, 1, start, 3.0, 2.0, &mut whole);
            let mut parts = vec![0f32; len];
            let (left, right) = parts.split_at_mut(cut);
            fill_normal_on(backend, seed, 1, start, 3.0, 2.0, left);
            fill_normal_on(backend, seed, 1, start + cut as u64, 3.0, 2.0, right);
            prop_assert_eq!(&whole, &parts);

            let mut whole = vec![0f64; len];
            fill_uniform_on(backend, seed, 1, start, -1.0, 2.0, &mut whole);
            let mut parts = vec![0f64; len];
            let (left, right) = parts.split_at_mut(cut);
            fill_uniform_on(backend, seed, 1, start, -1.0, 2.0, left);
            fill_uniform_on(backend, seed, 1, start + cut as u64, -1.0, 2.0, right);
            prop_assert_eq!(&whole, &parts);
        }
    }

    #[test]
    fn intervals_are_half_open_and_alike_everywhere(seed: u64, low in -1e3f32..1e3, span in 0f32..1.0) {
        let high = low + span;
        let mut first = vec![0f32; 500];
        fill_uniform_on(Backend::portable(), seed, 0, 0, low, high, &mut first);
        prop_assert!(first.iter().all(|x| *x >= low && (*x < high || low == high)));
        for backend in Backend::available() {
            let mut other = vec![0f32; 500];
            fill_uniform_on(backend, seed, 0, 0, low, high, &mut other);
            prop_assert_eq!(&first, &other);
        }
    }
}

#[test]
fn offsets_may_wrap() {
    let mut words = [0; 200];
    fill_bits(1, 2, u64::MAX - 99, &mut words);
    assert_eq!(words[99], word(1, 2, u64::MAX));
}

/// The largest distance between the sample's distribution function and `cdf`, times the root of the sample's size.
fn kolmogorov<T: Float>(sample: &mut [T], cdf: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let n = sample.len() as f64;
    let gap = sample.iter().enumerate().map(|(i, x)| {
        let p = cdf(x.to_f64());
        (p - i as f64 / n).max((i + 1) as f64 / n - p)
    });
    gap.fold(0.0, f64::max) * n.sqrt()
}

/// The normal distribution function, by Simpson's rule from 0; good to 1e-9 within 7 deviations.
fn normal_cdf(x: f64) -> f64 {
    let density = |t: f64| (-0.5 * t * t).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let (steps, h) = (200, x / 200.0);
    let weight = |i: usize| if i == 0 || i == steps { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
    0.5 + h / 3.0 * (0..=steps).map(|i| weight(i) * density(i as f64 * h)).sum::<f64>()
}

fn moments<T: Float>(sample: &[T]) -> [f64; 4] {
    let n = sample.len() as f64;
    [1, 2, 3, 4].map(|k| sample.iter().map(|x| x.to_f64().powi(k)).sum::<f64>() / n)
}

fn distributions<T: Float>(backend: Backend) {
    const N: usize = 1 << 17;
    let root = (N as f64).sqrt();
    let mut sample = vec![T::ZERO; N];
    fill_uniform_on(backend, 42, 1, 0, T::ZERO, T::ONE, &mut sample);
    for (moment, exact) in moments(&sample).into_iter().zip([1.0 / 2.0, 1.0 / 3.0, 1.0 / 4.0, 1.0 / 5.0]) {
        assert!((moment - exact).abs() < 1.5 / root, "{moment} against {exact}");
    }
    // Kolmogorov's statistic exceeds 2.0 with a probability of 0.0007.
    assert!(kolmogorov(&mut sample, |x| x) < 2.0);

    fill_normal_on(backend, 42, 2, 0, T::ZERO, T::ONE, &mut sample);
    // Each moment within five of its own standard deviations: those of x^k are the roots of 1, 2, 15 and 96.
    let exact = [(0.0, 1.0f64), (1.0, 2.0), (0.0, 15.0), (3.0, 96.0)];
    for (moment, (exact, variance)) in moments(&sample).into_iter().zip(exact) {
        assert!((moment - exact).abs() < 5.0 * variance.sqrt() / root, "{moment} against {exact}");
    }
    let pairs = sample.chunks_exact(32).flat_map(|half| half[..16].iter().zip(&half[16..]));
    let covariance = pairs.map(|(a, b)| a.to_f64() * b.to_f64()).sum::<f64>() / (N / 2) as f64;
    assert!(covariance.abs() < 8.0 / root, "partners are correlated: {covariance}");
    assert!(kolmogorov(&mut sample, normal_cdf) < 2.0);
}

#[test]
fn distributions_are_what_they_are_called() {
    for backend in Backend::available() {
        distributions::<f32>(backend);
        distributions::<f64>(backend);
    }
}

/// Prints nanoseconds a number.
/// `cargo test --release -p narrows-engine --lib random::fill::tests::speed -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, not a check"]
fn speed() {
    fn time(name: &str, backend: Backend, mut fill: impl FnMut()) {
        let best = (0..20).map(|_| {
            let start = std::time::Instant::now();
            (0..50).for_each(|_| fill());
            start.elapsed().as_secs_f64() / 50.0
        });
        println!("{name:12} {backend:9} {:.3} ns a number", best.fold(f64::MAX, f64::min) * 1e9 / 4096.0);
    }
    for backend in Backend::available() {
        let (mut words, mut single, mut double) = (vec![0; 4096], vec![0f32; 4096], vec![0f64; 4096]);
        time("bits", backend, || fill_bits_on(backend, 1, 2, 0, &mut words));
        time("uniform f32", backend, || fill_uniform_on(backend, 1, 2, 0, 0.0, 1.0, &mut single));
        time("uniform f64", backend, || fill_uniform_on(backend, 1, 2, 0, 0.0, 1.0, &mut double));
        time("normal f32", backend, || fill_normal_on(backend, 1, 2, 0, 0.0, 1.0, &mut single));
        time("normal f64", backend, || fill_normal_on(backend, 1, 2, 0, 0.0, 1.0, &mut double));
    }
}
