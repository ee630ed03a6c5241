//! `narrows manifold`: what a plane of codes stands for.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common};
use super::output::{self, Numbers, Table};
use crate::applications::codes::{encode_rows, pick};
use crate::applications::manifold::grid;
use crate::applications::picture::grid_png;
use crate::data::load_train;
use crate::error::{Error, Result};
use crate::model::Session;

/// Codes that the range and the mean of a code are taken from.
const CODES: usize = 2000;

/// Draw what a plane of codes stands for: the latent manifold
///
/// For example: narrows manifold runs/variational-1 --size 20 --out plane.png
///
/// Codes of two numbers are decoded at the quantiles of the prior, or between the ends of the training part's codes for a
/// model without one. Of longer codes --units says which two numbers vary; the others are the mean code's.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// How many samples along each side
    #[arg(long, value_name = "N", default_value_t = 20, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(2..=200))]
    size: usize,
    /// The two units that vary, from 0
    #[arg(long, value_name = "A,B", value_parser = pair)]
    units: Option<[usize; 2]>,
    /// What is written: a picture (.png), rows in any format, or a folder/ of images
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

fn pair(text: &str) -> std::result::Result<[usize; 2], String> {
    let units: Option<Vec<usize>> = text.split(',').map(|unit| unit.trim().parse().ok()).collect();
    match units.as_deref() {
        Some(&[a, b]) if a != b => Ok([a, b]),
        _ => Err("give two units, as in 0,1".to_owned()),
    }
}

/// The result by the names that it has in JSON.
#[derive(Serialize)]
struct Drawn {
    samples: usize,
    run: String,
    out: String,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let model = common::load(&args.run, args.common.quiet)?;
    let (image, seed) = (model.data().image, args.common.seed.unwrap_or(0));
    let out = output::place(args.out.as_deref(), &args.run, "manifold", image.is_some())?;
    let session = Session::new(model);
    let pool = args.common.pool()?;
    let made = pool.threads().run(|split| -> Result<_> {
        let mut session = session.clone().on(split);
        // A code of two numbers under a prior needs no data.
        let codes = if session.has_prior() && session.model().code_size() == 2 {
            Vec::new()
        } else {
            let (dataset, rows, _) = load_train(session.model().source()).map_err(|error| {
                Error::data(format!(
                    "the plane lies among the codes of the training part, which cannot be read: {error}"
                ))
            })?;
            encode_rows(&mut session, &dataset, &pick(&rows, CODES, seed))?.codes
        };
        grid(&mut session, args.size, args.units, &codes)
    })?;
    let model = session.model();
    let table = || Ok(Table { model, numbers: Numbers::Singles(&made) });
    output::put(&out, || grid_png(model, model.data().preprocessing.range(), &made, args.size), table)?;
    let (samples, out) = (args.size * args.size, out.display().to_string());
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => common::json(&Drawn { samples, run: args.run.display().to_string(), out })?,
        (false, true) => format!("{out}\n"),
        (false, false) => format!("{} of a plane\nwritten: {out}\n", common::counted(samples as u64, "sample")),
    })
}
