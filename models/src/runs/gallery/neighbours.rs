//! Search by the code, beside raw pixels.

use super::part::Part;
use super::studio::{Studio, labels};
use crate::Result;
use crate::applications::neighbours::Neighbours;
use crate::applications::search::{Index, Metric, neighbours_png};
use crate::data::Dataset;
use crate::figure::grouped;
use crate::model::Session;
use narrows_engine::Context;
use narrows_engine::scan::Distance;

/// Queries that are drawn.
const SHOWN: usize = 5;
/// Neighbours of a query.
const NEAREST: usize = 10;

/// Queries with their neighbours, twice.
pub(super) fn neighbours(studio: &Studio<'_>) -> Result<Part> {
    let mut session = studio.narrow()?;
    let material = &studio.train;
    let index =
        Index::build(&mut session, &material.dataset, &material.rows, &material.settings.source, Metric::Cosine)?;
    let samples = studio.some(&session, usize::MAX)?;
    let codes = session.encode(samples.given())?.to_vec();
    let by_code = index.search_codes(studio.split, &codes, NEAREST, None)?;
    let pixels = [
        scaled(studio, &session, &studio.test, &studio.tried)?,
        scaled(studio, &session, &material.dataset, &material.rows)?,
    ];
    let width = studio.features();
    let by_pixels = Neighbours::find(studio.split, Distance::Cosine, [&pixels[0], &pixels[1]], width, NEAREST, None)?;
    let truth = studio.labels(&studio.tried).zip(labels(&material.dataset, &material.rows));
    let precision = |found: &Neighbours| truth.as_ref().and_then(|(wanted, known)| found.precision(wanted, known));
    let said = |found| precision(found).map_or_else(String::new, |share| format!(" Precision at 10: {share:.4}."));
    let size = session.model().code_size();
    let mut part = Part::text(format!(
        "Each row begins with a query, an image of the test part; after it the {NEAREST} images of the training part \
         that are nearest, by the angle between codes of {size} numbers of an autoencoder and by the angle between the \
         {width} pixels. No model was told a class. Precision at 10 is the share of neighbours that are of the query's \
         class, over {} queries; a search by codes compares {:.0} times fewer numbers.",
        grouped(studio.tried.len()),
        width as f64 / size.max(1) as f64
    ));
    for (name, found) in [("By the code", &by_code), ("By the pixels", &by_pixels)] {
        let queries = &studio.tried[..studio.tried.len().min(SHOWN)];
        let png = neighbours_png(&session, (&studio.test, queries), (&material.dataset, &material.rows), found)?;
        part = part.picture(
            png,
            format!("Rows of images: a query, then its neighbours. {name}"),
            format!("{name}.{}", said(found)),
        );
    }
    if let (Some(codes), Some(pixels)) = (precision(&by_code), precision(&by_pixels)) {
        part = part.figure("precision_codes", codes).figure("precision_pixels", pixels);
    }
    Ok(part)
}

/// Images as the model sees them, `[n, features]`.
fn scaled(studio: &Studio<'_>, session: &Session, dataset: &Dataset, rows: &[u32]) -> Result<Vec<f32>> {
    let mut scaled = vec![0.0; rows.len() * studio.features()];
    session.model().data().preprocessing.gather(Context::new(studio.split), dataset, rows, &mut scaled)?;
    Ok(scaled)
}
