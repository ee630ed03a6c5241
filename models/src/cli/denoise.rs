//! `narrows denoise`: what a model makes of noisy samples.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use serde::Serialize;

use super::common::{self, Common};
use super::output::{self, Numbers, Table};
use super::page::{self, PageArgs};
use crate::applications::denoise::{Cleanness, denoise, denoise_noise};
use crate::applications::pages::{self, Layers};
use crate::applications::picture::{SHOWN, layers_png};
use crate::applications::samples::{Samples, pick};
use crate::data::load_for;
use crate::error::Result;
use crate::metrics::Corrupter;
use crate::model::Session;
use crate::objective::CorruptionName;
use crate::settings::Value;

/// Clean noisy samples
///
/// For example: narrows denoise runs/denoising-1 --data digits --noise gaussian --level 0.3 --report report.html
///
/// With --noise clean samples are corrupted and cleaned again, and the figures say what is left of the noise, beside what
/// a median filter leaves. Without it the samples are noisy already: they are cleaned, and nothing is measured. A picture
/// shows originals, noisy ones below them, and cleaned ones below these; a table has the cleaned ones.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// Where the samples come from; the model's own data if not given
    #[arg(long, value_name = "SRC")]
    data: Option<String>,
    /// Corrupt clean samples first: gaussian, masking, masking-exact or salt-and-pepper
    #[arg(long, value_name = "NAME")]
    noise: Option<String>,
    /// Probability of the noise (gaussian: deviation), for samples as the model sees them
    #[arg(long, value_name = "X", requires = "noise", default_value_t = 0.25, allow_negative_numbers = true)]
    level: f64,
    /// How many samples, drawn by --seed; all if not given
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    count: Option<usize>,
    /// What is written: a picture ending in .png, or a table; samples/denoise.png in the run if not given
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
    figures: Option<&'a Cleanness>,
    noise: Option<&'a str>,
    level: Option<f64>,
    samples: usize,
    part: &'a str,
    threads: usize,
    run: String,
    out: String,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let noise = args.noise.as_deref().map(|name| CorruptionName::read("noise", name)).transpose()?;
    let model = common::load(&args.run, args.common.quiet)?;
    let info = model.data();
    let (features, unit) = (info.features, info.preprocessing.is_unit());
    let out = output::place(args.out.as_deref(), &args.run, "denoise", info.image.is_some())?;
    let mut noise = noise.map(|kind| Corrupter::new(kind, args.level, features, unit)).transpose()?;
    let (pool, seed) = (args.common.pool()?, args.common.seed.unwrap_or(0));
    let data = args.data.as_deref().unwrap_or(&model.source().source);
    let (dataset, rows, part) = load_for(model.source(), data, &model.data().known())?;
    let rows = pick(&rows, args.count, seed);
    let samples = Samples::read(&model, &dataset, &rows)?;
    if noise.is_some() {
        model.check_targets(&dataset, &rows)?;
    }
    let session = Session::new(model);
    let (noisy, cleaned, figures) = pool.threads().run(|split| -> Result<_> {
        let mut session = session.clone().on(split);
        match &mut noise {
            None => Ok((None, denoise(&mut session, &samples)?, None)),
            Some(noise) => {
                let made = denoise_noise(&mut session, &samples, noise, seed, split)?;
                Ok((Some(made.noisy), made.cleaned, Some(made.figures)))
            }
        }
    })?;
    let picture = || {
        let originals = samples.singles(SHOWN);
        let layers: Vec<&[f32]> =
            [Some(&originals), noisy.as_ref(), Some(&cleaned)].into_iter().flatten().map(|layer| &layer[..]).collect();
        layers_png(session.model(), dataset.raw_range(), &layers)
    };
    let table = || Ok(Table { model: session.model(), numbers: Numbers::Singles(&cleaned) });
    output::put(&out, picture, table)?;
    args.page.write(&args.common, |path| {
        let origin = page::origin(session.model(), args.data.as_deref(), &args.settings(seed), pool.count());
        let originals = samples.singles(SHOWN);
        let layers = Layers {
            originals: &originals,
            spoilt: noisy.as_deref(),
            repaired: &cleaned,
            range: dataset.raw_range(),
            samples: samples.len(),
        };
        pages::denoise(session.model(), &layers, figures.as_ref(), &origin)?.write(path)
    })?;
    let put = Put {
        figures: figures.as_ref(),
        noise: args.noise.as_deref(),
        level: args.noise.as_ref().map(|_| args.level),
        samples: samples.len(),
        part,
        threads: pool.count(),
        run: args.run.display().to_string(),
        out: out.display().to_string(),
    };
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => common::json(&put)?,
        (false, true) => format!("{}\n", put.out),
        (false, false) => text(&put, dataset.notes()),
    })
}

impl Args {
    /// The settings in effect, for a page.
    fn settings(&self, seed: u64) -> [(&'static str, Option<String>); 4] {
        [
            ("noise", self.noise.clone()),
            ("level", self.noise.as_ref().map(|_| self.level.to_string())),
            ("count", self.count.map(|count| count.to_string())),
            ("seed", Some(seed.to_string())),
        ]
    }
}

/// The result for people.
fn text(put: &Put<'_>, notes: &[String]) -> String {
    format!(
        "{}{} of the {} part cleaned\n{}written: {}\n",
        notes.iter().map(|note| format!("{note}\n")).collect::<String>(),
        common::counted(put.samples as u64, "sample"),
        put.part,
        put.figures.map_or_else(String::new, summary),
        put.out
    )
}

/// The figures for people.
fn summary(figures: &Cleanness) -> String {
    let figure = common::figure;
    let Cleanness { psnr_noisy: Some(noisy), psnr: Some(cleaned), .. } = *figures else {
        return format!(
            "mean squared error {} with noise, {} cleaned\n",
            figure(figures.mse_noisy),
            figure(figures.mse)
        );
    };
    let mut text = format!("psnr {} dB with noise, {} dB cleaned", figure(noisy), figure(cleaned));
    if let (Some(median), Some(side)) = (figures.psnr_median, figures.median_window) {
        text += &format!("; a median filter {side}x{side} reaches {} dB", figure(median));
    }
    text.push('\n');
    if let (Some(noisy), Some(cleaned)) = (figures.psnr_changed_noisy, figures.psnr_changed) {
        text += &format!("of what the noise changed: {} dB, {} dB cleaned", figure(noisy), figure(cleaned));
        if let Some(median) = figures.psnr_changed_median {
            text += &format!("; the filter {} dB", figure(median));
        }
        text.push('\n');
    }
    text
}
