//! `narrows decode`: codes to what they stand for.

use std::path::PathBuf;

use serde::Serialize;

use super::common::{self, Common};
use super::rows::Sink;
use crate::applications::encode::{decode, open_codes};
use crate::error::Result;
use crate::model::Session;

/// Turn codes back into rows
///
/// For example: narrows decode runs/undercomplete-1 --data codes.csv --out rows.csv
///
/// Takes what `encode` wrote, in any format, and writes rows in the data's own units: a table, an array, or a folder of
/// images (--out FOLDER/) where rows are images.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// The codes: a .csv, .npy, .npz or .safetensors file, or - for CSV on standard input
    #[arg(long, value_name = "SRC")]
    data: String,
    /// Where the rows go: a .csv, .npy, .npz or .safetensors file, a folder/ of images, or - for CSV on standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// The result by the names that it has in JSON.
#[derive(Serialize)]
struct Decoded {
    samples: u64,
    run: String,
    out: String,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let mut session = Session::new(common::load(&args.run, args.common.quiet)?);
    let mut codes = open_codes(session.model(), &args.data)?;
    let mut sink = Sink::samples(&args.out, session.model(), &codes, &args.common)?;
    let pool = args.common.pool()?;
    let samples = pool.threads().run(|split| {
        session = session.clone().on(split);
        decode(&mut session, &mut codes, &mut |rows, labels| sink.put(rows, labels))
    })?;
    let (run, out) = (args.run.display().to_string(), args.out.display().to_string());
    sink.finish(&args.common, &codes.notes(), &Decoded { samples, run, out })
}
