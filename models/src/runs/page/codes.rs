//! How codes lie, what they stand for, and what the first layer answers to.

use super::shown::Shown;
use crate::Result;
use crate::applications::codes::{Coded, Plane, neighbourhoods, plane_of};
use crate::applications::filters::has_picture;
use crate::applications::manifold::{most_varied, normal_quantiles, plane, steps, traversals};
use crate::applications::shown::rows_png;
use crate::figure::{grouped, short};
use crate::report::meanings;
use crate::report::page::{Figure, Section};
use crate::report::plot::Scatter;
use crate::runs::files::{FILTERS_FILE, SAMPLES_FOLDER};

/// The heading of the filters.
pub(super) const FILTERS: &str = "What fires the first layer's units most";
/// Samples whose neighbours are compared, and about how many multiplications that may take.
const COMPARED: usize = 1000;
const WORK: f64 = 1e9;
/// Neighbours of a sample.
const NEIGHBOURS: usize = 12;
/// Units whose change is shown, and the steps of each.
const UNITS: usize = 8;
const STEPS: usize = 11;
/// Pictures along a side of the plane of codes.
const SIDE: usize = 20;
/// The most values of a picture of decoded codes.
const VALUES: usize = 1 << 22;

/// The codes in a plane beside those of PCA, and how well both keep neighbours.
pub(super) fn scatter(shown: &Shown<'_>, coded: &Coded) -> Result<Section> {
    let mut section = Section::new("The code");
    match coded.plane(shown.split) {
        Ok(plane) => {
            let (x, y) = match plane.shares {
                Some(_) => ("first component of the codes", "second component"),
                None => ("code 1", "code 2"),
            };
            let caption = match plane.shares {
                Some(shares) => format!(
                    "The codes of {} numbers by their two principal components, which have {} of their variance.{}",
                    coded.size,
                    percent(shares),
                    coloured(coded)
                ),
                None => format!("The codes.{}", coloured(coded)),
            };
            section = section.plot(drawn(shown, coded, plane, ("Codes in a plane", x, y))?, caption);
        }
        Err(error) => section = section.text(format!("The codes make no plane: {error}.")),
    }
    if coded.size > 1
        && let Some(pca) = shown.pca
        && let Ok(plane) = plane_of(pca, shown.model(), shown.test, &coded.rows, shown.split)
    {
        let share = plane
            .shares
            .map_or_else(String::new, |shares| format!(", which have {} of the data's variance", percent(shares)));
        let caption = format!("The same samples by the data's own two principal components{share}.{}", coloured(coded));
        let axes = ("Principal components of the data", "first component of the data", "second component");
        section = section.plot(drawn(shown, coded, plane, axes)?, caption);
    }
    let features = shown.model().data().features.max(1) as f64;
    // A float's cast to an integer saturates.
    let compared = coded.first(COMPARED.min((WORK / features).sqrt() as usize));
    Ok(match neighbourhoods(shown.model(), shown.test, &compared, NEIGHBOURS) {
        Ok(near) => {
            let figure = |name: &str, value| Figure::new(name, short(value)).meaning(meanings::figure(name));
            section
                .text(format!(
                    "Neighbours of {} samples, the {} nearest of each, in the whole code and in the data:",
                    grouped(near.samples),
                    near.neighbours
                ))
                .figures(vec![figure("trustworthiness", near.trustworthiness), figure("continuity", near.continuity)])
        }
        Err(_) => section,
    })
}

fn percent(shares: [f64; 2]) -> String {
    format!("{:.0} %", 100.0 * (shares[0] + shares[1]))
}

fn coloured(coded: &Coded) -> &'static str {
    if coded.labels.is_some() { " Coloured by class." } else { "" }
}

fn drawn(shown: &Shown<'_>, coded: &Coded, plane: Plane, (title, x, y): (&str, &str, &str)) -> Result<String> {
    let labels = coded.labels.as_deref().unwrap_or_default();
    let classes: Vec<usize> = labels.iter().map(|&label| label as usize).collect();
    let most = labels.iter().max().map_or(0, |&most| most + 1);
    let plot = Scatter {
        title: title.into(),
        description: format!(
            "{} points{}.",
            plane.points.len(),
            if classes.is_empty() { "" } else { ", coloured by class" }
        ),
        x: x.into(),
        y: y.into(),
        points: plane.points,
        classes,
        names: (0..most).map(|label| shown.class(label)).collect(),
    };
    plot.to_svg()
}

/// What the decoder makes of codes that no sample has: the plane of two numbers, and each unit moved by itself.
pub(super) fn decoded(shown: &mut Shown<'_>, coded: &Coded) -> Result<Section> {
    let section = Section::new("What codes stand for");
    let features = shown.model().data().features.max(1);
    if shown.model().data().image.is_none() || shown.model().autoencoder().entries().is_some() || coded.rows.is_empty()
    {
        return Ok(section);
    }
    let label = coded.labels.as_ref().and_then(|labels| labels.first().copied());
    let label = label.filter(|_| shown.model().autoencoder().takes().labels);
    let of_class = label.map_or_else(String::new, |label| format!(" of class {}", shown.class(label)));
    let has_prior = shown.session.sample(1, label.as_ref().map(std::slice::from_ref), 0).is_ok();
    let mut section = section;
    if coded.size == 2 {
        let side = SIDE.min((VALUES / features).isqrt()).max(2);
        let (xs, ys, words) = match has_prior {
            true => {
                let words = format!("at the quantiles of the prior from 1/{0} to {1}/{0}", 2 * side, 2 * side - 1);
                (normal_quantiles(side), normal_quantiles(side), words)
            }
            false => {
                let [xs, ys] = [0, 1].map(|unit| middle(coded, unit)).map(|(low, high)| steps(low, high, side));
                (xs, ys, "at equal distances over the range that 96 % of the codes have".to_owned())
            }
        };
        let samples = plane(shown.session, &xs, &ys, label)?;
        let png = rows_png(shown.model(), shown.test, &samples, side)?;
        let caption = format!(
            "What codes of two numbers{of_class} are decoded to, {words}: the first rises to the right, the \
             second upwards."
        );
        section = section.picture(png, "A plane of decoded codes", caption);
    }
    if has_prior {
        let units = most_varied(&coded.variances(), UNITS.min((VALUES / features / STEPS).max(1)));
        let samples = traversals(shown.session, coded.code(0), &units, &steps(-3.0, 3.0, STEPS), label)?;
        let png = rows_png(shown.model(), shown.test, &samples, STEPS)?;
        let names = units.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let caption = format!(
            "The mean code of one sample{of_class}, row {}, with one unit changed in each line, by -3 to 3 deviations of \
             the prior; in the middle the sample's own reconstruction. Units, the most varied first, from 0: {names}.",
            coded.rows[0]
        );
        section = section.picture(png, "A line of pictures for each unit of the code, as it is changed", caption);
    }
    Ok(section)
}

/// The range of all but the outermost fiftieths of a unit's values.
fn middle(coded: &Coded, unit: usize) -> (f32, f32) {
    let mut values: Vec<f32> = coded.codes.iter().skip(unit).step_by(coded.size.max(1)).copied().collect();
    values.sort_by(f32::total_cmp);
    let at = |share: f32| values.get((share * values.len().saturating_sub(1) as f32) as usize).copied().unwrap_or(0.0);
    (at(0.02), at(0.98))
}

/// The filters of the first layer, where they make a picture.
pub(super) fn filters(shown: &Shown<'_>) -> Result<Section> {
    let section = Section::new(FILTERS);
    if !has_picture(shown.model()) {
        return Ok(section);
    }
    let path = format!("{SAMPLES_FOLDER}/{FILTERS_FILE}");
    let whole = shown.run.join(&path);
    let png = std::fs::read(&whole).map_err(|error| crate::Error::io("read", &whole, error))?;
    let caption = format!("The input of norm 1 that each unit answers to most, grey being 0; also in {path}.");
    Ok(section.picture(png, "A picture of weights for each unit of the first layer", caption))
}
