//! What happens to an element of C besides the product: a bias, and an activation.
//!
//! The bias is where the accumulators start, so it costs nothing. Activations are applied in registers or by a pass
//! over each row of a finished tile, while it is in L1: see [`Applied`]. The k-loop knows of none.

use super::activation::{Activation, Applied};
use crate::base::Error;
use crate::simd::Float;

/// Numbers added to the product.
#[derive(Clone, Copy, Debug)]
pub enum Bias<'a, T> {
    /// `[N]`, added to every row.
    PerColumn(&'a [T]),
    /// `[M]`, added to every column.
    PerRow(&'a [T]),
}

/// `activation(product + bias)`
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a, T> {
    /// Added before the activation.
    pub bias: Option<Bias<'a, T>>,
    /// Applied last.
    pub activation: Activation<T>,
}

impl<T: Float> Epilogue<'_, T> {
    /// The product as it is.
    pub fn none() -> Self {
        Self { bias: None, activation: Activation::Identity }
    }

    /// Refuses a bias of another length than `[rows, cols]` asks for.
    pub(super) fn check(&self, rows: usize, cols: usize) -> Result<(), Error> {
        let (expected, found) = match self.bias {
            None => return Ok(()),
            Some(Bias::PerColumn(bias)) => (cols, bias.len()),
            Some(Bias::PerRow(bias)) => (rows, bias.len()),
        };
        if expected == found {
            Ok(())
        } else {
            Err(Error::shape(format!("a bias of {found} elements where {expected} are needed")))
        }
    }

    /// As the kernels want it.
    pub(super) fn raw(&self, beta: T) -> Finish<T> {
        let null = std::ptr::null();
        let (column_bias, row_bias) = match self.bias {
            None => (null, null),
            Some(Bias::PerColumn(bias)) => (bias.as_ptr(), null),
            Some(Bias::PerRow(bias)) => (null, bias.as_ptr()),
        };
        Finish { beta, column_bias, row_bias, activation: self.activation.applied() }
    }
}

/// An epilogue over raw pointers, null where there is no such bias, and the factor of what C held.
#[derive(Clone, Copy)]
pub(super) struct Finish<T> {
    pub(super) beta: T,
    pub(super) column_bias: *const T,
    pub(super) row_bias: *const T,
    pub(super) activation: Applied<T>,
}

impl<T: Float> Finish<T> {
    /// For the transposed product.
    pub(super) fn t(self) -> Self {
        Self { column_bias: self.row_bias, row_bias: self.column_bias, ..self }
    }

    /// For a part of K: what the `first` starts from is C itself for the others, and the `last` alone is activated.
    pub(super) fn of_depth(self, first: bool, last: bool) -> Self {
        let null = std::ptr::null();
        let start = if first { self } else { Self { beta: T::ONE, column_bias: null, row_bias: null, ..self } };
        Self { activation: if last { self.activation } else { Applied::Nothing }, ..start }
    }

    /// For the part of C that starts at `(row, col)`.
    pub(super) fn part(self, row: usize, col: usize) -> Self {
        let shift = |bias: *const T, by| if bias.is_null() { bias } else { bias.wrapping_add(by) };
        Self { column_bias: shift(self.column_bias, col), row_bias: shift(self.row_bias, row), ..self }
    }
}
