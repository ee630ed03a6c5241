//! A product in raw parts, as the driver and the threads cut it up.

use super::epilogue::Finish;
use super::kernels::GemmKernels;
use super::matrix::MatrixRef;
use super::tiling::TileShape;
use crate::simd::{Backend, Float};

/// A matrix to read: its first element, and its strides.
#[derive(Clone, Copy)]
pub(super) struct Operand<T> {
    pub(super) data: *const T,
    pub(super) row: usize,
    /// From column to column; for a packed B, from panel to panel.
    pub(super) col: usize,
    /// The columns of a panel, for a packed B; else 0.
    pub(super) panel: usize,
}

impl<T: Float> Operand<T> {
    pub(super) fn of(view: MatrixRef<T>) -> Self {
        let (data, row, col) = view.raw();
        Self { data, row, col, panel: 0 }
    }

    pub(super) fn t(self) -> Self {
        Self { data: self.data, row: self.col, col: self.row, panel: 0 }
    }

    /// Where `(row, col)` lies; in a packed B, `col` is the first of a panel.
    pub(super) fn at(self, row: usize, col: usize) -> *const T {
        let col = col.checked_div(self.panel).unwrap_or(col);
        self.data.wrapping_add(row * self.row + col * self.col)
    }
}

/// Which kernels a product is for. Families differ in the order of sums, so this is settled before any split.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    Tiles,
    Row,
    Dots,
}

impl Family {
    /// The one for these sides and strides.
    pub(super) fn of<T>([m, n]: [usize; 2], a: &Operand<T>, b: &Operand<T>) -> Self {
        if b.panel > 0 {
            return Self::Tiles;
        }
        let along_k = a.col == 1 && b.row == 1;
        if along_k && (m <= 6 || n <= 2) {
            Self::Dots
        } else if m == 1 && b.col == 1 {
            Self::Row
        } else {
            Self::Tiles
        }
    }
}

/// A product whose C has contiguous rows. Whoever computes one needs it to be sound:
///
/// * `a` and `b` are valid for reading `m x k` and `k x n` elements at their strides; a packed `b` is in whole panels.
/// * `c` is valid for reading and writing `m` rows of `n` elements at distance `c_row` (`n` columns of `m` elements, if
///   `c_columns`), which overlap neither operand, and which nobody else uses meanwhile.
/// * The biases of `finish` that are not null reach `n` columns or `m` rows.
/// * `kernels` are for this processor, `shape` is of their tiling, and a packed `b` has panels of its columns.
/// * `family` is that of these strides.
#[derive(Clone, Copy)]
pub(super) struct Task<T: 'static> {
    pub(super) m: usize,
    pub(super) n: usize,
    pub(super) k: usize,
    pub(super) alpha: T,
    pub(super) a: Operand<T>,
    pub(super) b: Operand<T>,
    pub(super) c: *mut T,
    pub(super) c_row: usize,
    /// C is stored the other way round: its columns are contiguous, at distance `c_row`.
    pub(super) c_columns: bool,
    pub(super) finish: Finish<T>,
    pub(super) family: Family,
    /// The tile for the whole product, whatever part of it this is.
    pub(super) shape: TileShape,
    pub(super) kernels: &'static GemmKernels<T>,
    pub(super) backend: Backend,
}

// SAFETY: a sound `Task` stands for two matrices that are only read and a part of C that no other task has, all of
// plain numbers; who computes one vouches for that, on whatever thread.
unsafe impl<T: Send + Sync> Send for Task<T> {}

impl<T: Float> Task<T> {
    /// Where an element of C lies.
    pub(super) fn c_at(&self, row: usize, col: usize) -> *mut T {
        let (row, col) = if self.c_columns { (col, row) } else { (row, col) };
        self.c.wrapping_add(row * self.c_row + col)
    }

    /// `rows x cols` of C from `(row, col)` on: sound if this is, they lie in it, and other parts are disjoint.
    pub(super) fn part(&self, row: usize, rows: usize, col: usize, cols: usize) -> Self {
        Self {
            m: rows,
            n: cols,
            a: Operand { data: self.a.at(row, 0), ..self.a },
            b: Operand { data: self.b.at(0, col), ..self.b },
            c: self.c_at(row, col),
            finish: self.finish.part(row, col),
            ..*self
        }
    }

    /// Multiply-adds.
    pub(super) fn work(&self) -> usize {
        self.m.saturating_mul(self.n).saturating_mul(self.k.max(1))
    }
}
