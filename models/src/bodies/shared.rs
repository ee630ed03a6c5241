//! The keys that several bodies read.

use super::levels::Levels;
use crate::nn::{ActivationName, Init, NormName};
use crate::settings::{Range, groups, settings};

settings! {
    /// What every body reads.
    General {
        code: usize = 16, "SIZE", "numbers in a code (of convolutions, if bottleneck is dense)", in Range::<usize>::COUNT;
        activation: ActivationName = ActivationName::Relu, "NAME", "activation of the hidden layers";
        code_activation: ActivationName = ActivationName::Linear, "NAME", "activation of the code";
        norm: NormName = NormName::None, "NAME", "normalisation of the hidden layers";
        dropout: f64 = 0.0, "X", "share of the hidden units that are dropped while training", in Range::<f64>::FRACTION;
        init: Init = Init::Uniform, "NAME", "how weights start";
    }
}

groups! {
    /// The keys that several bodies read.
    Shared {
        /// What every body reads.
        general: General,
        /// What those of convolutions read.
        levels: Levels,
    }
}
