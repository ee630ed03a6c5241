//! What the kernels of tiles are handed: a block of C, and where its operands lie.

use super::ahead::Ahead;
use super::edge::Edge;
use super::epilogue::Finish;
use super::transpose::Transpose;
use crate::simd::Backend;

/// How a block finds its elements of A.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// Neighbours in a row are adjacent: `a + i * a_row + p`.
    Depth,
    /// Neighbours in a column are adjacent: `a + i * a_row + p * stride`, with `a_row` 1.
    Rows(usize),
    /// Packed: each row panel by itself, as in `Rows` with its number of rows for the stride; `a_row` is the depth.
    Panels,
}

/// `rows x cols` of C, over `depth` of k. B comes in panels of `panel` columns; where the last is not made of whole
/// vectors, it is padded. Kernels take only a block that is sound:
///
/// * `a` is valid for reading `rows` rows of `depth` elements, in the `order` stated; panels are those of `RowPanels`.
/// * Each panel of B but the last, at `b + index * b_panel`, is valid for reading `depth` rows of `panel` elements at
///   distance `b_depth`; the `last`, at distance `last_depth`, for the columns that are left in whole vectors.
/// * `c` is valid for reading and writing `rows` rows of `cols` elements at distance `c_row` (`cols` columns of `rows`
///   elements, if `c_columns`), which nobody else uses meanwhile.
/// * The biases of `finish` that are not null reach `cols` columns or `rows` rows.
/// * `max_rows` and `panel` are those of a tile of the kernels' own tiling.
/// * `entries` are kernels for this processor.
pub(super) struct Block<T> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) depth: usize,
    /// The most rows in a tile.
    pub(super) max_rows: usize,
    /// The columns of a tile, and of a panel of B.
    pub(super) panel: usize,
    pub(super) a: *const T,
    pub(super) a_row: usize,
    pub(super) order: Order,
    pub(super) b: *const T,
    pub(super) b_depth: usize,
    pub(super) b_panel: usize,
    /// The last panel, and its distance between rows.
    pub(super) last: *const T,
    pub(super) last_depth: usize,
    pub(super) c: *mut T,
    pub(super) c_row: usize,
    /// C's columns are contiguous, at distance `c_row`; then nothing is read from it.
    pub(super) c_columns: bool,
    /// Whether the lines of C are asked for a tile ahead.
    pub(super) fetch_c: bool,
    /// What to start from, and the activation, which is `Identity` unless this is the last block of K.
    pub(super) finish: Finish<T>,
    /// For the activations that are functions of rows.
    pub(super) backend: Backend,
    /// Kernels that the kernels of tiles call.
    pub(super) entries: Entries<T>,
    /// What to ask memory for meanwhile.
    pub(super) ahead: Ahead<T>,
}

/// Kernels that are called by kernels, so they are handed down to them.
#[derive(Clone, Copy)]
pub(super) struct Entries<T> {
    /// Writes a tile into a C of contiguous columns.
    pub(super) transpose: unsafe fn(&Transpose<T>),
    /// Starts the sums of a tile whose last vector is not whole.
    pub(super) start_edge: unsafe fn(&Edge<T>),
    /// Stores such a tile.
    pub(super) store_edge: unsafe fn(&Edge<T>),
}

/// A panel of B, and the columns of C that it belongs to: part of a sound block.
pub(super) struct Strip<T> {
    pub(super) b: *const T,
    pub(super) b_depth: usize,
    pub(super) col: usize,
    pub(super) width: usize,
}
