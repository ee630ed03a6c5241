//! `narrows impute`: missing values of rows filled.

use std::path::{Path, PathBuf};

use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common};
use super::output::{self, Numbers, Table};
use crate::applications::impute::{ImputationError, evaluate_imputation, impute, impute_many};
use crate::applications::picture::{SHOWN, layers_png};
use crate::applications::samples::{Samples, pick};
use crate::data::{Dataset, load_for};
use crate::error::{Error, Result};
use crate::model::Session;

/// Fill missing values
///
/// For example: narrows impute runs/importance-weighted-1 --data table.csv --out filled.csv
///
/// Takes a model that is told which values are there: of data with missing values or columns of words, or trained with
/// `--missing true`. Missing values are filled by their mean given what is present, classes by the likeliest; with --draws N by N draws, each in a file of its own (`filled-1.csv`, `filled-2.csv`, ..), for multiple
/// imputation. With --hide a share of the present numbers is hidden and filled, and the figures say how well, beside
/// filling by the column's mean.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// Where the rows come from; the model's own data if not given
    #[arg(long, value_name = "SRC")]
    data: Option<String>,
    /// Fill by so many draws, a file for each, in place of the mean
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    draws: Option<usize>,
    /// Hide this share of the present numbers, by --seed, and say how well they are filled
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, conflicts_with = "draws")]
    hide: Option<f64>,
    /// How many rows, drawn by --seed; all if not given
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    count: Option<usize>,
    /// What is written: a table, or a picture ending in .png; samples/impute.csv in the run if not given, .png of images
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// The result by the names that it has in JSON.
#[derive(Serialize)]
struct Put<'a> {
    #[serde(flatten)]
    error: Option<&'a ImputationError>,
    samples: usize,
    missing: usize,
    draws: Option<usize>,
    part: &'a str,
    threads: usize,
    run: String,
    out: Vec<String>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let model = common::load(&args.run, args.common.quiet)?;
    let out = output::place(args.out.as_deref(), &args.run, "impute", model.data().image.is_some())?;
    let (pool, seed) = (args.common.pool()?, args.common.seed.unwrap_or(0));
    let data = args.data.as_deref().unwrap_or(&model.source().source);
    let (dataset, rows, part) = load_for(model.source(), data, &model.data().known())?;
    let rows = pick(&rows, args.count, seed);
    let samples = Samples::read(&model, &dataset, &rows)?;
    let session = Session::new(model);
    let (filled, error) = pool.threads().run(|split| -> Result<_> {
        let mut session = session.clone().on(split);
        Ok(match (args.hide, args.draws) {
            (Some(share), _) => {
                let mut error = evaluate_imputation(&mut session, &dataset, &rows, share, seed)?;
                (std::mem::take(&mut error.filled), Some(error))
            }
            (None, Some(draws)) => (impute_many(&mut session, &samples, draws, seed)?, None),
            (None, None) => (impute(&mut session, &samples, seed)?, None),
        })
    })?;
    let each = samples.numbers.len().max(1);
    let outs: Vec<PathBuf> = match args.draws {
        None => vec![out],
        Some(draws) => (1..=draws).map(|draw| numbered(&out, draw)).collect::<Result<_>>()?,
    };
    for (out, filled) in outs.iter().zip(filled.chunks(each)) {
        write(out, &session, &dataset, &samples, filled)?;
    }
    let put = Put {
        error: error.as_ref(),
        samples: samples.len(),
        missing: samples.numbers.iter().filter(|x| x.is_nan()).count(),
        draws: args.draws,
        part,
        threads: pool.count(),
        run: args.run.display().to_string(),
        out: outs.iter().map(|out| out.display().to_string()).collect(),
    };
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => common::json(&put)?,
        (false, true) => put.out.iter().map(|out| format!("{out}\n")).collect(),
        (false, false) => {
            let notes: String = dataset.notes().iter().map(|note| format!("{note}\n")).collect();
            format!("{notes}{}written: {}\n", summary(&put), put.out.join(", "))
        }
    })
}

/// The file of one draw: `filled-3.csv` for `filled.csv`.
fn numbered(out: &Path, draw: usize) -> Result<PathBuf> {
    let (stem, ending) = out
        .file_stem()
        .zip(out.extension())
        .ok_or_else(|| Error::usage(format!("{} names no file; give one, such as filled.csv", out.display())))?;
    let mut name = stem.to_os_string();
    name.push(format!("-{draw}."));
    name.push(ending);
    Ok(out.with_file_name(name))
}

fn write(out: &Path, session: &Session, dataset: &Dataset, samples: &Samples, filled: &[f64]) -> Result<()> {
    let picture = || {
        let given = samples.singles(SHOWN);
        let filled: Vec<f32> = filled.iter().take(given.len()).map(|&x| x as f32).collect();
        layers_png(session.model(), dataset.raw_range(), &[&given, &filled])
    };
    let table = || Ok(Table { model: session.model(), numbers: Numbers::Doubles(filled) });
    output::put(out, picture, table)
}

/// The figures for people.
fn summary(put: &Put<'_>) -> String {
    let rows = common::counted(put.samples as u64, "row");
    let Some(error) = put.error else {
        return format!("{rows} of the {} part, {} missing\n", put.part, common::counted(put.missing as u64, "number"));
    };
    let mut text = format!(
        "{rows} of the {} part, {} hidden and filled\n",
        put.part,
        common::counted(error.hidden as u64, "value")
    );
    if let (Some(rmse), Some(mean)) = (error.rmse, error.rmse_mean) {
        text += &format!(
            "quantities: error {}, scaled; the columns' means reach {}\n",
            common::figure(rmse),
            common::figure(mean)
        );
    }
    if let (Some(wrong), Some(mode)) = (error.wrong, error.wrong_mode) {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        text += &format!("classes: {} wrong; the commonest class: {}\n", percent(wrong), percent(mode));
    }
    const LISTED: usize = 20;
    if !error.columns.is_empty() {
        text += "in units of each column's deviation:\n";
    }
    for column in error.columns.iter().take(LISTED) {
        text += &format!(
            "  {}: {}; its mean {}\n",
            common::printable(&column.column),
            common::figure(column.rmse),
            common::figure(column.rmse_mean)
        );
    }
    if error.columns.len() > LISTED {
        text += &format!("  and {} more columns, see --json\n", error.columns.len() - LISTED);
    }
    text
}
