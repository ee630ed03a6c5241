//! `narrows decompress`: samples out of a compressed file.

use std::path::PathBuf;

use serde::Serialize;

use super::common::{self, Common};
use super::output::{self, Numbers, Table};
use crate::applications::compress::{decompress, picture};
use crate::error::Result;
use crate::files;
use crate::model::Session;

/// The longest file that is read: 4 GiB.
const LONGEST: u64 = 1 << 32;

/// Bring back the samples of a compressed file
///
/// For example: narrows decompress runs/undercomplete-1 digits.nrw --out digits.png
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run directory, or the model.safetensors, that compressed them
    run: PathBuf,
    /// The file that `narrows compress` wrote
    file: PathBuf,
    /// Where the samples go: a picture of all of them (.png), .csv, .npy, .npz, .safetensors, or a folder/ of images
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// The result by the names that it has in JSON.
#[derive(Serialize)]
struct Unpacked {
    images: usize,
    run: String,
    out: String,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let model = common::load(&args.run, args.common.quiet)?;
    let bytes = files::read_limited(&args.file, LONGEST)?;
    let pool = args.common.pool()?;
    let origin = args.file.display().to_string();
    let (samples, images) = pool.threads().run(|split| -> Result<_> {
        let mut session = Session::new(model).on(split);
        let samples = decompress(&mut session, &bytes, &origin)?;
        let images = samples.len() / session.model().data().features.max(1);
        let (model, raw) = (session.model(), &samples);
        output::put(&args.out, || picture(raw, model), || Ok(Table { model, numbers: Numbers::Singles(raw) }))?;
        Ok((samples, images))
    })?;
    drop(samples);
    let out = args.out.display().to_string();
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => common::json(&Unpacked { images, run: args.run.display().to_string(), out })?,
        (false, true) => format!("{out}\n"),
        (false, false) => format!("{}: {out}\n", common::counted(images as u64, "sample")),
    })
}
