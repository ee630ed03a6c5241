//! Tests of the principal component analysis.

use super::Pca;
use super::arithmetic::dot;
use super::covariance::{Covariance, FORMED_LIMIT, Scaled};
use super::eigen::eigen;
use super::subspace::leading;
use crate::data::{Dataset, Preprocessing, Samples, Scaler};
use narrows_engine::{Split, random};

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
    let unscaled = Preprocessing::new(Scaler::None {}, data.features()).unwrap();
    let pca = Pca::fit(data, rows, &unscaled, k, SPLIT).unwrap();
    let error = pca.squared_error(data, rows, &unscaled, SPLIT).unwrap();
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
    let range = Preprocessing::new(Scaler::Range { min: -1.0, max: 15.0 }, 64).unwrap();
    let scaled = Scaled::new(&data, None, &range).unwrap();
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
    let unscaled = Preprocessing::new(Scaler::None {}, 6).unwrap();
    assert!(Pca::fit(&data, Some(&[20]), &unscaled, 1, SPLIT).is_err());
    assert!(Pca::fit(&data, Some(&[]), &unscaled, 1, SPLIT).is_err());
    let other = Preprocessing::new(Scaler::None {}, 5).unwrap();
    assert!(Pca::fit(&data, None, &other, 1, SPLIT).is_err());
    let huge = Preprocessing::new(Scaler::Range { min: 0.0, max: 1e-200 }, 6).unwrap();
    assert!(Pca::fit(&data, None, &huge, 1, SPLIT).is_err());
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

#[test]
fn eigenvectors_are_orthonormal_and_the_matrix_theirs() {
    // Of rank 3 in 12 directions, far from 1 in size: eigenvalues that are rounding error must settle too.
    for size in [1e-200, 1.0, 1e150] {
        let n = 12;
        let mut factors = vec![0.0; 3 * n];
        random::fill_normal(2, 0, 0, 0.0, 1.0, &mut factors);
        let entry = |i: usize, j: usize| (0..3).map(|r| factors[r * n + i] * factors[r * n + j]).sum::<f64>();
        let matrix: Vec<f64> = (0..n * n).map(|at| size * entry(at / n, at % n)).collect();
        let mut vectors = matrix.clone();
        let values = eigen(&mut vectors, n).unwrap();
        assert!(values.is_sorted_by(|a, b| a >= b) && values[3].abs() < 1e-13 * values[0], "{values:?}");
        for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
            let product = dot(&vectors[i * n..][..n], &vectors[j * n..][..n]);
            assert!((product - f64::from(u8::from(i == j))).abs() < 1e-13, "{i} {j}: {product}");
            let back: f64 = (0..n).map(|k| values[k] * vectors[k * n + i] * vectors[k * n + j]).sum();
            assert!((back - matrix[i * n + j]).abs() < 1e-13 * values[0], "{i} {j}");
        }
    }
}

#[test]
fn eigenvalues_of_what_is_not_finite_are_an_error() {
    for odd in [f64::NAN, f64::INFINITY] {
        let error = eigen(&mut [1.0, odd, odd, 1.0], 2).unwrap_err().to_string();
        assert!(error.contains("too large") && error.contains("rescale"), "{error}");
    }
    assert_eq!(eigen(&mut [], 0).unwrap(), Vec::<f64>::new());
    let mut one = [7.0];
    assert_eq!((eigen(&mut one, 1).unwrap(), one[0].abs()), (vec![7.0], 1.0));
}
