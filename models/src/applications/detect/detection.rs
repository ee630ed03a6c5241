//! A source judged by a model: each row's judgement, and where classes say what is an anomaly, how well the scores tell,
//! beside those of a PCA of the same code size and of the nearest training rows.

use super::beside::{Yardsticks, yardsticks};
use super::cutoff::Cutoff;
use super::fit::{FitRequest, blocks, choose, fitting, own_truth, training_part, training_scores};
use super::histogram::Histogram;
use super::judge::{Detector, Judgement};
use super::names::FeatureNames;
use super::ranking::{Confusion, Ranking};
use super::truth::Truth;
use crate::data::{Dataset, load_for, reserved};
use crate::model::{Model, Session, TrainingScores};
use crate::{Error, Result};
use narrows_engine::Split;
use std::sync::Arc;

/// What to judge, and how.
#[derive(Debug, Clone, Default)]
pub struct DetectRequest {
    /// The data; the model's own test part if none.
    pub data: Option<String>,
    /// The rule of the cutoff; the stored cutoff if none, and `quantile:0.99` where none is stored.
    pub cutoff: Option<Cutoff>,
    /// What is an anomaly; for a model that was trained on some classes only all others, if none.
    pub truth: Option<Truth>,
}

/// What was judged.
#[derive(Debug, Clone)]
pub struct Detection {
    /// The data.
    pub dataset: Dataset,
    /// The number of each row in it, from 0.
    pub rows: Vec<u32>,
    /// What is said of each.
    pub judgements: Vec<Judgement>,
    /// The part that they are of: `test`, or `train` where nothing was held out.
    pub part: &'static str,
    /// The names of the features.
    pub names: FeatureNames,
    /// The cutoff.
    pub cutoff: f64,
    /// The rule that chose it.
    pub cutoff_rule: String,
    /// How many samples of the training part the p-values are by, if they are known.
    pub training_samples: Option<u64>,
    /// The figures, where it is known what is an anomaly.
    pub labelled: Option<Labelled>,
    /// What there is to say besides.
    pub notes: Vec<String>,
    labels: Option<Vec<u32>>,
}

/// Scores beside what is an anomaly.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// Whether each row is one.
    pub anomalies: Vec<bool>,
    /// The figures over all cutoffs.
    pub ranking: Ranking,
    /// What the cutoff flags.
    pub confusion: Confusion,
    /// The area under the ROC curve of the error of a PCA of the same code size, where there is one.
    pub pca_auroc: Option<f64>,
    /// The same of the mean distance to the five nearest training rows.
    pub knn_auroc: Option<f64>,
    /// The figures of that PCA's errors over all cutoffs.
    pub pca: Option<Ranking>,
    /// Those of these distances.
    pub knn: Option<Ranking>,
}

impl Detection {
    /// The scores, `[n]`.
    pub fn scores(&self) -> impl Iterator<Item = f64> {
        self.judgements.iter().map(|judgement| judgement.score)
    }

    /// The share of the rows that is flagged.
    pub fn flagged(&self) -> f64 {
        let flagged = self.judgements.iter().filter(|judgement| judgement.anomaly).count();
        flagged as f64 / self.judgements.len().max(1) as f64
    }

    /// Whether rows have labels.
    pub fn has_labels(&self) -> bool {
        self.labels.is_some()
    }

    /// The label of the row at a place: its class's name, or its number.
    pub fn label(&self, place: usize) -> Option<String> {
        let label = *self.labels.as_ref()?.get(place)?;
        let names = self.dataset.class_names().unwrap_or_default();
        Some(names.get(label as usize).cloned().unwrap_or_else(|| label.to_string()))
    }

    /// The places of the `count` rows that score highest, the highest first.
    ///
    /// # Errors
    /// No memory.
    pub fn highest(&self, count: usize) -> Result<Vec<usize>> {
        let mut places = reserved(self.judgements.len(), "sorted rows")?;
        places.extend(0..self.judgements.len());
        let score = |place: usize| self.judgements[place].score;
        places.sort_unstable_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
        places.truncate(count);
        Ok(places)
    }

    /// The scores in so many bins, for a report.
    ///
    /// # Errors
    /// As for [`Histogram::new`].
    pub fn histogram(&self, bins: usize) -> Result<Histogram> {
        let scores: Vec<f64> = self.scores().collect();
        let anomalies = self.labelled.as_ref().map(|labelled| labelled.anomalies.as_slice());
        Histogram::new(&scores, anomalies, self.cutoff, bins)
    }
}

/// A cutoff, its rule, the training part's scores, and that part where it was read for them.
pub(super) struct Resolved {
    pub(super) cutoff: f64,
    pub(super) rule: String,
    pub(super) scores: Option<TrainingScores>,
    pub(super) training: Option<(Dataset, Vec<u32>)>,
}

/// Judges a source: its test part, divided as the model's own data were, or all of it where it is another source and has
/// no test part.
///
/// # Errors
/// A source that cannot be read or does not fit the model; a cutoff that must be fitted to data that cannot be read.
pub fn detect(model: Arc<Model>, request: &DetectRequest, split: Split) -> Result<Detection> {
    let mut session = Session::new(Arc::clone(&model)).on(split);
    let data = request.data.as_deref().unwrap_or(&model.source().source);
    let (dataset, rows, part) = load_for(model.source(), data, &model.data().known())?;
    let takes_labels = fitting(&model, &dataset, &rows)?;
    let mut notes = dataset.notes().to_vec();
    let Resolved { cutoff, rule, scores, training } = resolve(&mut session, request, &mut notes)?;
    let training_samples = scores.as_ref().map(TrainingScores::samples);
    let mut detector = Detector::new(session, cutoff, scores);
    let mut judgements = reserved(rows.len(), "judgements")?;
    blocks(&dataset, &rows, takes_labels, |given| {
        judgements.extend_from_slice(detector.judge(given)?);
        Ok(())
    })?;
    let mut detection = Detection {
        judgements,
        part,
        names: FeatureNames::of(&dataset),
        cutoff,
        cutoff_rule: rule,
        training_samples,
        labelled: None,
        notes,
        labels: labels_of(&dataset, &rows)?,
        dataset,
        rows,
    };
    if let Some(anomalies) = truth(&model, request, &mut detection)? {
        label(&mut detection, anomalies, (&model, training), split)?;
    }
    Ok(detection)
}

/// The labels of some rows, where there are any.
fn labels_of(dataset: &Dataset, rows: &[u32]) -> Result<Option<Vec<u32>>> {
    let Some(labels) = dataset.labels() else { return Ok(None) };
    let mut chosen = reserved(rows.len(), "labels")?;
    chosen.extend(rows.iter().filter_map(|&row| labels.get(row as usize)));
    Ok(Some(chosen))
}

/// The cutoff that was asked for, that is stored, or that the training part gives now.
pub(super) fn resolve(session: &mut Session, request: &DetectRequest, notes: &mut Vec<String>) -> Result<Resolved> {
    let stored = session.model().thresholds().cloned();
    let asked = |cutoff| FitRequest { cutoff, data: None, truth: request.truth.clone() };
    match (stored, request.cutoff) {
        (Some(stored), None) => {
            let scores = Some(stored.scores().clone());
            Ok(Resolved { cutoff: stored.cutoff(), rule: stored.rule().into(), scores, training: None })
        }
        (Some(stored), Some(cutoff)) => {
            let scores = stored.scores().clone();
            let chosen = choose(session, &asked(cutoff), &scores)?;
            Ok(Resolved { cutoff: chosen, rule: cutoff.to_string(), scores: Some(scores), training: None })
        }
        (None, cutoff) => {
            let rule = cutoff.unwrap_or(Cutoff::Quantile(0.99));
            let (dataset, rows) = match (training_part(session.model()), rule) {
                (Ok(training), _) => training,
                (Err(error), Cutoff::Value(value)) => {
                    notes.push(format!("no p-values: {error}"));
                    return Ok(Resolved { cutoff: value, rule: rule.to_string(), scores: None, training: None });
                }
                (Err(error), _) => {
                    return Err(Error::data(format!(
                        "no cutoff is stored, and the training part cannot be scored: {error}; store one with --fit \
                         where the data are, or give --cutoff value:X"
                    )));
                }
            };
            let scores = training_scores(session, &dataset, &rows)?;
            let chosen = choose(session, &asked(rule), &scores)?;
            if cutoff.is_none() {
                notes.push(format!(
                    "no cutoff is stored with the model: {rule} of the scores of its training part, computed now; \
                     --fit stores one"
                ));
            }
            let training = Some((dataset, rows));
            Ok(Resolved { cutoff: chosen, rule: rule.to_string(), scores: Some(scores), training })
        }
    }
}

/// Whether each row is an anomaly, where that is known: by the caller's word, or by the classes that the model was
/// trained on.
fn truth(model: &Model, request: &DetectRequest, detection: &mut Detection) -> Result<Option<Vec<bool>>> {
    let dataset = &detection.dataset;
    let (known, own) = (request.truth.as_ref(), own_truth(model));
    match (known, own, dataset.labels()) {
        (Some(truth), ..) => truth.of(dataset, &detection.rows).map(Some),
        (None, _, None) => Ok(None),
        (None, Some(own), Some(_)) => match own.of(dataset, &detection.rows) {
            Ok(anomalies) => Ok(Some(anomalies)),
            Err(error) => {
                detection.notes.push(format!("no figures: {error}"));
                Ok(None)
            }
        },
        (None, None, Some(_)) => {
            detection.notes.push("no figures: say which classes are normal (--normal) or odd (--anomaly)".into());
            Ok(None)
        }
    }
}

/// Adds the figures.
fn label(
    detection: &mut Detection,
    anomalies: Vec<bool>,
    (model, training): (&Model, Option<(Dataset, Vec<u32>)>),
    split: Split,
) -> Result<()> {
    let scores: Vec<f64> = detection.scores().collect();
    let ranking = Ranking::new(&scores, &anomalies)?;
    let confusion = ranking.at(detection.cutoff);
    let mut beside = Yardsticks::default();
    if ranking.auroc().is_some() {
        let training = training.map_or_else(|| training_part(model), Ok);
        let judged = (&detection.dataset, &detection.rows[..], detection.part == "train");
        beside = yardsticks(model, training, judged, &anomalies, split)?;
        detection.notes.append(&mut beside.notes);
    } else {
        let kind = if ranking.anomalies() > 0 { "an anomaly" } else { "normal" };
        detection.notes.push(format!("no area under a ROC curve: every row is {kind}"));
    }
    let auroc = |ranking: &Option<Ranking>| ranking.as_ref().and_then(Ranking::auroc);
    let (pca_auroc, knn_auroc) = (auroc(&beside.pca), auroc(&beside.knn));
    let Yardsticks { pca, knn, .. } = beside;
    detection.labelled = Some(Labelled { anomalies, ranking, confusion, pca_auroc, knn_auroc, pca, knn });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fit;
    use super::*;
    use crate::data::{DataSettings, Preprocessing, digits, load_train};
    use crate::training::{Config, Silent, Trainer, prepare};

    /// A model trained on the zeros of the digits.
    fn zeros() -> Model {
        let keys = [("hidden", "32"), ("code", "4"), ("epochs", "40"), ("classes", "0"), ("seed", "1")];
        let config = Config::of("undercomplete").unwrap().with(&keys).unwrap();
        let (dataset, rows, _) = load_train(&config.data).unwrap();
        let prepared = prepare(&config, &dataset, &rows).unwrap();
        let mut trainer = Trainer::new(prepared.model, prepared.config.training, &dataset, rows, Vec::new()).unwrap();
        trainer.run(Split::Serial, None, &mut Silent, &mut |_| Ok(false)).unwrap();
        trainer.into_model().0
    }

    fn with(cutoff: Option<&str>, truth: Option<Truth>) -> DetectRequest {
        DetectRequest { data: None, cutoff: cutoff.map(|text| text.parse().unwrap()), truth }
    }

    fn judged(model: &Arc<Model>, request: &DetectRequest) -> Detection {
        detect(Arc::clone(model), request, Split::Serial).unwrap()
    }

    #[test]
    fn other_digits_are_odd_to_a_model_of_zeros() {
        let model = Arc::new(zeros());
        let plain = judged(&model, &with(None, None));
        assert_eq!((plain.rows.len(), plain.part, plain.cutoff_rule.as_str()), (359, "test", "quantile:0.99"));
        assert!(plain.notes.iter().any(|note| note.contains("--fit")), "{:?}", plain.notes);
        let labelled = plain.labelled.as_ref().unwrap();
        let auroc = labelled.ranking.auroc().unwrap();
        let others = [labelled.pca_auroc, labelled.knn_auroc];
        assert!(auroc > 0.9 && others.iter().all(|other| other.is_some_and(|other| other > 0.9)), "{auroc} {others:?}");
        let flagged = labelled.confusion.true_positives + labelled.confusion.false_positives;
        assert!((plain.flagged() - flagged as f64 / 359.0).abs() < 1e-12);
        for (place, &anomaly) in labelled.anomalies.iter().enumerate() {
            assert_eq!(anomaly, plain.label(place).as_deref() != Some("0"));
        }
        let highest = plain.highest(10).unwrap();
        assert!(highest.windows(2).all(|pair| { plain.judgements[pair[0]].score >= plain.judgements[pair[1]].score }));
        assert_eq!(plain.histogram(20).unwrap().groups[1].counts.iter().sum::<u64>(), labelled.ranking.anomalies());

        // Stored, the cutoff needs no training part, and is the same.
        let request = FitRequest { cutoff: Cutoff::Quantile(0.99), data: None, truth: None };
        let thresholds = fit(Arc::clone(&model), &request, Split::Serial).unwrap();
        let mut stored = Arc::into_inner(model).unwrap();
        stored.set_thresholds(Some(thresholds));
        let model = Arc::new(stored);
        let again = judged(&model, &with(None, None));
        assert_eq!((again.cutoff, &again.judgements), (plain.cutoff, &plain.judgements));
        assert!(again.notes.is_empty(), "{:?}", again.notes);
        let given = judged(&model, &with(Some("value:1e9"), None));
        assert_eq!((given.flagged(), given.labelled.unwrap().confusion.precision()), (0.0, None));
        // Chosen on the training part with all classes; the test part agrees.
        let best = judged(&model, &with(Some("f1"), None));
        assert!(best.labelled.unwrap().confusion.f1().unwrap() > 0.9);
    }

    #[test]
    fn without_a_word_on_what_is_odd_there_are_no_figures_and_of_one_kind_neither() {
        let data = digits().unwrap();
        let rows: Vec<u32> = (0..100).collect();
        let (preprocessing, _) = Preprocessing::fit(Default::default(), &data, &rows).unwrap();
        let config = Config::of("undercomplete").unwrap().with(&[("code", "4")]).unwrap();
        let info = crate::model::DataInfo::of(&data, preprocessing);
        let mut settings = config.model.clone();
        config.kind().settle(&mut *settings, &info.sample()).unwrap();
        let model = Arc::new(Model::new(config.kind(), settings, DataSettings::default(), info).unwrap());
        let plain = judged(&model, &with(Some("value:3"), None));
        assert!(plain.labelled.is_none() && plain.notes[0].contains("--normal"), "{:?}", plain.notes);
        let all = judged(&model, &with(Some("value:3"), Some(Truth::Normal("0,1,2,3,4,5,6,7,8,9".into()))));
        assert!(all.notes.iter().any(|note| note.contains("every row is normal")), "{:?}", all.notes);
        let labelled = all.labelled.unwrap();
        assert_eq!((labelled.ranking.auroc(), labelled.pca_auroc), (None, None));
        let request = with(None, Some(Truth::Normal("x".into())));
        assert!(detect(Arc::clone(&model), &request, Split::Serial).is_err());
    }

    #[test]
    fn data_of_another_size_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("train-images-idx3-ubyte");
        std::fs::write(file, b"\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\x02ab").unwrap();
        let request = DetectRequest { data: folder.path().to_str().map(str::to_owned), ..with(Some("value:3"), None) };
        let error = detect(Arc::new(zeros()), &request, Split::Serial).unwrap_err().to_string();
        assert!(error.contains("has 2 features; the model takes 64"), "{error}");
    }
}
