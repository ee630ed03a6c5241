//! How C is cut into tiles: the largest that the registers hold, and the heights that rows are dealt out in.
//!
//! Each k of a tile of MR rows and NV vectors is NV loads of B, MR broadcasts of A and MR * NV multiply-adds. With 32
//! registers: 8 x 3 (24 sums, 3 of B, 1 of A) where C has that many columns, else 13 x 2 (26 + 2 + 1), or 14 x 1 where
//! all of C is one vector wide. 8 x 3 reads least, and its rows of C fit the ways of L1 where their distance is a power
//! of two (1024^3 on Zen 4: 107 instead of 104 GFLOP/s). At 14 x 2 LLVM spills in the loop of `along_rows` (60 instead
//! of 210, Zen 5); the assembly gate of the benchmarks watches over that. With 16 registers: 6 x 2 (12 + 2 + 1), or
//! 12 x 1. An element is one chain of multiply-adds over k in whatever tile it lies, so no choice here changes its
//! bits.

use crate::simd::Lanes;
use std::marker::PhantomData;

/// The most rows of any tile: there is a kernel for every height up to here.
pub(super) const MOST_ROWS: usize = 14;

/// The most rows of a tile of so many vectors; 0 where there are too few registers for one.
pub(super) const fn most_rows<T, I: Lanes<T>>(vectors: usize) -> usize {
    match (vectors, I::REGISTERS >= 32) {
        (1, true) => MOST_ROWS,
        (2, true) => 13,
        (3, true) => 8,
        // The sums of six rows keep vectors of 16 bytes busy enough, where a multiply-add is two instructions; only
        // machines without anything better use them.
        (1, false) if I::LANES * size_of::<T>() > 16 => 12,
        (1 | 2, false) => 6,
        _ => 0,
    }
}

/// The largest tiles of vectors of `lanes` elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiling {
    pub(super) lanes: usize,
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// Rows where C is no wider than one vector.
    pub(super) narrow_rows: usize,
    /// Rows of a tile three vectors wide; 0 where there are too few registers for one.
    pub(super) wide_rows: usize,
}

/// The tile that a product is cut into; only a [`Tiling`] makes one, so there are kernels for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TileShape {
    rows: usize,
    cols: usize,
}

#[inline(always)]
pub(super) fn tiling<T, I: Lanes<T>>(_: I, _: PhantomData<T>) -> Tiling {
    Tiling {
        lanes: I::LANES,
        rows: most_rows::<T, I>(2),
        cols: 2 * I::LANES,
        narrow_rows: most_rows::<T, I>(1),
        wide_rows: most_rows::<T, I>(3),
    }
}

impl Tiling {
    /// The tile for `cols` columns of C.
    pub(super) fn shape(&self, cols: usize) -> TileShape {
        let (rows, vectors) = match cols.div_ceil(self.lanes) {
            0..=1 => (self.narrow_rows, 2),
            // Four vectors are two pairs rather than three and one.
            3 | 5.. if self.wide_rows > 0 => (self.wide_rows, 3),
            _ => (self.rows, 2),
        };
        TileShape { rows, cols: vectors * self.lanes }
    }
}

impl TileShape {
    /// The most rows of a tile.
    pub(super) fn rows(self) -> usize {
        self.rows
    }

    /// The columns of a tile, and of a panel of B: whole vectors.
    pub(super) fn cols(self) -> usize {
        self.cols
    }
}

/// `rows` dealt out evenly over as few panels of at most `most` as will do: 64 rows are 13s and a 12, not four 13s
/// and a remainder of 12 or less, so no tile is too short to hide the latency of its sums.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowPanels {
    /// The rows of the lower panels: at most [`MOST_ROWS`].
    base: usize,
    /// How many upper ones have a row more.
    more: usize,
    panels: usize,
}

impl RowPanels {
    #[inline(always)]
    pub(super) fn new(rows: usize, most: usize) -> Self {
        let panels = rows.div_ceil(most.clamp(1, MOST_ROWS));
        Self { base: rows / panels.max(1), more: rows % panels.max(1), panels }
    }

    /// The first row of each panel, and its rows.
    #[inline(always)]
    pub(super) fn each(self) -> impl Iterator<Item = (usize, usize)> {
        let Self { base, more, panels } = self;
        (0..panels).map(move |i| (i * base + i.min(more), base + usize::from(i < more)))
    }

    /// The two runs of panels of one height: the height, the first row, and how many.
    #[inline(always)]
    pub(super) fn runs(self) -> [(usize, usize, usize); 2] {
        let Self { base, more, panels } = self;
        [(base + 1, 0, more), (base, more * (base + 1), panels - more)]
    }
}

/// `0..len` in steps of `step`: start and length; once with length 0 where there is nothing.
pub(super) fn steps(len: usize, step: usize) -> impl Iterator<Item = (usize, usize)> {
    let step = step.max(1);
    (0..len.div_ceil(step).max(1)).map(move |i| (i * step, step.min(len - i * step)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_dealt_out_once_and_no_panel_is_too_high() {
        for (rows, most) in (0..200).flat_map(|rows| (0..20).map(move |most| (rows, most))) {
            let panels = RowPanels::new(rows, most);
            let mut next = 0;
            for (first, height) in panels.each() {
                assert!(first == next && (1..=most.clamp(1, MOST_ROWS)).contains(&height), "{rows} by {most}");
                next += height;
            }
            assert_eq!(next, rows);
            let runs = panels.runs().into_iter();
            let by_runs = runs.flat_map(|(rows, first, count)| (0..count).map(move |i| (first + i * rows, rows)));
            assert!(by_runs.eq(panels.each()), "{rows} by {most}");
        }
    }
}
