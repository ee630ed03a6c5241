//! Patches of natural images: what a denoising autoencoder makes of them, what weight decay alone does, and what PCA.

use super::part::Part;
use super::studio::{Material, SIDE, Studio};
use crate::Result;
use crate::applications::filters::filters_png;
use crate::data::Rows;
use crate::figure::grouped;
use crate::linalg::Pca;
use crate::report::{Grid, Tile};

/// Units, and components.
const UNITS: usize = 100;
/// Samples that each model sees.
const SAMPLES: usize = 4_000_000;
/// The deviation of the noise.
const NOISE: &str = "0.15";
const DECAY: &str = "1e-3";

/// The patches and three sets of filters.
pub(super) fn patches(studio: &Studio<'_>) -> Result<Part> {
    let Some(material) = &studio.photographs else {
        return Ok(Part::text(
            "Natural images are not part of the program. Give a folder of photographs, --photographs FOLDER, and this \
             section shows patches of them, what the units of a denoising autoencoder answer to, what those of one \
             with weight decay alone do, and the principal components. Two photographs are enough.",
        ));
    };
    let units = UNITS.to_string();
    let keys = [
        ("hidden", ""),
        ("code", units.as_str()),
        ("code_activation", "sigmoid"),
        ("tied", "true"),
        ("loss", "mse"),
        ("output", "linear"),
        ("init", "glorot"),
        ("batch", "100"),
        ("lr", "1e-2"),
    ];
    let noise = [("corruption", "gaussian"), ("corruption_level", NOISE)];
    let denoising = studio.fit(material, "denoising", &[&keys[..], &noise].concat(), SAMPLES)?;
    let decaying = studio.fit(material, "undercomplete", &[&keys[..], &[("l2", DECAY)]].concat(), SAMPLES)?;
    let mut part = Part::text(format!(
        "{} patches of {SIDE} x {SIDE} pixels, cut from whitened photographs. A code of {UNITS} sigmoid units with \
         tied weights that must take Gaussian noise of deviation {NOISE} off them comes to detect edges and bars at a \
         place and of a direction, as cells of the visual cortex do. The same layer with weight decay alone ({DECAY}), \
         and principal components, which are waves over the whole patch, show that this is the noise's doing.",
        grouped(material.rows.len())
    ));
    part = part.picture(some(material)?, "Patches of photographs in a square", "Some of the patches.");
    let shown =
        [(&denoising, format!("Gaussian noise of deviation {NOISE}")), (&decaying, "Weight decay alone".into())];
    for (session, name) in shown {
        let Some(png) = filters_png(session.model())? else { continue };
        let alt = format!("The weights of {UNITS} units as small images. {name}");
        part = part.picture(png, alt, format!("{name}: what each unit answers to most."));
    }
    let preprocessing = &denoising.model().data().preprocessing;
    let pca = Pca::fit(&material.dataset, Some(&material.rows), preprocessing, UNITS, studio.split)?;
    let share = pca.variances().iter().sum::<f64>() / pca.total_variance().max(f64::MIN_POSITIVE);
    let caption = format!(
        "The first {} principal components, the greatest variance first; together they have {:.0} % of it.",
        pca.components(),
        100.0 * share
    );
    Ok(part.picture(components(&pca, material)?, "Principal components as small images", caption))
}

/// Patches, as they are.
fn some(material: &Material) -> Result<Vec<u8>> {
    let rows = &material.rows[..material.rows.len().min(UNITS)];
    let mut raw = vec![0.0; rows.len() * material.dataset.features()];
    material.dataset.read(rows, &mut raw)?;
    let values: Vec<f32> = raw.iter().map(|&x| x as f32).collect();
    draw(&values, material, (0.0, 1.0))
}

/// Components, each stretched to its own largest number.
fn components(pca: &Pca, material: &Material) -> Result<Vec<u8>> {
    let stretched = pca.component_rows().flat_map(|row| {
        let largest = row.iter().fold(f64::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
        row.into_iter().map(move |x| (x / largest) as f32)
    });
    draw(&stretched.collect::<Vec<_>>(), material, (-1.0, 1.0))
}

fn draw(values: &[f32], material: &Material, range: (f32, f32)) -> Result<Vec<u8>> {
    let features = material.dataset.features();
    let count = values.len() / features.max(1);
    let per_row = (count as f64).sqrt().ceil() as usize;
    Grid::samples(values, count, per_row, Tile::new(material.dataset.image(), features)?, range)?.to_png()
}
