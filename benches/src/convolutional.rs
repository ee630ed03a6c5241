//! The two convolutional reference networks on 28x28 images, as PyTorch and JAX are timed on them: the tutorial of
//! Keras (convolutions of 16, 8 and 8 filters, max pooling, nearest unpooling) and one with strides and transposed
//! convolutions. Cross-entropy from logits, Adam; weights uniform in `±1/sqrt(inputs of a unit)`.

use crate::networks::Step;
use narrows_engine::conv::Pool;
use narrows_engine::gemm::Activation::{Identity, Relu};
use narrows_engine::ops::{ConvOptions, ConvTransposeOptions, Reduction};
use narrows_engine::random::fill_uniform;
use narrows_engine::{Error, ParameterId, Parameters, Shape, Tape, Var};

/// Samples in a step.
pub const BATCH: usize = 128;

/// A convolutional reference network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convolutional {
    /// 3x3 convolutions to 16, 8 and 8 channels with max pooling, and back with nearest unpooling.
    Keras,
    /// 3x3 convolutions of stride 2 to 32 and 64 channels, a code of 32, and transposed convolutions back.
    Strided,
}

/// Both.
pub const CONVOLUTIONAL: [Convolutional; 2] = [Convolutional::Keras, Convolutional::Strided];

/// The sizes of a layer's weight, `[first, second, kernel, kernel]` or `[outputs, inputs]`, and how many biases it has.
type Layer = (&'static [usize], usize);

const KERAS: [Layer; 7] = [
    (&[16, 1, 3, 3], 16),
    (&[8, 16, 3, 3], 8),
    (&[8, 8, 3, 3], 8),
    (&[8, 8, 3, 3], 8),
    (&[8, 8, 3, 3], 8),
    (&[16, 8, 3, 3], 16),
    (&[1, 16, 3, 3], 1),
];

const STRIDED: [Layer; 7] = [
    (&[32, 1, 3, 3], 32),
    (&[64, 32, 3, 3], 64),
    (&[32, 3136], 32),
    (&[3136, 32], 3136),
    (&[64, 64, 3, 3], 64),
    (&[64, 32, 3, 3], 32),
    (&[32, 1, 3, 3], 1),
];

impl Convolutional {
    /// As the tables call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Keras => "conv-16-8-8",
            Self::Strided => "conv-strided-32-64",
        }
    }

    /// Records the network and fills its weights and inputs.
    ///
    /// # Errors
    /// No memory.
    pub fn step(&self) -> Result<Step, Error> {
        let layers = if *self == Self::Keras { KERAS } else { STRIDED };
        let mut parameters = Parameters::new();
        let mut ids = Vec::new();
        for (i, (weight, bias)) in layers.into_iter().enumerate() {
            let bound = (weight[1..].iter().product::<usize>() as f32).sqrt().recip();
            for (kind, sizes) in [("weight", weight), ("bias", &[bias][..])] {
                let id = parameters.add(&format!("{i}.{kind}"), sizes)?;
                fill_uniform(0, id.index() as u64, 0, -bound, bound, parameters.view_mut(id));
                ids.push(id);
            }
        }
        let tape = Tape::new(&parameters, BATCH);
        let x = tape.input("x", Shape::batch(&[1, 28, 28]));
        let y = match self {
            Self::Keras => keras(&tape, &ids, x),
            Self::Strided => strided(&tape, &ids, x),
        };
        let loss = tape.binary_cross_entropy(y, x, Reduction::Mean);
        Step::new(&tape, parameters, [loss, tape.sigmoid(y)], &[x], BATCH)
    }

    /// Flops of a step's products without the gradient of the data: three times forward's, less the first layer's once.
    ///
    /// # Errors
    /// No memory.
    pub fn needed_flops(&self) -> Result<f64, Error> {
        let flops: Vec<f64> = self.step()?.product_flops().collect();
        Ok(3.0 * flops.iter().sum::<f64>() - flops.first().copied().unwrap_or(0.0))
    }
}

fn keras(tape: &Tape<f32>, ids: &[ParameterId], x: Var) -> Var {
    let same = ConvOptions::default().padding(1);
    let of = |i: usize| (tape.parameter(ids[2 * i]), Some(tape.parameter(ids[2 * i + 1])));
    let down = |i, h| tape.conv2d_max_pool2d(h, of(i).0, of(i).1, same, Pool::new(2).ceil(), Relu);
    let code = down(2, down(1, down(0, x)));
    // 4x4; unpooled to 8x8, 16x16, and, after a convolution without padding, from 14x14 to 28x28.
    let unpooled = |i: usize, h, padding, activation| {
        tape.upsample_nearest_conv2d(h, [2, 2], of(i).0, of(i).1, [padding; 2], activation)
    };
    let h = unpooled(4, tape.conv2d(code, of(3).0, of(3).1, same, Relu), 1, Relu);
    unpooled(6, unpooled(5, h, 0, Relu), 1, Identity)
}

fn strided(tape: &Tape<f32>, ids: &[ParameterId], x: Var) -> Var {
    let (same, halved) = (ConvOptions::default().padding(1), ConvOptions::default().padding(1).stride(2));
    let of = |i: usize| (tape.parameter(ids[2 * i]), Some(tape.parameter(ids[2 * i + 1])));
    let conv = |i, h| tape.conv2d(h, of(i).0, of(i).1, halved, Relu);
    let h = tape.reshape(conv(1, conv(0, x)), Shape::batch(&[3136]));
    let code = tape.linear(h, of(2).0, of(2).1, Identity);
    let h = tape.reshape(tape.linear(code, of(3).0, of(3).1, Relu), Shape::batch(&[64, 7, 7]));
    let back = |i, h, options, more: usize, activation| {
        let options = ConvTransposeOptions::from(options).output_padding(more);
        tape.conv_transpose2d(h, of(i).0, of(i).1, options, activation)
    };
    back(6, back(5, back(4, h, halved, 1, Relu), halved, 1, Relu), same, 0, Identity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_engine::Split;

    #[test]
    fn both_learn_and_have_the_peers_parameters() {
        for (network, parameters) in [(Convolutional::Keras, 4385), (Convolutional::Strided, 278_369)] {
            let mut step = network.step().unwrap();
            assert_eq!(step.parameters(), parameters);
            step.verify(Split::Serial);
        }
    }
}
