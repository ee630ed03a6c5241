//! Principal component analysis as a model: the linear autoencoder that needs no training (Pearson 1901; Baldi & Hornik
//! 1989).
//!
//! `h = V (x − μ)`, `x̂ = Vᵀ h + μ` with the leading eigenvectors of the covariance as the rows of V. Its objective,
//! `‖x̂ − x‖²`, is at its least over all linear autoencoders of that code size. The components come from
//! `metrics::Pca`; here they become an encoder's and a decoder's weights, so that whatever a model is used for can be
//! done with them.

use super::body::Body;
use crate::config::{Config, LossName, OutputName};
use crate::metrics::Pca;
use crate::nn::ActivationName;
use crate::{Error, Result};
use narrows_engine::Parameters;

/// Refuses what is not linear.
pub(super) fn check(config: &Config, code: usize, features: usize) -> Result<()> {
    let linear = config.hidden.is_empty()
        && config.decoder.units(&config.hidden).is_empty()
        && config.code_activation == ActivationName::Linear
        && config.output != OutputName::Sigmoid
        && config.loss != LossName::Bce
        && !config.tied
        && !config.is_convolutional();
    if !linear {
        return Err(Error::usage(
            "pca is linear, has one dense layer each way, weights of its own and loss mse; leave hidden, decoder, tied, body, \
             code_activation, output and loss as they are, or use --model undercomplete",
        ));
    }
    if code >= features {
        return Err(Error::usage(format!(
            "code is {code} for data of {features} features; as many components keep everything: give a smaller code"
        )));
    }
    Ok(())
}

/// Writes the components into the layers. Where the data span fewer dimensions than the code has numbers, those left
/// over are 0. The component's largest weight is made positive, so that a fit has one result.
pub(super) fn fill(body: &Body, pca: &Pca, parameters: &mut Parameters<f32>) {
    let layers = body.dense().map(|body| (body.encoder().layers(), body.decoder().layers()));
    let Some(([(encoder, _)], [(decoder, _)])) = layers else { return };
    let (features, code) = encoder.sizes();
    let mut forward = vec![0.0f32; code * features];
    let mut offset = vec![0.0f32; code];
    for (j, row) in pca.component_rows().take(code).enumerate() {
        let largest = row.iter().copied().fold(0.0f64, |a, b| if b.abs() > a.abs() { b } else { a });
        let sign = if largest < 0.0 { -1.0 } else { 1.0 };
        forward[j * features..][..features].iter_mut().zip(&row).for_each(|(to, &v)| *to = (sign * v) as f32);
        offset[j] = -(row.iter().zip(pca.mean()).map(|(v, m)| sign * v * m).sum::<f64>()) as f32;
    }
    parameters.view_mut(encoder.weight()).copy_from_slice(&forward);
    parameters.view_mut(encoder.bias()).copy_from_slice(&offset);
    let back = parameters.view_mut(decoder.weight());
    for (i, back) in back.chunks_exact_mut(code).enumerate() {
        back.iter_mut().enumerate().for_each(|(j, to)| *to = forward[j * features + i]);
    }
    parameters.view_mut(decoder.bias()).iter_mut().zip(pca.mean()).for_each(|(to, &m)| *to = m as f32);
}
