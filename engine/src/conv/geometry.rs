//! The geometry of a window that slides over an image: kernel, stride, padding, dilation, groups, and the sizes that
//! follow from them. PyTorch's rules and names.
//!
//! A transposed convolution is the convolution of the same window with the roles of input and output exchanged, so one
//! [`Geometry`], always stated from the convolution's side (the large image to the small one), serves both.
#![forbid(unsafe_code)]

use std::fmt;

/// A window, height and width: how it is laid over an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Steps from one position to the next.
    pub stride: [usize; 2],
    /// Rows and columns of zeros on every side.
    pub padding: [usize; 2],
    /// Distance between neighbouring elements of the kernel.
    pub dilation: [usize; 2],
}

impl Window {
    /// A kernel of `[height, width]` with stride 1, no padding and no dilation.
    pub const fn new(kernel: [usize; 2]) -> Self {
        Self { kernel, stride: [1, 1], padding: [0, 0], dilation: [1, 1] }
    }

    /// With this stride.
    #[must_use]
    pub const fn stride(self, stride: [usize; 2]) -> Self {
        Self { stride, ..self }
    }

    /// With this padding.
    #[must_use]
    pub const fn padding(self, padding: [usize; 2]) -> Self {
        Self { padding, ..self }
    }

    /// With this dilation.
    #[must_use]
    pub const fn dilation(self, dilation: [usize; 2]) -> Self {
        Self { dilation, ..self }
    }

    /// Positions along one axis (0 height, 1 width) of an image of `size`:
    /// `floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1`.
    ///
    /// # Errors
    /// A kernel, stride or dilation of 0, sizes that overflow, or a kernel larger than the padded image.
    pub(crate) fn positions(&self, axis: usize, size: usize) -> Result<usize, GeometryError> {
        let (padded, reach) = (self.padded(axis, size)?, self.reach(axis)?);
        if size == 0 || reach > padded {
            return Err(GeometryError::TooSmall { axis: AXES[axis], size, padded, reach });
        }
        Ok((padded - reach) / self.stride[axis] + 1)
    }

    /// The image along one axis that a transposed convolution makes of `size` positions:
    /// `(size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1`.
    ///
    /// # Errors
    /// As [`Self::positions`]; an `output_padding` not below the stride or the dilation; padding that leaves nothing.
    pub(crate) fn transposed(&self, axis: usize, size: usize, output_padding: usize) -> Result<usize, GeometryError> {
        let reach = self.reach(axis)?;
        if output_padding >= self.stride[axis].max(self.dilation[axis]) {
            let [stride, dilation] = [self.stride[axis], self.dilation[axis]];
            return Err(GeometryError::OutputPadding { axis: AXES[axis], output_padding, stride, dilation });
        }
        let overflow = GeometryError::Overflow { axis: AXES[axis], size };
        let steps = size.checked_sub(1).ok_or(GeometryError::Empty { axis: AXES[axis] })?;
        let full = steps.checked_mul(self.stride[axis]).and_then(|n| n.checked_add(reach));
        let full = full.and_then(|n| n.checked_add(output_padding)).ok_or(overflow)?;
        let cut = self.padding[axis].checked_mul(2).ok_or(overflow)?;
        full.checked_sub(cut).filter(|&n| n > 0).ok_or(GeometryError::Cut { axis: AXES[axis], full, cut })
    }

    /// Elements from the first to the last that a kernel touches.
    fn reach(&self, axis: usize) -> Result<usize, GeometryError> {
        let Self { kernel, stride, dilation, .. } = *self;
        for (what, value) in [("kernel", kernel[axis]), ("stride", stride[axis]), ("dilation", dilation[axis])] {
            if value == 0 {
                return Err(GeometryError::Zero { axis: AXES[axis], what });
            }
        }
        let between = dilation[axis].checked_mul(kernel[axis] - 1).and_then(|n| n.checked_add(1));
        between.ok_or(GeometryError::Overflow { axis: AXES[axis], size: kernel[axis] })
    }

    fn padded(&self, axis: usize, size: usize) -> Result<usize, GeometryError> {
        let padded = self.padding[axis].checked_mul(2).and_then(|n| n.checked_add(size));
        padded.ok_or(GeometryError::Overflow { axis: AXES[axis], size })
    }
}

const AXES: [&str; 2] = ["height", "width"];

/// What does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeometryError {
    /// A kernel, stride or dilation of 0.
    Zero {
        /// Height or width.
        axis: &'static str,
        /// Which.
        what: &'static str,
    },
    /// An image of no positions.
    Empty {
        /// Height or width.
        axis: &'static str,
    },
    /// A kernel that reaches past the padded image.
    TooSmall {
        /// Height or width.
        axis: &'static str,
        /// The image's size.
        size: usize,
        /// With its padding.
        padded: usize,
        /// What the kernel spans.
        reach: usize,
    },
    /// Output padding that another number of positions would give.
    OutputPadding {
        /// Height or width.
        axis: &'static str,
        /// As given.
        output_padding: usize,
        /// The stride.
        stride: usize,
        /// The dilation.
        dilation: usize,
    },
    /// Padding that cuts away all of a transposed convolution's result.
    Cut {
        /// Height or width.
        axis: &'static str,
        /// The result before it is cut.
        full: usize,
        /// What the padding takes away.
        cut: usize,
    },
    /// Sizes beyond what a number holds.
    Overflow {
        /// Height or width.
        axis: &'static str,
        /// The image's or kernel's size.
        size: usize,
    },
    /// Padding of a pooling window beyond half of it: a window could see nothing but padding.
    PoolPadding {
        /// The padding.
        padding: usize,
        /// The window's size.
        kernel: usize,
    },
    /// Channels that the groups do not divide.
    Groups {
        /// Which channels.
        what: &'static str,
        /// How many there are.
        channels: usize,
        /// Groups asked for.
        groups: usize,
    },
}

impl fmt::Display for GeometryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Zero { axis, what } => write!(f, "the {axis} of the {what} is 0; it must be at least 1"),
            Self::Empty { axis } => write!(f, "the {axis} of the image is 0; it must be at least 1"),
            Self::TooSmall { axis, size, padded, reach } => write!(
                f,
                "the kernel spans {reach} in {axis}, more than the image's {size} with padding, {padded}; \
                 use a smaller kernel or more padding"
            ),
            Self::OutputPadding { axis, output_padding, stride, dilation } => write!(
                f,
                "the output padding {output_padding} in {axis} must be below the stride, {stride}, or the dilation, \
                 {dilation}"
            ),
            Self::Cut { axis, full, cut } => {
                write!(f, "padding takes {cut} of the {full} in {axis} that the transposed convolution gives")
            }
            Self::Overflow { axis, size } => write!(f, "sizes in {axis} are too large, about {size}"),
            Self::PoolPadding { padding, kernel } => {
                write!(f, "the padding {padding} is more than half the pooling window's {kernel}")
            }
            Self::Groups { what, channels, groups } => {
                write!(f, "{groups} groups do not divide the {channels} {what} channels")
            }
        }
    }
}

impl std::error::Error for GeometryError {}

/// A window on images of one size: everything that the passes need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// The window.
    pub window: Window,
    /// Channels of the image.
    pub channels: usize,
    /// Height and width of the image.
    pub image: [usize; 2],
    /// Rows and columns of positions: height and width of a convolution's result.
    pub positions: [usize; 2],
}

impl Geometry {
    /// `window` on an image of `[channels, height, width]`.
    ///
    /// # Errors
    /// Where the window does not fit, or the column matrix of one image would have too many elements.
    pub fn new(window: Window, channels: usize, image: [usize; 2]) -> Result<Self, GeometryError> {
        let positions = [window.positions(0, image[0])?, window.positions(1, image[1])?];
        let [kernel_rows, kernel_columns] = window.kernel;
        let sizes = [channels, kernel_rows, kernel_columns, positions[0], positions[1]];
        let elements = sizes.iter().try_fold(size_of::<f64>(), |n, &size| n.checked_mul(size));
        let pixels = channels.checked_mul(image[0]).and_then(|n| n.checked_mul(image[1]));
        let fits = |n: Option<usize>| n.is_some_and(|n| n < isize::MAX as usize / 8);
        // Coordinates are computed with a sign.
        let padded = (0..2).all(|axis| image[axis] + 2 * window.padding[axis] < isize::MAX as usize / 2);
        if !(fits(elements) && fits(pixels) && padded) {
            // The side that is to blame, as far as one can be named.
            let axis = usize::from(image[1] > image[0]);
            return Err(GeometryError::Overflow { axis: AXES[axis], size: image[axis].max(channels) });
        }
        Ok(Self { window, channels, image, positions })
    }

    /// Rows of the column matrix: elements of the image that one position sees.
    pub fn rows(&self) -> usize {
        self.channels * self.window.kernel[0] * self.window.kernel[1]
    }

    /// Columns of the column matrix: positions of the window.
    pub fn columns(&self) -> usize {
        self.positions[0] * self.positions[1]
    }

    /// Elements of the image.
    pub fn image_elements(&self) -> usize {
        self.channels * self.image[0] * self.image[1]
    }

    /// Whether the column matrix is the image itself: a kernel of one element at every pixel.
    pub(crate) fn is_identity(&self) -> bool {
        let Window { kernel, stride, padding, .. } = self.window;
        kernel == [1, 1] && stride == [1, 1] && padding == [0, 0]
    }

    /// The row or column of the image (`axis` 0 or 1) that element `of_kernel` sees at `position`, if there is one.
    pub(crate) fn pixel(&self, axis: usize, position: usize, of_kernel: usize) -> Option<usize> {
        let Window { stride, padding, dilation, .. } = self.window;
        let padded = position * stride[axis] + of_kernel * dilation[axis];
        padded.checked_sub(padding[axis]).filter(|&pixel| pixel < self.image[axis])
    }

    /// The positions (`axis` 0 or 1) from which element `of_kernel` sees a pixel of the image.
    pub(crate) fn inside(&self, axis: usize, of_kernel: usize) -> std::ops::Range<usize> {
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
        let window = Window::new([3, 3]).padding([1, 1]);
        assert_eq!(window.positions(0, 28), Ok(28));
        assert_eq!(window.stride([2, 2]).positions(0, 28), Ok(14));
        assert_eq!(window.stride([2, 2]).positions(0, 7), Ok(4));
        assert_eq!(Window::new([3, 3]).dilation([2, 2]).positions(1, 5), Ok(1));
        // ConvTranspose2d(64, 64, 3, stride 2, padding 1, output_padding 1): 7 to 14.
        assert_eq!(window.stride([2, 2]).transposed(0, 7, 1), Ok(14));
        assert_eq!(window.transposed(0, 14, 0), Ok(14));
        assert_eq!(Window::new([2, 2]).stride([2, 2]).transposed(1, 3, 0), Ok(6));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let small = Window::new([5, 5]).positions(1, 4).unwrap_err();
        assert!(small.to_string().contains("spans 5 in width, more than the image's 4"), "{small}");
        assert!(Window::new([3, 3]).stride([0, 1]).positions(0, 9).is_err());
        assert!(Window::new([3, 0]).positions(1, 9).is_err());
        assert!(Window::new([3, 3]).dilation([usize::MAX, 1]).positions(0, 9).is_err());
        assert!(Window::new([3, 3]).padding([usize::MAX, 1]).positions(0, 9).is_err());
        assert!(Window::new([3, 3]).stride([2, 2]).transposed(0, 4, 2).is_err());
        assert!(Window::new([3, 3]).padding([5, 5]).transposed(0, 4, 0).is_err());
        assert!(Window::new([3, 3]).transposed(0, 0, 0).is_err());
        assert!(Window::new([3, 3]).stride([usize::MAX, 1]).transposed(0, 4, 0).is_err());
        assert!(Geometry::new(Window::new([1, 1]), usize::MAX, [2, 2]).is_err());
    }

    #[test]
    fn ranges_agree_with_pixels() {
        for (stride, padding, dilation) in [(1, 0, 1), (1, 1, 1), (2, 1, 1), (3, 4, 2), (2, 5, 3)] {
            let window = Window::new([3, 3]).stride([stride; 2]).padding([padding; 2]).dilation([dilation; 2]);
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
