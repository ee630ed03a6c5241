//! `narrows inpaint`: hidden parts of images filled.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common};
use super::output::{self, Numbers, Table};
use super::page::{self, PageArgs};
use crate::applications::inpaint::{Filling, InpaintOptions, Inpainted, Method, image_of, inpaint, training_mean};
use crate::applications::mask::Mask;
use crate::applications::pages::{self, Layers};
use crate::applications::picture::{SHOWN, grey_hidden, layers_png};
use crate::applications::samples::{Samples, pick};
use crate::data::load_for;
use crate::error::Result;
use crate::model::Session;

/// Fill hidden parts of images
///
/// For example: narrows inpaint runs/undercomplete-1 --data digits --mask square:4 --report report.html
///
/// What is known stays as it is. A model that takes missing values fills by its weighted mean; one that was trained with
/// corruption masking by its reconstruction of what is masked, which does for scattered pixels and not for a hole; any
/// other by projection: from the mean image on, the hidden part is reconstructed again and again until it changes little
/// (Rezende et al. 2014, appendix F, with the mean of the code). Beside it stand the mean image and medians of known
/// neighbours. A picture shows originals, what is known of them, and the filled ones; a table has the filled ones.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// Where the images come from; the model's own data if not given
    #[arg(long, value_name = "SRC")]
    data: Option<String>,
    /// What is hidden: a .png of the images' size (white known, black missing), square:SIDE (in the middle), left, right,
    /// top, bottom, rows:A-B, columns:A-B (from 0) or random:SHARE (other pixels in each image, by --seed)
    #[arg(long, value_name = "MASK")]
    mask: String,
    /// Rounds of the projection, at most
    #[arg(long, value_name = "N", default_value_t = 100, allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    rounds: usize,
    /// How many images, drawn by --seed; all if not given
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    count: Option<usize>,
    /// What is written: a picture ending in .png, or a table; samples/inpaint.png in the run if not given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    common: Common,
}

/// The result by the names that it has in JSON.
#[derive(Serialize)]
struct Put<'a> {
    #[serde(flatten)]
    figures: &'a Filling,
    mask: &'a str,
    samples: usize,
    part: &'a str,
    threads: usize,
    run: String,
    out: String,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let model = common::load(&args.run, args.common.quiet)?;
    let mask = Mask::parse(&args.mask, image_of(&model)?)?;
    let out = output::place(args.out.as_deref(), &args.run, "inpaint", true)?;
    let (pool, seed) = (args.common.pool()?, args.common.seed.unwrap_or(0));
    let data = args.data.as_deref().unwrap_or(&model.source().source);
    let (dataset, rows, part) = load_for(model.source(), data, &model.data().known())?;
    let rows = pick(&rows, args.count, seed);
    let samples = Samples::read(&model, &dataset, &rows)?;
    model.check_targets(&dataset, &rows)?;
    // The training part may lie elsewhere by now; then the mean is of what is known of each image.
    let mean = training_mean(&model, model.source());
    if let (Err(error), false) = (&mean, args.common.quiet) {
        common::to_stderr(&format!("no mean of the training part, so that of what is known of each image: {error}\n"));
    }
    let options = InpaintOptions { seed, rounds: args.rounds, mean: mean.ok(), ..InpaintOptions::default() };
    let session = Session::new(model);
    let Inpainted { mut masked, filled, figures } =
        pool.threads().run(|split| inpaint(&mut session.clone().on(split), &samples, &mask, &options, split))?;
    args.page.write(&args.common, |path| {
        let settings = [
            ("mask", Some(args.mask.clone())),
            ("rounds", Some(args.rounds.to_string())),
            ("count", args.count.map(|count| count.to_string())),
            ("seed", Some(seed.to_string())),
        ];
        let origin = page::origin(session.model(), args.data.as_deref(), &settings, pool.count());
        let originals = samples.singles(SHOWN);
        let layers = Layers {
            originals: &originals,
            spoilt: Some(&masked),
            repaired: &filled,
            range: dataset.raw_range(),
            samples: samples.len(),
        };
        pages::inpaint(session.model(), &layers, &figures, &origin)?.write(path)
    })?;
    let picture = || {
        let originals = samples.singles(SHOWN);
        masked.truncate(originals.len());
        grey_hidden(&mut masked, &originals);
        layers_png(session.model(), dataset.raw_range(), &[&originals, &masked, &filled])
    };
    let table = || Ok(Table { model: session.model(), numbers: Numbers::Singles(&filled) });
    output::put(&out, picture, table)?;
    let put = Put {
        figures: &figures,
        mask: &args.mask,
        samples: samples.len(),
        part,
        threads: pool.count(),
        run: args.run.display().to_string(),
        out: out.display().to_string(),
    };
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => common::json(&put)?,
        (false, true) => format!("{}\n", put.out),
        (false, false) => {
            let notes: String = dataset.notes().iter().map(|note| format!("{note}\n")).collect();
            format!("{notes}{}written: {}\n", summary(&put), put.out)
        }
    })
}

/// The figures for people.
fn summary(put: &Put<'_>) -> String {
    let Filling { psnr, psnr_mean_fill, psnr_median, hidden, rounds, method } = *put.figures;
    let how = match method {
        Method::Imputation => "by weighted draws of the code".to_owned(),
        Method::Masking => "by its reconstruction, as it was trained on masked inputs".to_owned(),
        Method::Projection => format!("by projection in {}", common::counted(rounds as u64, "round")),
    };
    let mut text = format!(
        "{} of the {} part, {:.1} % hidden, filled {how}\n",
        common::counted(put.samples as u64, "image"),
        put.part,
        100.0 * hidden
    );
    if let (Some(psnr), Some(mean), Some(median)) = (psnr, psnr_mean_fill, psnr_median) {
        let figure = common::figure;
        text += &format!(
            "psnr of the hidden part {} dB; the mean image reaches {} dB, medians of neighbours {} dB\n",
            figure(psnr),
            figure(mean),
            figure(median)
        );
    }
    text
}
