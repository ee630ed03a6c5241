//! Tests of the scalers: figures known by hand, constant features, and hostile stored ones.

use super::*;
use crate::data::Samples;

fn floats(values: &[f32], features: usize) -> Dataset {
    Dataset::new("x", Samples::F32(values.to_vec()), features).unwrap()
}

fn all(dataset: &Dataset) -> Vec<u32> {
    (0..dataset.len() as u32).collect()
}

fn fit(kind: ScalerKind, dataset: &Dataset, rows: &[u32]) -> Result<Scaler> {
    Scaler::fit(kind, dataset, rows).map(|(scaler, _)| scaler)
}

#[test]
fn kinds_have_names() {
    for (name, kind) in ScalerKind::ALL {
        assert_eq!((name.parse::<ScalerKind>().unwrap(), kind.to_string().as_str()), (kind, name));
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{name}\""));
    }
    let message = "standart".parse::<ScalerKind>().unwrap_err().to_string();
    assert!(message.contains("did you mean `standard`?"), "{message}");
}

/// Row 5 of what others met: what is measured is said.
#[test]
fn one_range_is_measured_and_said() {
    let bytes = |values: &[u8]| Dataset::new("x", Samples::U8(values.to_vec()), 1).unwrap();
    for (data, scaler, words) in [
        (bytes(&[0, 51, 255]), (0.0, 255.0), "scaling: range 0 to 255 (of bytes, which the data fill)"),
        (bytes(&[0, 9, 16]), (0.0, 16.0), "scaling: range 0 to 16 (measured)"),
        (bytes(&[0, 1, 1]), (0.0, 1.0), "scaling: range 0 to 1 (measured)"),
        (floats(&[0.0, 0.25, 0.5], 1), (0.0, 1.0), "scaling: range 0 to 1 (which the data fill)"),
        (floats(&[0.0, 0.004, 0.01], 1), (0.0, 0.01), "scaling: range 0 to 0.01 (measured)"),
        (bytes(&[0, 3, 9]).with_range(0.0, 16.0).unwrap(), (0.0, 16.0), "scaling: range 0 to 16 (of the source)"),
    ] {
        let (min, max) = scaler;
        for kind in [ScalerKind::Auto, ScalerKind::Range] {
            let (fitted, said) = Scaler::fit(kind, &data, &[0, 1, 2]).unwrap();
            assert_eq!((fitted, said), (Scaler::Range { min, max }, vec![words.to_owned()]));
        }
    }
    let wide = floats(&[-3.2, 4.7, 0.0], 1);
    assert!(matches!(fit(ScalerKind::Auto, &wide, &[0, 1, 2]).unwrap(), Scaler::Standard { .. }));
    assert_eq!(fit(ScalerKind::Range, &wide, &[0, 1, 2]).unwrap(), Scaler::Range { min: -4.0, max: 5.0 });
    let equal = floats(&[7.0, 7.0], 1);
    assert!(fit(ScalerKind::Range, &equal, &[1]).unwrap_err().to_string().contains("no range to scale"));
}

#[test]
fn values_that_scaling_cannot_bear_are_refused() {
    let huge = Dataset::new("x", Samples::F64(vec![0.0, f64::MIN, 0.0, f64::MAX]), 2).unwrap();
    let message = fit(ScalerKind::MinMax, &huge, &[0, 1]).unwrap_err().to_string();
    assert!(message.starts_with("x: cannot scale by `minmax`: it has unusable numbers in column 1"), "{message}");
    assert!(fit(ScalerKind::Standard, &huge, &[0, 1]).is_err() && fit(ScalerKind::Range, &huge, &[0, 1]).is_err());
}

#[test]
fn per_feature_on_training_rows_only() {
    // The third row is not in the training part and must not count. The last column is constant.
    let data = floats(&[1.0, -2.0, 7.0, 3.0, 2.0, 7.0, 99.0, 99.0, 99.0], 3);
    let (standard, words) = Scaler::fit(ScalerKind::Auto, &data, &[0, 1]).unwrap();
    assert_eq!(standard, Scaler::Standard { mean: vec![2.0, 0.0, 7.0], std: vec![1.0, 2.0, 0.0] });
    assert_eq!(words[0], "scaling: standard");
    assert!(words[1].starts_with("1 of 3 columns are constant in the training part (the first is 2)"));
    let minmax = fit(ScalerKind::MinMax, &data, &[0, 1]).unwrap();
    assert_eq!(minmax, Scaler::MinMax { min: vec![1.0, -2.0, 7.0], max: vec![3.0, 2.0, 7.0] });
    assert!(!standard.is_unit() && minmax.is_unit());
    assert!(fit(ScalerKind::Standard, &data, &[]).is_err());
    assert!(fit(ScalerKind::Standard, &data, &[3]).unwrap_err().to_string().contains("no row 3"));
}

#[test]
fn large_means_keep_their_digits_and_equal_numbers_are_equal() {
    let values: Vec<f64> = (0..1000).flat_map(|at| [1e9 + f64::from(at % 2) / 1024.0, 0.1]).collect();
    let data = Dataset::new("x", Samples::F64(values), 2).unwrap();
    let Scaler::Standard { mean, std } = fit(ScalerKind::Standard, &data, &all(&data)).unwrap() else {
        panic!("standard was asked for")
    };
    assert!((mean[0] - (1e9 + 0.5 / 1024.0)).abs() < 1e-6 && mean[1] == 0.1, "{mean:?}");
    // The mean's own rounding, 1e-7, beside a deviation of 5e-4.
    assert!((std[0] * 2048.0 - 1.0).abs() < 1e-6 && std[1] == 0.0, "{std:?}");
}

#[test]
fn missing_values_are_left_out() {
    let nan = f64::NAN;
    let data = Dataset::with_missing("x", Samples::F64(vec![1.0, nan, nan, nan, 3.0, nan]), 2).unwrap();
    let minmax = fit(ScalerKind::MinMax, &data, &[0, 1, 2]).unwrap();
    assert_eq!(minmax, Scaler::MinMax { min: vec![1.0, 0.0], max: vec![3.0, 0.0] });
    let standard = fit(ScalerKind::Standard, &data, &[0, 1, 2]).unwrap();
    assert_eq!(standard, Scaler::Standard { mean: vec![2.0, 0.0], std: vec![1.0, 0.0] });
}

#[test]
fn stored_form_is_stable() {
    let pairs = [
        (Scaler::None {}, r#"{"kind":"none"}"#),
        (Scaler::Range { min: 0.0, max: 16.0 }, r#"{"kind":"range","min":0.0,"max":16.0}"#),
        (Scaler::MinMax { min: vec![0.5], max: vec![1.5] }, r#"{"kind":"minmax","min":[0.5],"max":[1.5]}"#),
        (Scaler::Standard { mean: vec![0.1], std: vec![2.0] }, r#"{"kind":"standard","mean":[0.1],"std":[2.0]}"#),
    ];
    for (scaler, text) in pairs {
        assert_eq!(serde_json::to_string(&scaler).unwrap(), text);
        assert_eq!(serde_json::from_str::<Scaler>(text).unwrap(), scaler);
    }
    assert!(serde_json::from_str::<Scaler>(r#"{"kind":"none","extra":1}"#).is_err());
    assert!(serde_json::from_str::<Scaler>(r#"{"kind":"range","min":0,"max":1,"extra":1}"#).is_err());
}

#[test]
fn hostile_stored_scalers_are_refused() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let range = |min, max| Scaler::Range { min, max };
    let minmax = |min: f64, max: f64| Scaler::MinMax { min: vec![min], max: vec![max] };
    let standard = |mean: f64, std: f64| Scaler::Standard { mean: vec![mean], std: vec![std] };
    let bad = [
        range(0.0, 0.0),
        range(1.0, 0.0),
        range(nan, 1.0),
        range(0.0, inf),
        range(f64::MIN, f64::MAX),
        minmax(1.0, 0.0),
        minmax(nan, nan),
        minmax(0.0, inf),
        standard(0.0, -1.0),
        standard(0.0, nan),
        standard(inf, 1.0),
        Scaler::MinMax { min: vec![0.0], max: vec![1.0, 2.0] },
        Scaler::Standard { mean: vec![], std: vec![] },
    ];
    assert!(bad.iter().all(|scaler| scaler.fault(1).is_some()));
    let good = [range(0.0, 255.0), minmax(2.0, 2.0), standard(5.0, 0.0), standard(0.0, 1e-310), Scaler::None {}];
    assert!(good.iter().all(|scaler| scaler.fault(1).is_none()));
}
