//! The micro-kernel: a tile of MR x NV vectors of C in registers, and the two loops around it.
//!
//! `block` walks the column panels of a block and within them runs of row panels; each height of a tile is an entry of
//! its own, which loops over its run. Rows are dealt out evenly (64 rows are 13s and a 12, not four 13s and a remainder
//! of 12 or less), so no tile is too short to hide the latency of its sums.
//!
//! Each k: NV loads of B, MR broadcasts of A, MR * NV multiply-adds. With the 32 registers of AVX-512: 8 x 3 (24 sums,
//! 3 of B, 1 of A) where C has that many columns, else 13 x 2 (26 + 2 + 1), or 14 x 1 where all of C is one vector
//! wide. 8 x 3 reads least, and its rows of C fit the ways of L1 where their distance is a power of two (1024^3 on
//! Zen 4: 107 instead of 104 GFLOP/s). At 14 x 2 LLVM spills in the loop of `along_rows` (60 instead of 210, Zen 5);
//! the assembly gate of the benchmarks watches over that. With 16 registers: 6 x 2 (12 + 2 + 1), or 12 x 1. An element
//! is one chain of multiply-adds over k in whatever tile it lies, so tails and splits do not change its bits.

use super::GemmFloat;
use super::ahead::Ahead;
use super::dot::{Dots, dots};
use super::epilogue::Finish;
use super::gemv::{Row, row};
use super::micro::{Place, tile};
use super::pack::{PackA, PackB, Turn, pack_a, pack_b, turn};
use crate::simd::{Backend, Float, Lanes, kernel_table};
use std::marker::PhantomData;

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

/// `rows x cols` of C, over `depth` of k. B comes in panels of `panel` columns; where the last is not made
/// of whole vectors, it is padded.
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
    /// What to ask memory for meanwhile.
    pub(super) ahead: Ahead<T>,
}

/// The largest tile, in rows and columns, of vectors of `LANES` elements.
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

/// The tile that a product is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TileShape {
    pub(super) rows: usize,
    /// Whole vectors.
    pub(super) cols: usize,
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

kernel_table! {
    /// The kernels of matrix products.
    pub(super) struct GemmKernels in entries;
    /// The shape of the tiles.
    fn tiling(of: PhantomData<T>) -> Tiling = tiling;
    /// Row panels of 1 against a column panel.
    fn tile_1(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_1;
    /// Row panels of 2 against a column panel.
    fn tile_2(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_2;
    /// Row panels of 3 against a column panel.
    fn tile_3(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_3;
    /// Row panels of 4 against a column panel.
    fn tile_4(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_4;
    /// Row panels of 5 against a column panel.
    fn tile_5(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_5;
    /// Row panels of 6 against a column panel.
    fn tile_6(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_6;
    /// Row panels of 7 against a column panel.
    fn tile_7(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_7;
    /// Row panels of 8 against a column panel.
    fn tile_8(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_8;
    /// Row panels of 9 against a column panel.
    fn tile_9(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_9;
    /// Row panels of 10 against a column panel.
    fn tile_10(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_10;
    /// Row panels of 11 against a column panel.
    fn tile_11(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_11;
    /// Row panels of 12 against a column panel.
    fn tile_12(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_12;
    /// Row panels of 13 against a column panel.
    fn tile_13(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_13;
    /// Row panels of 14 against a column panel.
    fn tile_14(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_14;
    /// One row of C, from a B whose rows are contiguous.
    fn row(x: &Row<T>) = row;
    /// C by inner products, from operands contiguous along k.
    fn dots(x: &Dots<T>) = dots;
    /// Copies A.
    fn pack_a(x: &PackA<T>) = pack_a;
    /// Copies B into panels.
    fn pack_b(x: &PackB<T>) = pack_b;
    /// Writes a tile into a C of contiguous columns.
    fn turn(x: &Turn<T>) = turn;
}

/// 512-bit vectors come with 32 registers, all others with at least 16.
const fn is_wide<T, I: Lanes<T>>() -> bool {
    size_of::<I::V>() == 64
}

#[inline(always)]
fn tiling<T: Float, I: Lanes<T>>(_: I, _: PhantomData<T>) -> Tiling {
    let (rows, narrow_rows, wide_rows) = if is_wide::<T, I>() { (13, 14, 8) } else { (6, 12, 0) };
    Tiling { lanes: I::LANES, rows, cols: 2 * I::LANES, narrow_rows, wide_rows }
}

impl<T: Float> GemmKernels<T> {
    /// A block of C: column panels, and within them runs of row panels of equal height.
    ///
    /// A function per height, because one with all tiles in it took LLVM more than seven minutes; and runs, because
    /// a call per tile shows where K is short.
    pub(super) fn block(&self, x: &Block<T>) {
        let panel = x.panel;
        let columns = x.cols.div_ceil(panel);
        for index in 0..columns {
            let col = index * panel;
            let width = (x.cols - col).min(panel);
            let last = index + 1 == columns;
            let (b, b_depth) = match last {
                true => (x.last, x.last_depth),
                false => (x.b.wrapping_add(index * x.b_panel), x.b_depth),
            };
            let strip = Strip { b, b_depth, col, width };
            let panels = x.rows.div_ceil(x.max_rows);
            let (base, more) = (x.rows / panels.max(1), x.rows % panels.max(1));
            self.run(base + 1, x, &strip, 0, more);
            self.run(base, x, &strip, more * (base + 1), panels - more);
        }
    }

    /// `panels` row panels of `height` rows each, from row `first`.
    fn run(&self, height: usize, x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) {
        if panels == 0 {
            return;
        }
        macro_rules! by_height {
            ($($rows:literal $name:ident)*) => {
                match height {
                    $($rows => self.$name(x, strip, first, panels),)*
                    _ => debug_assert!(false, "no tile of {height} rows"),
                }
            };
        }
        by_height!(1 tile_1 2 tile_2 3 tile_3 4 tile_4 5 tile_5 6 tile_6 7 tile_7 8 tile_8 9 tile_9 10 tile_10
            11 tile_11 12 tile_12 13 tile_13 14 tile_14);
    }
}

macro_rules! tiles {
    ($($rows:literal $name:ident)*) => {
        $(
            #[inline(always)]
            fn $name<T: GemmFloat, I: Lanes<T>>(isa: I, x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) {
                match (strip.width.div_ceil(I::LANES), x.order == Order::Depth) {
                    (0..=1, true) => sweep::<T, I, $rows, 1, true>(isa, x, strip, first, panels),
                    (0..=1, false) => sweep::<T, I, $rows, 1, false>(isa, x, strip, first, panels),
                    (2, true) => sweep::<T, I, $rows, 2, true>(isa, x, strip, first, panels),
                    (2, false) => sweep::<T, I, $rows, 2, false>(isa, x, strip, first, panels),
                    (_, true) => sweep::<T, I, $rows, 3, true>(isa, x, strip, first, panels),
                    (_, false) => sweep::<T, I, $rows, 3, false>(isa, x, strip, first, panels),
                }
            }
        )*
    };
}
tiles!(1 tile_1 2 tile_2 3 tile_3 4 tile_4 5 tile_5 6 tile_6 7 tile_7 8 tile_8 9 tile_9 10 tile_10
    11 tile_11 12 tile_12 13 tile_13 14 tile_14);

/// A panel of B, and the columns of C it belongs to.
pub(super) struct Strip<T> {
    pub(super) b: *const T,
    pub(super) b_depth: usize,
    pub(super) col: usize,
    pub(super) width: usize,
}

/// `rows` dealt out over as few panels of at most `most` as will do: how many, and the rows of each.
#[inline(always)]
pub(super) fn row_panels(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let panels = rows.div_ceil(most);
    let (base, more) = (rows / panels.max(1), rows % panels.max(1));
    (0..panels).map(move |i| (i * base + i.min(more), base + usize::from(i < more)))
}

/// Whether a tile's sums, a row of B and an element of A fit the registers.
const fn fits<T, I: Lanes<T>>(rows: usize, vectors: usize) -> bool {
    match (is_wide::<T, I>(), vectors) {
        (true, 3) => rows <= 8,
        (true, 2) => rows <= 13,
        (true, _) => true,
        (false, 3) => false,
        (false, _) => rows * vectors <= 12,
    }
}

/// Row panels of `MR` rows against one panel of B. Tiles that do not fit the registers are never asked for, and are
/// left out of the code.
#[inline(always)]
fn sweep<T: GemmFloat, I: Lanes<T>, const MR: usize, const NV: usize, const DEPTH: bool>(
    isa: I,
    x: &Block<T>,
    strip: &Strip<T>,
    first: usize,
    panels: usize,
) {
    if !fits::<T, I>(MR, NV) {
        return;
    }
    for panel in 0..panels {
        let row = first + panel * MR;
        let stride = match x.order {
            Order::Depth => x.a_row,
            Order::Rows(stride) => stride,
            Order::Panels => MR,
        };
        if x.fetch_c {
            prefetch_next::<T, NV>(x, strip, row + MR);
        }
        x.ahead.ask();
        tile::<T, I, MR, NV, DEPTH>(isa, x, strip, &Place { a: x.a.wrapping_add(row * x.a_row), stride, row });
    }
}

/// Asks for the rows of C that the next tile reads or overwrites, which the hardware does not foresee.
#[inline(always)]
fn prefetch_next<T: Float, const NV: usize>(x: &Block<T>, strip: &Strip<T>, row: usize) {
    #[cfg(target_arch = "x86_64")]
    for i in row..(row + x.max_rows).min(x.rows) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let line = 64 / size_of::<T>();
        let c = x.c.wrapping_add(i * x.c_row + strip.col);
        // SAFETY: prefetching reads nothing and may be given any address.
        unsafe {
            for j in 0..NV {
                _mm_prefetch::<_MM_HINT_T0>(c.wrapping_add((j * line).min(strip.width - 1)).cast());
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (x, strip, row);
}
