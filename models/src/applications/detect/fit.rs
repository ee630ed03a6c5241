//! A cutoff fitted to the training part's scores, to be stored with the model: no weight changes.
//!
//! `f1` and `fpr` may look at labelled samples too: those of other data, or the model's own training part with all its
//! classes, also those that it was not trained on. The test part is never looked at, so that figures on it stay honest.

use super::cutoff::Cutoff;
use super::score::Scorer;
use super::truth::Truth;
use crate::data::{Dataset, Rows, is_same, load_for, load_train, reserved};
use crate::model::{Given, Model, Session, Thresholds, TrainingScores};
use crate::{Error, Result};
use narrows_engine::Split;
use std::sync::Arc;

/// Numbers that are scored at a time, about.
const NUMBERS: usize = 1 << 20;

/// What to fit a cutoff by.
#[derive(Debug, Clone)]
pub struct FitRequest {
    /// The rule.
    pub cutoff: Cutoff,
    /// Labelled data for a rule that looks at labels; the model's own training part if none.
    pub data: Option<String>,
    /// What is an anomaly there; for a model that was trained on some classes only all others, if none.
    pub truth: Option<Truth>,
}

/// Fits a cutoff to a model, for [`Model::set_thresholds`].
///
/// # Errors
/// The model's own data cannot be read; as for [`Cutoff::of`].
pub fn fit(model: Arc<Model>, request: &FitRequest, split: Split) -> Result<Thresholds> {
    let mut session = Session::new(Arc::clone(&model)).on(split);
    let (dataset, rows) = training_part(&model)?;
    let scores = training_scores(&mut session, &dataset, &rows)?;
    drop(dataset);
    let cutoff = choose(&mut session, request, &scores)?;
    Thresholds::new(cutoff, request.cutoff.to_string(), &scores)
}

/// The scores of some rows of `dataset`, the training part.
///
/// # Errors
/// Data that do not fit the model; a score that is NaN or infinite.
pub fn training_scores(session: &mut Session, dataset: &Dataset, rows: &[u32]) -> Result<TrainingScores> {
    TrainingScores::new(scores(session, dataset, rows)?)
}

/// The cutoff by the training part's scores, and by labelled samples where the rule looks at them.
pub(super) fn choose(session: &mut Session, request: &FitRequest, scores: &TrainingScores) -> Result<f64> {
    let FitRequest { cutoff, data, truth } = request;
    let own = own_truth(session.model());
    match truth.as_ref().or(own.as_ref()) {
        None if cutoff.needs_labels() => Err(Error::usage(format!(
            "cutoff {cutoff} must know what is an anomaly; give --normal or --anomaly, or another cutoff"
        ))),
        // Without a word of the caller's the normal samples are the training part itself.
        Some(known) if cutoff.needs_labels() || (cutoff.uses_labels() && (truth.is_some() || data.is_some())) => {
            let (dataset, rows) = labelled_part(session.model(), data.as_deref())?;
            let anomalies = known.of(&dataset, &rows)?;
            let labelled = self::scores(session, &dataset, &rows)?;
            cutoff.of(scores, Some((&labelled, &anomalies)))
        }
        _ => cutoff.of(scores, None),
    }
}

/// What is an anomaly to a model that was trained on some classes only: all others.
pub(super) fn own_truth(model: &Model) -> Option<Truth> {
    let classes = model.source().classes.trim();
    (!classes.is_empty()).then(|| Truth::Normal(classes.to_owned()))
}

/// What the model was trained on and chosen by.
pub(super) fn training_part(model: &Model) -> Result<(Dataset, Vec<u32>)> {
    let (dataset, mut rows, validation) = load_train(model.source())?;
    rows.extend(validation);
    Ok((dataset, rows))
}

/// Labelled samples to choose a cutoff by: of other data, or the model's own training part with all classes.
fn labelled_part(model: &Model, data: Option<&str>) -> Result<(Dataset, Vec<u32>)> {
    match data.filter(|data| !is_same(data, &model.source().source)) {
        Some(data) => {
            let (dataset, rows, _) = load_for(model.source(), data, &model.data().known())?;
            Ok((dataset, rows))
        }
        None => {
            let mut source = model.source().clone();
            source.classes.clear();
            let (dataset, mut rows, validation) = load_train(&source)?;
            rows.extend(validation);
            Ok((dataset, rows))
        }
    }
}

/// The score of each of some rows.
fn scores(session: &mut Session, dataset: &Dataset, rows: &[u32]) -> Result<Vec<f64>> {
    let mut scores = reserved(rows.len(), "scores")?;
    let takes = fitting(session.model(), dataset, rows)?;
    let mut scorer = Scorer::default();
    blocks(dataset, rows, takes, |given| {
        scorer.score(session, given)?;
        scores.extend_from_slice(&scorer.total);
        Ok(())
    })?;
    Ok(scores)
}

/// Refuses rows that do not fit the model; gives whether it takes their classes.
pub(super) fn fitting(model: &Model, dataset: &Dataset, rows: &[u32]) -> Result<bool> {
    model.check_fits(dataset)?;
    model.check_targets(dataset, rows)?;
    Ok(model.autoencoder().takes().labels)
}

/// Hands out some rows of `dataset`, raw, with their classes where these are taken, a block at a time.
pub(super) fn blocks(
    dataset: &Dataset,
    rows: &[u32],
    takes_labels: bool,
    mut with: impl FnMut(Given<'_>) -> Result<()>,
) -> Result<()> {
    let labels = dataset.labels().filter(|_| takes_labels);
    let each = (NUMBERS / dataset.features().max(1)).clamp(1, rows.len().max(1));
    let mut numbers = reserved(each.saturating_mul(dataset.features()), "raw samples")?;
    let mut classes: Vec<u32> = reserved(each, "classes")?;
    for rows in rows.chunks(each) {
        numbers.resize(rows.len() * dataset.features(), 0.0);
        dataset.read(rows, &mut numbers)?;
        let given = Given::doubles(&numbers);
        match labels {
            Some(labels) => {
                classes.clear();
                classes.extend(rows.iter().filter_map(|&row| labels.get(row as usize)));
                with(given.labels(&classes))?;
            }
            None => with(given)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::Config;

    fn model(keys: &[(&str, &str)]) -> Arc<Model> {
        let small = [("hidden", "16"), ("code", "4"), ("epochs", "1")];
        let config = Config::of("undercomplete").unwrap().with(&small).unwrap().with(keys).unwrap();
        Arc::new(crate::training::fit(&config, &crate::data::digits().unwrap()).unwrap())
    }

    fn fitted(model: &Arc<Model>, cutoff: &str, truth: Option<Truth>) -> Result<Thresholds> {
        let request = FitRequest { cutoff: cutoff.parse()?, data: None, truth };
        fit(Arc::clone(model), &request, Split::Serial)
    }

    #[test]
    fn the_training_part_is_what_the_cutoff_is_fitted_to() {
        let model = model(&[]);
        let thresholds = fitted(&model, "quantile:0.9", None).unwrap();
        let scores = thresholds.scores();
        assert_eq!((scores.samples(), scores.values().len(), thresholds.rule()), (1438, 1024, "quantile:0.9"));
        let (dataset, rows) = training_part(&model).unwrap();
        let all = training_scores(&mut Session::new(Arc::clone(&model)), &dataset, &rows).unwrap();
        assert_eq!(thresholds.cutoff(), all.quantile(0.9));
        let above = all.values().iter().filter(|&&score| score > thresholds.cutoff()).count();
        assert_eq!(above, 144);
    }

    #[test]
    fn rules_by_labels_know_all_classes_of_the_training_part() {
        let model = model(&[("classes", "0")]);
        let thresholds = fitted(&model, "f1", None).unwrap();
        assert!(thresholds.scores().samples() < 200, "trained on zeros only");
        let one = fitted(&model, "fpr:0.05", None).unwrap();
        let same = fitted(&model, "fpr:0.05", Some(Truth::Normal("0".into()))).unwrap();
        assert_eq!(one.cutoff(), same.cutoff());
        assert_ne!(one.cutoff(), fitted(&model, "fpr:0.05", Some(Truth::Normal("1".into()))).unwrap().cutoff());
    }

    #[test]
    fn a_rule_by_labels_must_be_told_what_is_odd() {
        let error = fitted(&model(&[]), "f1", None).unwrap_err();
        assert!(error.kind() == crate::ErrorKind::Usage && error.to_string().contains("--normal"), "{error}");
    }
}
