//! What was found odd: how the scores lie, how well they tell, and the rows that score highest.

use super::origin::{Origin, number, some};
use crate::Result;
use crate::applications::detect::{Detection, Judgement, Labelled, Ranking};
use crate::applications::shown::{layers_png, pairs};
use crate::figure::{grouped, short};
use crate::model::Session;
use crate::report::page::{Figure, Item, Page, Plot, Section};
use crate::report::plot::{Group, Histogram, Roc, RocCurve, Scale, VerticalMark};

/// The highest rows in the table, and the highest and the lowest in pictures.
const LISTED: usize = 20;
const DRAWN: usize = 12;
/// Points of a curve; more cannot be told apart.
const POINTS: usize = 1000;

/// The page of `detect`.
///
/// # Errors
/// Rows that cannot be read or reconstructed; a plot that cannot be drawn; no memory.
pub fn detect(session: &mut Session, found: &Detection, origin: &Origin) -> Result<Page> {
    let of = format!("{} samples of the {} part of {}", grouped(found.rows.len()), found.part, found.dataset.name());
    let page = origin.page("Anomaly detection", session.model(), &of).section(figures(found));
    let section = scores(found)?;
    let section = match &found.labelled {
        Some(labelled) => curves(section, labelled)?,
        None => section,
    };
    Ok(page.section(section).section(highest(session, found)?).section(origin.section(session.model())))
}

/// The figures, as in JSON.
fn figures(found: &Detection) -> Section {
    let training = found.training_samples.map_or_else(String::new, |count| {
        format!(", {} training scores", grouped(usize::try_from(count).unwrap_or(usize::MAX)))
    });
    let share = 100.0 * found.flagged();
    let mut figures = vec![
        number("flagged", share, " %", "The share of the samples that score above the cutoff."),
        number("cutoff", found.cutoff, "", format!("By the rule {}{training}.", found.cutoff_rule)),
    ];
    if let Some(labelled) = &found.labelled {
        let (ranking, confusion) = (&labelled.ranking, &labelled.confusion);
        let auroc = "The area under the ROC curve: the chance that an anomaly scores above a normal sample.";
        figures.extend(some("AUROC", ranking.auroc(), "", auroc));
        let pca = "The same by the error of a PCA of the same code size, fitted to the training part.";
        figures.extend(some("PCA AUROC", labelled.pca_auroc, "", pca));
        let knn = "The same by the mean distance to the five nearest training rows.";
        figures.extend(some("nearest neighbours AUROC", labelled.knn_auroc, "", knn));
        let precision = "The area under precision by recall; by chance the share of anomalies.";
        figures.extend(some("average precision", ranking.average_precision(), "", precision));
        figures.extend(some("precision", confusion.precision(), "", "The share of the flagged that are anomalies."));
        figures.extend(some("recall", confusion.recall(), "", "The share of the anomalies that are flagged."));
        figures.extend(some("F1", confusion.f1(), "", "The harmonic mean of precision and recall, at the cutoff."));
        let anomalies = usize::try_from(ranking.anomalies()).unwrap_or(usize::MAX);
        figures.push(Figure::new("anomalies", grouped(anomalies)).meaning("Samples that are labelled so."));
    }
    let section = Section::new("What was found").figures(figures);
    found.notes.iter().fold(section, |section, note| section.text(note))
}

/// How the scores lie, with the cutoff.
fn scores(found: &Detection) -> Result<Section> {
    let group = |name: &str, wanted: Option<bool>| {
        let truth = found.labelled.as_ref().map(|labelled| &labelled.anomalies);
        let is = |place: usize| wanted.is_none() || truth.and_then(|truth| truth.get(place)).copied() == wanted;
        let values = found.scores().enumerate().filter(|(place, _)| is(*place)).map(|(_, score)| score).collect();
        Group { name: name.into(), values }
    };
    let groups = match found.labelled {
        Some(_) => vec![group("normal", Some(false)), group("anomalous", Some(true))],
        None => vec![group("samples", None)],
    };
    let share = 100.0 * found.flagged();
    let plot = Histogram {
        title: "Scores".into(),
        description: format!("{} % lie above the cutoff {}.", short(share), short(found.cutoff)),
        x: "score".into(),
        groups,
        marks: vec![VerticalMark { name: format!("cutoff {}", short(found.cutoff)), at: found.cutoff }],
    };
    let wide = plot.is_wide() && found.cutoff > 0.0;
    let logarithmic = wide.then(|| plot.to_svg(Scale::Logarithmic)).transpose()?;
    let caption = "How the scores of the samples lie; those above the cutoff are flagged.".to_owned();
    let plot = Plot { svg: plot.to_svg(Scale::Linear)?, logarithmic, caption };
    Ok(Section::new("Scores").item(Item::Plot(plot)))
}

/// The ROC curves of the scores and of what stands beside them; nothing where all samples are of one kind.
fn curves(section: Section, labelled: &Labelled) -> Result<Section> {
    let all = [
        ("the model", Some(&labelled.ranking)),
        ("PCA", labelled.pca.as_ref()),
        ("nearest neighbours", labelled.knn.as_ref()),
    ];
    let mut curves = Vec::new();
    for (name, ranking) in all {
        curves.extend(ranking.map(|ranking| curve(name, ranking)).transpose()?.flatten());
    }
    if curves.is_empty() {
        return Ok(section);
    }
    let areas: Vec<String> = curves.iter().map(|curve| format!("{} {}", curve.name, short(curve.area))).collect();
    let description = format!("Areas under the curves: {}.", areas.join(", "));
    let plot = Roc { title: "Receiver operating characteristic".into(), description, curves };
    let caption = "The share of anomalies above a cutoff by the share of normal samples above it, over all cutoffs: the \
                   further up and left, the better.";
    Ok(section.plot(plot.to_svg()?, caption))
}

fn curve(name: &str, ranking: &Ranking) -> Result<Option<RocCurve>> {
    let (Some(roc), Some(area)) = (ranking.roc()?, ranking.auroc()) else { return Ok(None) };
    let every = roc.fpr.len().div_ceil(POINTS).max(1);
    let all = || roc.fpr.iter().copied().zip(roc.tpr.iter().copied());
    let mut points: Vec<(f64, f64)> = all().step_by(every).collect();
    points.extend(all().next_back());
    Ok(Some(RocCurve { name: name.into(), points, area }))
}

/// The rows that score highest: a table of what is odd about each and, of images, pictures of these and of the lowest.
fn highest(session: &mut Session, found: &Detection) -> Result<Section> {
    let order = found.highest(usize::MAX)?;
    let mut section = Section::new("The highest rows");
    if session.model().data().image.is_some() {
        let count = DRAWN.min(order.len().div_ceil(2));
        let lowest: Vec<usize> = order.iter().rev().take(count).copied().collect();
        section = picture(section, session, found, (&order[..count], "highest"))?;
        section = picture(section, session, found, (&lowest, "lowest"))?;
    }
    let header = ["row", "class", "score", "p", "flagged", "what adds most: seen, expected, share of the error"];
    let rows = order.iter().take(LISTED).map(|&place| line(found, place)).collect();
    Ok(section.table("The rows that score highest, the highest first", &header, rows))
}

/// Rows over their reconstructions.
fn picture(
    section: Section,
    session: &mut Session,
    found: &Detection,
    (places, which): (&[usize], &str),
) -> Result<Section> {
    let rows: Vec<u32> = places.iter().filter_map(|&place| found.rows.get(place)).copied().collect();
    if rows.is_empty() {
        return Ok(section);
    }
    let (raw, made) = pairs(session, &found.dataset, &rows)?;
    let raw: Vec<f32> = raw.iter().map(|&x| x as f32).collect();
    let png = layers_png(session.model(), &found.dataset, &[&raw, &made], 12)?;
    let words = |&place: &usize| {
        let class = found.label(place).map_or_else(String::new, |class| format!(" ({class})"));
        let score = found.judgements.get(place).map_or(f64::NAN, |judgement| judgement.score);
        Some(format!("row {}{class} {}", found.rows.get(place)?, short(score)))
    };
    let scores = places.iter().filter_map(words).collect::<Vec<_>>().join(", ");
    let classes = if found.has_labels() { ", class in brackets" } else { "" };
    Ok(section.picture(
        png,
        format!("The samples that score {which}, each above its reconstruction"),
        format!("Those that score {which}, above their reconstructions. Rows from 0{classes}, score: {scores}."),
    ))
}

/// A row of the table.
fn line(found: &Detection, place: usize) -> Vec<String> {
    let none = Judgement::default();
    let judgement = found.judgements.get(place).unwrap_or(&none);
    let why = judgement.contributions().iter().map(|one| {
        let (name, expected) = (found.names.name(one.feature), short(f64::from(one.expected)));
        format!("{name} {}, {expected} ({:.0} %)", short(one.seen), 100.0 * one.share)
    });
    vec![
        found.rows.get(place).map(u32::to_string).unwrap_or_default(),
        found.label(place).unwrap_or_default(),
        short(judgement.score),
        judgement.p_value.map(short).unwrap_or_default(),
        if judgement.anomaly { "yes" } else { "no" }.to_owned(),
        why.collect::<Vec<_>>().join("; "),
    ]
}
