//! `narrows reconstruct`: a picture of samples over their reconstructions.

use std::path::{Path, PathBuf};

use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common};
use crate::applications::reconstruct::reconstruct_source;
use crate::error::{Error, Result};
use crate::files;
use crate::model::Session;

/// Draw samples over their reconstructions, as a PNG
///
/// For example: narrows reconstruct runs/undercomplete-1 --data digits --out picture.png
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// Where the samples come from: `digits` or a folder of IDX files, plain or .gz; the model's own data if not given
    #[arg(long, value_name = "SRC")]
    data: Option<String>,
    /// How many samples, drawn by --seed
    #[arg(long, value_name = "N", default_value_t = 16, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=4096))]
    count: usize,
    /// The picture; samples/reconstruct.png in the run if not given, reconstruct.png here for a lone model
    #[arg(long, value_name = "FILE.png")]
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
    let pool = args.common.pool()?;
    let seed = args.common.seed.unwrap_or(0);
    let data = args.data.clone().unwrap_or_else(|| session.model().source().source.clone());
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

/// The folder of a run's pictures may be missing.
fn make_folder(picture: &Path) -> Result<()> {
    match picture.parent() {
        Some(folder) => std::fs::create_dir_all(folder).map_err(|error| Error::io("create the folder", folder, error)),
        None => Ok(()),
    }
}
