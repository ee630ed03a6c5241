//! Weights in panels, packed once for many products, as in inference.

use super::float::GemmFloat;
use super::matrix::MatrixRef;
use super::panels::{pack, packed_len};
use super::task::Operand;
use crate::base::{Backend, Buffer, Context, Error};
use std::marker::PhantomData;

/// A matrix `[K, N]` in the order in which the kernels of one backend read it, for [`gemm_packed`](super::gemm_packed).
#[derive(Debug)]
pub struct PackedB<T> {
    backend: Backend,
    rows: usize,
    cols: usize,
    panel: usize,
    data: Buffer<T>,
}

impl<T: GemmFloat> PackedB<T> {
    /// Packs `b`; about `K N` elements of memory.
    ///
    /// # Errors
    /// No memory.
    pub fn new(context: Context, b: MatrixRef<T>) -> Result<Self, Error> {
        let Context { backend, split } = context;
        let (rows, cols) = (b.rows(), b.cols());
        let kernels = T::gemm_kernels(backend);
        let panel = kernels.tiling(PhantomData).shape(cols).cols();
        let len = packed_len([rows, cols], panel).ok_or_else(|| Error::out_of_memory(usize::MAX));
        let data = len.and_then(Buffer::zeroed);
        let mut data = data.map_err(|error| error.within(format_args!("packing a matrix of {rows} x {cols}")))?;
        // SAFETY: `b` is a checked view, and the panel is of these kernels' tiling.
        let done = unsafe { pack((kernels, split), &Operand::of(b), [rows, cols], panel, data.as_mut_slice()) };
        if !done {
            return Err(Error::shape(format!("a matrix of {rows} x {cols} does not fit the memory meant for it")));
        }
        Ok(Self { backend, rows, cols, panel, data })
    }

    /// Rows, K.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns, N.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The backend that it was packed for.
    pub(super) fn backend(&self) -> Backend {
        self.backend
    }

    /// As the kernels read it.
    pub(super) fn operand(&self) -> Operand<T> {
        let col = self.rows.wrapping_mul(self.panel);
        Operand { data: self.data.as_slice().as_ptr(), row: self.panel, col, panel: self.panel }
    }
}
