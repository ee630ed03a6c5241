//! What a body is built for, and what it must do.

use crate::data::ImageShape;
use crate::nn::{Pass, Sequential};
use narrows_engine::{Parameters, Real, Var};
use std::fmt::Debug;

/// Where an encoder ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// With the layer of the code.
    Code,
    /// Before it: the type makes its own of what the last hidden layer gives.
    Open,
}

/// What an encoder sees beside a sample.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beside {
    /// Numbers of a one-hot class; 0 for none.
    pub classes: usize,
    /// Numbers of a mask that tells what is present; 0 for none.
    pub mask: usize,
}

/// What a body is built for.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// Numbers in a sample.
    pub features: usize,
    /// The sample as an image, if it is one.
    pub image: Option<ImageShape>,
    /// Where the encoder ends.
    pub ends: Ends,
    /// What the encoder sees beside a sample.
    pub beside: Beside,
    /// Numbers that the decoder sees after those of the code.
    pub decoder_beside: usize,
}

/// What an encoder is handed beside a sample.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extra {
    /// The class as a one-hot row `[N, classes]`.
    pub classes: Option<Var>,
    /// 1 where a number is present and 0 where it is missing, `[N, mask]`.
    pub mask: Option<Var>,
}

/// What an encoder gives.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// The code `[N, code]`, or what an open encoder ends in, `[N, trunk]`.
    pub value: Var,
    /// The places of maxima that max unpooling needs; else empty.
    pub switches: Vec<Var>,
}

/// The fully connected layers of a body that has nothing else.
#[derive(Debug, Clone, Copy)]
pub struct DenseLayers<'a> {
    /// To the code.
    pub encoder: &'a Sequential,
    /// And back.
    pub decoder: &'a Sequential,
}

/// Encoder and decoder over parameters of their own.
pub trait Body<T: Real>: Debug + Send + Sync {
    /// Draws the first weights by a seed.
    fn initialise(&self, parameters: &mut Parameters<T>, seed: u64);

    /// `x` `[N, features]` gives the code, or what an open encoder ends in.
    fn encode(&self, pass: &Pass<'_, T>, x: Var, extra: Extra) -> Encoded;

    /// The code `[N, code + decoder_beside]` gives what a loss compares, `[N, features]`, before any activation of the
    /// output. `switches` are the encoder's.
    fn decode(&self, pass: &Pass<'_, T>, code: Var, switches: &[Var]) -> Var;

    /// Numbers in a code.
    fn code_size(&self) -> usize;

    /// Numbers in what an open encoder gives.
    fn trunk_size(&self) -> usize;

    /// Sizes from the data to the code and back, as in `784-32-784`.
    fn layers(&self) -> String;

    /// The layers, if all are fully connected and nothing stands between them.
    fn dense_layers(&self) -> Option<DenseLayers<'_>> {
        None
    }

    /// The code as an image `[channels, height, width]`, where it is one.
    fn code_image(&self) -> Option<[usize; 3]> {
        None
    }

    /// Whether a code alone can be decoded.
    fn decodes_codes(&self) -> bool {
        true
    }
}
