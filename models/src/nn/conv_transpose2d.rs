//! Transposed convolutions of images and sequences `f(Cᵀ x + b)`.

use super::{ActivationName, Init};
use crate::Result;
use narrows_engine::ops::{ConvOptions, ConvTranspose1dOptions, ConvTransposeOptions};
use narrows_engine::{ParameterId, Parameters, Real, Tape, Var};

/// A transposed convolution of images: `weight` is `[channels, filters / groups, rows, columns]`, `bias` `[filters]`,
/// as in PyTorch's `ConvTranspose2d`.
#[derive(Debug, Clone)]
pub struct ConvTranspose2d {
    weight: ParameterId,
    bias: ParameterId,
    options: ConvOptions,
}

impl ConvTranspose2d {
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
        let sizes = [channels, filters / options.groups.max(1), rows, columns];
        let weight = parameters.add(&format!("{name}.weight"), &sizes)?;
        let bias = parameters.add(&format!("{name}.bias"), &[filters])?;
        Ok(Self { weight, bias, options })
    }

    /// Draws the first weights.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, init: Init, seed: u64) {
        init.draw(parameters, self.weight, self.bias, seed);
    }

    /// `[N, channels, height, width]` gives
    /// `[N, filters, (height - 1) stride - 2 padding + dilation (rows - 1) + output_padding + 1, likewise]`; the output
    /// padding chooses among the sizes that a convolution takes to `height` and `width`.
    #[track_caller]
    pub fn record<T: Real>(
        &self,
        tape: &Tape<T>,
        x: Var,
        output_padding: [usize; 2],
        activation: ActivationName,
    ) -> Var {
        let (weight, bias) = (tape.parameter(self.weight), Some(tape.parameter(self.bias)));
        let options = ConvTransposeOptions::from(self.options).output_padding(output_padding);
        let operation = |fused| tape.conv_transpose2d(x, weight, bias, options, fused);
        activation.record_fused(tape, operation)
    }
}

/// A transposed convolution of sequences: `weight` is `[channels, filters / groups, kernel]`, as in PyTorch's
/// `ConvTranspose1d`.
#[derive(Debug, Clone)]
pub struct ConvTranspose1d {
    weight: ParameterId,
    bias: ParameterId,
    options: ConvTranspose1dOptions,
}

impl ConvTranspose1d {
    /// Adds `name.weight` and `name.bias`, of zeros.
    ///
    /// # Errors
    /// As for [`ConvTranspose2d::new`].
    pub fn new<T: Real>(
        parameters: &mut Parameters<T>,
        name: &str,
        [channels, filters]: [usize; 2],
        kernel: usize,
        options: ConvTranspose1dOptions,
    ) -> Result<Self> {
        let weight = parameters
            .add(&format!("{name}.weight"), &[channels, filters / options.convolution.groups.max(1), kernel])?;
        let bias = parameters.add(&format!("{name}.bias"), &[filters])?;
        Ok(Self { weight, bias, options })
    }

    /// Draws the first weights.
    pub fn initialise<T: Real>(&self, parameters: &mut Parameters<T>, init: Init, seed: u64) {
        init.draw(parameters, self.weight, self.bias, seed);
    }

    /// `[N, channels, length]` gives
    /// `[N, filters, (length - 1) stride - 2 padding + dilation (kernel - 1) + output padding + 1]`.
    #[track_caller]
    pub fn record<T: Real>(&self, tape: &Tape<T>, x: Var, activation: ActivationName) -> Var {
        let (weight, bias) = (tape.parameter(self.weight), Some(tape.parameter(self.bias)));
        activation.record_fused(tape, |fused| tape.conv_transpose1d(x, weight, bias, self.options, fused))
    }
}
