//! How codes lie: in a plane, beside the same samples by PCA, and how well both keep neighbours.

use super::origin::Origin;
use crate::applications::codes::{Coded, Neighbourhoods, Plane, encode_rows, neighbourhoods, pick, plane_of};
use crate::data::{Chunk, Dataset, Samples, Stream, reserved};
use crate::figure::{grouped, short};
use crate::linalg::Pca;
use crate::model::{Model, Session};
use crate::report::meanings;
use crate::report::page::{Figure, Page, Section};
use crate::report::plot::Scatter;
use crate::{Error, Result};
use narrows_engine::{Context, Split};

/// Samples of a page, and the values that they may have together.
const MOST: usize = 2000;
const VALUES: usize = 1 << 24;
/// Samples whose neighbours are compared, and about how many multiplications that may take.
const COMPARED: usize = 1000;
const WORK: f64 = 1e9;
/// Neighbours of a sample.
const NEIGHBOURS: usize = 12;

/// Gathers the rows that a page of codes is about while a stream is read.
#[derive(Debug, Clone, Default)]
pub struct Sampling {
    values: Vec<f64>,
    labels: Vec<u32>,
    rows: usize,
}

/// The rows that a page of codes is about.
#[derive(Debug, Clone)]
pub struct Sampled {
    /// The rows, all of them.
    pub dataset: Dataset,
    /// Which they are, in words.
    pub which: String,
}

impl Sampling {
    /// Takes rows as they come, until there are 2,000.
    ///
    /// # Errors
    /// No memory.
    pub fn add(&mut self, chunk: &Chunk<'_>) -> Result<()> {
        let features = chunk.values.len() / chunk.count.max(1);
        let rows = chunk.count.min(most(features).saturating_sub(self.rows));
        let no_memory = |_| Error::data("no memory for the rows of a page");
        self.values.try_reserve(rows * features).map_err(no_memory)?;
        self.values.extend(chunk.values.iter().take(rows * features));
        self.labels.try_reserve(rows).map_err(no_memory)?;
        self.labels.extend(chunk.labels.unwrap_or_default().iter().take(rows));
        self.rows += rows;
        Ok(())
    }

    /// The rows: of a stream in memory up to 2,000 of its first source drawn by `seed`, of any other those that were
    /// taken.
    ///
    /// # Errors
    /// A stream without rows; no memory.
    pub fn finish(self, stream: &Stream, seed: u64) -> Result<Sampled> {
        if let Some((dataset, rows)) = stream.in_memory().and_then(|sets| sets.first()) {
            let picked = pick(rows, most(dataset.features()), seed);
            let which = match picked.len() < rows.len() {
                true => format!("{} of {} rows, drawn by the seed", grouped(picked.len()), grouped(rows.len())),
                false => format!("{} rows", grouped(rows.len())),
            };
            return Ok(Sampled { dataset: dataset.subset(&picked)?, which });
        }
        let (features, values) = (stream.features(), Samples::F64(self.values));
        let missing = matches!(&values, Samples::F64(values) if values.iter().any(|x| x.is_nan()));
        let mut dataset = match missing {
            true => Dataset::with_missing(stream.name(), values, features)?,
            false => Dataset::new(stream.name(), values, features)?,
        };
        if let Some(image) = stream.image() {
            dataset = dataset.with_image(image)?;
        }
        if let Some(columns) = stream.columns() {
            dataset = dataset.with_columns(columns.to_vec())?;
        }
        if self.labels.len() == self.rows {
            dataset = dataset.with_labels(self.labels)?;
            let names = stream.class_names().to_vec();
            dataset = if names.is_empty() { dataset } else { dataset.with_class_names(names)? };
        }
        Ok(Sampled { dataset, which: format!("the first {} rows", grouped(self.rows)) })
    }
}

/// Rows of so many features that a page is about.
fn most(features: usize) -> usize {
    MOST.min(VALUES / features.max(1)).max(1)
}

/// How well neighbours are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept {
    /// In the code.
    pub code: Neighbourhoods,
    /// In a PCA of as many components, of the same samples.
    pub pca: Option<Neighbourhoods>,
}

/// A page of codes, and how well these keep neighbours.
#[derive(Debug, Clone)]
pub struct CodesPage {
    /// The page.
    pub page: Page,
    /// `None` where it cannot be said: of fewer than five samples.
    pub kept: Option<Kept>,
}

/// The page of `encode`: the codes of some rows in a plane, beside a PCA that is fitted to these rows.
///
/// # Errors
/// Rows that the model cannot take or compare with its reconstructions; no memory.
pub fn encode(session: &mut Session, sampled: &Sampled, origin: &Origin, split: Split) -> Result<CodesPage> {
    let Sampled { dataset, which } = sampled;
    let rows: Vec<u32> = (0..dataset.len() as u32).collect();
    let coded = encode_rows(session, dataset, &rows)?;
    let (model, features) = (session.model(), dataset.features());
    // Of all its components a PCA has none to leave out, and a plane needs two.
    let components = coded.size.min(features.saturating_sub(1)).max(2);
    let pca = Pca::fit(dataset, None, &model.data().preprocessing, components, split);
    let (section, kept) = scatter(model, dataset, &coded, pca.as_ref().ok(), split)?;
    let section = match &pca {
        Ok(_) => section,
        Err(error) => section.text(format!("No PCA beside it: {error}.")),
    };
    let of = format!("{which} of {}", dataset.name());
    let page = origin.page("Codes", model, &of).section(section).section(origin.section(model));
    Ok(CodesPage { page, kept })
}

/// The codes in a plane beside those of PCA, and how well both keep neighbours.
///
/// # Errors
/// A plot that cannot be drawn; no memory.
pub fn scatter(
    model: &Model,
    dataset: &Dataset,
    coded: &Coded,
    pca: Option<&Pca>,
    split: Split,
) -> Result<(Section, Option<Kept>)> {
    let mut section = Section::new("The code");
    match coded.plane(split) {
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
            section = section.plot(drawn(dataset, coded, plane, ("Codes in a plane", x, y))?, caption);
        }
        Err(error) => section = section.text(format!("The codes make no plane: {error}.")),
    }
    if coded.size > 1
        && let Some(pca) = pca
        && let Ok(plane) = plane_of(pca, model, dataset, &coded.rows, split)
    {
        let share = plane
            .shares
            .map_or_else(String::new, |shares| format!(", which have {} of the data's variance", percent(shares)));
        let caption = format!("The same samples by the data's own two principal components{share}.{}", coloured(coded));
        let axes = ("Principal components of the data", "first component of the data", "second component");
        section = section.plot(drawn(dataset, coded, plane, axes)?, caption);
    }
    let Ok(kept) = kept(model, dataset, coded, pca, split) else { return Ok((section, None)) };
    Ok((said(section, &kept, coded.size), Some(kept)))
}

/// How well neighbours are kept, as figures.
fn said(section: Section, kept: &Kept, size: usize) -> Section {
    let figure = |name: &str, value: f64| {
        Figure::new(name, short(value)).exact(value.to_string()).meaning(meanings::figure(name))
    };
    let code = kept.code;
    let mut figures = vec![figure("trustworthiness", code.trustworthiness), figure("continuity", code.continuity)];
    if let Some(pca) = kept.pca {
        let of_pca = |name: &str, value: f64| Figure {
            name: format!("PCA {name}"),
            meaning: format!("The same of the {size} principal components of the data, or as many as there are."),
            ..figure(name, value)
        };
        figures.extend([of_pca("trustworthiness", pca.trustworthiness), of_pca("continuity", pca.continuity)]);
    }
    let text = format!(
        "Neighbours of {} samples, the {} nearest of each, in the whole code and in the data:",
        grouped(code.samples),
        code.neighbours
    );
    section.text(text).figures(figures)
}

/// How well the codes, and as many principal components, keep neighbours, of a sample of the samples.
fn kept(model: &Model, dataset: &Dataset, coded: &Coded, pca: Option<&Pca>, split: Split) -> Result<Kept> {
    let features = model.data().features.max(1) as f64;
    // A float's cast to an integer saturates.
    let compared = coded.first(COMPARED.min((WORK / features).sqrt() as usize));
    let code = neighbourhoods(model, dataset, &compared, NEIGHBOURS)?;
    let by_pca =
        |pca: &Pca| neighbourhoods(model, dataset, &of_pca(pca, model, dataset, &compared, split)?, NEIGHBOURS);
    Ok(Kept { code, pca: pca.and_then(|pca| by_pca(pca).ok()) })
}

/// The same samples with their first principal components as codes, as many as the code has numbers.
fn of_pca(pca: &Pca, model: &Model, dataset: &Dataset, coded: &Coded, split: Split) -> Result<Coded> {
    let (count, components) = (coded.rows.len(), pca.components());
    let zeros = |width: usize| -> Result<Vec<f32>> {
        let mut zeros = reserved(count.saturating_mul(width), "principal components")?;
        zeros.resize(count.saturating_mul(width), 0.0);
        Ok(zeros)
    };
    let (mut samples, mut codes) = (zeros(dataset.features())?, zeros(components)?);
    model.data().preprocessing.gather(Context::new(split), dataset, &coded.rows, &mut samples)?;
    pca.encode(&samples, &mut codes, split)?;
    let size = coded.size.min(components).max(1);
    let codes = codes.chunks_exact(components.max(1)).flat_map(|code| &code[..size.min(code.len())]).copied().collect();
    Ok(Coded { codes, size, ..coded.clone() })
}

fn percent(shares: [f64; 2]) -> String {
    format!("{:.0} %", 100.0 * (shares[0] + shares[1]))
}

fn coloured(coded: &Coded) -> &'static str {
    if coded.labels.is_some() { " Coloured by class, which the model was not told unless it takes it." } else { "" }
}

/// What a class of a dataset is called.
pub fn class_name(dataset: &Dataset, label: u32) -> String {
    let names = dataset.class_names();
    names.and_then(|names| names.get(label as usize)).cloned().unwrap_or_else(|| label.to_string())
}

fn drawn(dataset: &Dataset, coded: &Coded, plane: Plane, (title, x, y): (&str, &str, &str)) -> Result<String> {
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
        names: (0..most).map(|label| class_name(dataset, label)).collect(),
    };
    plot.to_svg()
}
