//! One product on one thread: which family of kernels, what to pack, and the loops over blocks.
//!
//! The loops are BLIS's, with K outermost: for each block of K, for each block of N pack B, for each block of M pack
//! A (kept where there is only one), then `tile::block`. Where M is one block, N is taken few panels at a time, so
//! that a packed panel is still in L1 or L2 when it is used.

use super::activation::Applied;
use super::ahead::Ahead;
use super::epilogue::Finish;
use super::matrix::MatrixRef;
use super::plan::{Plan, most, next_block};
use super::tile::{Block, GemmKernels, Order, TileShape};
use super::{GemmFloat, arena, dot, gemv, pack};
use crate::simd::{Backend, Float};
use std::marker::PhantomData;

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

/// A product whose C has contiguous rows.
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

// SAFETY: a `Task` stands for two matrices that are only read and a part of C that no other task has (`part` is only
// used on disjoint parts), all of plain numbers that outlive the call of `gemm`.
unsafe impl<T: Send + Sync> Send for Task<T> {}

impl<T: Float> Task<T> {
    /// The family for these sides and strides.
    pub(super) fn family(m: usize, n: usize, a: &Operand<T>, b: &Operand<T>) -> Family {
        if b.panel > 0 {
            return Family::Tiles;
        }
        let along_k = a.col == 1 && b.row == 1;
        if along_k && (m <= 6 || n <= 2) {
            Family::Dots
        } else if m == 1 && b.col == 1 {
            Family::Row
        } else {
            Family::Tiles
        }
    }

    /// Where an element of C lies.
    pub(super) fn c_at(&self, row: usize, col: usize) -> *mut T {
        let (row, col) = if self.c_columns { (col, row) } else { (row, col) };
        self.c.wrapping_add(row * self.c_row + col)
    }

    /// `rows x cols` of C from `(row, col)` on.
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
}

/// Bytes of a C that stays in L1 or near it.
const SMALL: usize = 32 << 10;

/// Computes a product on this thread.
pub(super) fn serial<T: GemmFloat>(x: &Task<T>) {
    let Task { a, b, c, c_row, finish, backend, alpha, .. } = *x;
    match x.family {
        Family::Dots => x.kernels.dots(&dot::Dots {
            rows: x.m,
            cols: x.n,
            depth: x.k,
            alpha,
            a: a.data,
            a_row: a.row,
            b: b.data,
            b_col: b.col,
            c,
            c_row,
            finish,
            backend,
        }),
        Family::Row => x.kernels.row(&gemv::Row {
            cols: x.n,
            depth: x.k,
            a: a.data,
            a_depth: a.col,
            b: b.data,
            b_depth: b.row,
            alpha,
            c,
            finish,
            backend,
        }),
        Family::Tiles => {
            // Functions are applied tile by tile, while their arguments are in L1, but to a small C all at once: a
            // call for every row of a tile would show.
            let at_once = x.finish.activation.is_function() && !x.c_columns && x.c_row == x.n;
            if at_once && x.m * x.n * size_of::<T>() <= SMALL {
                serial(&Task { finish: Finish { activation: Applied::Nothing, ..x.finish }, ..*x });
                // SAFETY: this part of C has `m` rows of `n` adjacent elements, one after the other.
                let all = unsafe { std::slice::from_raw_parts_mut(x.c, x.m * x.n) };
                return x.finish.activation.finish(x.backend, all);
            }
            let plan = Plan::new(x, x.kernels.tiling(PhantomData));
            let len = plan.scratch();
            if len == 0 {
                blocks(x, &plan, &mut []);
            } else if arena::with(arena::Use::Blocks, len, most::<T>(&plan.tiling), |scratch| blocks(x, &plan, scratch))
                .is_none()
            {
                without_memory(x, &plan);
            }
        }
    }
}

/// The same with small blocks on the stack: the same bits, slowly.
#[cold]
#[inline(never)]
fn without_memory<T: GemmFloat>(x: &Task<T>, plan: &Plan) {
    if x.c_columns {
        // Such an A may be read where it lies.
        return blocks(x, &Plan { pack_a: None, ..*plan }, &mut []);
    }
    let plan = Plan { kc: 32, mc: plan.max_rows, nc: plan.panel, ..*plan };
    let mut scratch = [T::ZERO; 2048];
    blocks(x, &plan, &mut scratch);
}

/// `0..len` in steps of `step`: start and length; once with length 0 where there is nothing.
pub(super) fn steps(len: usize, step: usize) -> impl Iterator<Item = (usize, usize)> {
    let step = step.max(1);
    (0..len.div_ceil(step).max(1)).map(move |i| (i * step, step.min(len - i * step)))
}

fn blocks<T: GemmFloat>(x: &Task<T>, plan: &Plan, scratch: &mut [T]) {
    debug_assert!(scratch.len() >= plan.scratch());
    let (for_b, for_a) = scratch.split_at_mut(plan.scratch_b());
    let (for_b, for_a) = (for_b.as_mut_ptr(), for_a.as_mut_ptr());
    let mut packed = None;
    for (p, depth) in steps(x.k, plan.kc) {
        let finish = x.finish.of_depth(p == 0, p + depth >= x.k);
        for (col, cols) in steps(x.n, plan.nc) {
            let mut block = Block {
                rows: 0,
                cols,
                depth,
                max_rows: plan.max_rows,
                a: x.a.at(0, p),
                a_row: x.a.row,
                order: if x.a.col == 1 { Order::Depth } else { Order::Rows(x.a.col) },
                b: x.b.at(p, col),
                b_depth: x.b.row,
                panel: plan.panel,
                b_panel: if x.b.panel > 0 { x.b.col } else { plan.panel },
                last: std::ptr::null(),
                last_depth: x.b.row,
                c: x.c,
                c_row: x.c_row,
                c_columns: x.c_columns,
                fetch_c: plan.cold_c || p > 0 || x.finish.beta != T::ZERO,
                finish,
                backend: x.backend,
                ahead: Ahead::none(),
            };
            find_b(x, plan, &mut block, [p, col], for_b);
            for (row, rows) in steps(x.m, plan.mc) {
                block.rows = rows;
                block.c = x.c_at(row, col);
                block.finish = finish.part(row, col);
                find_a(x, plan, &mut block, [row, p], &mut packed, for_a);
                block.ahead = next_block(x, plan, [row, rows], [col, cols], [p, depth]);
                x.kernels.block(&block);
            }
        }
    }
}

/// Packs the block of B at `[p, col]`, or only its last panel, and notes where the panels are.
fn find_b<T: GemmFloat>(x: &Task<T>, plan: &Plan, block: &mut Block<T>, [p, col]: [usize; 2], to: *mut T) {
    let nr = plan.panel;
    let panels = block.cols.div_ceil(nr);
    let first = (panels - 1) * nr;
    let pack = |skip: usize| {
        let from = x.b.at(p, col + skip);
        let (row, col) = (x.b.row, x.b.col);
        x.kernels.pack_b(&pack::PackB { depth: block.depth, cols: block.cols - skip, from, row, col, panel: nr, to });
    };
    if x.b.panel > 0 {
        block.last = block.b.wrapping_add((panels - 1) * x.b.col);
    } else if plan.pack_b {
        pack(0);
        block.b = to;
        block.b_depth = nr;
        block.b_panel = nr * block.depth;
        block.last = to.wrapping_add(first * block.depth);
        block.last_depth = nr;
    } else if !block.cols.is_multiple_of(plan.tiling.lanes) {
        pack(first);
        block.last = to;
        block.last_depth = nr;
    } else {
        block.last = block.b.wrapping_add(first);
    }
}

/// Packs the block of A at `at`, unless it is the one `packed` names, and notes where it is.
fn find_a<T: GemmFloat>(
    x: &Task<T>,
    plan: &Plan,
    block: &mut Block<T>,
    at: [usize; 2],
    packed: &mut Option<[usize; 2]>,
    to: *mut T,
) {
    let from = x.a.at(at[0], at[1]);
    let Some(order) = plan.pack_a else {
        block.a = from;
        return;
    };
    let to_row = if order == Order::Depth { Plan::packed_row(block.depth) } else { block.depth };
    if *packed != Some(at) {
        x.kernels.pack_a(&pack::PackA {
            rows: block.rows,
            depth: block.depth,
            max_rows: plan.max_rows,
            alpha: x.alpha,
            from,
            row: x.a.row,
            col: x.a.col,
            to,
            order,
            to_row,
        });
        *packed = Some(at);
    }
    block.a = to;
    block.a_row = to_row;
    block.order = order;
}
