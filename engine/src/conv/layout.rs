//! Scratch memory of a pass: which parts there are and how large, bounded whatever the batch, and known to the plan.
//!
//! In this order: the transpose's and the convolution's weights in the kernels' order, group by group; for each chunk
//! of the batch what a worker needs; backward, for each chunk the parts of the weight's and of the bias's gradient.
//! Parts begin at whole lines.
#![forbid(unsafe_code)]

use super::choices::Choices;
use super::direct::Direct;
use super::kernels::ConvFloat;
use super::layer::Layer;
use super::product::Product;

/// The most chunks of a batch: as many threads can share one.
pub(super) const CHUNKS: usize = 16;
const LINE: usize = 16;

/// Whole lines for so many elements.
pub(super) fn lines(elements: usize) -> usize {
    elements.next_multiple_of(LINE)
}

/// Elements of the parts of scratch memory.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Layout {
    /// Weights in the kernels' order, for each group: the product's, and the transpose's for all phases.
    pub(super) forward: usize,
    pub(super) transposed: usize,
    /// For each chunk. Padded images, and results before pooling, as many as are worked on at once.
    pub(super) image: usize,
    pub(super) images: usize,
    pub(super) unpooled: usize,
    pub(super) result: usize,
    /// Results with the outputs last, before they are transposed.
    pub(super) channels_last: usize,
    pub(super) phases: usize,
    pub(super) sums: usize,
    /// For each chunk, all together.
    pub(super) weight: usize,
    pub(super) bias: usize,
}

impl Layout {
    /// What a pass needs, forward or backward, whichever of the choices it will run on.
    pub(super) fn new<T: ConvFloat>(layer: &Layer, choices: &[Choices<T>], backward: bool) -> Self {
        let mut layout = Self { images: 1, ..Self::default() };
        if layer.pooling.is_some() {
            layout.unpooled = lines(layer.sides_before_pooling()[1]);
        }
        if backward {
            layout.weight = lines(layer.convolution.weight());
            layout.bias = lines(layer.channels());
        }
        let Some(direct) = &layer.direct else {
            layout.image = lines(layer.convolution.columns());
            return layout;
        };
        // The transpose's products are those of a transposed convolution, and of a convolution's input gradient.
        match layer.transposed != backward {
            true => layout.add_transposed(layer, direct, choices),
            false => {
                layout.forward = lines(direct.forward.packed());
                layout.add_channels_last(&direct.forward, choices.iter().any(|it| it.forward.has_outputs()));
            }
        }
        if backward || !layer.transposed {
            layout.image = lines(direct.image.len().unwrap_or(0));
        }
        if backward {
            let groups = layer.convolution.groups();
            layout.sums = groups * lines(direct.forward.sums());
            layout.add_channels_last(&direct.forward, choices.iter().any(|it| it.gradient.has_outputs()));
            // The groups of a convolution take turns in one padded image.
            layout.images = if groups == 1 { direct.forward.images_at_once() } else { 1 };
        }
        layout
    }

    fn add_transposed<T: ConvFloat>(&mut self, layer: &Layer, direct: &Direct, choices: &[Choices<T>]) {
        if direct.by_columns {
            self.result = lines(layer.convolution.columns());
        } else {
            self.transposed = direct.transposed.iter().map(|product| lines(product.packed())).sum();
            self.result = lines(direct.result.len().unwrap_or(0));
            for (phase, product) in direct.transposed.iter().enumerate().filter(|(_, product)| product.results() > 0) {
                self.add_channels_last(product, choices.iter().any(|it| it.transposed[phase].has_outputs()));
            }
        }
        if !direct.is_whole() {
            self.phases = lines(direct.transposed.iter().map(Product::results).sum());
        }
    }

    /// Makes room for a product's results with the outputs last, where any choice has them in the lanes.
    fn add_channels_last(&mut self, product: &Product, has_outputs: bool) {
        if has_outputs {
            self.channels_last = self.channels_last.max(lines(product.channels_last()));
        }
    }

    /// Elements for a chunk.
    pub(super) fn chunk(&self) -> usize {
        self.images * (self.image + self.unpooled) + self.result + self.channels_last + self.phases + self.sums
    }

    /// Elements in all for so many groups; `None` where they cannot be counted.
    pub(super) fn elements(&self, groups: usize) -> Option<usize> {
        let each = self.chunk().checked_add(self.weight + self.bias)?;
        each.checked_mul(CHUNKS)?.checked_add(groups.checked_mul(self.forward + self.transposed)?)
    }
}
