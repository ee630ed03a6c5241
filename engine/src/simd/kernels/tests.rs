//! What the kernels promise beyond the operations' own cases: lengths that differ, and the losses' accuracy.

use super::*;
use crate::simd::Backend;
use crate::simd::Float;

#[test]
fn only_common_lengths_are_touched() {
    for backend in Backend::available() {
        let kernels = f32::elementwise(backend);
        let mut out = [7.0f32; 40];
        kernels.column_sums(&[1.0; 80], 0, &mut out, false);
        kernels.column_sums(&[1.0; 82], 41, &mut out, false);
        f32::activations(backend).relu_gradient(&[1.0; 19], InOut::pair(&[2.0; 30], &mut out), 0.0, false);
        assert_eq!(out[..19], [2.0; 19]);
        assert_eq!(out[19..], [7.0; 21]);
        assert_eq!(kernels.squared_error(&[3.0; 40], &[1.0; 40], &mut out[..5], 1.0), 20.0);
        assert_eq!((out[4], out[5]), (4.0, 2.0));
        kernels.binary_cross_entropy(&[3.0; 40], &[1.0; 40], &mut out[..19], 1.0);
        assert!(out[18] < 0.0 && out[19] == 7.0);
    }
}

fn entropy_is_accurate<T: Float>(tolerance: f64) {
    for backend in Backend::available() {
        for from in 0..30 {
            for len in [1usize, 3, 15, 16, 17, 200] {
                for sign in [-1.0, 1.0] {
                    let z = |i: usize| T::from_f64(sign * (from as f64 + (i as f64 * 0.618) % 1.0));
                    let z: Vec<T> = (0..len).map(z).collect();
                    let soft = |z: &T| T::from_f64(1.0 / (1.0 + (-0.9 * z.to_f64()).exp()));
                    for t in [vec![T::ZERO; len], vec![T::ONE; len], z.iter().map(soft).collect()] {
                        let of = |(z, t): (&T, &T)| {
                            let (z, t) = (z.to_f64(), t.to_f64());
                            z.abs() * if z < 0.0 { t } else { 1.0 - t } + (-z.abs()).exp().ln_1p()
                        };
                        let expected: f64 = z.iter().zip(&t).map(of).sum();
                        let sum = T::elementwise(backend).binary_cross_entropy(&z, &t, &mut [], T::ONE).to_f64();
                        let error = (sum - expected).abs() / expected;
                        let what = format!("{} on {backend}: {len} about {}", T::NAME, sign * from as f64);
                        assert!(error < tolerance, "{what}: {sum} for {expected}, {error:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_cross_entropy_is_accurate_far_out() {
    entropy_is_accurate::<f32>(2e-6);
    entropy_is_accurate::<f64>(5e-12);
}
