//! `narrows eval`: how well a model reconstructs data, beside PCA of the same code size.

use std::path::PathBuf;

use super::common::{self, Common, Object};
use crate::error::Result;
use crate::files;
use crate::metrics::{self, Evaluation};
use crate::model::Model;

/// Measure how well a model reconstructs data
///
/// For example: narrows eval runs/undercomplete-1 --data digits
///
/// Prints the squared error (summed over features, averaged over samples) beside that of a PCA of the same code size,
/// and the loss the model was trained with.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// What to measure on: `digits` or a folder of IDX files, plain or .gz; the model's own data if not given
    #[arg(long, value_name = "SRC")]
    data: Option<String>,
    /// Write the JSON object to this file too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let model = Model::load(&args.run)?;
    let pool = args.common.pool()?;
    let data = args.data.as_deref().unwrap_or(&model.config().data);
    let evaluation = pool.threads().run(|split| metrics::evaluate(&model, data, split))?;
    let json = json(args, data, &evaluation, pool.count());
    if let Some(path) = &args.out {
        files::write_bytes_atomically(path, json.as_bytes())?;
    }
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => json,
        (false, true) => format!("{}\n", common::figure(evaluation.squared_error)),
        (false, false) => summary(&evaluation, model.code_size(), pool.count()),
    })
}

/// The figures for people.
fn summary(evaluation: &Evaluation, code: usize, threads: usize) -> String {
    format!(
        "{}\n{}\n{} in {}: {} images/s with {}\n",
        common::error_line(evaluation, Some(code)),
        common::loss_line(evaluation),
        common::counted(evaluation.samples as u64, "sample"),
        common::duration(evaluation.seconds),
        common::rate(evaluation.samples_per_second),
        common::counted(threads as u64, "thread"),
    )
}

/// The figures on one line of JSON.
fn json(args: &Args, data: &str, evaluation: &Evaluation, threads: usize) -> String {
    let mut object = Object::default();
    object
        .evaluation(evaluation)
        .set("seconds", evaluation.seconds)
        .set("samples_per_second", evaluation.samples_per_second)
        .set("threads", threads)
        .set("isa", narrows_engine::Backend::current().name())
        .set("run", args.run.display().to_string())
        .set("data", data);
    object.line()
}
