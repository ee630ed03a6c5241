//! `narrows search`: the samples whose codes are nearest, and how well their labels agree.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, RangedU64ValueParser, TypedValueParser};
use serde::Serialize;

use super::common::{self, Common};
use super::page::{self, PageArgs};
use crate::applications::pages::{self, MOST_NEIGHBOURS};
use crate::applications::search::{Found, Metric, Queries, SearchOptions, Searched, search};
use crate::error::{Error, Result};
use crate::files;
use crate::model::Session;

/// Find the samples whose codes are nearest
///
/// For example: narrows search runs/undercomplete-1 --row 7 --out similar.png --report report.html
///
/// Searches the training part of the data for the neighbours of each sample of its test part, by their codes and, beside
/// that, by the data themselves, and says what share of the neighbours has the query's label. With --row or --image it
/// lists the neighbours of one sample.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// What is searched, its training part; the model's own data if not given
    #[arg(long, value_name = "SRC")]
    data: Option<String>,
    /// What is searched for: a source, or rows of the test part as in 0,7,20-24; all of the test part if not given
    #[arg(long, value_name = "SRC|ROWS", conflicts_with_all = ["row", "image"])]
    queries: Option<String>,
    /// List the neighbours of this row of the test part, from 0
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "image")]
    row: Option<usize>,
    /// List the neighbours of this picture, PNG or JPEG, of the size of the model's images
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// How many neighbours of each
    #[arg(long, short = 'k', value_name = "K", default_value_t = 10, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    neighbours: usize,
    /// How codes are compared; cosine if not given, or as in the index that is read
    #[arg(long, value_name = "NAME", value_parser = metric())]
    metric: Option<Metric>,
    /// The index of codes: read if the file is there, written if not. When it is read, the data are not searched beside it
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
    /// Draw the queries, 16 at most, each with its neighbours to its right
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    common: Common,
}

fn metric() -> impl TypedValueParser<Value = Metric> {
    PossibleValuesParser::new(Metric::NAMES).try_map(|name| name.parse::<Metric>())
}

/// The result by the names that it has in JSON.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    searched: &'a Searched,
    threads: usize,
    run: String,
    out: Option<String>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let options = SearchOptions {
        data: args.data.clone(),
        queries: args.wanted()?,
        k: args.neighbours,
        metric: args.metric,
        index: args.index.clone(),
        picture: args.out.is_some() || (args.page.report.is_some() && args.neighbours <= MOST_NEIGHBOURS),
    };
    let session = Session::new(common::load(&args.run, args.common.quiet)?);
    let pool = args.common.pool()?;
    let searched = pool.threads().run(|split| search(&mut session.clone().on(split), &options))?;
    args.page.write(&args.common, |path| {
        let queries = args.queries.clone().or(args.image.as_ref().map(|image| image.display().to_string()));
        let settings = [
            ("queries", queries.or(args.row.map(|row| format!("row {row}")))),
            ("neighbours", Some(args.neighbours.to_string())),
            ("index", args.index.as_ref().map(|index| index.display().to_string())),
        ];
        let origin = page::origin(session.model(), args.data.as_deref(), &settings, pool.count());
        pages::search(session.model(), &searched, &origin).write(path)
    })?;
    if let Some((path, picture)) = args.out.as_ref().zip(searched.picture.as_ref()) {
        files::write_bytes_atomically(path, picture)?;
    }
    let out = args.out.as_ref().map(|path| path.display().to_string());
    if !args.common.json && !args.common.quiet {
        searched.notes.iter().for_each(|note| common::to_stderr(&format!("{note}\n")));
    }
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => {
            let (run, threads) = (args.run.display().to_string(), pool.count());
            common::json(&Answer { searched: &searched, threads, run, out })?
        }
        (false, true) => format!("{}\n", key(&searched)),
        (false, false) => summary(&searched, out.as_deref()),
    })
}

impl Args {
    fn wanted(&self) -> Result<Queries> {
        Ok(match (&self.queries, self.row, &self.image) {
            (_, Some(row), _) => Queries::Rows(vec![row]),
            (_, _, Some(path)) => Queries::Picture(path.clone()),
            (Some(text), ..) => match rows(text)? {
                Some(rows) => Queries::Rows(rows),
                None => Queries::Source(text.clone()),
            },
            (None, ..) => Queries::Test,
        })
    }
}

/// The most rows that may be listed.
const MOST: usize = 1_000_000;

/// Rows as in `0,7,20-24`; `None` of anything else, which is a source.
fn rows(text: &str) -> Result<Option<Vec<usize>>> {
    if text.is_empty() || !text.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, ',' | '-')) {
        return Ok(None);
    }
    // Standard input.
    if text == "-" {
        return Ok(None);
    }
    let wrong = || Error::usage(format!("`{text}` is no list of rows; give one as in 0,7,20-24"));
    let mut rows = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) =
            first.parse().ok().zip(last.parse().ok()).filter(|(first, last)| first <= last).ok_or_else(wrong)?;
        if last - first >= MOST - rows.len().min(MOST) {
            return Err(Error::usage(format!("`{text}` lists over {MOST} rows; give a source of queries instead")));
        }
        rows.extend(first..=last);
    }
    Ok(Some(rows))
}

/// What matters most: the nearest row of one query, else the precision, or the speed where there are no labels.
fn key(searched: &Searched) -> String {
    match (&searched.neighbours[..], searched.precision) {
        ([found], _) => {
            let rows: Vec<String> = found.neighbours.iter().map(|neighbour| neighbour.row.to_string()).collect();
            rows.join(",")
        }
        (_, Some(precision)) => common::figure(precision),
        (_, None) => common::rate(searched.queries_per_second),
    }
}

/// The figures for people, and the neighbours where they are listed.
fn summary(searched: &Searched, out: Option<&str>) -> String {
    let mut text: String = searched.neighbours.iter().map(listed).collect();
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    if let Some(precision) = searched.precision {
        let raw = searched.raw_precision.map(|raw| format!("; by the data themselves: {}", percent(raw)));
        text.push_str(&format!(
            "precision at {}: {} of the neighbours have the query's label, by codes ({}){}\n",
            searched.k,
            percent(precision),
            searched.metric,
            raw.unwrap_or_default()
        ));
    }
    let raw = searched.raw_queries_per_second.map(|raw| format!("; by the data themselves: {}", common::rate(raw)));
    let queries = match searched.queries {
        1 => "1 query".to_owned(),
        count => format!("{} queries", common::count(count as u64)),
    };
    text.push_str(&format!(
        "{} among {}: {} queries/s by codes ({} encoded/s){}\n",
        queries,
        common::counted(searched.indexed as u64, "sample"),
        common::rate(searched.queries_per_second),
        common::rate(searched.encoded_per_second),
        raw.unwrap_or_default()
    ));
    text.extend(out.map(|out| format!("picture: {out}\n")));
    text
}

/// A query and its neighbours, a line each.
fn listed(found: &Found) -> String {
    let label = |label: Option<u32>| label.map(|label| format!(", label {label}")).unwrap_or_default();
    let mut text = match found.row {
        Some(row) => format!("row {row}{}\n", label(found.label)),
        None => "the picture\n".to_owned(),
    };
    for neighbour in &found.neighbours {
        let class = neighbour.class.as_ref().map(|class| format!(" ({})", common::printable(class)));
        text.push_str(&format!(
            "  row {}{}{}, distance {}\n",
            neighbour.row,
            label(neighbour.label),
            class.unwrap_or_default(),
            common::figure(neighbour.distance.into())
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_from_sources() {
        assert_eq!(rows("0,7,20-22").unwrap(), Some(vec![0, 7, 20, 21, 22]));
        for source in ["digits", "../mnist", "-", "", "a,b"] {
            assert_eq!(rows(source).unwrap(), None, "{source}");
        }
        for wrong in ["3-1", "1,,2", "1-", "0-99999999999", "99999999999999999999999"] {
            assert!(rows(wrong).is_err(), "{wrong}");
        }
    }
}
