//! Tests of the scalers: figures known by hand, round trips, constant features, and hostile stored ones.

use proptest::prelude::*;

use super::*;
use crate::data::Samples;

fn floats(values: &[f32], features: usize) -> Dataset {
    Dataset::new("x", Samples::F32(values.to_vec()), features).unwrap()
}

fn all(dataset: &Dataset) -> Vec<u32> {
    (0..dataset.len() as u32).collect()
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

#[test]
fn natural_ranges() {
    let pixels = Dataset::new("x", Samples::U8(vec![0, 51, 255]), 3).unwrap();
    let scaler = Scaler::fit(ScalerKind::Auto, &pixels, &[0]).unwrap();
    assert_eq!(scaler, Scaler::Range { min: 0.0, max: 255.0 });
    let mut row = [0.0, 51.0, 255.0];
    scaler.scale(&mut row, 3).unwrap();
    assert_eq!((row[0], row[2]), (0.0, 1.0));
    assert!((row[1] - 0.2).abs() < 1e-7);
    assert!(scaler.is_unit());
    let unit = floats(&[0.0, 0.25, 0.5], 1);
    assert_eq!(Scaler::fit(ScalerKind::Auto, &unit, &[0, 1, 2]).unwrap(), Scaler::Range { min: 0.0, max: 1.0 });
    assert_eq!(Scaler::fit(ScalerKind::Range, &unit, &[1, 2]).unwrap(), Scaler::Range { min: 0.25, max: 0.5 });
    assert!(Scaler::fit(ScalerKind::Range, &unit, &[1]).unwrap_err().to_string().contains("no range to scale"));
    let huge = floats(&[0.0, f32::MIN, 0.0, f32::MAX], 2);
    let message = Scaler::fit(ScalerKind::MinMax, &huge, &[0, 1]).unwrap_err().to_string();
    assert!(message.starts_with("x: cannot scale by `minmax`: it has unusable numbers in column 1"), "{message}");
}

#[test]
fn per_feature_on_training_rows_only() {
    // The third row is not in the training part and must not count. The last column is constant.
    let data = floats(&[1.0, -2.0, 7.0, 3.0, 2.0, 7.0, 99.0, 99.0, 99.0], 3);
    let standard = Scaler::fit(ScalerKind::Auto, &data, &[0, 1]).unwrap();
    assert_eq!(standard, Scaler::Standard { mean: vec![2.0, 0.0, 7.0], std: vec![1.0, 2.0, 0.0] });
    assert_eq!(standard.scale_shift(3).unwrap(), (vec![1.0, 0.5, 1.0], vec![-2.0, 0.0, -7.0]));
    let minmax = Scaler::fit(ScalerKind::MinMax, &data, &[0, 1]).unwrap();
    assert_eq!(minmax, Scaler::MinMax { min: vec![1.0, -2.0, 7.0], max: vec![3.0, 2.0, 7.0] });
    assert_eq!(minmax.scale_shift(3).unwrap(), (vec![0.5, 0.25, 1.0], vec![-0.5, 0.5, -7.0]));
    assert!(!standard.is_unit() && minmax.is_unit());
    assert!(Scaler::fit(ScalerKind::Standard, &data, &[]).is_err());
    assert!(Scaler::fit(ScalerKind::Standard, &data, &[3]).unwrap_err().to_string().contains("no row 3"));
}

#[test]
fn a_large_mean_keeps_its_digits() {
    let values: Vec<f32> = (0..1000).map(|at| 1e6 + (at % 2) as f32).collect();
    let data = floats(&values, 1);
    let Scaler::Standard { std, .. } = Scaler::fit(ScalerKind::Standard, &data, &all(&data)).unwrap() else {
        panic!("standard was asked for")
    };
    assert_eq!(std, [0.5]);
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
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let range = |min, max| Scaler::Range { min, max };
    let minmax = |min: f32, max: f32| Scaler::MinMax { min: vec![min], max: vec![max] };
    let standard = |mean: f32, std: f32| Scaler::Standard { mean: vec![mean], std: vec![std] };
    let bad = [
        range(0.0, 0.0),
        range(1.0, 0.0),
        range(nan, 1.0),
        range(0.0, inf),
        range(f32::MIN, f32::MAX),
        minmax(1.0, 0.0),
        minmax(nan, nan),
        minmax(0.0, inf),
        standard(0.0, -1.0),
        standard(0.0, nan),
        standard(inf, 1.0),
        standard(1e30, 1e-30),
        Scaler::MinMax { min: vec![0.0], max: vec![1.0, 2.0] },
        Scaler::Standard { mean: vec![], std: vec![] },
    ];
    for scaler in bad {
        assert!(scaler.check(1).is_err(), "{scaler:?}");
        assert!(scaler.scale_shift(1).is_err() && scaler.unscale(&mut [0.0], 1).is_err(), "{scaler:?}");
    }
    for scaler in [range(0.0, 255.0), minmax(2.0, 2.0), standard(5.0, 0.0), Scaler::None {}] {
        assert!(scaler.check(1).is_ok(), "{scaler:?}");
    }
    assert!(Scaler::None {}.scale(&mut [0.0; 3], 2).is_err());
    assert!(Scaler::None {}.scale(&mut [0.0; 3], 0).is_err());
}

proptest! {
    #[test]
    fn there_and_back(values in proptest::collection::vec(-1e4_f32..1e4, 12)) {
        let data = floats(&values, 3);
        for kind in [ScalerKind::None, ScalerKind::Range, ScalerKind::MinMax, ScalerKind::Standard] {
            let scaler = Scaler::fit(kind, &data, &all(&data)).unwrap();
            let mut there = values.clone();
            scaler.scale(&mut there, 3).unwrap();
            if scaler.is_unit() {
                prop_assert!(there.iter().all(|value| (-0.01..=1.01).contains(value)), "{:?}", there);
            }
            scaler.unscale(&mut there, 3).unwrap();
            for (back, value) in there.iter().zip(&values) {
                prop_assert!((back - value).abs() <= 0.01, "{kind}: {back} from {value}");
            }
        }
    }

    #[test]
    fn extreme_values_fit_without_overflow(
        values in proptest::collection::vec(any::<f32>().prop_filter("finite", |value| value.is_finite()), 12),
    ) {
        let data = floats(&values, 3);
        for kind in [ScalerKind::Auto, ScalerKind::Range, ScalerKind::MinMax, ScalerKind::Standard] {
            if let Ok(scaler) = Scaler::fit(kind, &data, &all(&data)) {
                let (scale, shift) = scaler.scale_shift(3).unwrap();
                prop_assert!(scale.iter().chain(&shift).all(|number| number.is_finite()));
            }
        }
    }
}
