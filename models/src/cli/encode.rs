//! `narrows encode`: rows to codes, any format to any format.

use std::path::PathBuf;

use serde::Serialize;

use super::common::{self, Common};
use super::page::{self, PageArgs};
use super::rows::{DataArgs, Sink};
use crate::applications::codes::Neighbourhoods;
use crate::applications::encode::{code_columns, encode_seen};
use crate::applications::pages::{self, CodesPage, Kept, Sampling};
use crate::data::Chunk;
use crate::error::Result;
use crate::model::Session;

/// Turn rows into codes
///
/// For example: narrows encode runs/undercomplete-1 --data digits --out codes.csv --report report.html
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
    page: PageArgs,
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
    /// Of the page's rows, where there is a page.
    #[serde(flatten)]
    kept: Option<Preserved>,
}

/// How well codes keep neighbours, and a PCA of as many components.
#[derive(Serialize)]
struct Preserved {
    trustworthiness: f64,
    continuity: f64,
    pca_trustworthiness: Option<f64>,
    pca_continuity: Option<f64>,
}

impl Preserved {
    fn of(kept: &Kept) -> Self {
        let pca = |figure: fn(&Neighbourhoods) -> f64| kept.pca.as_ref().map(figure);
        Self {
            trustworthiness: kept.code.trustworthiness,
            continuity: kept.code.continuity,
            pca_trustworthiness: pca(|pca| pca.trustworthiness),
            pca_continuity: pca(|pca| pca.continuity),
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let mut session = Session::new(common::load(&args.run, args.common.quiet)?);
    let mut stream = args.data.open(session.model())?;
    let mut sink = Sink::new(&args.out, code_columns(session.model()), &stream, &args.common)?;
    let pool = args.common.pool()?;
    let started = std::time::Instant::now();
    let mut sampling = Sampling::default();
    // What is in memory need not be kept a second time.
    let gathers = args.page.report.is_some() && stream.in_memory().is_none();
    let (part, code) = (stream.part(), session.model().code_size());
    let samples = pool.threads().run(|split| {
        session = session.clone().on(split);
        let mut see = |chunk: &Chunk<'_>| if gathers { sampling.add(chunk) } else { Ok(()) };
        encode_seen(&mut session, &mut stream, &mut see, &mut |codes, labels| sink.put(codes, labels))
    })?;
    let notes = stream.notes();
    let seconds = started.elapsed().as_secs_f64();
    let mut kept = None;
    args.page.write(&args.common, |path| {
        let seed = args.common.seed.unwrap_or(0);
        let settings = [("part", Some(part.to_owned())), ("seed", Some(seed.to_string()))];
        let origin = page::origin(session.model(), args.data.data.as_deref(), &settings, pool.count());
        let sampled = sampling.finish(&stream, seed)?;
        let CodesPage { page, kept: found } =
            pool.threads().run(|split| pages::encode(&mut session.clone().on(split), &sampled, &origin, split))?;
        kept = found.as_ref().map(Preserved::of);
        page.write(path)
    })?;
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
            kept,
        },
    )
}
