//! `narrows compress`: samples to a small file of quantised codes.

use std::path::PathBuf;

use serde::Serialize;

use super::common::{self, Common};
use super::page::{self, PageArgs};
use crate::applications::compress::{Figures, Rate, compress_source};
use crate::applications::pages;
use crate::error::Result;
use crate::files;
use crate::model::Session;

/// Compress images, or other samples, to a small file of a model's codes
///
/// For example: narrows compress runs/undercomplete-1 --data digits --out digits.nrw --report report.html
///
/// Encodes the samples (of a source with a test part, that part), quantises every number of their codes and codes the
/// whole numbers by how often they come; entries of a codebook are coded as they are. `narrows decompress` brings the
/// samples back, as near as the model reconstructs them, from the file and the model alone. Beside the figures stands
/// what JPEG reaches in as many bytes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A run directory, or a model.safetensors
    run: PathBuf,
    /// What to compress; the model's own data if not given
    #[arg(long, value_name = "SRC")]
    data: Option<String>,
    /// The file
    #[arg(long, value_name = "FILE.nrw")]
    out: PathBuf,
    /// Bits for each number of a code, on average; if neither this nor --step is given, as few as cost 0.1 dB
    #[arg(long, value_name = "B", conflicts_with = "step", allow_negative_numbers = true)]
    bits: Option<f64>,
    /// The step of quantisation, in deviations of a number of the code that weighs like the average
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    step: Option<f64>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    common: Common,
}

/// The figures by the names that they have in JSON.
#[derive(Serialize)]
struct Squeezed<'a> {
    #[serde(flatten)]
    figures: &'a Figures,
    run: String,
    out: String,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<()> {
    let session = Session::new(common::load(&args.run, args.common.quiet)?);
    let pool = args.common.pool()?;
    let data = args.data.clone().unwrap_or_else(|| session.model().source().source.clone());
    let rate = args.bits.map(Rate::Bits).or(args.step.map(Rate::Step));
    let source = pool.threads().run(|split| compress_source(&mut session.clone().on(split), &data, rate))?;
    let (figures, notes) = (&source.figures, source.dataset.notes());
    files::write_bytes_atomically(&args.out, &source.compressed.bytes)?;
    args.page.write(&args.common, |path| {
        let number = |value: Option<f64>| value.map(|value| value.to_string());
        let settings = [("bits", number(args.bits)), ("step", number(args.step))];
        let origin = page::origin(session.model(), args.data.as_deref(), &settings, pool.count());
        pool.threads().run(|split| pages::compress(&mut session.clone().on(split), &source, &origin))?.write(path)
    })?;
    let out = args.out.display().to_string();
    common::to_stdout(&match (args.common.json, args.common.quiet) {
        (true, _) => common::json(&Squeezed { figures, run: args.run.display().to_string(), out })?,
        (false, true) => format!("{out}\n"),
        (false, false) => {
            notes.iter().for_each(|note| common::to_stderr(&format!("{note}\n")));
            summary(figures, &out)
        }
    })
}

/// The figures for people.
fn summary(figures: &Figures, out: &str) -> String {
    let mut text = format!(
        "{}: {} bytes, {} of them codes; {} bytes a sample, 1/{} of a byte a value\n",
        common::counted(figures.images as u64, "sample"),
        common::count(figures.bytes as u64),
        common::count(figures.payload_bytes as u64),
        common::figure(figures.bytes_per_image),
        common::figure(figures.ratio),
    );
    let step = figures.step.map(|step| format!(", step {}", common::figure(step))).unwrap_or_default();
    text += &format!("{} bits a number of the code{step}", common::figure(figures.bits_per_code));
    text += &figures.bits_per_pixel.map(|bits| format!(", {} bits a pixel", common::figure(bits))).unwrap_or_default();
    text.push('\n');
    text += &figures.psnr.map(|psnr| format!("PSNR {psnr:.2} dB\n")).unwrap_or_default();
    for (what, jpeg) in [("one mosaic", figures.jpeg_mosaic), ("a file each", figures.jpeg_each)] {
        if let Some(jpeg) = jpeg {
            let (bytes, psnr) = (common::figure(jpeg.bytes_per_image), jpeg.psnr);
            text += &format!("JPEG, {what}: {bytes} bytes an image, quality {}, PSNR {psnr:.2} dB\n", jpeg.quality);
        }
    }
    format!("{text}file: {out}\n")
}
