//! What fires hidden units most: of all x with ‖x‖ = 1, `x_j = W_ij / ‖W_i‖` gives unit i of a first layer its largest
//! argument (Ng, CS294A lecture notes, 2011, section 4).

use crate::files::write_bytes_atomically;
use crate::model::Model;
use crate::report::{Grid, Tile};
use crate::{Error, Result};
use std::path::Path;

/// Units in a picture, and about how many values.
const UNITS: usize = 100;
const PIXELS: usize = 1 << 24;

/// The input of norm 1 that fires each unit of the first encoder layer most, `[units, features]`; `None` for a body
/// without dense layers.
pub fn first_layer_filters(model: &Model) -> Option<(Vec<f32>, usize)> {
    let layers = model.autoencoder().parts().body.dense_layers()?;
    let (layer, _) = layers.encoder.layers().first()?;
    let (features, units) = layer.sizes();
    let mut filters = model.parameters().view(layer.weight()).to_vec();
    for filter in filters.chunks_exact_mut(features) {
        let norm = filter.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt();
        if norm > 0.0 {
            filter.iter_mut().for_each(|w| *w = (f64::from(*w) / norm) as f32);
        }
    }
    Some((filters, units))
}

/// Draws the filters of images, each stretched to its own largest weight, grey being 0; gives nothing for other data.
///
/// # Errors
/// A picture that would be too large; no memory.
pub fn filters_png(model: &Model) -> Result<Option<Vec<u8>>> {
    match (model.data().image, first_layer_filters(model)) {
        (Some(_), Some((filters, units))) => units_png(model, &filters, units).map(Some),
        _ => Ok(None),
    }
}

/// Draws inputs `[units, features]`, up to 100, each stretched to its own largest number, grey being 0.
///
/// # Errors
/// A picture that would be too large; no memory.
pub fn units_png(model: &Model, inputs: &[f32], units: usize) -> Result<Vec<u8>> {
    let features = model.data().features;
    // As many as make a picture of reasonable size.
    let most = (PIXELS / (features * 4).max(1)).max(1);
    let units = units.min(UNITS).min(most);
    let mut filters = inputs.get(..units * features).unwrap_or_default().to_vec();
    for filter in filters.chunks_exact_mut(features) {
        let largest = filter.iter().fold(0.0f32, |largest, w| largest.max(w.abs()));
        if largest > 0.0 {
            filter.iter_mut().for_each(|w| *w /= largest);
        }
    }
    let per_row = (units as f64).sqrt().ceil() as usize;
    let tile = Tile::new(model.data().image, features)?;
    Grid::samples(&filters, units, per_row, tile, (-1.0, 1.0))?.to_png()
}

/// Whether a model has such a picture.
pub(crate) fn has_picture(model: &Model) -> bool {
    model.data().image.is_some() && first_layer_filters(model).is_some()
}

/// A run's own picture of them.
pub(crate) fn write_filters(model: &Model, path: &Path) -> Result<()> {
    let Some(png) = filters_png(model)? else { return Ok(()) };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Error::io("create the folder", folder, error))?;
    }
    write_bytes_atomically(path, &png)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;
    use crate::training::{Config, fit};
    use narrows_engine::Split;

    #[test]
    fn the_first_layer_has_its_closed_form_and_deeper_ones_rise() {
        let keys = [("hidden", "24,12"), ("code", "4"), ("epochs", "3"), ("activation", "tanh")];
        let model = fit(&Config::of("undercomplete").unwrap().with(&keys).unwrap(), &digits().unwrap()).unwrap();
        assert_eq!(model.encoder_layers().unwrap(), 3);
        let found = model.activating(0, 100, 1, Split::Serial).unwrap();
        let (filters, units) = first_layer_filters(&model).unwrap();
        assert_eq!((found.units, units), (24, 24));
        assert!(found.inputs.iter().zip(&filters).all(|(a, b)| (a - b).abs() < 1e-3));
        // No input of norm 1 that is drawn at random answers more.
        for layer in [1, 2] {
            let found = model.activating(layer, 6, 1, Split::Serial).unwrap();
            let norms = found.inputs.chunks(64).map(|x| x.iter().map(|x| x * x).sum::<f32>());
            assert!(norms.into_iter().all(|norm| (norm - 1.0).abs() < 1e-4));
            let other = model.activating(layer, 6, 2, Split::Serial).unwrap();
            let near = found.answers.iter().zip(&other.answers).filter(|(a, b)| (*a - *b).abs() < 0.1).count();
            assert!(near >= 4, "two starts come to the same height: {:?} {:?}", found.answers, other.answers);
        }
        assert!(model.activating(3, 1, 0, Split::Serial).is_err());
    }
}
