//! Sizes from nothing to more than can be counted: every public function takes them or says why not.
#![forbid(unsafe_code)]

use super::convolution::Convolution;
use super::passes::Passes;
use super::*;
use proptest::prelude::*;

/// Sizes from nothing to more than can be counted.
fn extreme() -> impl Strategy<Value = usize> {
    let edges =
        vec![0, 1, 2, 3, 7, 1 << 20, 1 << 31, 1 << 32, 1 << 40, 1 << 62, usize::MAX / 2, usize::MAX - 1, usize::MAX];
    prop_oneof![3 => 0..6usize, 2 => proptest::sample::select(edges), 1 => any::<usize>()]
}

fn pair() -> impl Strategy<Value = [usize; 2]> {
    [extreme(), extreme()]
}

proptest! {
    /// No size makes a public function panic or overflow; what is taken has sizes that can be multiplied.
    #[test]
    fn no_size_is_too_extreme(
        (kernel, stride, padding, dilation) in (pair(), pair(), pair(), pair()),
        (image, more) in (pair(), pair()),
        (channels, filters, groups) in (extreme(), extreme(), extreme()),
        len in 0..64usize,
    ) {
        let window = Window::new(kernel).stride(stride).padding(padding).dilation(dilation);
        let numbers = vec![1.0f32; len];
        let transposed = Geometry::of_transposed(window, channels, image, more);
        for geometry in [Geometry::new(window, channels, image), transposed] {
            let Ok(geometry) = geometry else { continue };
            prop_assert!(geometry.rows() > 0 && geometry.columns() > 0 && geometry.image_elements() > 0);
            prop_assert!(geometry.rows().checked_mul(geometry.columns()).is_some());
            let mut memory = [1.0f32; 64];
            let _ = im2col(&geometry, &numbers, &mut memory);
            let _ = col2im(&geometry, &numbers, &mut memory);
            if let Ok(convolution) = Convolution::new(geometry, groups, filters) {
                prop_assert!(convolution.flops() > 0);
                // Its tables, unless they are of a size that only a real weight has.
                if convolution.geometry().rows().saturating_mul(filters) < 1 << 10 {
                    for transposed in [false, true] {
                        let passes = Passes::<f32>::new(convolution, transposed, Some(Pool::of(kernel).stride(stride)));
                        let _ = passes.map(|passes| [false, true].map(|backward| passes.scratch(backward)));
                        let passes = Passes::<f64>::new(convolution, transposed, None).unwrap();
                        let _ = [false, true].map(|backward| passes.scratch(backward));
                    }
                }
            }
        }
        let pool = Pool::of(kernel).stride(stride).padding(padding);
        for pool in [pool, pool.ceil()] {
            let Ok(positions) = pool.positions(image) else { continue };
            for (axis, count) in positions.into_iter().enumerate() {
                prop_assert!(count > 0);
                for position in [0, count - 1] {
                    let (seen, counted) = pool.seen(axis, image[axis], position);
                    prop_assert!(!seen.is_empty() && seen.end <= image[axis] && counted >= seen.len());
                }
            }
        }
        let [height, width] = image;
        if let Ok(matrix) = ConvolutionMatrix::new(window, [channels, height, width], filters, groups, &numbers) {
            prop_assert!(matrix.rows() > 0 && matrix.columns() > 0);
            prop_assert!(matrix.multiply(&numbers).is_ok() == (matrix.columns() == len));
            let _ = (matrix.multiply_transposed(&numbers), matrix.elements().count());
        }
    }
}
