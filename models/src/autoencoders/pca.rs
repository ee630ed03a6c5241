//! Principal component analysis as a model: the linear autoencoder that needs no training (Pearson 1901; Baldi & Hornik
//! 1989).
//!
//! `h = V (x − μ)`, `x̂ = Vᵀ h + μ` with the leading eigenvectors of the covariance as the rows of V. Its objective,
//! `‖x̂ − x‖²`, is at its least over all linear autoencoders of that code size. The components become an encoder's and
//! a decoder's weights, so that whatever a model is used for can be done with them.

use super::{Autoencoder, Base, Parts, Phase, Prepare, Sample, Type};
use crate::linalg::Pca;
use crate::nn::ActivationName;
use crate::objective::{CorruptionName, LossName, OutputName};
use crate::{Error, Result};
use narrows_engine::{Parameters, Real};

/// The type.
#[derive(Debug)]
pub struct PrincipalComponents;

impl Type for PrincipalComponents {
    type Settings = Base;
    const NAME: &'static str = "pca";
    const ABOUT: &'static str = "principal components, without training";

    fn settings() -> Base {
        let mut base = Base::default();
        base.body.dense.hidden = Vec::new();
        base
    }

    fn settle(settings: &mut Base, sample: &Sample) -> Result<Vec<String>> {
        settings.settle(sample, true, "--loss mse")
    }

    fn build<T: Real>(base: &Base, sample: &Sample, parameters: &mut Parameters<T>) -> Result<Box<dyn Autoencoder<T>>> {
        let (general, dense) = (&base.body.shared.general, &base.body.dense);
        let parts = Parts::new(base, sample, parameters)?;
        let linear = parts.body.dense_layers().is_some()
            && dense.hidden.is_empty()
            && dense.decoder.units(&dense.hidden).is_empty()
            && general.code_activation == ActivationName::Linear
            && base.reconstruction.output != OutputName::Sigmoid
            && base.reconstruction.loss != LossName::Bce
            && !dense.tied;
        if !linear {
            return Err(Error::usage(
                "pca is linear, has one dense layer each way, weights of its own and loss mse; leave hidden, decoder, tied, \
                 body, code_activation, output and loss as they are, or use --model undercomplete",
            ));
        }
        if base.corruption.corruption != CorruptionName::None || base.l2.l2 > 0.0 {
            return Err(Error::usage(
                "pca is fitted in closed form, which knows no corruption and no l2; leave both away",
            ));
        }
        let (code, features) = (general.code, sample.features);
        if code >= features {
            return Err(Error::usage(format!(
                "code is {code} for data of {features} features; as many components keep everything: give a smaller code"
            )));
        }
        Ok(Box::new(PcaAutoencoder(parts)))
    }
}

/// The autoencoder.
#[derive(Debug)]
struct PcaAutoencoder<T: Real>(Parts<T>);

impl<T: Real> Autoencoder<T> for PcaAutoencoder<T> {
    fn parts(&self) -> &Parts<T> {
        &self.0
    }

    fn phases(&self, _: u64) -> Vec<Phase> {
        Vec::new()
    }

    /// Writes the components into the layers. Where the data span fewer dimensions than the code has numbers, those
    /// left over are 0. The component's largest weight is made positive, so that a fit has one result.
    fn prepare(&self, data: &Prepare<'_>, parameters: &mut Parameters<T>) -> Result<()> {
        let layers = self.0.body.dense_layers().map(|layers| (layers.encoder.layers(), layers.decoder.layers()));
        let Some(([(encoder, _)], [(decoder, _)])) = layers else { return Ok(()) };
        let (features, code) = encoder.sizes();
        let pca = Pca::fit(data.dataset, Some(data.rows), data.preprocessing, code, data.split)?;
        let mut forward = vec![0.0; code * features];
        let mut offset = vec![0.0; code];
        for (j, row) in pca.component_rows().take(code).enumerate() {
            let largest = row.iter().copied().fold(0.0f64, |a, b| if b.abs() > a.abs() { b } else { a });
            let sign = if largest < 0.0 { -1.0 } else { 1.0 };
            forward[j * features..][..features].iter_mut().zip(&row).for_each(|(to, &v)| *to = sign * v);
            offset[j] = -(row.iter().zip(pca.mean()).map(|(v, m)| sign * v * m).sum::<f64>());
        }
        let write = |to: &mut [T], from: &[f64]| to.iter_mut().zip(from).for_each(|(to, &x)| *to = T::from_f64(x));
        write(parameters.view_mut(encoder.weight()), &forward);
        write(parameters.view_mut(encoder.bias()), &offset);
        for (i, back) in parameters.view_mut(decoder.weight()).chunks_exact_mut(code).enumerate() {
            back.iter_mut().enumerate().for_each(|(j, to)| *to = T::from_f64(forward[j * features + i]));
        }
        write(parameters.view_mut(decoder.bias()), pca.mean());
        Ok(())
    }
}
