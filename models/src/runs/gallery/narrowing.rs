//! Compression at two rates, beside JPEG, and codes of two numbers, beside principal components.

use super::part::{Part, decibels};
use super::studio::Studio;
use crate::Result;
use crate::applications::codes::{Coded, Plane, encode_rows, neighbourhoods, plane_of};
use crate::applications::compress::{Rate, compress, decompress, figures};
use crate::applications::picture::{SHOWN, layers_png};
use crate::figure::short;
use crate::linalg::Pca;
use crate::report::plot::Scatter;

/// Bits of a number of the code.
const RATES: [(f64, &str, &str); 2] = [(5.0, "bytes_fine", "psnr_fine"), (2.0, "bytes_coarse", "psnr_coarse")];
/// Neighbours that are compared.
const NEAREST: usize = 12;
/// Points that neighbours are compared of.
const COMPARED: usize = 1000;

/// Both.
pub(super) fn narrowing(studio: &Studio<'_>) -> Result<Part> {
    let mut session = studio.narrow()?;
    let size = session.model().code_size();
    let originals = studio.some(&session, SHOWN)?.singles(SHOWN);
    let mut layers = vec![originals];
    let mut said = Vec::new();
    let mut measured = Vec::new();
    for (bits, bytes, psnr) in RATES {
        let file = compress(&mut session, &studio.test, &studio.tried, Some(Rate::Bits(bits)))?;
        let found = figures(&mut session, &studio.test, &studio.tried, &file)?;
        let made = decompress(&mut session, &file.bytes, "the file")?;
        layers.push(made.into_iter().take(layers[0].len()).collect());
        let jpeg = found.jpeg_mosaic.map_or_else(String::new, |jpeg| {
            format!(
                " (JPEG of all images as one mosaic takes {:.1} bytes for {:.1} dB)",
                jpeg.bytes_per_image, jpeg.psnr
            )
        });
        said.push(format!(
            "at {bits} bits a number {:.1} bytes an image for {}{jpeg}",
            found.bytes_per_image,
            decibels(found.psnr)
        ));
        measured.push((bytes, found.bytes_per_image));
        measured.extend(found.psnr.map(|ratio| (psnr, ratio)));
    }
    let layers: Vec<&[f32]> = layers.iter().map(Vec::as_slice).collect();
    let png = layers_png(session.model(), studio.test.raw_range(), &layers)?;
    let part = Part::text(format!(
        "A code that is narrower than the data is a compression of them. The {size} numbers are quantised, more finely \
         where the decoder looks closely, and go through an arithmetic coder; whoever has the model gets the images \
         back. JPEG, which knows nothing of these images, is shown at the quality whose size is nearest, which \
         may be its smallest."
    ))
    .picture(
        png,
        "Images, and what comes back at two rates, below each other",
        format!("Originals; {}; {}.", said[0], said[1]),
    );
    let part = measured.into_iter().fold(part, |part, (name, value)| part.figure(name, value));
    plane(studio, part)
}

/// Codes of two numbers as points.
fn plane(studio: &Studio<'_>, part: Part) -> Result<Part> {
    let mut session = studio.fit(&studio.train, "undercomplete", &[("hidden", "128,64"), ("code", "2")], 300_000)?;
    let material = &studio.train;
    let coded = encode_rows(&mut session, &studio.test, &studio.tried)?;
    let pca =
        Pca::fit(&material.dataset, Some(&material.rows), &session.model().data().preprocessing, 2, studio.split)?;
    let of_pca = plane_of(&pca, session.model(), &studio.test, &coded.rows, studio.split)?;
    let shares = of_pca.shares.map_or(0.0, |[a, b]| 100.0 * (a + b));
    let near = |points: &Coded| neighbourhoods(session.model(), &studio.test, &points.first(COMPARED), NEAREST);
    let projected =
        Coded { codes: of_pca.points.iter().flat_map(|&(x, y)| [x as f32, y as f32]).collect(), ..coded.clone() };
    let (own, linear) = (near(&coded)?.trustworthiness, near(&projected)?.trustworthiness);
    let coloured = if coded.labels.is_some() { " Coloured by class, which no model was told." } else { "" };
    let points = coded.plane(studio.split)?;
    let part = part.paragraph(
        "Narrowed to two numbers, a code is a point on paper. A deep autoencoder may bend the plane that it lays \
         through the data, principal components may not. Trustworthiness says whether neighbours on paper are \
         neighbours in the data: 1 if all are, about one half by chance.",
    );
    Ok(part
        .plot(
            scatter(studio, &coded, points, ("Codes of an autoencoder", "code 1", "code 2"))?,
            format!("Codes of two numbers: trustworthiness {}.{coloured}", short(own)),
        )
        .plot(
            scatter(studio, &coded, of_pca, ("Principal components", "first component", "second component"))?,
            format!(
                "The first two principal components, which have {shares:.0} % of the variance: trustworthiness {}.",
                short(linear)
            ),
        )
        .figure("trustworthiness_codes", own)
        .figure("trustworthiness_pca", linear))
}

fn scatter(studio: &Studio<'_>, coded: &Coded, plane: Plane, (title, x, y): (&str, &str, &str)) -> Result<String> {
    let labels = coded.labels.as_deref().unwrap_or_default();
    let most = labels.iter().max().map_or(0, |&most| most + 1);
    let plot = Scatter {
        title: title.into(),
        description: format!("{} points.", plane.points.len()),
        x: x.into(),
        y: y.into(),
        points: plane.points,
        classes: labels.iter().map(|&label| label as usize).collect(),
        names: (0..most).map(|label| studio.class(label)).collect(),
    };
    plot.to_svg()
}
