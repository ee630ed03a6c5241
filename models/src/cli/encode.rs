//! `narrows encode`: rows to codes, any format to any format.

use std::path::PathBuf;

use serde::Serialize;

use super::common::{self, Common};
use super::rows::{DataArgs, Sink};
use crate::applications::encode::{code_columns, encode};
use crate::error::Result;
use crate::model::Session;

/// Turn rows into codes
///
/// For example: narrows encode runs/undercomplete-1 --data digits --out codes.csv
///
/// Reads any source that `train` reads, a table block by block as it comes (`--data -` for standard input), and writes a
/// line for each row: to standard output as CSV, or to the file that --out names.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// Where the codes go: a .csv, .npy, .npz or .safetensors file, or - for CSV on standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// The result by the names that it has in JSON.
#[derive(Serialize)]
struct Encoded {
    samples: u64,
    code: usize,
    part: &'static str,
    seconds: f64,
    samples_per_second: f64,
    threads: usize,
    run: String,
    out: String,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let mut session = Session::new(common::load(&args.run, args.common.quiet)?);
    let mut stream = args.data.open(session.model())?;
    let mut sink = Sink::new(&args.out, code_columns(session.model()), &stream, &args.common)?;
    let pool = args.common.pool()?;
    let started = std::time::Instant::now();
    let (part, code) = (stream.part(), session.model().code_size());
    let samples = pool.threads().run(|split| {
        session = session.clone().on(split);
        encode(&mut session, &mut stream, &mut |codes, labels| sink.put(codes, labels))
    })?;
    let notes = stream.notes();
    let seconds = started.elapsed().as_secs_f64();
    sink.finish(
        &args.common,
        &notes,
        &Encoded {
            samples,
            code,
            part,
            seconds,
            samples_per_second: samples as f64 / seconds.max(1e-9),
            threads: pool.count(),
            run: args.run.display().to_string(),
            out: args.out.display().to_string(),
        },
    )
}
