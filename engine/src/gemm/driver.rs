//! One product on one thread: which family of kernels, what to pack, and the loops over blocks.
//!
//! The loops are BLIS's, with K outermost: for each block of K, for each block of N pack B, for each block of M pack
//! A (kept where there is only one), then the kernels. Where M is one block, N is taken few panels at a time, so
//! that a packed panel is still in L1 or L2 when it is used.

use super::activation::Applied;
use super::ahead::Ahead;
use super::block::{Block, Order};
use super::epilogue::Finish;
use super::packing::{Packing, most, next_block};
use super::task::{Family, Task};
use super::tiling::steps;
use super::{arena, dot, gemv, pack};
use crate::simd::Float;
use std::marker::PhantomData;

/// Bytes of a C that stays in L1 or near it.
const SMALL: usize = 32 << 10;

/// Computes a product on this thread.
///
/// # Safety
/// * `x` is sound.
pub(super) unsafe fn serial<T: Float>(x: &Task<T>) {
    let Task { a, b, c, c_row, finish, backend, alpha, .. } = *x;
    match x.family {
        Family::Dots => {
            let (rows, cols, depth) = (x.m, x.n, x.k);
            let (a, a_row, b, b_col) = (a.data, a.row, b.data, b.col);
            let x_dots = dot::Dots { rows, cols, depth, alpha, a, a_row, b, b_col, c, c_row, finish, backend };
            // SAFETY: `x` is sound, and in this family both operands are contiguous along k.
            unsafe { x.kernels.dots(&x_dots) }
        }
        Family::Row => {
            let (cols, depth) = (x.n, x.k);
            let (a, a_depth, b, b_depth) = (a.data, a.col, b.data, b.row);
            // SAFETY: `x` is sound, and in this family C is one row and the rows of B are contiguous.
            unsafe { x.kernels.row(&gemv::Row { cols, depth, a, a_depth, b, b_depth, alpha, c, finish, backend }) }
        }
        // SAFETY: the caller vouches for `x`.
        Family::Tiles => unsafe { tiles(x) },
    }
}

/// # Safety
/// * `x` is sound, and of tiles.
unsafe fn tiles<T: Float>(x: &Task<T>) {
    // Functions are applied tile by tile, while their arguments are in L1, but to a small C all at once: a call for
    // every row of a tile would show.
    let at_once = x.finish.activation.is_function() && !x.c_columns && x.c_row == x.n;
    if at_once && x.m * x.n * size_of::<T>() <= SMALL {
        let plain = Task { finish: Finish { activation: Applied::Nothing, ..x.finish }, ..*x };
        // SAFETY: `x` is sound: this part of C has `m` rows of `n` adjacent elements, one after the other.
        let all = unsafe {
            tiles(&plain);
            std::slice::from_raw_parts_mut(x.c, x.m * x.n)
        };
        return x.finish.activation.finish(x.backend, all);
    }
    let packing = Packing::new(x, x.kernels.tiling(PhantomData));
    let len = packing.scratch();
    // SAFETY: the caller vouches for `x`, the packing is its own, and the arena gives as much scratch as is asked for.
    unsafe {
        if len == 0 {
            return blocks(x, &packing, &mut []);
        }
        let most = most::<T>(&packing.tiling);
        if arena::with(arena::Use::Blocks, len, most, |scratch| blocks(x, &packing, scratch)).is_none() {
            without_memory(x, &packing);
        }
    }
}

/// The same with small blocks on the stack: the same bits, slowly.
///
/// # Safety
/// * `x` is sound, and `packing` is made for it.
#[cold]
#[inline(never)]
unsafe fn without_memory<T: Float>(x: &Task<T>, packing: &Packing) {
    if x.c_columns {
        // SAFETY: the caller vouches for `x`; such an A may be read where it lies, and its B is packed.
        return unsafe { blocks(x, &Packing { pack_a: None, ..*packing }, &mut []) };
    }
    let packing = Packing { kc: 32, mc: packing.max_rows, nc: packing.panel, ..*packing };
    // A panel of B and a row panel of A: at most 32 x 48 and 8 x 48 and a vector, or 32 x 32 and 14 x 48.
    let mut scratch = [T::ZERO; 2048];
    // SAFETY: the caller vouches for `x`, and that is enough.
    unsafe { blocks(x, &packing, &mut scratch) };
}

/// The loops over blocks.
///
/// # Safety
/// * `x` is sound, and `packing` is made for it.
/// * `scratch` has as many elements as the packing asks for.
unsafe fn blocks<T: Float>(x: &Task<T>, packing: &Packing, scratch: &mut [T]) {
    debug_assert!(scratch.len() >= packing.scratch());
    let (for_b, for_a) = scratch.split_at_mut(packing.scratch_b());
    let (for_b, for_a) = (for_b.as_mut_ptr(), for_a.as_mut_ptr());
    let mut packed = None;
    for (p, depth) in steps(x.k, packing.kc) {
        let finish = x.finish.of_depth(p == 0, p + depth >= x.k);
        for (col, cols) in steps(x.n, packing.nc) {
            let mut block = Block {
                rows: 0,
                cols,
                depth,
                max_rows: packing.max_rows,
                a: x.a.at(0, p),
                a_row: x.a.row,
                order: if x.a.col == 1 { Order::Depth } else { Order::Rows(x.a.col) },
                b: x.b.at(p, col),
                b_depth: x.b.row,
                panel: packing.panel,
                b_panel: if x.b.panel > 0 { x.b.col } else { packing.panel },
                last: std::ptr::null(),
                last_depth: x.b.row,
                c: x.c,
                c_row: x.c_row,
                c_columns: x.c_columns,
                fetch_c: packing.cold_c || p > 0 || x.finish.beta != T::ZERO,
                finish,
                backend: x.backend,
                entries: x.kernels.entries(),
                ahead: Ahead::none(),
            };
            // SAFETY: the caller vouches for `x` and the scratch, whose first part is for B.
            unsafe { find_b(x, packing, &mut block, [p, col], for_b) };
            for (row, rows) in steps(x.m, packing.mc) {
                block.rows = rows;
                block.c = x.c_at(row, col);
                block.finish = finish.part(row, col);
                block.ahead = next_block(x, packing, [row, rows], [col, cols], [p, depth]);
                // SAFETY: likewise, and the rest for A; the block is a part of C, with its operands found.
                unsafe {
                    find_a(x, packing, &mut block, [row, p], &mut packed, for_a);
                    x.kernels.block(&block);
                }
            }
        }
    }
}

/// Packs the block of B at `[p, col]`, or only its last panel, and notes where the panels are.
///
/// # Safety
/// * `x` is sound, and the block's columns and depth lie in it.
/// * `to` is valid for writing `packing.scratch_b()` elements.
unsafe fn find_b<T: Float>(x: &Task<T>, packing: &Packing, block: &mut Block<T>, [p, col]: [usize; 2], to: *mut T) {
    let nr = packing.panel;
    let panels = block.cols.div_ceil(nr);
    let first = (panels - 1) * nr;
    let pack = |skip: usize| {
        let from = x.b.at(p, col + skip);
        let (row, col) = (x.b.row, x.b.col);
        let part = pack::PackB { depth: block.depth, cols: block.cols - skip, from, row, col, panel: nr, to };
        // SAFETY: the caller vouches for B and for room for what the packing packs.
        unsafe { x.kernels.pack_b(&part) };
    };
    if x.b.panel > 0 {
        block.last = block.b.wrapping_add((panels - 1) * x.b.col);
    } else if packing.pack_b {
        pack(0);
        block.b = to;
        block.b_depth = nr;
        block.b_panel = nr * block.depth;
        block.last = to.wrapping_add(first * block.depth);
        block.last_depth = nr;
    } else if !block.cols.is_multiple_of(packing.tiling.lanes) {
        pack(first);
        block.last = to;
        block.last_depth = nr;
    } else {
        block.last = block.b.wrapping_add(first);
    }
}

/// Packs the block of A at `at`, unless it is the one `packed` names, and notes where it is.
///
/// # Safety
/// * `x` is sound, and the block's rows and depth lie in it.
/// * `to` is valid for writing `packing.scratch()` elements but those for B.
unsafe fn find_a<T: Float>(
    x: &Task<T>,
    packing: &Packing,
    block: &mut Block<T>,
    at: [usize; 2],
    packed: &mut Option<[usize; 2]>,
    to: *mut T,
) {
    let from = x.a.at(at[0], at[1]);
    let Some(order) = packing.pack_a else {
        block.a = from;
        return;
    };
    let to_row = if order == Order::Depth { Packing::packed_row(block.depth) } else { block.depth };
    if *packed != Some(at) {
        let part = pack::PackA {
            rows: block.rows,
            depth: block.depth,
            max_rows: packing.max_rows,
            alpha: x.alpha,
            from,
            row: x.a.row,
            col: x.a.col,
            to,
            order,
            to_row,
        };
        // SAFETY: the caller vouches for A and for room for what the packing packs.
        unsafe { x.kernels.pack_a(&part) };
        *packed = Some(at);
    }
    block.a = to;
    block.a_row = to_row;
    block.order = order;
}
