//! The geometry of a window that slides over an image: kernel, stride, padding, dilation, and the sizes that follow
//! from them. PyTorch's rules and names.
//!
//! A transposed convolution is the convolution of the same window with the roles of input and output exchanged, so one
//! [`Geometry`], always stated from the convolution's side (the large image to the small one), serves both. A
//! [`Window`] is only what was asked for; whatever takes one checks it, and a [`Geometry`] is one that was checked:
//! its sizes can be multiplied without overflow.
#![forbid(unsafe_code)]

use crate::base::{Error, ErrorKind};
use std::ops::Range;

/// A number for each axis: one number for all, or `[down, across]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PerAxis<const AXES: usize = 2>([usize; AXES]);

impl<const AXES: usize> PerAxis<AXES> {
    /// The numbers, axis by axis.
    pub const fn get(self) -> [usize; AXES] {
        self.0
    }
}

impl<const AXES: usize> From<usize> for PerAxis<AXES> {
    fn from(both: usize) -> Self {
        Self([both; AXES])
    }
}

impl<const AXES: usize> From<[usize; AXES]> for PerAxis<AXES> {
    fn from(each: [usize; AXES]) -> Self {
        Self(each)
    }
}

/// A window, height and width: how it is laid over an image. Any numbers may be given; what takes a window checks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
}

impl Window {
    /// A kernel of `[height, width]` with stride 1, no padding and no dilation.
    pub const fn new(kernel: [usize; 2]) -> Self {
        Self { kernel, stride: [1, 1], padding: [0, 0], dilation: [1, 1] }
    }

    /// With this stride: steps from one position to the next.
    #[must_use]
    pub fn stride(self, stride: impl Into<PerAxis>) -> Self {
        Self { stride: stride.into().get(), ..self }
    }

    /// With this padding: rows and columns of zeros on every side.
    #[must_use]
    pub fn padding(self, padding: impl Into<PerAxis>) -> Self {
        Self { padding: padding.into().get(), ..self }
    }

    /// With this dilation: the distance between neighbouring elements of the kernel.
    #[must_use]
    pub fn dilation(self, dilation: impl Into<PerAxis>) -> Self {
        Self { dilation: dilation.into().get(), ..self }
    }

    /// Rows and columns of the kernel.
    pub const fn kernel(&self) -> [usize; 2] {
        self.kernel
    }

    /// Steps from one position to the next, down and across.
    pub const fn strides(&self) -> [usize; 2] {
        self.stride
    }

    /// Rows of zeros above and below, columns of zeros on either side.
    pub const fn paddings(&self) -> [usize; 2] {
        self.padding
    }

    /// The distance between neighbouring elements of the kernel, down and across.
    pub const fn dilations(&self) -> [usize; 2] {
        self.dilation
    }

    /// Positions along one axis (0 height, 1 width) of an image of `size`:
    /// `floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1`.
    ///
    /// # Errors
    /// A kernel, stride or dilation of 0, sizes that overflow, or a kernel larger than the padded image.
    pub(super) fn positions(&self, axis: usize, size: usize) -> Result<usize, Error> {
        let (padded, reach) = (self.padded(axis, size)?, self.reach(axis)?);
        if size == 0 {
            return Err(zero(axis, "image"));
        }
        if reach > padded {
            return Err(Error::shape(format!(
                "the kernel spans {reach} in {axis}, more than the image's {size} with padding, {padded}; \
                 use a smaller kernel or more padding",
                axis = AXES[axis]
            )));
        }
        Ok((padded - reach) / self.stride[axis] + 1)
    }

    /// The image along one axis that a transposed convolution makes of `size` positions:
    /// `(size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1`.
    ///
    /// # Errors
    /// As [`Self::positions`]; an `output_padding` not below the stride or the dilation; padding that leaves nothing.
    fn transposed(&self, axis: usize, size: usize, output_padding: usize) -> Result<usize, Error> {
        let (reach, [stride, dilation]) = (self.reach(axis)?, [self.stride[axis], self.dilation[axis]]);
        let name = AXES[axis];
        if output_padding >= stride.max(dilation) {
            let message = format!(
                "the output padding {output_padding} in {name} must be below the stride, {stride}, or the dilation, \
                 {dilation}"
            );
            return Err(Error::new(ErrorKind::OutOfRange, message));
        }
        let steps = size.checked_sub(1).ok_or_else(|| zero(axis, "image"))?;
        let full = steps.checked_mul(stride).and_then(|n| n.checked_add(reach));
        let full = full.and_then(|n| n.checked_add(output_padding)).ok_or_else(|| too_large(axis, size))?;
        let cut = self.padding[axis].checked_mul(2).ok_or_else(|| too_large(axis, size))?;
        full.checked_sub(cut).filter(|&n| n > 0).ok_or_else(|| {
            Error::shape(format!("padding takes {cut} of the {full} in {name} that the transposed convolution gives"))
        })
    }

    /// Elements from the first to the last that a kernel touches.
    fn reach(&self, axis: usize) -> Result<usize, Error> {
        let Self { kernel, stride, dilation, .. } = *self;
        for (what, value) in [("kernel", kernel[axis]), ("stride", stride[axis]), ("dilation", dilation[axis])] {
            if value == 0 {
                return Err(zero(axis, what));
            }
        }
        let between = dilation[axis].checked_mul(kernel[axis] - 1).and_then(|n| n.checked_add(1));
        between.ok_or_else(|| too_large(axis, kernel[axis]))
    }

    fn padded(&self, axis: usize, size: usize) -> Result<usize, Error> {
        let padded = self.padding[axis].checked_mul(2).and_then(|n| n.checked_add(size));
        padded.ok_or_else(|| too_large(axis, size))
    }
}

const AXES: [&str; 2] = ["height", "width"];

#[cold]
fn zero(axis: usize, what: &str) -> Error {
    let message = format!("the {} of the {what} is 0; it must be at least 1", AXES[axis]);
    Error::new(ErrorKind::OutOfRange, message)
}

#[cold]
fn too_large(axis: usize, size: usize) -> Error {
    Error::new(ErrorKind::OutOfRange, format!("sizes in {} are too large, about {size}", AXES[axis]))
}

/// `channels` dealt out evenly to so many groups.
///
/// # Errors
/// When they cannot be.
pub(crate) fn of_groups(what: &str, channels: usize, groups: usize) -> Result<usize, Error> {
    if groups > 0 && channels.is_multiple_of(groups) {
        return Ok(channels / groups);
    }
    Err(Error::shape(format!("{groups} groups do not divide the {channels} {what} channels")))
}

/// A window on images of one size: everything that the passes need to know.
///
/// A column matrix of its sizes, 8 bytes an element, has fewer bytes than memory has addresses, and so has an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    window: Window,
    channels: usize,
    image: [usize; 2],
    positions: [usize; 2],
}

impl Geometry {
    /// `window` on an image of `[channels, height, width]`, with all positions that it has there.
    ///
    /// # Errors
    /// Where the window does not fit, or the column matrix of one image would have too many elements.
    pub fn new(window: Window, channels: usize, image: [usize; 2]) -> Result<Self, Error> {
        let positions = [window.positions(0, image[0])?, window.positions(1, image[1])?];
        Self::checked(window, channels, image, positions)
    }

    /// The convolution that a transposed one is the transpose of: `window` with these `positions`, height and width of
    /// the transposed convolution's input, on an image of `channels`, which is its result, with
    /// `(positions - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1` rows and columns.
    ///
    /// Output padding of a stride or more, which a dilation above the stride allows, leaves room in the image for
    /// further positions. There are none: no sum of the result has a term for them.
    ///
    /// # Errors
    /// As for [`Self::new`]; output padding that is below neither the stride nor the dilation; padding that leaves
    /// nothing of the image.
    pub fn of_transposed(
        window: Window,
        channels: usize,
        positions: [usize; 2],
        output_padding: impl Into<PerAxis>,
    ) -> Result<Self, Error> {
        let more = output_padding.into().get();
        let side = |axis: usize| window.transposed(axis, positions[axis], more[axis]);
        Self::checked(window, channels, [side(0)?, side(1)?], positions)
    }

    fn checked(window: Window, channels: usize, image: [usize; 2], positions: [usize; 2]) -> Result<Self, Error> {
        let blamed = usize::from(image[1] > image[0]);
        if channels == 0 {
            return Err(Error::out_of_range("the number of channels", 0, "at least 1"));
        }
        let [kernel_rows, kernel_columns] = window.kernel;
        let fits = |factors: &[usize]| {
            let bytes = factors.iter().try_fold(size_of::<f64>(), |n, &factor| n.checked_mul(factor));
            bytes.is_some_and(|bytes| bytes < isize::MAX as usize / 8)
        };
        // Coordinates are added to one another.
        let padded = [window.padded(0, image[0])?, window.padded(1, image[1])?];
        let counted = fits(&[channels, kernel_rows, kernel_columns, positions[0], positions[1]])
            && fits(&[channels, image[0], image[1]])
            && padded.iter().all(|&side| side < isize::MAX as usize / 2);
        if !counted {
            return Err(too_large(blamed, image[blamed].max(channels)));
        }
        Ok(Self { window, channels, image, positions })
    }

    /// The window.
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Channels of the image.
    pub const fn channels(&self) -> usize {
        self.channels
    }

    /// Height and width of the image.
    pub const fn image(&self) -> [usize; 2] {
        self.image
    }

    /// Rows and columns of positions: height and width of a convolution's result.
    pub const fn positions(&self) -> [usize; 2] {
        self.positions
    }

    /// Rows of the column matrix: elements of the image that one position sees.
    pub const fn rows(&self) -> usize {
        self.channels * self.window.kernel[0] * self.window.kernel[1]
    }

    /// Columns of the column matrix: positions of the window.
    pub const fn columns(&self) -> usize {
        self.positions[0] * self.positions[1]
    }

    /// Elements of the image.
    pub const fn image_elements(&self) -> usize {
        self.channels * self.image[0] * self.image[1]
    }

    /// Whether the column matrix is the image itself: a kernel of one element at every pixel.
    pub(super) fn is_identity(&self) -> bool {
        let Window { kernel, stride, padding, .. } = self.window;
        kernel == [1, 1] && stride == [1, 1] && padding == [0, 0] && self.positions == self.image
    }

    /// The row or column of the image (`axis` 0 or 1) that element `of_kernel` sees at `position`, if there is one.
    pub(super) fn pixel(&self, axis: usize, position: usize, of_kernel: usize) -> Option<usize> {
        let Window { stride, padding, dilation, .. } = self.window;
        let padded = position * stride[axis] + of_kernel * dilation[axis];
        padded.checked_sub(padding[axis]).filter(|&pixel| pixel < self.image[axis])
    }

    /// The positions (`axis` 0 or 1) from which element `of_kernel` sees a pixel of the image.
    pub(super) fn inside(&self, axis: usize, of_kernel: usize) -> Range<usize> {
        let Window { stride, padding, dilation, .. } = self.window;
        let (stride, offset) = (stride[axis], of_kernel * dilation[axis]);
        // position * stride + offset >= padding, and < padding + size
        let first = padding[axis].saturating_sub(offset).div_ceil(stride);
        let end = (padding[axis] + self.image[axis]).saturating_sub(offset).div_ceil(stride);
        let end = end.min(self.positions[axis]);
        first.min(end)..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_pytorchs() {
        let positions = |window: Window, axis, size| window.positions(axis, size).unwrap();
        let transposed = |window: Window, axis, size, more| window.transposed(axis, size, more).unwrap();
        let window = Window::new([3, 3]).padding(1);
        assert_eq!(positions(window, 0, 28), 28);
        assert_eq!(positions(window.stride(2), 0, 28), 14);
        assert_eq!(positions(window.stride(2), 0, 7), 4);
        assert_eq!(positions(Window::new([3, 3]).dilation([2, 2]), 1, 5), 1);
        // ConvTranspose2d(64, 64, 3, stride 2, padding 1, output_padding 1): 7 to 14.
        assert_eq!(transposed(window.stride(2), 0, 7, 1), 14);
        assert_eq!(transposed(window, 0, 14, 0), 14);
        assert_eq!(transposed(Window::new([2, 2]).stride(2), 1, 3, 0), 6);
        // ConvTranspose2d(1, 1, 3, dilation 3, output_padding 2): 4 to 12.
        assert_eq!(transposed(Window::new([3, 3]).dilation(3), 1, 4, 2), 12);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let small = Window::new([5, 5]).positions(1, 4).unwrap_err();
        assert_eq!(small.kind(), ErrorKind::Shape);
        assert!(small.to_string().contains("spans 5 in width, more than the image's 4"), "{small}");
        let zero = Window::new([3, 3]).stride([0, 1]).positions(0, 9).unwrap_err();
        assert_eq!(zero.kind(), ErrorKind::OutOfRange);
        assert!(Window::new([3, 0]).positions(1, 9).is_err());
        assert!(Window::new([3, 3]).dilation([usize::MAX, 1]).positions(0, 9).is_err());
        assert!(Window::new([3, 3]).padding([usize::MAX, 1]).positions(0, 9).is_err());
        assert!(Window::new([3, 3]).padding(2).positions(0, 0).is_err());
        assert!(Window::new([3, 3]).stride(2).transposed(0, 4, 2).is_err());
        assert!(Window::new([3, 3]).padding(5).transposed(0, 4, 0).is_err());
        assert!(Window::new([3, 3]).transposed(0, 0, 0).is_err());
        assert!(Window::new([3, 3]).stride([usize::MAX, 1]).transposed(0, 4, 0).is_err());
        assert!(Geometry::new(Window::new([1, 1]), usize::MAX, [2, 2]).is_err());
        assert!(Geometry::new(Window::new([1, 1]), 0, [2, 2]).is_err());
    }

    #[test]
    fn ranges_agree_with_pixels() {
        for (stride, padding, dilation) in [(1, 0, 1), (1, 1, 1), (2, 1, 1), (3, 4, 2), (2, 5, 3)] {
            let window = Window::new([3, 3]).stride(stride).padding(padding).dilation(dilation);
            let geometry = Geometry::new(window, 1, [9, 7]).unwrap();
            for (axis, of_kernel) in (0..2).flat_map(|axis| (0..3).map(move |k| (axis, k))) {
                let inside = geometry.inside(axis, of_kernel);
                for position in 0..geometry.positions[axis] {
                    let seen = geometry.pixel(axis, position, of_kernel).is_some();
                    assert_eq!(seen, inside.contains(&position), "{window:?}, axis {axis}, {of_kernel} at {position}");
                }
            }
        }
    }
}
