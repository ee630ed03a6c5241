//! The geometry of pooling windows.
//!
//! Sizes and padding are PyTorch's: with `ceil` the last window may reach past the padded image, but must begin inside
//! it or its leading padding. (A window that is larger than the padded image is refused, also with `ceil`, where
//! PyTorch may take it.) Padding is at most half the kernel, so that every window sees a pixel.
#![forbid(unsafe_code)]

use super::geometry::{PerAxis, Window};
use crate::base::{Error, ErrorKind};
use std::ops::Range;

/// A pooling window. Any numbers may be given; [`Self::positions`] checks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pool {
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    ceil: bool,
}

impl Pool {
    /// Windows of `kernel` by `kernel` side by side.
    pub const fn new(kernel: usize) -> Self {
        Self::of([kernel; 2])
    }

    /// Windows of `[rows, columns]` side by side.
    pub const fn of(kernel: [usize; 2]) -> Self {
        Self { kernel, stride: kernel, padding: [0; 2], ceil: false }
    }

    /// With this stride: steps from one window to the next.
    #[must_use]
    pub fn stride(self, stride: impl Into<PerAxis>) -> Self {
        Self { stride: stride.into().get(), ..self }
    }

    /// With this padding around the image: never the largest, and zeros to an average.
    #[must_use]
    pub fn padding(self, padding: impl Into<PerAxis>) -> Self {
        Self { padding: padding.into().get(), ..self }
    }

    /// With a window for pixels at the end that no whole window reaches.
    #[must_use]
    pub const fn ceil(self) -> Self {
        Self { ceil: true, ..self }
    }

    /// Rows and columns of the window.
    pub const fn kernel(&self) -> [usize; 2] {
        self.kernel
    }

    /// Steps from one window to the next, down and across.
    pub const fn strides(&self) -> [usize; 2] {
        self.stride
    }

    /// Rows of padding above and below, columns of it on either side.
    pub const fn paddings(&self) -> [usize; 2] {
        self.padding
    }

    /// Whether pixels that no whole window reaches get one of their own.
    pub const fn is_ceil(&self) -> bool {
        self.ceil
    }

    /// Windows on an image of these sizes, down and across.
    ///
    /// # Errors
    /// A kernel or stride of 0, padding beyond half the kernel, or a kernel larger than the padded image.
    pub fn positions(&self, image: [usize; 2]) -> Result<[usize; 2], Error> {
        let window = Window::new(self.kernel).stride(self.stride).padding(self.padding);
        let mut positions = [0; 2];
        for (axis, count) in positions.iter_mut().enumerate() {
            *count = window.positions(axis, image[axis])?;
            // The image with its padding on both sides was counted.
            let [kernel, stride, padding] = [self.kernel[axis], self.stride[axis], self.padding[axis]];
            if padding * 2 > kernel {
                let message = format!("the padding {padding} is more than half the pooling window's {kernel}");
                return Err(Error::new(ErrorKind::OutOfRange, message));
            }
            let begins_inside = count.saturating_mul(stride) < image[axis] + padding;
            let reached = (*count - 1) * stride + kernel;
            if self.ceil && begins_inside && reached < image[axis] + 2 * padding {
                *count += 1;
            }
        }
        Ok(positions)
    }

    /// Whether windows are 2 by 2 pixels, side by side from the first.
    pub(super) fn is_pairs(&self) -> bool {
        self.kernel == [2, 2] && self.stride == [2, 2] && self.padding == [0, 0]
    }

    /// The pixels of the image that a window sees along one axis, and how many it would with the padding; for a
    /// position below [`Self::positions`].
    pub(super) fn seen(&self, axis: usize, image: usize, position: usize) -> (Range<usize>, usize) {
        let first = position * self.stride[axis];
        let padding = self.padding[axis];
        let last = first.saturating_add(self.kernel[axis]).min(image + 2 * padding);
        let end = last.saturating_sub(padding).min(image);
        (first.saturating_sub(padding).min(end)..end, last - first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_pytorchs() {
        let positions = |pool: Pool, image| pool.positions(image).unwrap();
        assert_eq!(positions(Pool::new(2), [28, 7]), [14, 3]);
        assert_eq!(positions(Pool::new(2).ceil(), [28, 7]), [14, 4]);
        assert_eq!(positions(Pool::new(3).stride(2).padding(1), [7, 8]), [4, 4]);
        assert_eq!(positions(Pool::of([2, 3]).stride([1, 2]).padding([1, 0]), [4, 9]), [5, 4]);
        // With ceil, a window that would begin in the trailing padding is left out.
        assert_eq!(positions(Pool::new(3).stride(2).padding(1).ceil(), [7, 8]), [4, 5]);
        assert_eq!(positions(Pool::new(2).stride(3).padding(1).ceil(), [5, 5]), [2, 2]);
        for (pool, kind) in [
            (Pool::new(3).padding(2), ErrorKind::OutOfRange),
            (Pool::new(5), ErrorKind::Shape),
            (Pool::new(0), ErrorKind::OutOfRange),
        ] {
            assert_eq!(pool.positions([4, 9]).unwrap_err().kind(), kind, "{pool:?}");
        }
    }
}
