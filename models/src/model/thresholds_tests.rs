use super::*;
use crate::data::{DataSettings, Preprocessing, ScalerKind, digits};
use crate::model::{DataInfo, Model};

fn scores(values: &[f64]) -> TrainingScores {
    TrainingScores::new(values.to_vec()).unwrap()
}

#[test]
fn quantiles_mean_and_deviation() {
    let known = scores(&[4.0, 1.0, 3.0, 2.0, 10.0]);
    assert_eq!(known.values(), [1.0, 2.0, 3.0, 4.0, 10.0]);
    for (share, value) in [(0.0, 1.0), (0.5, 3.0), (0.25, 2.0), (0.9, 7.6), (1.0, 10.0), (2.0, 10.0)] {
        assert!((known.quantile(share) - value).abs() < 1e-12, "{share}");
    }
    assert_eq!(known.mean(), 4.0);
    assert!((known.deviation() - 12.5f64.sqrt()).abs() < 1e-12);
    assert_eq!((scores(&[2.0]).quantile(0.7), scores(&[2.0]).deviation()), (2.0, 0.0));
    assert!(known.quantile(f64::NAN).is_nan());
}

#[test]
fn p_values_count_ties_as_at_least() {
    let known = scores(&[1.0, 2.0, 2.0, 3.0]);
    for (score, at_least) in [(0.5, 4.0), (1.0, 4.0), (1.5, 3.0), (2.0, 3.0), (2.5, 1.0), (3.0, 1.0), (3.1, 0.0)] {
        assert_eq!(known.p_value(score), (1.0 + at_least) / 5.0, "{score}");
    }
    assert!(known.p_value(f64::NAN).is_nan());
    assert_eq!(known.p_value(f64::INFINITY), 0.2);
}

#[test]
fn quantiles_stand_for_many_scores() {
    let count = 5000;
    let all = scores(&(0..count).map(|i| (f64::from(i) / 700.0).exp()).collect::<Vec<_>>());
    let few = all.compact().unwrap();
    assert_eq!((few.values().len(), few.samples(), few.mean()), (1024, 5000, all.mean()));
    assert_eq!((few.quantile(0.0), few.quantile(1.0)), (all.quantile(0.0), all.quantile(1.0)));
    for i in (0..count).step_by(37) {
        let score = (f64::from(i) / 700.0).exp() * 1.0001;
        // A share of a sample or so, in 5,000.
        assert!((few.p_value(score) - all.p_value(score)).abs() < 2.0 / 5000.0, "{i}");
        let share = f64::from(i) / f64::from(count);
        assert!((few.quantile(share) / all.quantile(share) - 1.0).abs() < 1e-3, "{i}");
    }
    assert_eq!(few.p_value(1e9), 1.0 / 5001.0);
    assert_eq!(few.p_value(-1.0), 1.0);
    let same = scores(&[7.0; 3000]).compact().unwrap();
    assert_eq!((same.p_value(7.0), same.p_value(7.1)), (1.0, 1.0 / 3001.0));
}

#[test]
fn scores_that_are_no_numbers_are_refused() {
    let error = TrainingScores::new(vec![1.0, f64::NAN]).unwrap_err().to_string();
    assert!(error.contains("training sample 1"), "{error}");
    assert!(TrainingScores::new(vec![f64::INFINITY]).is_err() && TrainingScores::new(Vec::new()).is_err());
    assert!(Thresholds::new(f64::NAN, "x", &scores(&[1.0])).is_err());
}

fn model() -> Model {
    let (data, kind) = (digits().unwrap(), crate::autoencoders::Registry::standard().get("undercomplete").unwrap());
    let (preprocessing, _) = Preprocessing::fit(ScalerKind::Auto, &data, &[0, 1, 2]).unwrap();
    let mut settings = kind.settings();
    let info = DataInfo::of(&data, preprocessing);
    kind.settle(&mut *settings, &info.sample()).unwrap();
    Model::new(kind, settings, DataSettings::default(), info).unwrap()
}

/// The tensors of a safetensors file, which lie behind a header whose length is its first eight bytes.
fn weights(file: &std::path::Path) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

#[test]
fn a_changed_cutoff_is_read_again_and_no_weight_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, fitted) = (folder.path().join("plain"), folder.path().join("fitted"));
    let mut model = model();
    model.save(&plain).unwrap();
    let bytes = std::fs::read(&plain).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("thresholds"));
    let many = scores(&(0..3000).map(|i| 0.1 * f64::from(i).sqrt()).collect::<Vec<_>>());
    for cutoff in [0.1 + 0.2, 1.0 / 3.0] {
        let thresholds = Thresholds::new(cutoff, "quantile:0.99", &many).unwrap();
        model.set_thresholds(Some(thresholds.clone()));
        model.save(&fitted).unwrap();
        model = Model::load(&fitted).unwrap();
        assert_eq!(model.thresholds(), Some(&thresholds));
        assert_eq!(weights(&fitted), weights(&plain));
    }
    model.set_thresholds(None);
    model.save(&fitted).unwrap();
    assert_eq!(std::fs::read(&fitted).unwrap(), bytes);
}

#[test]
fn damaged_thresholds_are_refused() {
    let sound = Thresholds::new(2.0, "value:2", &scores(&[1.0, 2.0, 3.0])).unwrap();
    assert!(sound.check().is_ok());
    let with = |change: &dyn Fn(&mut Thresholds)| {
        let mut changed = sound.clone();
        change(&mut changed);
        changed.check()
    };
    assert!(with(&|t| t.cutoff = f64::INFINITY).is_err());
    assert!(with(&|t| t.scores.values.reverse()).is_err());
    assert!(with(&|t| t.scores.values.clear()).is_err());
    assert!(with(&|t| t.scores.samples = 2).is_err());
    assert!(with(&|t| t.scores.values[2] = f64::NAN).is_err());
    assert!(with(&|t| t.scores.values = vec![1.0; 2000]).is_err());
}
