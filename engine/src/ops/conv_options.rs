//! The options of convolutions and of their transposes, over images (two axes) and sequences (one): PyTorch's names
//! and defaults. Any numbers may be given; they are checked, with the sizes that they are for, when an operation is
//! recorded.
#![forbid(unsafe_code)]

use crate::conv::{PerAxis, Window};

/// How a kernel is laid over an image.
///
/// ```
/// use narrows_engine::ops::{Conv1dOptions, ConvOptions};
///
/// let halving: ConvOptions = ConvOptions::default().stride(2).padding([1, 2]);
/// assert_eq!((halving.stride, halving.padding), ([2, 2], [1, 2]));
/// let of_sequence = Conv1dOptions::default().dilation(3);
/// assert_eq!(of_sequence.dilation, [3]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ConvOptions<const AXES: usize = 2> {
    /// Steps from one position to the next, down and across.
    pub stride: [usize; AXES],
    /// Rows and columns of zeros on every side.
    pub padding: [usize; AXES],
    /// Distance between neighbouring elements of the kernel.
    pub dilation: [usize; AXES],
    /// Parts that the channels are divided into; each filter sees one.
    pub groups: usize,
}

/// The options of a convolution over sequences.
pub type Conv1dOptions = ConvOptions<1>;

/// The options of a transposed convolution: those of the convolution that it is the transpose of, and output padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ConvTransposeOptions<const AXES: usize = 2> {
    /// The convolution that it is the transpose of.
    pub convolution: ConvOptions<AXES>,
    /// Rows and columns more at the end of the result, below the stride or the dilation: it tells apart the sizes that
    /// one convolution takes to the same.
    pub output_padding: [usize; AXES],
}

/// The options of a transposed convolution over sequences.
pub type ConvTranspose1dOptions = ConvTransposeOptions<1>;

impl<const AXES: usize> Default for ConvOptions<AXES> {
    fn default() -> Self {
        Self { stride: [1; AXES], padding: [0; AXES], dilation: [1; AXES], groups: 1 }
    }
}

impl<const AXES: usize> ConvOptions<AXES> {
    /// With this stride, the same along every axis or one for each.
    #[must_use]
    pub fn stride(self, stride: impl Into<PerAxis<AXES>>) -> Self {
        Self { stride: stride.into().get(), ..self }
    }

    /// With this padding.
    #[must_use]
    pub fn padding(self, padding: impl Into<PerAxis<AXES>>) -> Self {
        Self { padding: padding.into().get(), ..self }
    }

    /// With this dilation.
    #[must_use]
    pub fn dilation(self, dilation: impl Into<PerAxis<AXES>>) -> Self {
        Self { dilation: dilation.into().get(), ..self }
    }

    /// With so many groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }
}

impl ConvOptions {
    pub(super) fn window(&self, kernel: [usize; 2]) -> Window {
        Window::new(kernel).stride(self.stride).padding(self.padding).dilation(self.dilation)
    }
}

impl ConvOptions<1> {
    /// Over images of height 1.
    pub(super) fn of_images(self) -> ConvOptions {
        let Self { stride: [stride], padding: [padding], dilation: [dilation], groups } = self;
        ConvOptions { stride: [1, stride], padding: [0, padding], dilation: [1, dilation], groups }
    }
}

impl<const AXES: usize> Default for ConvTransposeOptions<AXES> {
    fn default() -> Self {
        ConvOptions::default().into()
    }
}

impl<const AXES: usize> From<ConvOptions<AXES>> for ConvTransposeOptions<AXES> {
    fn from(convolution: ConvOptions<AXES>) -> Self {
        Self { convolution, output_padding: [0; AXES] }
    }
}

impl<const AXES: usize> ConvTransposeOptions<AXES> {
    /// With this stride, the same along every axis or one for each.
    #[must_use]
    pub fn stride(self, stride: impl Into<PerAxis<AXES>>) -> Self {
        Self { convolution: self.convolution.stride(stride), ..self }
    }

    /// With this padding: rows and columns that are cut off on every side.
    #[must_use]
    pub fn padding(self, padding: impl Into<PerAxis<AXES>>) -> Self {
        Self { convolution: self.convolution.padding(padding), ..self }
    }

    /// With this dilation.
    #[must_use]
    pub fn dilation(self, dilation: impl Into<PerAxis<AXES>>) -> Self {
        Self { convolution: self.convolution.dilation(dilation), ..self }
    }

    /// With so many groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { convolution: self.convolution.groups(groups), ..self }
    }

    /// With this output padding.
    #[must_use]
    pub fn output_padding(self, output_padding: impl Into<PerAxis<AXES>>) -> Self {
        Self { output_padding: output_padding.into().get(), ..self }
    }
}

impl ConvTransposeOptions<1> {
    /// Over images of height 1.
    pub(super) fn of_images(self) -> ConvTransposeOptions {
        let [more] = self.output_padding;
        ConvTransposeOptions { convolution: self.convolution.of_images(), output_padding: [0, more] }
    }
}
