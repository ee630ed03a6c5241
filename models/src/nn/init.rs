//! How weights start. Every parameter has a stream of its own, so the start depends on the seed and its place alone.

use crate::settings::word;
use narrows_engine::random::{fill_normal, fill_uniform, stream_id};
use narrows_engine::{ParameterId, Parameters, Real};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// A rule for the first weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum Init {
    /// Uniform in ±1/√in for weights and biases: PyTorch's default for linear layers and convolutions.
    Uniform,
    /// Normal with variance 2/in, biases 0 (He et al. 2015), for ReLU and its kin.
    He,
    /// Uniform in ±√(6/(in + out)), biases 0 (Glorot & Bengio 2010), for sigmoid and tanh.
    Glorot,
}

word!(Init, "init");

/// The operation number of the streams that weights are drawn from; training's noise uses others.
const WEIGHTS: u32 = 0x00ff_0001;

impl Init {
    /// Draws a weight `[out, in]`, or `[out, in, ..]` of a kernel, and its bias `[out]`. What counts as "in" is
    /// everything but the first size, as in PyTorch, also for transposed convolutions, which have the two the other way
    /// round.
    pub fn draw<T: Real>(self, parameters: &mut Parameters<T>, weight: ParameterId, bias: ParameterId, seed: u64) {
        let sizes = parameters.sizes(weight);
        let kernel: usize = sizes.iter().skip(2).product();
        let [out, into] = [0, 1].map(|at| (sizes.get(at).copied().unwrap_or(1) * kernel) as f64);
        let stream = |id: ParameterId| stream_id(id.index() as u64, WEIGHTS);
        match self {
            Init::Uniform => {
                let bound = T::from_f64(1.0 / into.sqrt());
                for id in [weight, bias] {
                    fill_uniform(seed, stream(id), 0, -bound, bound, parameters.view_mut(id));
                }
            }
            Init::He => {
                let deviation = T::from_f64((2.0 / into).sqrt());
                fill_normal(seed, stream(weight), 0, T::ZERO, deviation, parameters.view_mut(weight));
                parameters.view_mut(bias).fill(T::ZERO);
            }
            Init::Glorot => {
                let bound = T::from_f64((6.0 / (into + out)).sqrt());
                fill_uniform(seed, stream(weight), 0, -bound, bound, parameters.view_mut(weight));
                parameters.view_mut(bias).fill(T::ZERO);
            }
        }
    }

    /// Draws the bias of a layer with `into` inputs whose weight is drawn elsewhere.
    pub fn draw_bias<T: Real>(self, parameters: &mut Parameters<T>, bias: ParameterId, into: usize, seed: u64) {
        match self {
            Init::Uniform => {
                let bound = T::from_f64(1.0 / (into.max(1) as f64).sqrt());
                let stream = stream_id(bias.index() as u64, WEIGHTS);
                fill_uniform(seed, stream, 0, -bound, bound, parameters.view_mut(bias));
            }
            Init::He | Init::Glorot => parameters.view_mut(bias).fill(T::ZERO),
        }
    }
}
