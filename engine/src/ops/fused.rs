//! Activations of the operations that are fused with one: applied where the product does not, and differentiated.

use super::{GATE, GRAIN};
use crate::conv::passes::Means;
use crate::gemm::Activation;
use crate::simd::InOut;
use crate::tape::{Backward, Real};

/// The gradient of the argument, in place of that of the output, by the activation's derivative at the output.
pub(super) fn differentiate<T: Real>(activation: Activation<T>, run: &mut Backward<'_, T>) {
    let kernels = T::elementwise(run.device.backend);
    let split = run.device.split.gated(run.output_gradient.len(), GATE);
    if activation == Activation::Identity {
        return;
    }
    split.parts((run.output, InOut::same(run.output_gradient)), GRAIN, &|(y, dy)| match activation {
        Activation::Identity => {}
        Activation::Relu => kernels.relu_gradient(y, dy, T::ZERO, false),
        Activation::LeakyRelu(slope) => kernels.leaky_relu_gradient(y, dy, slope, false),
        Activation::Elu(alpha) => kernels.elu_gradient(y, dy, alpha, false),
        Activation::Sigmoid => kernels.sigmoid_gradient(y, dy, T::ZERO, false),
        Activation::Tanh => kernels.tanh_gradient(y, dy, T::ZERO, false),
        Activation::Softplus => kernels.softplus_gradient(y, dy, T::ZERO, false),
    });
}

/// Adds to each channel its bias and applies the activation, in place; a channel has `positions` elements an image.
pub(super) fn apply<T: Real>(
    means: Means,
    activation: Activation<T>,
    bias: Option<&[T]>,
    positions: usize,
    y: &mut [T],
) {
    if bias.is_none() && activation == Activation::Identity {
        return;
    }
    let kernels = T::elementwise(means.backend);
    let image = bias.map_or(y.len(), |bias| bias.len() * positions).max(1);
    means.split.gated(y.len(), GATE).parts(y, image, &|y: &mut [T]| {
        if let Some(bias) = bias {
            for (channel, y) in y.chunks_mut(positions).enumerate() {
                kernels.add_scalar(InOut::same(y), bias[channel % bias.len()]);
            }
        }
        match activation {
            Activation::Identity => {}
            Activation::Relu => kernels.relu(InOut::same(y), T::ZERO),
            Activation::LeakyRelu(slope) => kernels.leaky_relu(InOut::same(y), slope),
            Activation::Elu(alpha) => kernels.elu(InOut::same(y), alpha),
            Activation::Sigmoid => kernels.sigmoid(InOut::same(y), T::ZERO),
            Activation::Tanh => kernels.tanh(InOut::same(y), T::ZERO),
            Activation::Softplus => kernels.softplus(InOut::same(y), T::ZERO),
        }
    });
}
