//! What happens to an element of C besides the product: a bias, and an activation.
//!
//! The bias is where the accumulators start, so it costs nothing. ReLU and leaky ReLU are applied in registers, the
//! others by the element-wise kernels over each row of a finished tile, while it is in L1. The k-loop knows of none.

use crate::base::{Backend, Error};
use crate::simd::{Float, InOut};

/// A function applied to every element of the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation<T> {
    /// `x`
    Identity,
    /// `max(x, 0)`, NaN staying NaN
    Relu,
    /// `x` where it is not negative, else `slope * x`
    LeakyRelu(T),
    /// `x` where it is positive, else `alpha * (e^x - 1)`
    Elu(T),
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `ln(1 + e^x)`
    Softplus,
}

impl<T: Float> Activation<T> {
    /// Applies it in place.
    pub(crate) fn apply_to(self, backend: Backend, y: &mut [T]) {
        let kernels = T::elementwise(backend);
        match self {
            Self::Relu => kernels.relu(InOut::same(y), T::ZERO),
            Self::LeakyRelu(slope) => kernels.leaky_relu(InOut::same(y), slope),
            _ => self.apply_functions(backend, y),
        }
    }

    /// Applies those that are more than a few instructions, which kernels leave to passes over memory.
    #[inline(never)]
    pub(crate) fn apply_functions(self, backend: Backend, y: &mut [T]) {
        let io = InOut::same(y);
        let kernels = T::elementwise(backend);
        match self {
            Self::Elu(alpha) => kernels.elu(io, alpha),
            Self::Sigmoid => kernels.sigmoid(io, T::ZERO),
            Self::Tanh => kernels.tanh(io, T::ZERO),
            Self::Softplus => kernels.softplus(io, T::ZERO),
            Self::Identity | Self::Relu | Self::LeakyRelu(_) => {}
        }
    }

    /// Whether it is one of those.
    #[inline(always)]
    pub(crate) fn is_function(self) -> bool {
        matches!(self, Self::Elu(_) | Self::Sigmoid | Self::Tanh | Self::Softplus)
    }

    /// The gradient of the argument, in place of the gradient `dy` of the output `y`.
    pub(crate) fn differentiate(self, backend: Backend, y: &[T], dy: &mut [T]) {
        let (kernels, io) = (T::elementwise(backend), InOut::same(dy));
        match self {
            Self::Identity => {}
            Self::Relu => kernels.relu_gradient(y, io, T::ZERO, false),
            Self::LeakyRelu(slope) => kernels.leaky_relu_gradient(y, io, slope, false),
            Self::Elu(alpha) => kernels.elu_gradient(y, io, alpha, false),
            Self::Sigmoid => kernels.sigmoid_gradient(y, io, T::ZERO, false),
            Self::Tanh => kernels.tanh_gradient(y, io, T::ZERO, false),
            Self::Softplus => kernels.softplus_gradient(y, io, T::ZERO, false),
        }
    }
}

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
        Finish { beta, column_bias, row_bias, activation: self.activation }
    }
}

/// An epilogue over raw pointers, null where there is no such bias, and the factor of what C held.
#[derive(Clone, Copy)]
pub(super) struct Finish<T> {
    pub(super) beta: T,
    pub(super) column_bias: *const T,
    pub(super) row_bias: *const T,
    pub(super) activation: Activation<T>,
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
        Self { activation: if last { self.activation } else { Activation::Identity }, ..start }
    }

    /// For the part of C that starts at `(row, col)`.
    pub(super) fn part(self, row: usize, col: usize) -> Self {
        let shift = |bias: *const T, by| if bias.is_null() { bias } else { bias.wrapping_add(by) };
        Self { column_bias: shift(self.column_bias, col), row_bias: shift(self.row_bias, row), ..self }
    }
}
