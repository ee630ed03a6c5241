//! `narrows reconstruct`: a picture of samples over their reconstructions, or the reconstructions of all rows.

use std::path::{Path, PathBuf};

use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common};
use super::rows::{DataArgs, Sink};
use crate::applications::encode::reconstruct_rows;
use crate::applications::reconstruct::reconstruct_source;
use crate::error::{Error, Result};
use crate::files;
use crate::model::Session;

/// Encode and decode rows: a picture of samples over their reconstructions, or all rows in any format
///
/// For example: narrows reconstruct runs/undercomplete-1 --data digits --out picture.png
///
/// With --out FILE.png --count samples are drawn over their reconstructions; with any other ending every row is
/// reconstructed and written: .csv, .npy, .npz, .safetensors, a folder/ of images, or - for CSV on standard output.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// A picture: how many samples, drawn by --seed
    #[arg(long, value_name = "N", default_value_t = 16, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=4096))]
    count: usize,
    /// The picture or the rows; samples/reconstruct.png in the run if not given, reconstruct.png here for a lone model
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// The result by the names that it has in JSON.
#[derive(Serialize)]
struct Reconstructed {
    squared_error: f64,
    samples: usize,
    threads: usize,
    run: String,
    out: String,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let session = Session::new(common::load(&args.run, args.common.quiet)?);
    let out = match &args.out {
        Some(out) => out.clone(),
        None if args.run.is_dir() => args.run.join("samples").join("reconstruct.png"),
        None => PathBuf::from("reconstruct.png"),
    };
    if !out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
        return all(args, session, &out);
    }
    let pool = args.common.pool()?;
    let seed = args.common.seed.unwrap_or(0);
    let data = args.data.data.clone().unwrap_or_else(|| session.model().source().source.clone());
    let shown = pool.threads().run(|split| reconstruct_source(&mut session.on(split), &data, args.count, seed))?;
    if args.out.is_none() {
        make_folder(&out)?;
    }
    files::write_bytes_atomically(&out, &shown.png)?;
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => common::json(&Reconstructed {
            squared_error: shown.squared_error,
            samples: shown.rows.len(),
            threads: pool.count(),
            run: args.run.display().to_string(),
            out: out.display().to_string(),
        })?,
        (false, true) => format!("{}\n", out.display()),
        (false, false) => format!(
            "squared error {} over {} samples\n{}picture: {}\n",
            common::figure(shown.squared_error),
            shown.rows.len(),
            shown.notes.iter().map(|note| format!("{note}\n")).collect::<String>(),
            out.display()
        ),
    })
}

/// The result of writing rows by the names that it has in JSON.
#[derive(Serialize)]
struct Rows {
    samples: u64,
    part: &'static str,
    threads: usize,
    run: String,
    out: String,
}

/// Writes every row's reconstruction.
fn all(args: &Args, mut session: Session, out: &Path) -> Result<()> {
    let mut stream = args.data.open(session.model())?;
    let mut sink = Sink::samples(out, session.model(), &stream, &args.common)?;
    let (pool, part) = (args.common.pool()?, stream.part());
    let samples = pool.threads().run(|split| {
        session = session.clone().on(split);
        reconstruct_rows(&mut session, &mut stream, &mut |rows, labels| sink.put(rows, labels))
    })?;
    let (run, out) = (args.run.display().to_string(), out.display().to_string());
    let result = Rows { samples, part, threads: pool.count(), run, out };
    sink.finish(&args.common, &stream.notes(), &result)
}

/// The folder of a run's pictures may be missing.
fn make_folder(picture: &Path) -> Result<()> {
    match picture.parent() {
        Some(folder) => std::fs::create_dir_all(folder).map_err(|error| Error::io("create the folder", folder, error)),
        None => Ok(()),
    }
}
