//! The keys of bodies of convolutions: how many levels there are, and how each makes a sample smaller and larger again.

use super::frame::{Ends, Frame};
use crate::settings::{Range, settings, word};
use crate::{Error, Result};
use strum::{EnumString, IntoStaticStr, VariantNames};

/// How an encoder makes images smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum Downsample {
    /// Max pooling of 2x2.
    Pool,
    /// Convolutions of stride 2.
    Stride,
}

word!(Downsample, "downsample");

/// How a decoder makes images larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum Upsample {
    /// Nearest-neighbour unpooling, and a convolution.
    Nearest,
    /// Max unpooling by the encoder's switches, and a convolution.
    Max,
    /// Transposed convolutions of stride 2.
    Transposed,
}

word!(Upsample, "upsample");

/// What the code of a convolutional autoencoder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "kebab-case")]
#[non_exhaustive]
pub enum Bottleneck {
    /// The encoder's last image.
    Map,
    /// `code` numbers, by a linear layer.
    Dense,
}

word!(Bottleneck, "bottleneck");

settings! {
    /// The keys of convolutions.
    Levels {
        filters: Vec<usize> = vec![16, 8, 8], "SIZES", "filters of each level of the encoder, as in 16,8,8; the decoder mirrors them",
            in Range::<Vec<usize>>::LAYERS, where body is ["convolutional", "sequence"];
        kernel: usize = 3, "SIZE", "rows and columns of a kernel, an odd number",
            in Range::<usize>::KERNEL, where body is ["convolutional", "sequence"];
        downsample: Downsample = Downsample::Pool, "NAME", "how the encoder makes images smaller",
            where body is ["convolutional", "sequence"];
        upsample: Upsample = Upsample::Nearest, "NAME", "how the decoder makes images larger",
            where body is ["convolutional", "sequence"];
        bottleneck: Bottleneck = Bottleneck::Map, "NAME", "whether the code is the last image or numbers that a linear layer makes of it",
            where body is ["convolutional", "sequence"];
    }
}

/// What a decoder by max unpooling is told that has a code alone.
pub(super) const WITHOUT_SWITCHES: &str = "a code alone cannot be decoded by max unpooling, which needs the places of the \
     encoder's maxima; reconstruct samples, or train with upsample nearest or transposed";

impl Levels {
    /// Refuses choices that contradict each other or what the body is built for.
    pub(super) fn check(&self, frame: &Frame) -> Result<()> {
        if self.filters.is_empty() {
            return Err(Error::usage("filters is empty; give the filters of each level, as in 16,8,8"));
        }
        if self.upsample == Upsample::Max && self.downsample != Downsample::Pool {
            return Err(Error::usage(
                "upsample is max and downsample is stride; max unpooling needs the places that max pooling finds: use \
                 downsample pool, or upsample nearest or transposed",
            ));
        }
        if (frame.ends == Ends::Open || frame.decoder_beside > 0) && self.bottleneck != Bottleneck::Dense {
            return Err(Error::usage(
                "this type's code is code numbers, and bottleneck is map; give --bottleneck dense",
            ));
        }
        Ok(())
    }
}
