//! The defaults of each type: what differs from those of an undercomplete autoencoder.
//!
//! The embedded digits have 64 features, and the defaults are for them: a default must be a model that trains in
//! seconds and shows what its type is for.

use super::{BodyName, Config, CorruptionName, LossName};
use crate::autoencoders::{Bottleneck, ModelKind};
use crate::nn::{ActivationName, Init};

impl Config {
    /// The defaults of a type.
    pub fn of(model: ModelKind) -> Self {
        let base = Self { model, ..Self::default() };
        // One layer of sigmoid units on either side, as the papers on regularised autoencoders have it.
        let shallow = |code| Self {
            hidden: Vec::new(),
            code,
            code_activation: ActivationName::Sigmoid,
            init: Init::Glorot,
            ..base.clone()
        };
        match model {
            ModelKind::Undercomplete => base,
            ModelKind::Convolutional => Self { filters: vec![16, 8], ..base },
            ModelKind::Overcomplete => Self { l2: 1e-4, ..shallow(128) },
            ModelKind::Denoising => Self { corruption: CorruptionName::Masking, ..shallow(128) },
            ModelKind::Sparse => Self { batch: 256, lr: 1e-2, ..shallow(100) },
            ModelKind::L1 => Self { code_activation: ActivationName::Relu, l1: 0.1, ..shallow(128) },
            ModelKind::KSparse => {
                Self { code_activation: ActivationName::Linear, tied: true, loss: LossName::Mse, ..shallow(128) }
            }
            ModelKind::Contractive => Self { tied: true, ..shallow(64) },
            ModelKind::Variational => Self { code: 8, bottleneck: Bottleneck::Dense, ..base },
            ModelKind::Stacked => Self {
                hidden: vec![64],
                code: 32,
                activation: ActivationName::Sigmoid,
                corruption: CorruptionName::Masking,
                lr: 1e-2,
                ..shallow(32)
            },
            ModelKind::Pca => Self { hidden: Vec::new(), init: Init::Uniform, ..base },
        }
    }

    /// Whether encoder and decoder are convolutions.
    pub fn is_convolutional(&self) -> bool {
        match self.body {
            BodyName::Auto => self.model == ModelKind::Convolutional,
            body => body == BodyName::Convolutional,
        }
    }
}
