//! `narrows probe`: how far a model's code tells classes apart, by a linear classifier on it.

use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common};
use crate::applications::probe::{NEIGHBOURS, Probed, probe};
use crate::error::Result;
use crate::files;
use crate::metrics::ProbeOptions;

/// Judge a model's code by a linear classifier
///
/// For example: narrows probe runs/denoising-1 --data ../mnist
///
/// Fits softmax regression to the codes of the training part, without changing the model, and says what share of the
/// test part it finds the class of; beside it the same for principal components of as many numbers, and for the data
/// themselves. And the class that most of the nearest codes have, without a classifier.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// What to classify, with labels; the model's own data if not given
    #[arg(long, value_name = "SRC")]
    data: Option<String>,
    /// Passes of the classifier over the training part; more on small data, to 3000 steps
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=100_000), allow_negative_numbers = true)]
    epochs: u64,
    /// How many nearest codes (and samples) vote on a class, beside the classifiers
    #[arg(long, value_name = "K", default_value_t = NEIGHBOURS, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    neighbours: usize,
    /// Write the JSON object to this file too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let model = Arc::new(common::load(&args.run, args.common.quiet)?);
    let pool = args.common.pool()?;
    let data = args.data.as_deref().unwrap_or(&model.source().source);
    let options = ProbeOptions { epochs: args.epochs, seed: args.common.seed.unwrap_or(0), ..ProbeOptions::default() };
    let probed = pool.threads().run(|split| probe(Arc::clone(&model), data, &options, args.neighbours, split))?;
    let json = common::json(&Judged { probed: &probed, run: args.run.display().to_string(), data })?;
    if let Some(path) = &args.out {
        files::write_bytes_atomically(path, json.as_bytes())?;
    }
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => json,
        (false, true) => format!("{}\n", common::figure(probed.accuracy)),
        (false, false) => summary(&probed),
    })
}

/// The figures for people.
fn summary(probed: &Probed) -> String {
    format!(
        "linear classifier on the code: {:.2} % of {} classes right, on the {} part ({})\nthe same on {} of PCA: {:.2} %, on the \
         data themselves: {:.2} %\n{}, by vote: {:.2} % on the code, {:.2} % on the data themselves\n",
        100.0 * probed.accuracy,
        probed.classes,
        probed.part,
        common::counted(probed.samples as u64, "sample"),
        common::counted(probed.components as u64, "component"),
        100.0 * probed.pca_accuracy,
        100.0 * probed.raw_accuracy,
        common::counted(probed.neighbours as u64, "nearest neighbour"),
        100.0 * probed.knn_accuracy,
        100.0 * probed.knn_raw_accuracy,
    )
}

/// The figures by the names that they have in JSON.
#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    probed: &'a Probed,
    run: String,
    data: &'a str,
}
