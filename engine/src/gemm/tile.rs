//! The micro-kernel: a tile of MR x NV vectors of C in registers, and the two loops around it.
//!
//! `block` walks the column panels of a block (B's panel stays in L1) and within them runs of row panels; each height
//! of a tile is an entry of its own, which loops over its run. Rows are dealt out
//! evenly (128 rows are 13s and 12s, not 14s and a 2), so no tile is too short to hide the latency of its sums.
//!
//! Each k: NV loads of B, MR broadcasts of A, MR * NV multiply-adds. AVX-512: 13 x 2 (26 sums, 2 of B, 1 of A, of 32
//! registers; at 14 x 2 LLVM spills in the loop of `along_rows`: 60 instead of 210 GFLOP/s in f32, Zen 5, 2026-11-23);
//! others 6 x 2 (12 + 2 + 1 of 16), and 12 x 1 where all of C is one vector wide. An element is one chain of
//! multiply-adds over k in whatever tile it lies, so tails and splits do not change its bits.

use super::dot::{Dots, dots};
use super::epilogue::{Activation, Finish};
use super::gemv::{Row, row};
use super::pack::{PackA, PackB, pack_a, pack_b};
use crate::simd::{Backend, Float, InOut, Lanes, kernel_table};
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

/// `rows x cols` of C, over `depth` of k. B comes in panels of [`Tiling::cols`] columns; where the last is not made
/// of whole vectors, it is padded.
pub(super) struct Block<T> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) depth: usize,
    /// The most rows in a tile.
    pub(super) max_rows: usize,
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
    /// What to start from, and the activation, which is `Identity` unless this is the last block of K.
    pub(super) finish: Finish<T>,
    /// For the activations that are functions of rows.
    pub(super) backend: Backend,
}

/// The largest tile, in rows and columns, of vectors of `LANES` elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiling {
    pub(super) lanes: usize,
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// Rows where C is no wider than one vector.
    pub(super) narrow_rows: usize,
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
}

/// 512-bit vectors come with 32 registers, all others with at least 16.
const fn is_wide<T, I: Lanes<T>>() -> bool {
    size_of::<I::V>() == 64
}

#[inline(always)]
fn tiling<T: Float, I: Lanes<T>>(_: I, _: PhantomData<T>) -> Tiling {
    let (rows, narrow_rows) = if is_wide::<T, I>() { (13, 14) } else { (6, 12) };
    Tiling { lanes: I::LANES, rows, cols: 2 * I::LANES, narrow_rows }
}

impl<T: Float> GemmKernels<T> {
    /// A block of C: column panels, and within them runs of row panels of equal height.
    ///
    /// A function per height, because one with all tiles in it took LLVM more than seven minutes; and runs, because
    /// a call per tile shows where K is short.
    pub(super) fn block(&self, x: &Block<T>) {
        let Tiling { lanes, .. } = self.tiling(PhantomData);
        let panel = 2 * lanes;
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
            fn $name<T: Float, I: Lanes<T>>(isa: I, x: &Block<T>, strip: &Strip<T>, first: usize, panels: usize) {
                match (strip.width > I::LANES, x.order == Order::Depth) {
                    (true, true) => sweep::<T, I, $rows, 2, true>(isa, x, strip, first, panels),
                    (true, false) => sweep::<T, I, $rows, 2, false>(isa, x, strip, first, panels),
                    (false, true) => sweep::<T, I, $rows, 1, true>(isa, x, strip, first, panels),
                    (false, false) => sweep::<T, I, $rows, 1, false>(isa, x, strip, first, panels),
                }
            }
        )*
    };
}
tiles!(1 tile_1 2 tile_2 3 tile_3 4 tile_4 5 tile_5 6 tile_6 7 tile_7 8 tile_8 9 tile_9 10 tile_10
    11 tile_11 12 tile_12 13 tile_13 14 tile_14);

/// A panel of B, and the columns of C it belongs to.
pub(super) struct Strip<T> {
    b: *const T,
    b_depth: usize,
    col: usize,
    width: usize,
}

/// `rows` dealt out over as few panels of at most `most` as will do: how many, and the rows of each.
#[inline(always)]
pub(super) fn row_panels(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let panels = rows.div_ceil(most);
    let (base, more) = (rows / panels.max(1), rows % panels.max(1));
    (0..panels).map(move |i| (i * base + i.min(more), base + usize::from(i < more)))
}

/// Row panels of `MR` rows against one panel of B. Tiles that do not fit the registers are never asked for, and are
/// left out of the code.
#[inline(always)]
fn sweep<T: Float, I: Lanes<T>, const MR: usize, const NV: usize, const DEPTH: bool>(
    isa: I,
    x: &Block<T>,
    strip: &Strip<T>,
    first: usize,
    panels: usize,
) {
    if !is_wide::<T, I>() && MR * NV > 12 {
        return;
    }
    for panel in 0..panels {
        let row = first + panel * MR;
        let stride = match x.order {
            Order::Depth => x.a_row,
            Order::Rows(stride) => stride,
            Order::Panels => MR,
        };
        prefetch_next(x, strip, row + MR);
        tile::<T, I, MR, NV, DEPTH>(isa, x, strip, &Place { a: x.a.wrapping_add(row * x.a_row), stride, row });
    }
}

/// Asks for the rows of C that the next tile starts from, which the hardware does not foresee.
#[inline(always)]
fn prefetch_next<T: Float>(x: &Block<T>, strip: &Strip<T>, row: usize) {
    #[cfg(target_arch = "x86_64")]
    for i in row..(row + x.max_rows).min(x.rows) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let line = 64 / size_of::<T>();
        let c = x.c.wrapping_add(i * x.c_row + strip.col);
        // SAFETY: prefetching reads nothing and may be given any address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(c.cast());
            _mm_prefetch::<_MM_HINT_T0>(c.wrapping_add(line.min(strip.width - 1)).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (x, strip, row);
}

/// Where a tile stands: its first row, the elements of A, and their distance (between rows or along k).
struct Place<T> {
    a: *const T,
    stride: usize,
    row: usize,
}

#[inline(always)]
fn tile<T: Float, I: Lanes<T>, const MR: usize, const NV: usize, const DEPTH: bool>(
    isa: I,
    x: &Block<T>,
    strip: &Strip<T>,
    at: &Place<T>,
) {
    let c = x.c.wrapping_add(at.row * x.c_row + strip.col);
    // SAFETY: a `Block` is made by the driver alone, from views whose reach was checked, or from scratch memory that
    // it filled: all MR rows, `width` columns and `depth` steps of this tile are inside.
    unsafe {
        let full = strip.width == NV * I::LANES;
        let start = match full {
            true => start::<T, I, MR, NV, true>(isa, x, strip, at.row, c),
            false => start::<T, I, MR, NV, false>(isa, x, strip, at.row, c),
        };
        let sums = match DEPTH {
            true => along_rows(isa, x.depth, start, at, strip),
            false => along_columns(isa, x.depth, start, at, strip),
        };
        finish(isa, x, sums, c, strip.width);
    }
}

/// The sums of a tile.
type Sums<T, I, const MR: usize, const NV: usize> = [[<I as Lanes<T>>::V; NV]; MR];

/// Reads up to `left` elements, at most a vector. Without a branch where masks cost nothing: a tile has dozens of
/// these, and branches in each made this file take minutes to compile.
///
/// # Safety
/// * `from` is valid for reading `min(left, LANES)` elements.
#[inline(always)]
unsafe fn load_part<T: Float, I: Lanes<T>, const FULL: bool>(isa: I, from: *const T, left: usize) -> I::V {
    // SAFETY: the caller vouches for the elements.
    unsafe {
        if FULL || (size_of::<I::V>() == 16 && left >= I::LANES) {
            isa.load_at(from)
        } else {
            isa.load_head_at(from, left.min(I::LANES))
        }
    }
}

/// What the sums start from: bias + beta * C.
///
/// # Safety
/// * Row `i` of the tile, `c + i * c_row`, has `width` elements for all MR rows, `width > (NV - 1) * LANES`; all of
///   the tile's columns if `FULL`.
/// * The biases, where not null, reach as far as the block does.
#[inline(always)]
unsafe fn start<T: Float, I: Lanes<T>, const MR: usize, const NV: usize, const FULL: bool>(
    isa: I,
    x: &Block<T>,
    strip: &Strip<T>,
    row: usize,
    c: *const T,
) -> Sums<T, I, MR, NV> {
    let mut sums = [[isa.splat(T::ZERO); NV]; MR];
    let finish = &x.finish;
    // SAFETY: the caller vouches for C and the biases.
    unsafe {
        if !finish.column_bias.is_null() {
            for j in 0..NV {
                let from = finish.column_bias.add(strip.col + j * I::LANES);
                let bias = load_part::<T, I, FULL>(isa, from, strip.width - j * I::LANES);
                for sum in &mut sums {
                    sum[j] = bias;
                }
            }
        } else if !finish.row_bias.is_null() {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = [isa.splat(*finish.row_bias.add(row + i)); NV];
            }
        }
        if finish.beta == T::ZERO {
            return sums;
        }
        // 1 * C + 0 is C: one path for all.
        let beta = isa.splat(finish.beta);
        for (i, sum) in sums.iter_mut().enumerate() {
            for (j, sum) in sum.iter_mut().enumerate() {
                let from = c.add(i * x.c_row + j * I::LANES);
                let held = load_part::<T, I, FULL>(isa, from, strip.width - j * I::LANES);
                *sum = isa.fma(beta, held, *sum);
            }
        }
    }
    sums
}

/// The k-loop where the rows of a tile are adjacent in A: one pointer, constant displacements.
///
/// # Safety
/// * `at` and `strip` are valid for `depth` steps of MR rows and NV vectors.
#[inline(always)]
unsafe fn along_columns<T: Float, I: Lanes<T>, const MR: usize, const NV: usize>(
    isa: I,
    depth: usize,
    mut sums: Sums<T, I, MR, NV>,
    at: &Place<T>,
    strip: &Strip<T>,
) -> Sums<T, I, MR, NV> {
    let (mut a, mut b) = (at.a, strip.b);
    let (a_depth, b_depth) = (at.stride, strip.b_depth);
    for _ in 0..depth {
        // SAFETY: the caller vouches for all steps.
        unsafe {
            let mut column = [isa.splat(T::ZERO); NV];
            for (j, column) in column.iter_mut().enumerate() {
                *column = isa.load_at(b.add(j * I::LANES));
            }
            for (i, sum) in sums.iter_mut().enumerate() {
                let factor = isa.splat(*a.add(i));
                for (sum, column) in sum.iter_mut().zip(column) {
                    *sum = isa.fma(factor, column, *sum);
                }
            }
        }
        a = a.wrapping_add(a_depth);
        b = b.wrapping_add(b_depth);
    }
    sums
}

/// The k-loop where each row of A is contiguous: a base for every three rows (base, base + s, base + 2s are address
/// modes), so that 14 rows need five registers and a stride.
///
/// # Safety
/// * `at` and `strip` are valid for `depth` steps of MR rows and NV vectors.
#[inline(always)]
unsafe fn along_rows<T: Float, I: Lanes<T>, const MR: usize, const NV: usize>(
    isa: I,
    depth: usize,
    mut sums: Sums<T, I, MR, NV>,
    at: &Place<T>,
    strip: &Strip<T>,
) -> Sums<T, I, MR, NV> {
    let stride = at.stride;
    let mut bases = [at.a; 5];
    for (g, base) in bases.iter_mut().enumerate() {
        *base = at.a.wrapping_add(3 * g * stride);
    }
    let mut b = strip.b;
    for _ in 0..depth {
        // SAFETY: the caller vouches for all steps; a base past the last row is not read.
        unsafe {
            let mut column = [isa.splat(T::ZERO); NV];
            for (j, column) in column.iter_mut().enumerate() {
                *column = isa.load_at(b.add(j * I::LANES));
            }
            for (i, sum) in sums.iter_mut().enumerate() {
                let factor = isa.splat(*bases[i / 3].add(i % 3 * stride));
                for (sum, column) in sum.iter_mut().zip(column) {
                    *sum = isa.fma(factor, column, *sum);
                }
            }
        }
        for base in &mut bases {
            *base = base.wrapping_add(1);
        }
        b = b.wrapping_add(strip.b_depth);
    }
    sums
}

/// Applies the activation and stores.
///
/// # Safety
/// * Row `i` of the tile, `c + i * c_row`, has `width` elements for all MR rows, `width > (NV - 1) * LANES`.
#[inline(always)]
unsafe fn finish<T: Float, I: Lanes<T>, const MR: usize, const NV: usize>(
    isa: I,
    x: &Block<T>,
    mut sums: Sums<T, I, MR, NV>,
    c: *mut T,
    width: usize,
) {
    let zero = isa.splat(T::ZERO);
    match x.finish.activation {
        Activation::Relu => sums.iter_mut().flatten().for_each(|sum| *sum = isa.max(zero, *sum)),
        Activation::LeakyRelu(slope) => {
            let slope = isa.splat(slope);
            for sum in sums.iter_mut().flatten() {
                *sum = isa.select(isa.lt(*sum, zero), isa.mul(slope, *sum), *sum);
            }
        }
        _ => {}
    }
    // SAFETY: the caller vouches for C.
    unsafe {
        if width == NV * I::LANES {
            for (i, sum) in sums.iter().enumerate() {
                for (j, sum) in sum.iter().enumerate() {
                    isa.store_at(*sum, c.add(i * x.c_row + j * I::LANES));
                }
            }
        } else {
            for (i, sum) in sums.iter().enumerate() {
                for (j, sum) in sum.iter().enumerate() {
                    let to = c.add(i * x.c_row + j * I::LANES);
                    let left = width - j * I::LANES;
                    if size_of::<I::V>() == 16 && left >= I::LANES {
                        isa.store_at(*sum, to);
                    } else {
                        isa.store_head_at(*sum, to, left.min(I::LANES));
                    }
                }
            }
        }
        if x.finish.activation.is_function() {
            apply_to_rows(x, c, MR, width);
        }
    }
}

/// Applies an activation that is a function to `rows` rows of C, which are in L1 still.
///
/// # Safety
/// * Row `i`, `c + i * c_row`, has `width` elements that may be written.
#[inline(never)]
unsafe fn apply_to_rows<T: Float>(x: &Block<T>, c: *mut T, rows: usize, width: usize) {
    for i in 0..rows {
        // SAFETY: the caller vouches for the rows.
        let row = unsafe { std::slice::from_raw_parts_mut(c.add(i * x.c_row), width) };
        x.finish.activation.apply(x.backend, row);
    }
}

impl<T: Float> Activation<T> {
    /// Whether it needs more than a few instructions, so that it is applied to rows in memory.
    #[inline(always)]
    pub(super) fn is_function(self) -> bool {
        matches!(self, Self::Elu(_) | Self::Sigmoid | Self::Tanh | Self::Softplus)
    }

    /// Applies such a function.
    #[inline(never)]
    pub(super) fn apply(self, backend: Backend, row: &mut [T]) {
        let io = InOut::same(row);
        let functions = T::elementwise(backend);
        match self {
            Self::Elu(alpha) => functions.elu(io, alpha),
            Self::Sigmoid => functions.sigmoid(io, T::ZERO),
            Self::Tanh => functions.tanh(io, T::ZERO),
            Self::Softplus => functions.softplus(io, T::ZERO),
            Self::Identity | Self::Relu | Self::LeakyRelu(_) => {}
        }
    }
}
