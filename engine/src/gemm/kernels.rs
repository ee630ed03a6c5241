//! The kernels by name, and the two loops around those of tiles.
//!
//! `block` walks the column panels of a block and within them runs of row panels; each height of a tile is an entry of
//! its own, which loops over its run: one function with all tiles in it took LLVM more than seven minutes, and a call
//! for every tile shows where K is short.

use super::block::{Block, Entries, Strip};
use super::dot::{Dots, dots};
use super::edge::{Edge, start_edge, store_edge};
use super::gemv::{Row, row};
use super::micro::sweep;
use super::pack::{PackA, PackB, pack_a, pack_b};
use super::tiling::{MOST_ROWS, RowPanels, Tiling, tiling};
use super::transpose::{Transpose, transpose};
use crate::simd::{Float, Lanes, kernel_table};
use std::marker::PhantomData;

kernel_table! {
    /// The kernels of matrix products. Those that are unsafe ask that what they are handed be sound, as its type says,
    /// and those of tiles that `first` and `panels` lie in the block.
    pub(super) struct GemmKernels in entries;
    /// The shape of the tiles.
    fn tiling(of: PhantomData<T>) -> Tiling = tiling;
    /// Row panels of 1 against a column panel.
    unsafe fn tile_1(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_1;
    /// Row panels of 2 against a column panel.
    unsafe fn tile_2(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_2;
    /// Row panels of 3 against a column panel.
    unsafe fn tile_3(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_3;
    /// Row panels of 4 against a column panel.
    unsafe fn tile_4(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_4;
    /// Row panels of 5 against a column panel.
    unsafe fn tile_5(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_5;
    /// Row panels of 6 against a column panel.
    unsafe fn tile_6(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_6;
    /// Row panels of 7 against a column panel.
    unsafe fn tile_7(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_7;
    /// Row panels of 8 against a column panel.
    unsafe fn tile_8(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_8;
    /// Row panels of 9 against a column panel.
    unsafe fn tile_9(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_9;
    /// Row panels of 10 against a column panel.
    unsafe fn tile_10(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_10;
    /// Row panels of 11 against a column panel.
    unsafe fn tile_11(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_11;
    /// Row panels of 12 against a column panel.
    unsafe fn tile_12(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_12;
    /// Row panels of 13 against a column panel.
    unsafe fn tile_13(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_13;
    /// Row panels of 14 against a column panel.
    unsafe fn tile_14(x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) = tile_14;
    /// One row of C, from a B whose rows are contiguous.
    unsafe fn row(x: &Row<T>) = row;
    /// C by inner products, from operands contiguous along k.
    unsafe fn dots(x: &Dots<T>) = dots;
    /// Copies A.
    unsafe fn pack_a(x: &PackA<T>) = pack_a;
    /// Copies B into panels.
    unsafe fn pack_b(x: &PackB<T>) = pack_b;
    /// The start of a tile at the edge of C.
    #[expect(dead_code, reason = "handed down as a pointer")]
    unsafe fn start_edge(x: &Edge<'_, T>) = start_edge;
    /// The end of a tile at the edge of C.
    #[expect(dead_code, reason = "handed down as a pointer")]
    unsafe fn store_edge(x: &Edge<'_, T>) = store_edge;
    /// A transpose.
    unsafe fn transpose(x: &Transpose<T>) = transpose;
}

impl<T: Float> GemmKernels<T> {
    /// The entries that those of tiles call, for a block to hand down.
    pub(super) fn entries(&self) -> Entries<T> {
        Entries { transpose: self.transpose, start_edge: self.start_edge, store_edge: self.store_edge }
    }

    /// A block of C: column panels, and within them runs of row panels of equal height.
    ///
    /// # Safety
    /// * `x` is sound.
    pub(super) unsafe fn block(&self, x: &Block<T>) {
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
            for (height, first, panels) in RowPanels::new(x.rows, x.max_rows).runs() {
                if panels > 0 {
                    // SAFETY: `x` is sound, and these are panels of its rows.
                    unsafe { self.run(height, x, &strip, first, panels) };
                }
            }
        }
    }

    /// `panels` row panels of `height` rows each, from row `first`.
    ///
    /// # Safety
    /// * `x` is sound, `strip` is one of its panels, and those rows lie in it.
    /// * `height` is 1 to `MOST_ROWS`, as those of `RowPanels` are.
    unsafe fn run(&self, height: usize, x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) {
        // SAFETY: the caller vouches for all of it.
        unsafe {
            match height {
                ..=1 => self.tile_1(x, strip, first, panels),
                2 => self.tile_2(x, strip, first, panels),
                3 => self.tile_3(x, strip, first, panels),
                4 => self.tile_4(x, strip, first, panels),
                5 => self.tile_5(x, strip, first, panels),
                6 => self.tile_6(x, strip, first, panels),
                7 => self.tile_7(x, strip, first, panels),
                8 => self.tile_8(x, strip, first, panels),
                9 => self.tile_9(x, strip, first, panels),
                10 => self.tile_10(x, strip, first, panels),
                11 => self.tile_11(x, strip, first, panels),
                12 => self.tile_12(x, strip, first, panels),
                13 => self.tile_13(x, strip, first, panels),
                MOST_ROWS.. => self.tile_14(x, strip, first, panels),
            }
        }
    }
}

macro_rules! tiles {
    ($($rows:literal $name:ident)*) => {
        $(
            /// # Safety
            /// * `x` is sound, `strip` is one of its panels, and `panels` of so many rows lie in it from row `first`
            ///   on.
            #[inline(always)]
            unsafe fn $name<T: Float, I: Lanes<T>>(
                isa: I,
                x: &Block<T>,
                strip: &Strip<T>,
                first: usize,
                panels: usize,
            ) {
                // SAFETY: the caller vouches for all of it; the arm fits the strip's width.
                unsafe {
                    match strip.width.div_ceil(I::LANES) {
                        0..=1 => sweep::<T, I, $rows, 1>(isa, x, strip, first, panels),
                        2 => sweep::<T, I, $rows, 2>(isa, x, strip, first, panels),
                        _ => sweep::<T, I, $rows, 3>(isa, x, strip, first, panels),
                    }
                }
            }
        )*
    };
}
tiles!(1 tile_1 2 tile_2 3 tile_3 4 tile_4 5 tile_5 6 tile_6 7 tile_7 8 tile_8 9 tile_9 10 tile_10
    11 tile_11 12 tile_12 13 tile_13 14 tile_14);
