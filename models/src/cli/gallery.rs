//! `narrows gallery`: the figures of a lecture on autoencoders, computed anew, on one page.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common};
use crate::error::Result;
use crate::runs::gallery::{GalleryOptions, gallery};

/// Train small models and put what they show on one page, the figures of a lecture on autoencoders
///
/// For example: narrows gallery --out gallery.html
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Images: `digits` or whatever else `train` reads images from, such as MNIST's folder
    #[arg(long, value_name = "SRC", default_value = "digits")]
    data: String,
    /// A folder of photographs, for the section on natural images
    #[arg(long, value_name = "FOLDER")]
    photographs: Option<String>,
    /// The most images to train on; of more, some are drawn by --seed
    #[arg(long, value_name = "N", default_value_t = 10_000, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=1 << 24))]
    rows: usize,
    /// The page
    #[arg(long, value_name = "FILE.html", default_value = "gallery.html")]
    out: PathBuf,
    #[command(flatten)]
    common: Common,
}

/// The result by the names that it has in JSON.
#[derive(Serialize)]
struct Made<'a> {
    figures: &'a BTreeMap<&'static str, f64>,
    out: String,
    seconds: f64,
    threads: usize,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let (pool, start) = (args.common.pool()?, Instant::now());
    let options = GalleryOptions {
        source: args.data.clone(),
        photographs: args.photographs.clone(),
        seed: args.common.seed.unwrap_or(0),
        rows: args.rows,
        ..GalleryOptions::default()
    };
    let quiet = args.common.quiet;
    let mut told = |section: &str| {
        if !quiet {
            common::to_stderr(&format!("{section}\n"));
        }
    };
    let made = pool.threads().run(|split| gallery(&options, split, &mut told))?;
    made.page.write(&args.out)?;
    let (seconds, out) = (start.elapsed().as_secs_f64(), args.out.display().to_string());
    common::to_stdout(&match (args.common.json, quiet) {
        (true, _) => common::json(&Made { figures: &made.figures, out, seconds, threads: pool.count() })?,
        (false, true) => format!("{out}\n"),
        (false, false) => {
            let figures: String = made
                .figures
                .iter()
                .map(|(name, value)| format!("{} {}\n", name.replace('_', " "), common::figure(*value)))
                .collect();
            format!("{figures}written: {out}, in {}\n", common::duration(seconds))
        }
    })
}
