//! Tests of the preprocessing: what each kind of number becomes, there and back, targets that do not fit, and stored
//! ones.

use narrows_engine::Split;
use proptest::prelude::*;

use super::*;

const SERIAL: Split = Split::Serial;

fn context() -> Context {
    Context::new(SERIAL)
}

fn fit(kind: ScalerKind, dataset: &Dataset) -> Preprocessing {
    let rows: Vec<u32> = (0..dataset.len() as u32).collect();
    Preprocessing::fit(kind, dataset, &rows).unwrap().0
}

fn gathered(preprocessing: &Preprocessing, dataset: &Dataset, rows: &[u32]) -> Vec<f32> {
    let mut out = vec![f32::NAN; rows.len() * dataset.features()];
    preprocessing.gather(context(), dataset, rows, &mut out).unwrap();
    out
}

fn message(preprocessing: &Preprocessing, dataset: &Dataset, rows: &[u32], unit: bool) -> String {
    let message = preprocessing.check_targets(dataset, rows, unit, false).unwrap_err().to_string();
    assert!(!message.contains(char::is_control), "{message}");
    message
}

#[test]
fn large_offsets_keep_their_digits() {
    let values: Vec<f64> = (0..100).map(|at| 1e6 + f64::from(at) * 0.001).collect();
    let doubles = Dataset::new("x", Samples::F64(values.clone()), 1).unwrap();
    for kind in [ScalerKind::MinMax, ScalerKind::Standard, ScalerKind::Range] {
        let preprocessing = fit(kind, &doubles);
        let rows: Vec<u32> = (0..100).collect();
        let scaled = gathered(&preprocessing, &doubles, &rows);
        // Equal steps stay equal; in f32 a third of the values would be the same.
        let steps: Vec<f32> = scaled.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| (step / steps[0] - 1.0).abs() < 1e-3), "{kind}: {steps:?}");
        let mut back = vec![0.0; 100];
        preprocessing.invert(&scaled, &mut back).unwrap();
        assert!(back.iter().zip(&values).all(|(back, value)| (back - value).abs() < 1e-7));
    }
}

/// The arithmetic of bytes is what it always was: one operation of f32.
#[test]
fn bytes_go_through_one_operation() {
    let data = Dataset::new("x", Samples::U8((0..=255).collect()), 1).unwrap();
    let preprocessing = fit(ScalerKind::Auto, &data);
    let rows: Vec<u32> = (0..256).collect();
    let expected: Vec<f32> = (0..256u16).map(|x| f32::from(x) * (1.0f64 / 255.0) as f32).collect();
    assert_eq!(gathered(&preprocessing, &data, &rows), expected);
    let mut applied = vec![0.0; 256];
    let bytes: Vec<u8> = (0..=255).collect();
    preprocessing.apply(context(), RawRows::Bytes(&bytes), &mut applied).unwrap();
    assert_eq!(applied, expected);
}

#[test]
fn bytes_of_a_tiny_deviation_do_not() {
    let mut bytes = vec![200u8; 100_000];
    bytes[7] = 201;
    let data = Dataset::new("x", Samples::U8(bytes), 1).unwrap();
    let preprocessing = fit(ScalerKind::Standard, &data);
    let exact = -1e-5 / (1e-5f64 * (1.0 - 1e-5)).sqrt();
    let scaled = gathered(&preprocessing, &data, &[0]);
    assert!((f64::from(scaled[0]) / exact - 1.0).abs() < 1e-6, "{scaled:?} for {exact}");
}

/// A constant column of the training part becomes 0 whatever it holds, and its constant again.
#[test]
fn constant_columns_say_nothing() {
    let train = Dataset::new("x", Samples::F32(vec![1.0, 0.1, 3.0, 0.1]), 2).unwrap();
    let other = Dataset::new("y", Samples::F32(vec![2.0, 1e9]), 2).unwrap();
    for (kind, first) in [(ScalerKind::MinMax, 0.5), (ScalerKind::Standard, 0.0)] {
        let preprocessing = fit(kind, &train);
        assert_eq!(gathered(&preprocessing, &other, &[0]), [first, 0.0]);
        preprocessing.check_targets(&other, &[0], preprocessing.is_unit(), false).unwrap();
        let mut back = [0.0; 2];
        preprocessing.invert(&[first, 5.0], &mut back).unwrap();
        assert_eq!(back, [2.0, f64::from(0.1f32)]);
    }
}

/// Rows 6 and 7 of what others met.
#[test]
fn targets_beyond_cross_entropy_are_named() {
    let mut values = vec![0.0f32, 1.0, 0.25, 0.75];
    let train = Dataset::new("x", Samples::F32(values.clone()), 2).unwrap();
    values[2..].copy_from_slice(&[0.25, 40.0]);
    let test = Dataset::new("foreign", Samples::F32(values), 2).unwrap();
    for kind in [ScalerKind::Auto, ScalerKind::MinMax, ScalerKind::None] {
        let preprocessing = fit(kind, &train);
        preprocessing.check_targets(&train, &[0, 1], true, false).unwrap();
        preprocessing.check_targets(&test, &[0], true, false).unwrap();
        preprocessing.check_targets(&test, &[0, 1], false, false).unwrap();
        let message = message(&preprocessing, &test, &[0, 1], true);
        assert!(message.starts_with("foreign: row 1, column 1 (from 0) is 40"), "{message}");
        assert!(message.contains("train with --loss mse"), "{message}");
    }
    let bytes = Dataset::new("bytes", Samples::U8(vec![0, 1, 1, 7]), 2).unwrap();
    let mask = fit(ScalerKind::Auto, &bytes.subset(&[0u32]).unwrap());
    assert!(message(&mask, &bytes, &[0, 1], true).contains("row 1, column 1 (from 0) is 7, which is scaled to 7"));
}

/// Row 10 of what others met.
#[test]
fn numbers_whose_squares_leave_f32_are_refused_with_what_helps() {
    let values: Vec<f32> = (0..16).map(|at| (at as f32 - 8.0) * 1e15).collect();
    let data = Dataset::new("x", Samples::F32(values), 8).unwrap();
    let text = message(&fit(ScalerKind::None, &data), &data, &[0, 1], false);
    assert!(text.contains("row 0, column 0") && text.contains("--scaling standard"), "{text}");
    fit(ScalerKind::Standard, &data).check_targets(&data, &[0, 1], false, false).unwrap();
}

#[test]
fn missing_values_are_no_targets() {
    let data = Dataset::with_missing("x", Samples::F32(vec![0.0, 1.0, f32::NAN, 2.0]), 2).unwrap();
    let preprocessing = fit(ScalerKind::MinMax, &data);
    assert!(gathered(&preprocessing, &data, &[1])[0].is_nan());
    let text = message(&preprocessing, &data, &[1], false);
    assert!(text.contains("row 1, column 0 (from 0) is missing"), "{text}");
}

#[test]
fn a_stored_one_is_checked_and_the_same() {
    let data = Dataset::new("x", Samples::F64(vec![1e9 + 0.1, -0.3, 1e9 + 0.7, 0.9]), 2).unwrap();
    for kind in [ScalerKind::None, ScalerKind::Range, ScalerKind::MinMax, ScalerKind::Standard] {
        let fitted = fit(kind, &data);
        let text = serde_json::to_string(&fitted).unwrap();
        let read: Preprocessing = serde_json::from_str(&text).unwrap();
        assert_eq!(read, fitted);
        assert_eq!(gathered(&read, &data, &[1, 0]), gathered(&fitted, &data, &[1, 0]));
        assert!(read.check(2).is_ok() && read.check(3).is_err());
    }
    for text in [
        r#"{"features":2,"scaler":{"kind":"minmax","min":[0.0],"max":[1.0]}}"#,
        r#"{"features":2,"scaler":{"kind":"none"},"patches":{"size":3,"whiten":true,"limit":1.0}}"#,
        r#"{"features":4,"scaler":{"kind":"none"},"patches":{"size":2,"whiten":true,"limit":-1.0}}"#,
    ] {
        let read: Preprocessing = serde_json::from_str(text).unwrap();
        assert!(read.check(read.features()).is_err(), "{text}");
    }
    // A claim costs no memory before it is checked.
    let huge = r#"{"features":18446744073709551615,"scaler":{"kind":"none"}}"#;
    let read: Preprocessing = serde_json::from_str(huge).unwrap();
    assert!(read.invert(&[0.0], &mut [0.0]).is_err());
}

#[test]
fn lengths_are_checked() {
    let preprocessing = Preprocessing::new(Scaler::None {}, 3).unwrap();
    assert!(preprocessing.apply(context(), RawRows::Doubles(&[0.0; 4]), &mut [0.0; 4]).is_err());
    assert!(preprocessing.apply(context(), RawRows::Doubles(&[0.0; 3]), &mut [0.0; 4]).is_err());
    assert!(preprocessing.invert(&[0.0; 3], &mut [0.0; 6]).is_err());
    let other = Dataset::new("x", Samples::U8(vec![0; 4]), 2).unwrap();
    assert!(preprocessing.gather(context(), &other, &[0], &mut [0.0; 2]).is_err());
    assert!(preprocessing.check_targets(&other, &[0], false, false).is_err());
}

proptest! {
    #[test]
    fn there_and_back(values in proptest::collection::vec(-1e4_f32..1e4, 12)) {
        let data = Dataset::new("x", Samples::F32(values.clone()), 3).unwrap();
        for kind in [ScalerKind::None, ScalerKind::Range, ScalerKind::MinMax, ScalerKind::Standard] {
            let preprocessing = fit(kind, &data);
            let scaled = gathered(&preprocessing, &data, &[0, 1, 2, 3]);
            prop_assert!(preprocessing.check_targets(&data, &[0, 1, 2, 3], preprocessing.is_unit(), false).is_ok());
            let mut back = [0.0; 12];
            preprocessing.invert(&scaled, &mut back).unwrap();
            for (back, value) in back.iter().zip(&values) {
                prop_assert!((back - f64::from(*value)).abs() <= 0.01, "{kind}: {back} from {value}");
            }
        }
    }

    #[test]
    fn extreme_values_never_panic(
        values in proptest::collection::vec(any::<f64>().prop_filter("finite", |x| x.is_finite()), 12),
    ) {
        let data = Dataset::new("x", Samples::F64(values), 3).unwrap();
        for kind in [ScalerKind::Auto, ScalerKind::Range, ScalerKind::MinMax, ScalerKind::Standard] {
            if let Ok((preprocessing, _)) = Preprocessing::fit(kind, &data, &[0, 1, 2, 3])
                && preprocessing.check_targets(&data, &[0, 1, 2, 3], preprocessing.is_unit(), false).is_ok()
            {
                prop_assert!(gathered(&preprocessing, &data, &[0, 1, 2, 3]).iter().all(|x| x.is_finite()));
            }
        }
    }
}
