//! Samples that were repaired: noise taken away, hidden parts filled.

use super::origin::{Origin, number, some};
use crate::Result;
use crate::applications::denoise::Cleanness;
use crate::applications::inpaint::{Filling, Method};
use crate::applications::picture::{grey_hidden, layers_png};
use crate::figure::grouped;
use crate::model::Model;
use crate::report::page::{Figure, Page, Section};

/// Samples before and after, raw, `[n, features]` each.
#[derive(Debug, Clone, Copy)]
pub struct Layers<'a> {
    /// As they were.
    pub originals: &'a [f32],
    /// With noise, or with NaN where they are hidden; none of samples that were noisy already.
    pub spoilt: Option<&'a [f32]>,
    /// What the model makes of them.
    pub repaired: &'a [f32],
    /// What is black and what is white, of data whose scaling does not say so.
    pub range: Option<(f64, f64)>,
    /// How many samples there were in all.
    pub samples: usize,
}

impl Layers<'_> {
    fn png(&self, model: &Model) -> Result<Vec<u8>> {
        let mut spoilt = self.spoilt.map(|spoilt| spoilt[..spoilt.len().min(self.originals.len())].to_vec());
        spoilt.iter_mut().for_each(|spoilt| grey_hidden(spoilt, self.originals));
        let layers: Vec<&[f32]> =
            [Some(self.originals), spoilt.as_deref(), Some(self.repaired)].into_iter().flatten().collect();
        layers_png(model, self.range, &layers)
    }

    fn of(&self, origin: &Origin) -> String {
        format!("{} samples of {}", grouped(self.samples), origin.data)
    }
}

/// The page of `denoise`; without figures, of samples that were noisy already.
///
/// # Errors
/// Samples that cannot be drawn.
pub fn denoise(model: &Model, layers: &Layers<'_>, figures: Option<&Cleanness>, origin: &Origin) -> Result<Page> {
    let mut reached = Section::new("What is left of the noise");
    match figures {
        Some(figures) => reached = reached.figures(cleanness(figures)),
        None => reached = reached.text("The samples were noisy already: what is left cannot be measured."),
    }
    let (alt, caption) = match layers.spoilt {
        Some(_) => (
            "Samples in three layers: originals, noisy ones, cleaned ones",
            "Originals; below each the same with noise; below that what the model makes of it.",
        ),
        None => {
            ("Noisy samples, each above its cleaned one", "The samples, and below each what the model makes of it.")
        }
    };
    let picture = Section::new("Samples").picture(layers.png(model)?, alt, caption);
    let page = origin.page("Noise taken away", model, &layers.of(origin)).section(reached).section(picture);
    Ok(page.section(origin.section(model)))
}

fn cleanness(figures: &Cleanness) -> Vec<Figure> {
    let window = figures.median_window.map_or_else(String::new, |side| format!(" of {side}x{side}"));
    let median = format!("Of the noisy ones under a median filter{window}.");
    let mut all = Vec::new();
    let db = " dB";
    all.extend(some("PSNR, noisy", figures.psnr_noisy, db, "Peak signal to noise of the noisy samples."));
    all.extend(some("PSNR, cleaned", figures.psnr, db, "The same of what the model makes of them; more is better."));
    all.extend(some("PSNR, median filter", figures.psnr_median, db, median));
    let changed = "Of the numbers alone that the noise changed.";
    all.extend(some("changed numbers, noisy", figures.psnr_changed_noisy, db, changed));
    all.extend(some("changed numbers, cleaned", figures.psnr_changed, db, changed));
    all.extend(some("changed numbers, median filter", figures.psnr_changed_median, db, changed));
    all.push(number("squared error, noisy", figures.mse_noisy, "", "The mean, of scaled values."));
    all.push(number("squared error, cleaned", figures.mse, "", "The same of the cleaned ones."));
    all
}

/// The page of `inpaint`.
///
/// # Errors
/// Samples that cannot be drawn.
pub fn inpaint(model: &Model, layers: &Layers<'_>, figures: &Filling, origin: &Origin) -> Result<Page> {
    let how = match figures.method {
        Method::Imputation => "by the weighted mean over draws of the code".to_owned(),
        Method::Masking => "by its reconstruction, as it was trained on masked inputs".to_owned(),
        Method::Projection => format!("by projection, in {} rounds", figures.rounds),
    };
    let mut all =
        vec![number("hidden", 100.0 * figures.hidden, " %", format!("The share of the pixels, filled {how}."))];
    let psnr = "Peak signal to noise of the hidden parts alone; more is better.";
    all.extend(some("PSNR", figures.psnr, " dB", psnr));
    all.extend(some("PSNR, mean image", figures.psnr_mean_fill, " dB", "The same where the mean image fills them."));
    let median = "The same where medians of known neighbours fill them.";
    all.extend(some("PSNR, medians", figures.psnr_median, " dB", median));
    let picture = Section::new("Samples").picture(
        layers.png(model)?,
        "Samples in three layers: originals, what is known of them, filled ones",
        "Originals; below each what is known of it, hidden pixels in grey; below that the filled one.",
    );
    let page = origin.page("Hidden parts filled", model, &layers.of(origin));
    let page = page.section(Section::new("How well they are filled").figures(all)).section(picture);
    Ok(page.section(origin.section(model)))
}
