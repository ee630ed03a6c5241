//! Convolutions of images and sequences `f(C x + b)`, with what may stand directly before or after one.

use super::{ActivationName, Init};
use crate::Result;
use narrows_engine::conv::Pool;
use narrows_engine::ops::{Conv1dOptions, ConvOptions};
use narrows_engine::{ParameterId, Parameters, Real, Tape, Var};

/// A convolution of images: `weight` is `[filters, channels / groups, rows, columns]`, `bias` `[filters]`, as in
/// PyTorch's `Conv2d`.
#[derive(Debug, Clone)]
pub struct Conv2d {
    weight: ParameterId,
    bias: ParameterId,
    options: ConvOptions,
}

impl Conv2d {
    /// Adds `name.weight` and `name.bias`, of zeros, for a kernel of `[rows, columns]`.
    ///
    /// # Errors
    /// Sizes too large, a name that is taken, no memory. (Geometries are checked when the layer is recorded.)
    pub fn new<T: Real>(
        parameters: &mut Parameters<T>,
        name: &str,
        [channels, filters]: [usize; 2],
        [rows, columns]: [usize; 2],
        options: ConvOptions,
    ) -> Result<Self> {
        let sizes = [filters, channels / options.groups.max(1), rows, columns];
        let weight = parameters.add(&format!("{name}.weight"), &sizes)?;
        let bias = parameters.add(&format!("{name}.bias"), &[filters])?;
        Ok(Self { weight, bias, options })
    }

    /// Draws the first weights.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, init: Init, seed: u64) {
        init.draw(parameters, self.weight, self.bias, seed);
    }

    fn operands<T: Real>(&self, tape: &Tape<T>) -> (Var, Option<Var>) {
        (tape.parameter(self.weight), Some(tape.parameter(self.bias)))
    }

    /// `[N, channels, height, width]` gives `[N, filters, positions, positions]`.
    #[track_caller]
    pub fn record<T: Real>(&self, tape: &Tape<T>, x: Var, activation: ActivationName) -> Var {
        let (weight, bias) = self.operands(tape);
        activation.record_fused(tape, |fused| tape.conv2d(x, weight, bias, self.options, fused))
    }

    /// The same, and max pooling after it, in one operation where the activation rises.
    #[track_caller]
    pub fn record_max_pooled<T: Real>(&self, tape: &Tape<T>, x: Var, pool: Pool, activation: ActivationName) -> Var {
        let (weight, bias) = self.operands(tape);
        match activation.fused().filter(|fused| fused.rises()) {
            Some(fused) => tape.conv2d_max_pool2d(x, weight, bias, self.options, pool, fused),
            None => tape.max_pool2d(self.record(tape, x, activation), pool),
        }
    }

    /// Nearest upsampling of `x` by `factor`, and the convolution of that: in one operation where the layer's stride,
    /// dilation and groups are 1, else in two.
    #[track_caller]
    pub fn record_of_nearest<T: Real>(
        &self,
        tape: &Tape<T>,
        x: Var,
        factor: [usize; 2],
        activation: ActivationName,
    ) -> Var {
        let plain = ConvOptions::default().padding(self.options.padding);
        if plain != self.options {
            return self.record(tape, tape.upsample_nearest2d(x, factor), activation);
        }
        let (weight, bias) = self.operands(tape);
        let padding = self.options.padding;
        activation.record_fused(tape, |fused| tape.upsample_nearest_conv2d(x, factor, weight, bias, padding, fused))
    }
}

/// A convolution of sequences: `weight` is `[filters, channels / groups, kernel]`, as in PyTorch's `Conv1d`.
#[derive(Debug, Clone)]
pub struct Conv1d {
    weight: ParameterId,
    bias: ParameterId,
    options: Conv1dOptions,
}

impl Conv1d {
    /// Adds `name.weight` and `name.bias`, of zeros.
    ///
    /// # Errors
    /// As for [`Conv2d::new`].
    pub fn new<T: Real>(
        parameters: &mut Parameters<T>,
        name: &str,
        [channels, filters]: [usize; 2],
        kernel: usize,
        options: Conv1dOptions,
    ) -> Result<Self> {
        let weight = parameters.add(&format!("{name}.weight"), &[filters, channels / options.groups.max(1), kernel])?;
        let bias = parameters.add(&format!("{name}.bias"), &[filters])?;
        Ok(Self { weight, bias, options })
    }

    /// Draws the first weights.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, init: Init, seed: u64) {
        init.draw(parameters, self.weight, self.bias, seed);
    }

    /// `[N, channels, length]` gives `[N, filters, positions]`.
    #[track_caller]
    pub fn record<T: Real>(&self, tape: &Tape<T>, x: Var, activation: ActivationName) -> Var {
        let (weight, bias) = (tape.parameter(self.weight), Some(tape.parameter(self.bias)));
        activation.record_fused(tape, |fused| tape.conv1d(x, weight, bias, self.options, fused))
    }
}
