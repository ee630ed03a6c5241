//! `narrows filters`: what fires hidden units most.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common};
use super::output::{self, Numbers, Table};
use crate::applications::filters::units_png;
use crate::error::Result;

/// Draw the inputs that fire hidden units most
///
/// For example: narrows filters runs/denoising-1 --out filters.png
///
/// Of all inputs of norm 1, a unit of the first layer answers most to its weights over their norm; for deeper layers the
/// input is found by gradient ascent on the sphere. Layers are the encoder's, from 0; the last is the code.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// Which layer of the encoder
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(0..=64))]
    layer: usize,
    /// The most units
    #[arg(long, value_name = "N", default_value_t = 100, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=4096))]
    units: usize,
    /// What is written: a picture (.png), or the inputs, scaled, as rows in any format
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// The result by the names that it has in JSON.
#[derive(Serialize)]
struct Drawn {
    units: usize,
    layer: usize,
    layers: usize,
    answers: Vec<f32>,
    run: String,
    out: String,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let model = common::load(&args.run, args.common.quiet)?;
    let out = output::place(args.out.as_deref(), &args.run, "filters", model.data().image.is_some())?;
    let (pool, seed) = (args.common.pool()?, args.common.seed.unwrap_or(0));
    let count = model.encoder_layers()?;
    let found = pool.threads().run(|split| model.activating(args.layer, args.units, seed, split))?;
    let table = || Ok(Table { model: &model, numbers: Numbers::Singles(&found.inputs) });
    output::put(&out, || units_png(&model, &found.inputs, found.units), table)?;
    let out = out.display().to_string();
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => common::json(&Drawn {
            units: found.units,
            layer: args.layer,
            layers: count,
            answers: found.answers,
            run: args.run.display().to_string(),
            out,
        })?,
        (false, true) => format!("{out}\n"),
        (false, false) => format!(
            "{} of layer {} of {count}\nwritten: {out}\n",
            common::counted(found.units as u64, "unit"),
            args.layer
        ),
    })
}
