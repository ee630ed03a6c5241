//! What a search found: queries with their neighbours, and how well labels agree.

use super::origin::{Origin, number, some};
use crate::applications::search::{Found, Searched};
use crate::figure::{grouped, short};
use crate::model::Model;
use crate::report::page::{Figure, Page, Section};

/// With more neighbours a page has no picture of them.
pub const MOST_NEIGHBOURS: usize = 60;

/// The page of `search`.
pub fn search(model: &Model, searched: &Searched, origin: &Origin) -> Page {
    let of = format!("{} queries among {} samples", grouped(searched.queries), grouped(searched.indexed));
    let shown = searched.neighbours.iter().map(listed).collect::<Vec<_>>();
    let mut neighbours = Section::new("Queries and their neighbours");
    if let Some(png) = &searched.picture {
        let caption = format!(
            "A query in each line, the first of them, and to its right its {} nearest by codes, the nearest first.",
            searched.k
        );
        neighbours = neighbours.picture(png.clone(), "Queries, each with its neighbours to its right", caption);
    }
    if !shown.is_empty() {
        let header = ["query", "its neighbours: row (label) distance"];
        neighbours = neighbours.table("Rows of the source, from 0", &header, shown);
    }
    origin
        .page("Search by codes", model, &of)
        .section(figures(searched))
        .section(neighbours)
        .section(origin.section(model))
}

fn figures(searched: &Searched) -> Section {
    let name = format!("precision at {}", searched.k);
    let raw = format!("{name}, by the data");
    let mut figures = Vec::new();
    let meaning = "The share of a query's neighbours that have its label, the mean over queries.";
    figures.extend(some(&name, searched.precision, "", meaning));
    figures.extend(some(&raw, searched.raw_precision, "", "The same by the scaled data themselves."));
    figures.push(Figure::new("metric", searched.metric.name()).meaning("How codes are compared."));
    let rate = |name: &str, value: f64, meaning: &str| {
        // A float's cast to an integer saturates.
        Figure { value: format!("{} / s", grouped(value.round() as usize)), ..number(name, value, "", meaning) }
    };
    figures.push(rate("queries", searched.queries_per_second, "Queries whose codes are looked for, a second."));
    figures.push(rate("encoded", searched.encoded_per_second, "Queries that are encoded before that, a second."));
    let meaning = "Queries that are looked for by the data themselves, a second.";
    figures.extend(searched.raw_queries_per_second.map(|value| rate("queries by the data", value, meaning)));
    let section = Section::new("What it reached").figures(figures);
    searched.notes.iter().fold(section, |section, note| section.text(note))
}

/// A query and its neighbours in words.
fn listed(found: &Found) -> Vec<String> {
    let label = |label: Option<u32>, class: Option<&String>| match (label, class) {
        (_, Some(class)) => format!(" ({class})"),
        (Some(label), None) => format!(" ({label})"),
        (None, None) => String::new(),
    };
    let query = found.row.map_or_else(|| "the picture".to_owned(), |row| format!("row {row}"));
    let neighbours = found
        .neighbours
        .iter()
        .map(|near| format!("{}{} {}", near.row, label(near.label, near.class.as_ref()), short(near.distance.into())));
    vec![format!("{query}{}", label(found.label, None)), neighbours.collect::<Vec<_>>().join(", ")]
}
