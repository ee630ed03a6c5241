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
const SAMPLES: usize = 200_000;

/// The filters of four models of one layer.
pub(super) fn filters(studio: &Studio<'_>) -> Result<Part> {
    // More units than numbers make a code that can copy; the type wants to be told.
    let plain = if UNITS > studio.features() { "overcomplete" } else { "undercomplete" };
    let masks = |level| [("corruption", "masking"), ("corruption_level", level)];
    let shown = [
        ("Plain", "spread_plain", train(studio, plain, &[("l2", "0")])?),
        ("Denoising, q = 0.25", "spread_masking_25", train(studio, "denoising", &masks("0.25"))?),
        ("Denoising, q = 0.5", "spread_masking_50", train(studio, "denoising", &masks("0.5"))?),
        (
            "Sparse, rho = 0.05",
            "spread_sparse",
            train(studio, "sparse", &[("sparsity", "0.05"), ("sparsity_weight", "3"), ("batch", "256")])?,
        ),
    ];
    let image = studio.image();
    let mut part = Part::text(format!(
        "Of all images of norm 1, x = w / |w| fires a sigmoid unit with the weights w most; here are those of all {UNITS} \
         units of four autoencoders with one hidden layer, trained alike. Grey is 0, white a positive weight, black a \
         negative one, each unit stretched to its largest. Denoising autoencoders get images of which each pixel is put to \
         0 with probability q and must give back the whole one: a unit that looks at a single pixel cannot help where that \
         pixel is missing, so units come to look at strokes. The spread is how far the squares of a unit's weights lie \
         from their centre (root mean square, mean over units), {:.2} pixels for a unit that looks everywhere alike.",
        even(image)
    ));
    for (name, figure, session) in &shown {
        let spread = spread(session, image);
        let Some(png) = filters_png(session.model())? else { continue };
        let words = format!("{name}: spread {spread:.2} pixels.");
        part = part.picture(png, format!("The weights of {UNITS} units as small images. {name}"), words);
        part = part.figure(figure, spread);
    }
    Ok(part)
}

fn train(studio: &Studio<'_>, kind: &str, own: &[(&str, &str)]) -> Result<Session> {
    let units = UNITS.to_string();
    let keys = [("hidden", ""), ("code", &units), ("code_activation", "sigmoid"), ("init", "glorot"), ("lr", "3e-3")];
    studio.fit(&studio.train, kind, &[&keys[..], own].concat(), SAMPLES)
}

/// How far squares of weights lie from their centre: root mean square, in pixels, the mean over units.
fn spread(session: &Session, image: ImageShape) -> f64 {
    let Some((filters, _)) = first_layer_filters(session.model()) else { return 0.0 };
    let features = session.model().data().features.max(1);
    let units = filters.len() / features;
    filters.chunks_exact(features).map(|filter| width(filter, image)).sum::<f64>() / units.max(1) as f64
}

/// The same of one unit.
fn width(filter: &[f32], image: ImageShape) -> f64 {
    let at = |place: usize| {
        let pixel = place % (image.height * image.width).max(1);
        [(pixel / image.width.max(1)) as f64, (pixel % image.width.max(1)) as f64]
    };
    let (mut total, mut first, mut second) = (0.0, [0.0; 2], [0.0; 2]);
    for (place, &weight) in filter.iter().enumerate() {
        let square = f64::from(weight).powi(2);
        total += square;
        for (axis, x) in at(place).into_iter().enumerate() {
            first[axis] += square * x;
            second[axis] += square * x * x;
        }
    }
    if total == 0.0 {
        return 0.0;
    }
    let variance = |axis: usize| second[axis] / total - (first[axis] / total).powi(2);
    (variance(0) + variance(1)).max(0.0).sqrt()
}

/// That of weights that are all alike.
fn even(image: ImageShape) -> f64 {
    let side = |n: usize| ((n * n) as f64 - 1.0) / 12.0;
    (side(image.height) + side(image.width)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_has_no_width() {
        let image = ImageShape { channels: 1, height: 4, width: 6 };
        let mut filter = [0.0; 24];
        assert_eq!(width(&filter, image), 0.0);
        filter[9] = -2.0;
        assert_eq!(width(&filter, image), 0.0);
        assert!((width(&[1.0; 24], image) - even(image)).abs() < 1e-9);
    }
}
