//! What first layers answer to: of a plain autoencoder, of denoising ones and of a sparse one, beside each other.

use super::part::Part;
use super::studio::Studio;
use crate::Result;
use crate::applications::filters::{filters_png, first_layer_filters};
use crate::data::ImageShape;
use crate::model::Session;

/// Hidden units, all of which are drawn.
const UNITS: usize = 100;
/// Samples that each model sees.
const SAMPLES: usize = 300_000;

/// The filters of four models of one layer.
pub(super) fn filters(studio: &Studio<'_>) -> Result<Part> {
    // More units than numbers make a code that can copy; the type wants to be told.
    let plain = if UNITS > studio.features() { "overcomplete" } else { "undercomplete" };
    let masks = |level| [("corruption", "masking"), ("corruption_level", level)];
    let shown = [
        ("Plain", "smoothness_plain", train(studio, plain, &[("l2", "0")])?),
        ("Denoising, q = 0.25", "smoothness_masking_25", train(studio, "denoising", &masks("0.25"))?),
        ("Denoising, q = 0.5", "smoothness_masking_50", train(studio, "denoising", &masks("0.5"))?),
        (
            "Sparse, rho = 0.05",
            "smoothness_sparse",
            train(
                studio,
                "sparse",
                &[("sparsity", "0.05"), ("sparsity_weight", "3"), ("batch", "256"), ("lr", "1e-2")],
            )?,
        ),
    ];
    let image = studio.image();
    let mut part = Part::text(format!(
        "Of all images of norm 1, w / |w| fires a unit with the weights w most; here are those of all {UNITS} units of \
         four autoencoders with one layer of sigmoid units and tied weights. Grey is 0, white a positive weight, black \
         a negative one, each unit stretched to its largest. A denoising \
         autoencoder, of whose input each pixel is 0 with probability q, cannot rely on single pixels, which draws \
         its units towards strokes. How smooth they are is measured by how much neighbouring weights correlate (0 for \
         noise, 1 for what is smooth; mean over units)."
    ));
    for (name, figure, session) in &shown {
        let smooth = smoothness(session, image);
        let Some(png) = filters_png(session.model())? else { continue };
        let words = format!("{name}: neighbouring weights correlate by {smooth:.2}.");
        part = part.picture(png, format!("The weights of {UNITS} units as small images. {name}"), words);
        part = part.figure(figure, smooth);
    }
    Ok(part)
}

fn train(studio: &Studio<'_>, kind: &str, own: &[(&str, &str)]) -> Result<Session> {
    let units = UNITS.to_string();
    let keys = [
        ("hidden", ""),
        ("code", &units),
        ("code_activation", "sigmoid"),
        ("tied", "true"),
        ("init", "uniform"),
        ("lr", "2e-3"),
    ];
    studio.fit(&studio.train, kind, &[&keys[..], own].concat(), SAMPLES)
}

/// How much weights of neighbouring pixels have in common, the mean over units: 0 for noise, near 1 for what is smooth.
fn smoothness(session: &Session, image: ImageShape) -> f64 {
    let Some((filters, _)) = first_layer_filters(session.model()) else { return 0.0 };
    let features = session.model().data().features.max(1);
    let units = filters.len() / features;
    filters.chunks_exact(features).map(|filter| correlation(filter, image)).sum::<f64>() / units.max(1) as f64
}

/// The correlation of the weights of pixels side by side and above each other, of one unit.
fn correlation(filter: &[f32], image: ImageShape) -> f64 {
    let mean = filter.iter().map(|&w| f64::from(w)).sum::<f64>() / filter.len().max(1) as f64;
    let weight = |place: usize| filter.get(place).map_or(0.0, |&w| f64::from(w) - mean);
    let (mut products, mut squares) = (0.0, 0.0);
    let mut pair = |a: f64, b: f64| {
        products += a * b;
        squares += 0.5 * (a * a + b * b);
    };
    for place in 0..filter.len() {
        let (x, y) = (place % image.width.max(1), place / image.width.max(1) % image.height.max(1));
        if x + 1 < image.width {
            pair(weight(place), weight(place + 1));
        }
        if y + 1 < image.height {
            pair(weight(place), weight(place + image.width));
        }
    }
    if squares > 0.0 { products / squares } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_smooth_correlates_with_itself() {
        let image = ImageShape { channels: 1, height: 6, width: 8 };
        let filter = |of: &dyn Fn(usize, usize) -> f32| (0..48).map(|at| of(at % 8, at / 8)).collect::<Vec<_>>();
        let board = filter(&|x, y| if (x + y) % 2 == 0 { 1.0 } else { -1.0 });
        assert!((correlation(&board, image) + 1.0).abs() < 1e-9);
        let half = filter(&|x, _| if x < 4 { 1.0 } else { -1.0 });
        assert!(correlation(&half, image) > 0.8);
        assert_eq!(correlation(&[2.0; 48], image), 0.0);
    }
}
