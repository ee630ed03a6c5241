//! `narrows eval`: how well a model reconstructs data, beside PCA of the same code size.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common};
use super::figures;
use super::json::{BesideMeans, Figures};
use crate::error::{Error, Result};
use crate::files;
use crate::metrics::{self, Evaluation, Measure};
use crate::model::Model;
use crate::objective::{Corruption, CorruptionName};
use crate::settings::Value;

/// Measure how well a model reconstructs data
///
/// For example: narrows eval runs/undercomplete-1 --data digits
///
/// Prints the squared error (summed over features, averaged over samples) beside that of a PCA of the same code size,
/// the objective on clean inputs and its terms, signal to noise and structural similarity of images, how the code is
/// used, what a corruption leaves, and for a variational model the evidence lower bound and its two parts.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// What to measure on: `digits`, a folder of IDX files, plain or .gz, or one of photographs; the model's own data
    /// if not given
    #[arg(long, value_name = "SRC")]
    data: Option<String>,
    /// Write the JSON object to this file too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Variational: estimate the likelihood by so many importance samples of each sample's code
    #[arg(long, value_name = "K", default_value_t = 0, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(0..=1_000_000))]
    importance: usize,
    /// Corrupt the input in this way, and measure what is left of it; the model's own corruption if not given
    #[arg(long, value_name = "NAME")]
    corruption: Option<String>,
    /// Probability (gaussian: deviation) of the corruption; the model's own if not given
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    corruption_level: Option<f64>,
    #[command(flatten)]
    common: Common,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let model = common::load(&args.run, args.common.quiet)?;
    let pool = args.common.pool()?;
    let data = args.data.as_deref().unwrap_or(&model.source().source);
    let corruption = match (&args.corruption, args.corruption_level) {
        (None, None) => None,
        (name, level) => Some({
            let own = |key: &str| model.setting(key).unwrap_or_default();
            let kind = CorruptionName::read("corruption", name.as_deref().unwrap_or(&own("corruption")))?;
            if name.is_none() && kind == CorruptionName::None {
                return Err(Error::usage("the model was trained without corruption; give --corruption too"));
            }
            let own_level = own("corruption_level").parse().unwrap_or(0.0);
            Corruption::of(kind, level.unwrap_or(own_level), own("corruption_clip") == "true")?
        }),
    };
    if args.importance > 0 && !model.autoencoder().draws() {
        return Err(Error::usage("importance samples are of a variational code; leave --importance away"));
    }
    if corruption.flatten().is_some_and(|corruption| corruption.needs_unit_data())
        && !model.data().preprocessing.is_unit()
    {
        return Err(Error::usage(
            "salt-and-pepper goes to 0 and 1, and the model's data leave 0..1; give another corruption",
        ));
    }
    let measure = Measure { ssim: true, importance: args.importance, corruption };
    let evaluation = pool.threads().run(|split| metrics::evaluate(&model, data, measure, split))?;
    let json = json(args, data, &model, &evaluation, pool.count())?;
    if let Some(path) = &args.out {
        files::write_bytes_atomically(path, json.as_bytes())?;
    }
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => json,
        (false, true) => format!("{}\n", common::figure(evaluation.squared_error())),
        (false, false) => summary(&evaluation, model.code_size(), pool.count()),
    })
}

/// The figures for people.
fn summary(evaluation: &Evaluation, code: usize, threads: usize) -> String {
    format!(
        "{}\n{}\n{} in {}: {} samples/s with {}\n",
        figures::error_line(evaluation, code),
        figures::lines(evaluation).join("\n"),
        common::counted(evaluation.samples as u64, "sample"),
        common::duration(evaluation.seconds),
        common::rate(evaluation.samples_per_second),
        common::counted(threads as u64, "thread"),
    )
}

/// The figures by the names that they have in JSON.
#[derive(Serialize)]
struct Evaluated<'a> {
    #[serde(flatten)]
    figures: Figures<'a>,
    #[serde(flatten)]
    beta: Option<BesideMeans>,
    seconds: f64,
    samples_per_second: f64,
    threads: usize,
    isa: &'a str,
    run: String,
    data: &'a str,
}

/// The figures on one line of JSON.
fn json(args: &Args, data: &str, model: &Model, evaluation: &Evaluation, threads: usize) -> Result<String> {
    common::json(&Evaluated {
        figures: Figures::of(evaluation),
        beta: BesideMeans::of(|key| model.setting(key), model.data().features),
        seconds: evaluation.seconds,
        samples_per_second: evaluation.samples_per_second,
        threads,
        isa: narrows_engine::Backend::current().name(),
        run: args.run.display().to_string(),
        data,
    })
}
