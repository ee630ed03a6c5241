//! Anomaly detection: a model of one class, and how it tells the others.

use super::part::Part;
use super::studio::{Material, Studio};
use crate::applications::detect::{Cutoff, Ranking, training_scores};
use crate::applications::samples::pick;
use crate::figure::grouped;
use crate::linalg::Pca;
use crate::model::{Given, Session};
use crate::report::plot::{Group, Histogram, Roc, RocCurve, Scale, VerticalMark};
use crate::{Error, Result};
use narrows_engine::Context;
use std::cmp::Ordering;

/// Numbers of the code, and components.
const CODE: usize = 4;
/// The share of the images held out that the cutoff lets pass.
const QUANTILE: f64 = 0.95;
/// The class that is normal.
const NORMAL: u32 = 0;

/// Scores of one class and of the others, and what is found by them.
pub(super) fn anomalies(studio: &Studio<'_>) -> Result<Part> {
    let Some(labels) = studio.labels(&studio.tried) else {
        return Ok(Part::text("The data have no classes, one of which would be normal and the others anomalies."));
    };
    let odd: Vec<bool> = labels.iter().map(|&label| label != NORMAL).collect();
    let (material, held_out) = normal(studio)?;
    let code = CODE.to_string();
    let keys = [("hidden", "64"), ("code", code.as_str()), ("loss", "mse"), ("batch", "32")];
    let mut session = studio.fit(&material, "undercomplete", &keys, 80_000)?;
    let scores = scores(studio, &mut session)?;
    let trained = training_scores(&mut session, &material.dataset, &held_out)?;
    let cutoff = Cutoff::Quantile(QUANTILE).of(&trained, None)?;
    let ranking = Ranking::new(&scores, &odd)?;
    let of_pca = Ranking::new(&pca_errors(studio, &material, &session)?, &odd)?;
    let (Some(auroc), Some(pca)) = (ranking.auroc(), of_pca.auroc()) else {
        return Err(Error::data("the images tried are all of the normal class, or none of them"));
    };
    let found = ranking.at(cutoff);
    let class = studio.class(NORMAL);
    let percent = |share: Option<f64>| 100.0 * share.unwrap_or(0.0);
    let alarms = found.false_positives as f64 / ranking.normal().max(1) as f64;
    let part = Part::text(format!(
        "An autoencoder that was trained on class {class} alone, {} images with a code of {CODE} numbers, reconstructs \
         what is unlike it badly: the squared error is a score of oddity. The cutoff is the score that {:.0} % of {} \
         others of that class stay below, which were held out; it finds {:.1} % of the images of other classes, with \
         {:.1} % of the ordinary ones as false alarms.",
        grouped(material.rows.len()),
        100.0 * QUANTILE,
        grouped(held_out.len()),
        percent(found.recall()),
        100.0 * alarms
    ));
    let part = part.plot(
        histogram(&scores, &odd, cutoff, &class)?,
        format!("Scores of class {class} and of the others, in images that no model has seen; the cutoff dashed."),
    );
    let better = match auroc.total_cmp(&pca) {
        Ordering::Greater => "more than",
        Ordering::Equal => "as much as",
        Ordering::Less => "less than",
    };
    let caption = format!(
        "Shares of other classes found against false alarms, over all cutoffs. The area, AUROC, is the chance that an \
         odd image scores higher than an ordinary one: {auroc:.4}, {better} the {pca:.4} of the error of {CODE} \
         principal components of the same images."
    );
    let plot = Roc {
        title: "What is found".into(),
        description: format!("Two curves, of areas {auroc:.4} and {pca:.4}."),
        curves: vec![curve("autoencoder", &ranking, auroc)?, curve("PCA", &of_pca, pca)?],
    };
    Ok(part.plot(plot.to_svg()?, caption).figure("auroc", auroc).figure("pca_auroc", pca))
}

/// The training images of the normal class, and a fifth of them held out, for a model is too good at what it was
/// trained on to say what error is ordinary.
fn normal(studio: &Studio<'_>) -> Result<(Material, Vec<u32>)> {
    let mut settings = studio.train.settings.clone();
    settings.classes = studio.class(NORMAL);
    let mut material = Material::read(settings, studio.options.rows)?;
    let rows = pick(&material.rows, Some(material.rows.len()), studio.options.seed);
    let (held_out, trained) = rows.split_at(rows.len().div_ceil(5));
    material.rows = trained.to_vec();
    Ok((material, held_out.to_vec()))
}

/// The scores of the test images.
fn scores(studio: &Studio<'_>, session: &mut Session) -> Result<Vec<f64>> {
    let samples = studio.some(session, usize::MAX)?;
    let scored = session.score(Given::doubles(&samples.numbers))?;
    Ok(scored.total.iter().map(|&score| f64::from(score)).collect())
}

/// The squared errors of principal components fitted to the same images.
fn pca_errors(studio: &Studio<'_>, material: &Material, session: &Session) -> Result<Vec<f64>> {
    let (preprocessing, split) = (&session.model().data().preprocessing, studio.split);
    let pca = Pca::fit(&material.dataset, Some(&material.rows), preprocessing, CODE, split)?;
    let features = studio.features();
    let mut seen = vec![0.0; studio.tried.len() * features];
    preprocessing.gather(Context::new(split), &studio.test, &studio.tried, &mut seen)?;
    let mut codes = vec![0.0; studio.tried.len() * pca.components()];
    let mut made = vec![0.0; seen.len()];
    pca.encode(&seen, &mut codes, split)?;
    pca.decode(&codes, &mut made, split)?;
    let error = |(x, y): (&[f32], &[f32])| x.iter().zip(y).map(|(x, y)| f64::from(x - y).powi(2)).sum();
    Ok(seen.chunks_exact(features).zip(made.chunks_exact(features)).map(error).collect())
}

fn histogram(scores: &[f64], odd: &[bool], cutoff: f64, class: &str) -> Result<String> {
    let of =
        |wanted: bool| scores.iter().zip(odd).filter(|(_, odd)| **odd == wanted).map(|(score, _)| *score).collect();
    let plot = Histogram {
        title: "Scores".into(),
        description: "The normal class lies to the left, below the cutoff.".into(),
        x: "score: squared error of an image".into(),
        groups: vec![
            Group { name: format!("class {class}"), values: of(false) },
            Group { name: "other classes".into(), values: of(true) },
        ],
        marks: vec![VerticalMark { name: "cutoff".into(), at: cutoff }],
    };
    plot.to_svg(if plot.is_wide() { Scale::Logarithmic } else { Scale::Linear })
}

fn curve(name: &str, ranking: &Ranking, area: f64) -> Result<RocCurve> {
    let points = ranking.roc()?.map_or_else(Vec::new, |roc| roc.fpr.into_iter().zip(roc.tpr).collect());
    Ok(RocCurve { name: name.into(), points, area })
}
