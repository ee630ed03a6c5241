//! Tests of the principal component analysis.

use super::*;
use crate::data::Samples;

const SPLIT: Split = Split::Serial;

/// `[rows, features]` of rank `rank` about a mean, in f32.
fn low_rank(rows: usize, features: usize, rank: usize) -> Dataset {
    let (mut a, mut b) = (vec![0.0; rows * rank], vec![0.0; rank * features]);
    random::fill_normal(1, 0, 0, 0.0, 1.0, &mut a);
    random::fill_normal(1, 1, 0, 0.0, 1.0, &mut b);
    let value = |i: usize| (0..rank).map(|r| a[i / features * rank + r] * b[r * features + i % features]).sum();
    let values = (0..rows * features)
        .map(|i| {
            let x: f64 = value(i);
            (x + 3.0) as f32
        })
        .collect();
    Dataset::new("low rank", Samples::F32(values), features).unwrap()
}

fn fit(data: &Dataset, rows: Option<&[u32]>, k: usize) -> (Pca, f64) {
    let (scale, shift) = (vec![1.0; data.features()], vec![0.0; data.features()]);
    let pca = Pca::fit(data, rows, &scale, &shift, k, SPLIT).unwrap();
    let error = pca.squared_error(data, rows, &scale, &shift, SPLIT).unwrap();
    (pca, error)
}

#[test]
fn low_rank_data_is_exact() {
    let data = low_rank(700, 40, 5);
    let (pca, error) = fit(&data, None, 5);
    assert!(error < 1e-11, "{error}"); // what rounding the data to f32 adds
    assert!(fit(&data, None, 4).1 > 0.1);
    assert!(fit(&data, None, 20).1 < 1e-11);
    for (a, b) in (0..5).flat_map(|a| (0..5).map(move |b| (a, b))) {
        let product = dot(&pca.components[a * 40..][..40], &pca.components[b * 40..][..40]);
        assert!((product - f64::from(u8::from(a == b))).abs() < 1e-12, "{a} {b}: {product}");
    }
    let Samples::F32(values) = data.samples() else { unreachable!() };
    let (mut codes, mut back) = (vec![0.0; 700 * 5], vec![0.0; 700 * 40]);
    pca.encode(values, &mut codes, SPLIT).unwrap();
    pca.decode(&codes, &mut back, SPLIT).unwrap();
    assert!(values.iter().zip(&back).all(|(x, y)| (x - y).abs() < 1e-4));
    assert!(pca.encode(values, &mut codes[1..], SPLIT).is_err());
}

#[test]
fn digits_lose_what_is_not_captured() {
    let digits = crate::data::digits().unwrap();
    for k in [0, 1, 2, 16, 40, 63] {
        let (pca, error) = fit(&digits, None, k);
        let left = pca.total_variance() - pca.variances().iter().sum::<f64>();
        assert!((error - left).abs() < 1e-9 * pca.total_variance(), "{k}: {error} and {left}");
        assert!(pca.variances().is_sorted_by(|a, b| a >= b));
    }
    // scikit-learn and others agree: variances of 179.0 and 163.7 with N - 1 below.
    let first = fit(&digits, None, 2).0.variances().iter().map(|v| v * 1797.0 / 1796.0).collect::<Vec<_>>();
    assert!((first[0] - 179.0069).abs() < 1e-3 && (first[1] - 163.7177).abs() < 1e-3, "{first:?}");
}

#[test]
fn the_covariance_formed_and_applied_agree() {
    let data = crate::data::digits().unwrap();
    let ones = vec![1.0 / 16.0; 64];
    let scaled = Scaled::new(&data, None, &ones, &ones).unwrap();
    let mean = scaled.mean().unwrap();
    let formed = leading(&Covariance::formed(&scaled, &mean, SPLIT).unwrap(), 64, 10, 1797, SPLIT).unwrap().1;
    let applied = leading(&Covariance::Applied(&scaled, &mean), 64, 10, 1797, SPLIT).unwrap().1;
    assert!(formed.iter().zip(&applied).all(|(a, b)| (a - b).abs() < 1e-9), "{formed:?} {applied:?}");
    // And with more features than are formed.
    assert!(fit(&low_rank(30, FORMED_LIMIT + 4, 3), None, 3).1 < 1e-8);
}

#[test]
fn as_many_components_as_features() {
    let data = low_rank(50, 6, 6);
    for k in [6, 7, 1000] {
        let (pca, error) = fit(&data, None, k);
        assert_eq!((error, pca.components()), (0.0, 6));
        let Samples::F32(values) = data.samples() else { unreachable!() };
        let (mut codes, mut back) = (vec![0.0; 300], vec![0.0; 300]);
        pca.encode(values, &mut codes, SPLIT).unwrap();
        pca.decode(&codes, &mut back, SPLIT).unwrap();
        assert!(values.iter().zip(&back).all(|(x, y)| (x - y).abs() < 1e-5));
    }
}

#[test]
fn constant_tiny_and_chosen_rows() {
    let constant = Dataset::new("constant", Samples::F32(vec![0.1; 60]), 6).unwrap();
    assert!(fit(&constant, None, 3).1 < 1e-25);
    let (pca, error) = fit(&low_rank(1, 6, 2), None, 3);
    assert_eq!((pca.components(), error, pca.total_variance()), (0, 0.0, 0.0));
    let data = low_rank(20, 6, 6);
    assert!(fit(&data, Some(&[3, 7]), 1).1 < 1e-12);
    assert!(fit(&data, None, 1).1 > 0.1);
    let ones = [1.0; 6];
    assert!(Pca::fit(&data, Some(&[20]), &ones, &ones, 1, SPLIT).is_err());
    assert!(Pca::fit(&data, Some(&[]), &ones, &ones, 1, SPLIT).is_err());
    assert!(Pca::fit(&data, None, &ones[1..], &ones, 1, SPLIT).is_err());
    assert!(Pca::fit(&data, None, &[f32::MAX; 6], &ones, 1, SPLIT).is_err());
}

#[test]
fn eigenvalues_of_a_known_matrix() {
    // The second difference: 2 - 2 cos(pi j / (n + 1)).
    let n = 40;
    let mut matrix = vec![0.0; n * n];
    (0..n).for_each(|i| matrix[i * n + i] = 2.0);
    (1..n).for_each(|i| (matrix[i * n + i - 1], matrix[(i - 1) * n + i]) = (-1.0, -1.0));
    for (place, value) in eigen(&mut matrix, n).unwrap().into_iter().enumerate() {
        let angle = std::f64::consts::PI * (n - place) as f64 / (n + 1) as f64;
        assert!((value - (2.0 - 2.0 * angle.cos())).abs() < 1e-13);
    }
}
