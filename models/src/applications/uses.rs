//! What a model can be put to use for: the names of the subcommands that make sense for it, the likeliest first.

use crate::model::Model;

/// The uses of a model, as the tool calls them.
pub fn uses(model: &Model) -> Vec<&'static str> {
    let (data, autoencoder) = (model.data(), model.autoencoder());
    let parts = autoencoder.parts();
    let (image, labelled) = (data.image.is_some(), data.classes.is_some());
    let decodes = parts.body.decodes_codes();
    let variational = autoencoder.draws();
    let all = [
        ("denoise", parts.corruption.is_some() && !parts.mask),
        ("impute", parts.mask),
        ("sample", decodes),
        ("detect", true),
        ("encode", true),
        ("search", image || labelled),
        ("inpaint", image),
        ("compress", image && decodes),
        ("interpolate", image && decodes && variational),
        ("probe", labelled),
        ("reconstruct", true),
    ];
    all.into_iter().filter(|(_, fits)| *fits).map(|(name, _)| name).collect()
}
