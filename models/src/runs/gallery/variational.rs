//! Variational autoencoders: new images, the plane of codes of two numbers, and ways between images.

use super::part::Part;
use super::studio::Studio;
use crate::Result;
use crate::applications::interpolate::{Way, interpolate};
use crate::applications::manifold::{normal_quantiles, plane};
use crate::applications::picture::grid_png;
use crate::applications::samples::Samples;
use crate::model::Session;

/// New images, in rows of twelve.
const NEW: usize = 60;
/// Images along a side of the plane.
const SIDE: usize = 12;
/// Ways, and images on each.
const WAYS: usize = 6;
const STEPS: usize = 12;

/// Samples, the plane, and ways.
pub(super) fn variational(studio: &Studio<'_>) -> Result<Part> {
    let mut session = studio.variational()?;
    let range = studio.test.raw_range();
    let new = session.sample(NEW, None, studio.options.seed)?.to_vec();
    let codes = session.model().code_size();
    let part = Part::text(
        "The code of a variational autoencoder is a normal distribution, kept near the prior N(0, I) by a divergence. \
         So the decoder is at home everywhere that the prior is likely: codes drawn from it give new images, and the \
         way from one code to another leads over images too.",
    )
    .picture(
        grid_png(session.model(), range, &new, STEPS)?,
        "New images in rows",
        format!("{NEW} images that nobody wrote: codes of {codes} numbers drawn from the prior, decoded."),
    );
    let part = grid(studio, part)?;
    ways(studio, &mut session, part)
}

/// The plane of codes of two numbers.
fn grid(studio: &Studio<'_>, part: Part) -> Result<Part> {
    let mut flat = studio.fit(&studio.train, "variational", &[("hidden", "256"), ("code", "2")], 300_000)?;
    let places = normal_quantiles(SIDE);
    let images = plane(&mut flat, &places, &places, None)?;
    Ok(part.picture(
        grid_png(flat.model(), studio.test.raw_range(), &images, SIDE)?,
        "A square of decoded codes of two numbers",
        format!(
            "A code of two numbers, decoded at {SIDE} x {SIDE} quantiles of the prior, so that each image stands for \
             as much of it as any other. Classes are regions, and between them one becomes another."
        ),
    ))
}

/// Straight ways and ways along a sphere.
fn ways(studio: &Studio<'_>, session: &mut Session, part: Part) -> Result<Part> {
    let (first, second) = ends(studio);
    let model = session.model();
    let (first, second) = (Samples::read(model, &studio.test, &first)?, Samples::read(model, &studio.test, &second)?);
    let mut part = part;
    let lengths = |codes: &[f32], size: usize| {
        let middle = codes.chunks_exact(size * STEPS).map(|way| &way[STEPS / 2 * size..][..size]);
        let norms: Vec<f64> =
            middle.map(|code| code.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()).collect();
        norms.iter().sum::<f64>() / norms.len().max(1) as f64
    };
    for (way, name, figure) in
        [(Way::Linear, "Straight", "norm_halfway_linear"), (Way::Spherical, "Along a sphere", "norm_halfway_spherical")]
    {
        let found = interpolate(session, (&first, &second), STEPS, way)?;
        let norm = lengths(&found.codes, session.model().code_size());
        let png = grid_png(session.model(), studio.test.raw_range(), &found.samples, STEPS)?;
        let why = match way {
            Way::Linear => "The straight way leads inside the sphere near which codes of the prior lie",
            Way::Spherical => "The way along a sphere keeps the length of codes, or changes it evenly",
        };
        let caption = format!("{name}. {why}: in the middle the codes here have a norm of {norm:.2} on average.");
        let alt = format!("Rows of images, from one to another. {name}");
        part = part.picture(png, alt, caption).figure(figure, norm);
    }
    Ok(part)
}

/// Pairs of test images, of two classes each where there are classes.
fn ends(studio: &Studio<'_>) -> (Vec<u32>, Vec<u32>) {
    let labels = studio.labels(&studio.tried).unwrap_or_default();
    let mut left: Vec<usize> = (0..studio.tried.len()).collect();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    while first.len() < WAYS && left.len() > 1 {
        let one = left.remove(0);
        let other = left.iter().position(|&other| labels.get(one) != labels.get(other)).unwrap_or(0);
        let other = left.remove(other);
        first.extend(studio.tried.get(one));
        second.extend(studio.tried.get(other));
    }
    (first, second)
}
