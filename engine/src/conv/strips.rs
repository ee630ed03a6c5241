//! Convolutions of one image through strips of the column matrix: a strip of as many rows of positions as fit L2 beside
//! the operands, and a product with it. For large images and weights, where products are deep enough to be fast; the
//! column matrix as a whole never exists. A kernel of one element needs no columns: the image is the matrix.
#![forbid(unsafe_code)]

use super::columns::{add_strip, fill_strip};
use super::convolution::Convolution;
use crate::base::{Backend, Context, Error, Split};
use crate::gemm::{Epilogue, GemmFloat, MatrixMut, MatrixRef, gemm};
use std::ops::Range;

/// Elements of a strip of the column matrix, unless one row of positions has more.
const STRIP: usize = 1 << 15;

impl Convolution {
    /// Rows of positions in a strip.
    fn strip(&self) -> usize {
        let row = self.geometry().rows() * self.geometry().positions()[1];
        (STRIP / row.max(1)).clamp(1, self.geometry().positions()[0].max(1))
    }

    /// Elements of a strip.
    pub(super) fn columns(&self) -> usize {
        if self.geometry().is_identity() {
            0
        } else {
            self.geometry().rows() * self.geometry().positions()[1] * self.strip()
        }
    }

    /// The strips of positions, each with its first position.
    fn strips(&self) -> impl Iterator<Item = (Range<usize>, usize)> + use<> {
        let (strip, rows, width) = (self.strip(), self.geometry().positions()[0], self.geometry().positions()[1]);
        (0..rows).step_by(strip).map(move |first| (first..rows.min(first + strip), first * width))
    }

    /// `y = activation(C x + bias)` for one image and group.
    pub(super) fn apply_by_strips<T: GemmFloat>(
        &self,
        backend: Backend,
        (x, weight): (&[T], &[T]),
        epilogue: &Epilogue<'_, T>,
        (beta, y): (T, &mut [T]),
        scratch: &mut [T],
    ) -> Result<(), Error> {
        let (rows, width, all) = (self.geometry().rows(), self.geometry().positions()[1], self.geometry().columns());
        let weight = || MatrixRef::row_major(weight, self.filters(), rows);
        if self.geometry().is_identity() {
            let (x, y) = (MatrixRef::row_major(x, rows, all), MatrixMut::row_major(y, self.filters(), all));
            return product(backend, weight(), x, beta, y, epilogue);
        }
        for (strip, first) in self.strips() {
            let len = strip.len() * width;
            let columns = &mut scratch[..rows * len];
            fill_strip(self.geometry(), x, strip, columns);
            let y = MatrixMut::new(&mut y[first..], self.filters(), len, all, 1);
            product(backend, weight(), MatrixRef::row_major(columns, rows, len), beta, y, epilogue)?;
        }
        Ok(())
    }

    /// `x = Cᵀ y` for one image and group, added to what `x` holds if `accumulate`.
    pub(super) fn transposed_by_strips<T: GemmFloat>(
        &self,
        backend: Backend,
        (y, weight): (&[T], &[T]),
        x: &mut [T],
        accumulate: bool,
        scratch: &mut [T],
    ) -> Result<(), Error> {
        let (rows, width, all) = (self.geometry().rows(), self.geometry().positions()[1], self.geometry().columns());
        let (weight, none) =
            (|| MatrixRef::row_major(weight, self.filters(), rows).map(MatrixRef::t), Epilogue::none());
        if self.geometry().is_identity() {
            let beta = if accumulate { T::ONE } else { T::ZERO };
            let (y, x) = (MatrixRef::row_major(y, self.filters(), all), MatrixMut::row_major(x, rows, all));
            return product(backend, weight(), y, beta, x, &none);
        }
        if !accumulate {
            x.fill(T::ZERO);
        }
        for (strip, first) in self.strips() {
            let len = strip.len() * width;
            let columns = &mut scratch[..rows * len];
            let y = MatrixRef::new(&y[first..], self.filters(), len, all, 1);
            product(backend, weight(), y, T::ZERO, MatrixMut::row_major(columns, rows, len), &none)?;
            add_strip(T::elementwise(backend), self.geometry(), columns, strip, x);
        }
        Ok(())
    }

    /// The gradient of the weight for one image and group.
    pub(super) fn gradient_by_strips<T: GemmFloat>(
        &self,
        backend: Backend,
        (x, dy): (&[T], &[T]),
        dw: &mut [T],
        accumulate: bool,
        scratch: &mut [T],
    ) -> Result<(), Error> {
        let (rows, width, all) = (self.geometry().rows(), self.geometry().positions()[1], self.geometry().columns());
        for (strip, first) in self.strips() {
            let len = strip.len() * width;
            let beta = if accumulate || first > 0 { T::ONE } else { T::ZERO };
            let columns = if self.geometry().is_identity() {
                MatrixRef::new(&x[first..], rows, len, all, 1)
            } else {
                fill_strip(self.geometry(), x, strip, &mut scratch[..rows * len]);
                MatrixRef::row_major(&scratch[..rows * len], rows, len)
            };
            let dy = MatrixRef::new(&dy[first..], self.filters(), len, all, 1);
            let dw = MatrixMut::row_major(dw, self.filters(), rows);
            product(backend, dy, columns.map(MatrixRef::t), beta, dw, &Epilogue::none())?;
        }
        Ok(())
    }
}

/// One product on this thread.
fn product<T: GemmFloat>(
    backend: Backend,
    a: Result<MatrixRef<'_, T>, Error>,
    b: Result<MatrixRef<'_, T>, Error>,
    beta: T,
    c: Result<MatrixMut<'_, T>, Error>,
    epilogue: &Epilogue<'_, T>,
) -> Result<(), Error> {
    gemm(Context { backend, split: Split::Serial }, T::ONE, a?, b?, beta, c?, epilogue)
}
