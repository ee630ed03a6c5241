//! What a product packs, and in which blocks: settled once, before its loops.

use super::ahead::Ahead;
use super::block::Order;
use super::blocking::{Blocking, Caches};
use super::task::Task;
use super::tiling::Tiling;
use crate::simd::Float;

/// What to pack, and in which blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packing {
    pub(super) tiling: Tiling,
    pub(super) max_rows: usize,
    /// Columns of a tile.
    pub(super) panel: usize,
    /// The order of a packed A; none where A is read where it lies.
    pub(super) pack_a: Option<Order>,
    pub(super) pack_b: bool,
    /// The last panel of B is not made of whole vectors, so it is packed in any case.
    pub(super) pack_last: bool,
    /// C is larger than L2: even a line that is overwritten whole is fetched first (1000x784x128 into memory that no
    /// cache holds: 1870 instead of 1970 us; into L2 it costs 1 %).
    pub(super) cold_c: bool,
    pub(super) kc: usize,
    pub(super) mc: usize,
    pub(super) nc: usize,
}

impl Packing {
    pub(super) fn new<T: Float>(x: &Task<T>, tiling: Tiling) -> Self {
        let size = size_of::<T>();
        let (max_rows, panel) = (x.shape.rows(), x.shape.cols());
        let blocking = Blocking::of::<T>(&tiling);
        // Blocks of one size rather than a small one at the end.
        let even = |len: usize, most: usize, grain: usize| {
            len.div_ceil(len.div_ceil(most).max(1)).max(1).next_multiple_of(grain)
        };
        // What is stored transposed cannot be taken up again.
        let kc = if x.c_columns { x.k.max(1) } else { even(x.k, blocking.kc, 1) };
        // A longer K makes up for fewer rows.
        let rows_of = |rows: usize| if kc > blocking.kc { (rows * blocking.kc / kc).max(max_rows) } else { rows };
        let (mc, nc) = match x.m <= rows_of(blocking.whole) {
            true => (x.m, panel),
            false => (even(x.m, rows_of(blocking.mc), max_rows), even(x.n, blocking.nc, panel)),
        };
        // Addresses a multiple of 2 KiB apart share two sets of L1: rows of such a distance displace one another.
        let aliased = |stride: usize| (stride * size).is_multiple_of(2048);
        let row_tiles = x.m.div_ceil(max_rows);
        let col_tiles = x.n.div_ceil(panel);
        // Up to 16 tiles below one another, a B of contiguous rows is faster read where it lies, even at an unlucky
        // distance (128x784x1000: 110 instead of 106 GFLOP/s; 32x784x128: 106 instead of 95. Zen 4, 2026-11-24).
        let packed = x.b.panel > 0;
        let pack_b = !packed && (x.b.col != 1 || row_tiles > 16);
        let scaled = x.alpha != T::ONE;
        let pack_a = match (x.a.col, x.a.row) {
            (1, stride) if scaled || (x.m > 8 && aliased(stride)) => Some(Order::Depth),
            (1, _) => None,
            (_, 1) if scaled || col_tiles > 8 => Some(Order::Panels),
            (_, 1) => None,
            _ => Some(Order::Panels),
        };
        let pack_last = !packed && !x.n.is_multiple_of(tiling.lanes);
        let cold_c =
            !x.c_columns && x.m.saturating_mul(x.n).saturating_mul(size) > Caches::of_machine().l2 && x.k >= 64;
        Self { cold_c, tiling, max_rows, panel, pack_a, pack_b, pack_last, kc, mc: mc.min(x.m).max(1), nc: nc.min(x.n) }
    }

    /// Elements between the rows of an A packed by rows: not a multiple of a power of two.
    pub(super) fn packed_row(depth: usize) -> usize {
        depth.next_multiple_of(16) + 16
    }

    /// Elements for B: whole panels, or the last one.
    pub(super) fn scratch_b(&self) -> usize {
        let cols = self.panel;
        match (self.pack_b, self.pack_last) {
            (true, _) => self.kc * self.nc.next_multiple_of(cols),
            (false, true) => self.kc * cols,
            (false, false) => 0,
        }
    }

    /// Elements of scratch memory; a vector more than A takes, which packing may overwrite.
    pub(super) fn scratch(&self) -> usize {
        let a = match self.pack_a {
            None => 0,
            Some(Order::Depth) => self.mc * Self::packed_row(self.kc) + self.tiling.lanes,
            Some(_) => self.mc * self.kc + self.tiling.lanes,
        };
        a + self.scratch_b()
    }
}

/// The block of A or B that will be read after this one, to be asked for meanwhile.
pub(super) fn next_block<T: Float>(
    x: &Task<T>,
    packing: &Packing,
    rows: [usize; 2],
    cols: [usize; 2],
    depth: [usize; 2],
) -> Ahead<T> {
    let tiles = rows[1].div_ceil(packing.max_rows) * cols[1].div_ceil(packing.panel);
    let (row, col, [p, depth]) = (rows[0] + rows[1], cols[0] + cols[1], depth);
    if row < x.m {
        let rows = packing.mc.min(x.m - row);
        return match x.a.col {
            1 => Ahead::new(x.a.at(row, p), rows, depth, x.a.row, tiles),
            _ => Ahead::new(x.a.at(row, p), depth, rows, x.a.col, tiles),
        };
    }
    let (p, depth, col) = match () {
        () if x.b.panel > 0 => return Ahead::none(),
        () if col < x.n => (p, depth, col),
        () if p + depth < x.k => (p + depth, packing.kc.min(x.k - p - depth), 0),
        () => return Ahead::none(),
    };
    let cols = packing.nc.min(x.n - col);
    match x.b.col {
        1 => Ahead::new(x.b.at(p, col), depth, cols, x.b.row, tiles),
        _ => Ahead::new(x.b.at(p, col), cols, depth, x.b.col, tiles),
    }
}

/// The elements of scratch that a thread takes at once: enough for any product, or 2 MiB where that is more.
pub(super) fn most<T: Float>(tiling: &Tiling) -> usize {
    let Blocking { kc, mc, nc, whole } = Blocking::of::<T>(tiling);
    // Evened blocks may be rounded up to a whole tile.
    let (rows, cols) = (mc.max(whole) + tiling.rows.max(tiling.narrow_rows), nc + 3 * tiling.lanes);
    (rows * Packing::packed_row(kc) + tiling.lanes + kc * cols).min((2 << 20) / size_of::<T>())
}
