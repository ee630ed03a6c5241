//! `narrows interpolate`: what lies between samples.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common};
use super::output::{self, Numbers, Table};
use crate::applications::interpolate::{Interpolated, Way, interpolate};
use crate::applications::picture::grid_png;
use crate::applications::samples::{Samples, pick};
use crate::data::load_for;
use crate::error::{Error, Result};
use crate::model::Session;

/// Show what lies between two samples
///
/// For example: narrows interpolate runs/variational-1 --data digits --count 8 --steps 10 --out picture.png
///
/// Encodes both, goes from one code to the other, and decodes what lies on the way: a row of the picture for each pair,
/// or `steps` rows of a table.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// Where the samples come from; the model's own data if not given
    #[arg(long, value_name = "SRC")]
    data: Option<String>,
    /// Between these two rows of the data, counted from 0
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1, conflicts_with = "count")]
    rows: Option<Vec<u32>>,
    /// How many pairs of samples, drawn by --seed
    #[arg(long, value_name = "PAIRS", default_value_t = 8, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    count: usize,
    /// Samples of a row, both ends among them
    #[arg(long, value_name = "N", default_value_t = 10, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(2..=1024))]
    steps: usize,
    /// Along a sphere in place of straight on (White 2016)
    #[arg(long)]
    spherical: bool,
    /// What is written: a picture ending in .png, or a table; samples/interpolate.png in the run if not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// The result by the names that it has in JSON.
#[derive(Serialize)]
struct Put {
    pairs: usize,
    steps: usize,
    spherical: bool,
    rows: Vec<[u32; 2]>,
    threads: usize,
    run: String,
    out: String,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let model = common::load(&args.run, args.common.quiet)?;
    let info = model.data();
    let image = info.image;
    let out = output::place(args.out.as_deref(), &args.run, "interpolate", image.is_some())?;
    let pool = args.common.pool()?;
    let data = args.data.as_deref().unwrap_or(&model.source().source);
    let (dataset, rows, _) = load_for(model.source(), data, &model.data().known())?;
    let rows: Vec<[u32; 2]> = match args.rows.as_deref() {
        Some(&[a, b]) => match [a, b].into_iter().find(|&row| row as usize >= dataset.len()) {
            Some(row) => {
                let last = dataset.len() - 1;
                return Err(Error::usage(format!("{} has no row {row}; its rows are 0 to {last}", dataset.name())));
            }
            None => vec![[a, b]],
        },
        Some(_) => return Err(Error::usage("--rows takes two rows, such as --rows 3,17")),
        None => {
            let picked = pick(&rows, Some(2 * args.count), args.common.seed.unwrap_or(0));
            picked.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect()
        }
    };
    let read = |end: usize| Samples::read(&model, &dataset, &rows.iter().map(|pair| pair[end]).collect::<Vec<u32>>());
    let (first, second) = (read(0)?, read(1)?);
    let way = if args.spherical { Way::Spherical } else { Way::Linear };
    let session = Session::new(model);
    let Interpolated { samples, pairs, steps, .. } =
        pool.threads().run(|split| interpolate(&mut session.clone().on(split), (&first, &second), args.steps, way))?;
    let picture = || grid_png(session.model(), dataset.raw_range(), &samples, steps);
    let table = || Ok(Table { model: session.model(), numbers: Numbers::Singles(&samples) });
    output::put(&out, picture, table)?;
    let put = Put {
        pairs,
        steps,
        spherical: args.spherical,
        rows,
        threads: pool.count(),
        run: args.run.display().to_string(),
        out: out.display().to_string(),
    };
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => common::json(&put)?,
        (false, true) => format!("{}\n", put.out),
        (false, false) => format!(
            "{} of {steps} samples, between rows {}\nwritten: {}\n",
            common::counted(pairs as u64, "pair"),
            put.rows.iter().map(|[a, b]| format!("{a} and {b}")).collect::<Vec<_>>().join(", "),
            put.out
        ),
    })
}
