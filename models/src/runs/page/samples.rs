//! What the model makes of samples: some of them, the worst and the best, and all errors as a histogram.

use super::shown::Shown;
use crate::Result;
use crate::applications::codes::Coded;
use crate::applications::shown::{Extremes, Missed, extremes as ends, layers_png, missed, pairs, repair};
use crate::figure::{grouped, short};
use crate::report::page::{Item, Plot, Section};
use crate::report::plot::{Group, Histogram, Scale, VerticalMark};
use crate::runs::files::{RECONSTRUCTIONS_FILE, SAMPLES_FOLDER};

/// Samples of a picture, and in a row of it.
const SAMPLES: usize = 24;
const PER_ROW: usize = 12;
/// Of the worst, and of the best.
const EXTREMES: usize = 8;

/// Originals over reconstructions, the corrupted ones between them where the model was trained with a corruption.
pub(super) fn reconstructions(shown: &Shown<'_>) -> Result<Section> {
    let section = Section::new("Samples and their reconstructions");
    let (model, seed) = (shown.model(), shown.model().source().seed);
    let path = format!("{SAMPLES_FOLDER}/{RECONSTRUCTIONS_FILE}");
    let picked = crate::applications::codes::pick(shown.rows, SAMPLES, seed);
    if model.data().image.is_none() {
        return Ok(section);
    }
    if let Some(repaired) = repair(model, shown.test, &picked, seed)? {
        let layers = [&repaired.originals[..], &repaired.corrupted, &repaired.reconstructions];
        let png = layers_png(model, shown.test, &layers, PER_ROW)?;
        let (alt, caption) = (
            "Samples in three layers: originals, corrupted inputs, reconstructions of the latter",
            format!(
                "Originals, below each its corrupted input, below that what the model makes of the corrupted one. \
                 Clean inputs: {path}."
            ),
        );
        return Ok(section.picture(png, alt, caption));
    }
    let png = std::fs::read(shown.run.join(&path))
        .map_err(|error| crate::Error::io("read", &shown.run.join(&path), error))?;
    let (alt, caption) = (
        "Samples in rows, each above its reconstruction",
        format!("Originals above, reconstructions below; also in {path}."),
    );
    Ok(section.picture(png, alt, caption))
}

/// All errors as a histogram, and the samples that are reconstructed worst and best.
pub(super) fn errors(shown: &mut Shown<'_>, coded: &Coded) -> Result<Section> {
    let count = coded.errors.len().max(1) as f64;
    let mean = coded.errors.iter().sum::<f64>() / count;
    let mut sorted = coded.errors.clone();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get((share * (count - 1.0)) as usize).copied().unwrap_or(mean);
    let plot = Histogram {
        title: "Reconstruction errors".into(),
        description: format!("Half of the samples lie below {}, 95 % below {}.", short(at(0.5)), short(at(0.95))),
        x: "squared error of a sample".into(),
        groups: vec![Group { name: "samples".into(), values: coded.errors.clone() }],
        marks: vec![VerticalMark { name: format!("mean {}", short(mean)), at: mean }],
    };
    let logarithmic = plot.is_wide().then(|| plot.to_svg(Scale::Logarithmic)).transpose()?;
    let of = match coded.rows.len() < shown.rows.len() {
        true => format!("{} samples drawn from the {}", grouped(coded.rows.len()), grouped(shown.rows.len())),
        false => format!("the {} samples", grouped(coded.rows.len())),
    };
    let caption = format!(
        "How the squared errors of {of} of the {} part lie, summed over features of scaled values: half below {}, 95 % \
         below {}, the greatest {}.",
        shown.evaluation.part,
        short(at(0.5)),
        short(at(0.95)),
        short(at(1.0))
    );
    let plot = Plot { svg: plot.to_svg(Scale::Linear)?, logarithmic, caption };
    extremes(Section::new("Reconstruction errors").item(Item::Plot(plot)), shown, coded)
}

/// The samples that are reconstructed worst and best: pictures of images, a table of other data.
fn extremes(section: Section, shown: &mut Shown<'_>, coded: &Coded) -> Result<Section> {
    let Extremes { worst, best } = ends(coded, EXTREMES);
    if worst.is_empty() {
        return Ok(section);
    }
    if shown.model().data().image.is_none() {
        return Ok(section.table(
            "The samples that are reconstructed worst, and the numbers of each that are missed most, in the data's own \
             units, with their shares of the error",
            &["row", "class", "squared error", "missed most: value, reconstruction"],
            table(shown, coded, &worst)?,
        ));
    }
    let places: Vec<usize> = worst.iter().chain(&best).copied().collect();
    let rows: Vec<u32> = places.iter().map(|&place| coded.rows[place]).collect();
    let (raw, made) = pairs(shown.session, shown.test, &rows)?;
    let raw: Vec<f32> = raw.iter().map(|&x| x as f32).collect();
    let png = layers_png(shown.model(), shown.test, &[&raw, &made], worst.len())?;
    let words = |&place: &usize| {
        let class = class_of(shown, coded, place).map_or_else(String::new, |class| format!(" ({class})"));
        format!("{}{class} {}", coded.rows[place], short(coded.errors[place]))
    };
    let list = |places: &[usize]| places.iter().map(words).collect::<Vec<_>>().join(", ");
    let classes = if coded.labels.is_some() { ", its class in brackets" } else { "" };
    let caption = format!(
        "Reconstructed worst in the first line, best in the second, each above its reconstruction. Row from \
         0{classes}, and squared error: {}; {}.",
        list(&worst),
        list(&best)
    );
    let alt = "The samples that are reconstructed worst and best, each above its reconstruction";
    Ok(section.picture(png, alt, caption))
}

fn class_of(shown: &Shown<'_>, coded: &Coded, place: usize) -> Option<String> {
    coded.labels.as_ref().and_then(|labels| labels.get(place)).map(|&label| shown.class(label))
}

/// A line for each of some samples.
fn table(shown: &mut Shown<'_>, coded: &Coded, places: &[usize]) -> Result<Vec<Vec<String>>> {
    let rows: Vec<u32> = places.iter().map(|&place| coded.rows[place]).collect();
    let missed = missed(shown.session, shown.test, &rows, 3)?;
    let words = |missed: &Missed| {
        let Missed { column, value, reconstruction, share } = missed;
        format!("{column} {}, {} ({:.0} %)", short(*value), short(*reconstruction), 100.0 * share)
    };
    let line = |(&place, missed): (&usize, &Vec<Missed>)| {
        vec![
            coded.rows[place].to_string(),
            class_of(shown, coded, place).unwrap_or_default(),
            short(coded.errors[place]),
            missed.iter().map(words).collect::<Vec<_>>().join("; "),
        ]
    };
    Ok(places.iter().zip(&missed).map(line).collect())
}
