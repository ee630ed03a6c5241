//! Weights (and biases) of a pass in the kernels' order, put there once before threads share the batch.
#![forbid(unsafe_code)]

use super::choices::Choices;
use super::kernels::ConvFloat;
use super::layer::Layer;
use super::layout::{Layout, lines};

/// Weights in the kernels' order, group by group.
pub(super) struct PackedWeights<'a, T> {
    pub(super) transposed: &'a [T],
    pub(super) forward: &'a [T],
}

impl<'a, T: ConvFloat> PackedWeights<'a, T> {
    /// Packs for the products that are `wanted`, the transpose's and the convolution's; gives them and the rest of the
    /// memory.
    pub(super) fn new(
        layer: &Layer,
        choices: Option<&Choices<T>>,
        layout: &Layout,
        wanted: [bool; 2],
        (weight, bias): (&[T], Option<&[T]>),
        scratch: &'a mut [T],
    ) -> (Self, &'a mut [T]) {
        let (convolution, groups) = (&layer.convolution, layer.convolution.groups());
        let (transposed, rest) = scratch.split_at_mut(groups * layout.transposed);
        let (forward, rest) = rest.split_at_mut(groups * layout.forward);
        let Some((direct, choices)) = layer.direct.as_ref().zip(choices) else {
            return (Self { transposed, forward }, rest);
        };
        for group in 0..groups {
            let weight = convolution.of_group(weight, group);
            let bias = bias.map(|bias| convolution.of_group(bias, group));
            if wanted[0] && !direct.by_columns {
                let mut to = convolution.of_group_mut(transposed, group);
                for (product, arrangement) in direct.transposed.iter().zip(&choices.transposed) {
                    let (now, later) = to.split_at_mut(lines(product.packed()));
                    product.pack(arrangement, weight, bias, now);
                    to = later;
                }
            }
            if wanted[1] {
                direct.forward.pack(&choices.forward, weight, bias, convolution.of_group_mut(forward, group));
            }
        }
        (Self { transposed, forward }, rest)
    }
}
