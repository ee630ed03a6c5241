//! The operands of one product, our own product of them, and the check of whoever wrote C.

use crate::shapes::Shape;
use narrows_engine::Context;
use narrows_engine::base::Buffer;
use narrows_engine::gemm::{Epilogue, MatrixMut, MatrixRef, PackedB, gemm, gemm_packed};
use narrows_engine::random::fill_uniform;
use narrows_engine::{Real, Split};

/// A, B and C, each on a cache line.
pub struct Product<T> {
    /// Sides and storage.
    pub shape: Shape,
    /// A, filled from -1..1.
    pub a: Buffer<T>,
    /// B, filled from -1..1.
    pub b: Buffer<T>,
    /// The result, NaN before the first product.
    pub c: Buffer<T>,
}

/// Elements of C that are compared with a naive product.
const SAMPLES: usize = 4096;

impl<T: Real> Product<T> {
    /// The operands, filled.
    ///
    /// # Panics
    /// When there is no memory for them.
    pub fn new(shape: Shape) -> Self {
        let Shape { m, n, k, .. } = shape;
        let filled = |len, stream| {
            let mut buffer = Buffer::zeroed(len).expect("memory for an operand");
            fill_uniform(1, stream, 0, -T::ONE, T::ONE, buffer.as_mut_slice());
            buffer
        };
        let mut product = Self { shape, a: filled(m * k, 0), b: filled(k * n, 1), c: filled(m * n, 2) };
        product.spoil();
        product
    }

    /// Strides of A and B: from row to row, from column to column.
    pub fn strides(&self) -> ([usize; 2], [usize; 2]) {
        let Shape { m, n, k, a_transposed, b_transposed } = self.shape;
        (if a_transposed { [1, m] } else { [k, 1] }, if b_transposed { [1, k] } else { [n, 1] })
    }

    /// Our product.
    ///
    /// # Panics
    /// Never: the sides fit.
    pub fn ours(&mut self, split: Split) {
        let Shape { m, n, k, .. } = self.shape;
        let (a, b) = self.strides();
        let a = MatrixRef::new(self.a.as_slice(), m, k, a[0], a[1]).expect("A fits");
        let b = MatrixRef::new(self.b.as_slice(), k, n, b[0], b[1]).expect("B fits");
        let c = MatrixMut::row_major(self.c.as_mut_slice(), m, n).expect("C fits");
        gemm(Context::new(split), T::ONE, a, b, T::ZERO, c, &Epilogue::none()).expect("the sides fit");
    }

    /// B packed for us.
    ///
    /// # Panics
    /// When there is no memory for it.
    pub fn packed(&self) -> PackedB<T> {
        let (_, b) = self.strides();
        let view = MatrixRef::new(self.b.as_slice(), self.shape.k, self.shape.n, b[0], b[1]).expect("B fits");
        PackedB::new(Context::new(Split::Serial), view).expect("memory for a packed operand")
    }

    /// Our product with a packed B.
    ///
    /// # Panics
    /// Never: the sides fit.
    pub fn ours_packed(&mut self, b: &PackedB<T>, split: Split) {
        let Shape { m, n, k, .. } = self.shape;
        let (a, _) = self.strides();
        let a = MatrixRef::new(self.a.as_slice(), m, k, a[0], a[1]).expect("A fits");
        let c = MatrixMut::row_major(self.c.as_mut_slice(), m, n).expect("C fits");
        gemm_packed(split, T::ONE, a, b, T::ZERO, c, &Epilogue::none()).expect("the sides fit");
    }

    /// Fills C with NaN, so that a product that writes nothing is seen.
    pub fn spoil(&mut self) {
        self.c.as_mut_slice().fill(T::from_f64(f64::NAN));
    }

    /// Compares elements all over C, its corners among them, with naive sums in `f64`.
    ///
    /// # Panics
    /// When one differs by more than rounding can explain: the measurement of a wrong product means nothing.
    pub fn check(&self, who: &str) {
        let Shape { m, n, k, .. } = self.shape;
        let (a, b) = self.strides();
        let (x, y, c) = (self.a.as_slice(), self.b.as_slice(), self.c.as_slice());
        // An odd step reaches every column and row in turn; the last element is always among them.
        let step = (c.len() / SAMPLES) | 1;
        for place in (0..c.len()).step_by(step).chain([n - 1, (m - 1) * n, m * n - 1]) {
            let (row, col) = (place / n, place % n);
            let terms = (0..k).map(|p| {
                let (left, right) = (x[row * a[0] + p * a[1]], y[p * b[0] + col * b[1]]);
                left.to_f64() * right.to_f64()
            });
            let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), t: f64| (sum + t, size + t.abs()));
            let error = (c[place].to_f64() - sum).abs();
            let allowed = k as f64 * T::EPSILON.to_f64() * size;
            assert!(error <= allowed, "{who}, {}: C[{row}, {col}] is {}, not {sum}", self.shape, c[place]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_passes_ours_and_sees_a_wrong_element() {
        for shape in [Shape::forward(3, 5, 7), Shape::backward_weight(3, 5, 7), Shape::backward_input(3, 5, 7)] {
            let mut product = Product::<f32>::new(shape);
            let packed = product.packed();
            product.ours_packed(&packed, Split::Serial);
            product.check("packed");
            product.ours(Split::Serial);
            product.check("narrows");
            *product.c.as_mut_slice().last_mut().unwrap() += 0.1;
            assert!(std::panic::catch_unwind(|| product.check("nobody")).is_err());
        }
    }
}
