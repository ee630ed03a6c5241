//! Denoising, beside a median filter, and inpainting.

use super::part::{Part, decibels};
use super::studio::Studio;
use crate::Result;
use crate::applications::denoise::denoise_noise;
use crate::applications::inpaint::{InpaintOptions, Inpainted, inpaint, training_mean};
use crate::applications::mask::Mask;
use crate::applications::median::median_filter;
use crate::applications::picture::{SHOWN, layers_png};
use crate::metrics::Corrupter;
use crate::model::Session;
use crate::objective::CorruptionName;

/// The share of pixels that noise puts to 0, in training and here.
const LEVEL: f64 = 0.5;

/// Both.
pub(super) fn repair(studio: &Studio<'_>) -> Result<Part> {
    let part = Part::text(
        "A denoising autoencoder knows what images look like and not what noise does, so what it makes of a damaged \
         image is nearer to the whole one. The figures are peak signal-to-noise ratios over all images tried, a larger \
         one being better; the median filter is the better one of two window sizes.",
    );
    holes(studio, noise(studio, part)?)
}

/// Originals, what noise leaves of them, what a median filter makes of that, and what the model does.
fn noise(studio: &Studio<'_>, part: Part) -> Result<Part> {
    let mut session = studio.denoising()?;
    let (features, split) = (studio.features(), studio.split);
    let unit = session.model().data().preprocessing.scaler().is_unit();
    let mut noise = Corrupter::new(CorruptionName::Masking, LEVEL, features, unit)?;
    let samples = studio.some(&session, usize::MAX)?;
    let done = denoise_noise(&mut session, &samples, &mut noise, studio.options.seed, split)?;
    let figures = &done.figures;
    let noisy = &done.noisy[..done.noisy.len().min(SHOWN * features)];
    let filtered = median_filter(noisy, studio.image(), figures.median_window.unwrap_or(3))?;
    let originals = samples.singles(SHOWN);
    let layers = [&originals, noisy, &filtered, &done.cleaned];
    let caption = format!(
        "Denoising. In each group of rows: originals; half of the pixels masked ({}); that under a median filter ({}); \
         that as the denoising autoencoder gives it back ({}).",
        decibels(figures.psnr_noisy),
        decibels(figures.psnr_median),
        decibels(figures.psnr)
    );
    let png = layers_png(session.model(), studio.test.raw_range(), &layers)?;
    let part = part.picture(png, "Images, noisy, filtered and cleaned, below each other", caption);
    Ok(put(
        part,
        &[("psnr_noisy", figures.psnr_noisy), ("psnr_median", figures.psnr_median), ("psnr_denoised", figures.psnr)],
    ))
}

/// Pixels hidden at random, filled by the denoising autoencoder; a square, filled by the variational one.
fn holes(studio: &Studio<'_>, part: Part) -> Result<Part> {
    let side = studio.image().height.min(studio.image().width) * 3 / 8;
    let square = format!("square:{}", side.max(1));
    let ways = [
        (
            studio.denoising()?,
            "random:0.5",
            "Half of the pixels are hidden, and the denoising autoencoder fills them in one go, for it was trained on \
             masked images",
            ["psnr_random_filled", "psnr_random_mean"],
        ),
        (
            studio.variational()?,
            square.as_str(),
            "A square is hidden, and the variational autoencoder fills it by reconstructing the image again and again, \
             with what is known put back each time",
            ["psnr_square_filled", "psnr_square_mean"],
        ),
    ];
    let mut part = part;
    for (session, spec, words, names) in ways {
        part = hole(studio, part, session, spec, words, names)?;
    }
    Ok(part)
}

fn hole(
    studio: &Studio<'_>,
    part: Part,
    mut session: Session,
    spec: &str,
    words: &str,
    [filled, mean]: [&'static str; 2],
) -> Result<Part> {
    let mask = Mask::parse(spec, studio.image())?;
    let samples = studio.some(&session, usize::MAX)?;
    let options = InpaintOptions {
        seed: studio.options.seed,
        mean: training_mean(session.model(), &studio.train.settings).ok(),
        ..InpaintOptions::default()
    };
    let Inpainted { mut masked, filled: made, figures } =
        inpaint(&mut session, &samples, &mask, &options, studio.split)?;
    let originals = samples.singles(SHOWN);
    masked.truncate(originals.len());
    let (low, high) = originals.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    // Hidden pixels are shown between the darkest and the brightest.
    masked.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = 0.5 * (low + high));
    let png = layers_png(session.model(), studio.test.raw_range(), &[&originals, &masked, &made])?;
    let caption = format!(
        "Inpainting. {words}. Originals, what is known (hidden pixels grey), and what is filled in. Of the hidden \
         pixels alone: {}, the mean image {}, medians of known neighbours {}.",
        decibels(figures.psnr),
        decibels(figures.psnr_mean_fill),
        decibels(figures.psnr_median)
    );
    let part = part.picture(png, "Images, with hidden pixels, and filled, below each other", caption);
    Ok(put(part, &[(filled, figures.psnr), (mean, figures.psnr_mean_fill)]))
}

/// Those figures that there are.
fn put(part: Part, figures: &[(&'static str, Option<f64>)]) -> Part {
    figures.iter().fold(part, |part, &(name, value)| value.map_or(part.clone(), |value| part.figure(name, value)))
}
