//! The optimisers' passes over flat memory: parameters, gradients and state together.
//!
//! An optimiser states what it does to one vector ([`Update`], in its own file under `optim`); the loops here read each
//! number once and write it once. All are bound by memory (Adam: 28 bytes a parameter in `f32` for about 12
//! operations). An element's result does not depend on its position, so callers may split anywhere. Only common lengths
//! are touched. `optim` calls them; [`UpdateFloat`] chooses the instruction set. A profile names `f32_avx2::advance`,
//! and the optimiser too under `-C symbol-mangling-version=v0`. Rejected: a kernel for each optimiser in a
//! `kernel_table`, which puts every optimiser into two folders and several `match`es.

use super::{Lanes, Number, kernel_table, read, write};
use crate::base::Backend;
use crate::base::parallel::Halve;
use crate::simd::arch::for_each_instruction_set;
use std::mem::take;

kernel_table! {
    /// What optimisers share.
    pub struct Updates in updates_kernels;

    /// The sum of squares, in `f64` and in an order that no backend changes.
    fn sum_squares(x: &[T]) -> f64 = sum_squares_pass;
}

/// What an optimiser does to one vector of parameters, with this step's constants; `N` vectors of state go with it.
///
/// `apply` must be `#[inline(always)]`: only inside the loops does it become single instructions.
pub(crate) trait Update<T: Number, const N: usize>: Copy + Send + Sync {
    /// Whether `apply` changes the state; where it does not, nothing of it is written.
    const CHANGES_STATE: bool = true;

    /// From the parameters `p`, their gradient `g` and the state, which it renews, to the new parameters (or, under
    /// [`UpdateFloat::measure`], to what is measured).
    fn apply<I: Lanes<T>>(self, isa: I, p: I::V, g: I::V, state: &mut [I::V; N]) -> I::V;
}

/// The same elements of all buffers.
pub(crate) struct Part<'a, T, const N: usize> {
    pub(crate) parameters: &'a mut [T],
    pub(crate) gradients: &'a [T],
    pub(crate) state: [&'a mut [T]; N],
}

impl<T: Number, const N: usize> Halve for Part<'_, T, N> {
    fn len(&self) -> usize {
        self.parameters.len()
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let (parameters, parameters_rest) = self.parameters.split_at_mut(at);
        let (gradients, gradients_rest) = self.gradients.split_at(at);
        let (mut state, mut state_rest) = (self.state, [(); N].map(|()| Default::default()));
        for (head, rest) in state.iter_mut().zip(&mut state_rest) {
            (*head, *rest) = take(head).split_at_mut(at);
        }
        let rest = Part { parameters: parameters_rest, gradients: gradients_rest, state: state_rest };
        (Part { parameters, gradients, state }, rest)
    }
}

impl<T, const N: usize> Part<'_, T, N> {
    /// Cut to the common length, which the loops' bounds follow from.
    #[inline(always)]
    fn common(mut self) -> Self {
        let mut len = self.parameters.len().min(self.gradients.len());
        for state in &self.state {
            len = len.min(state.len());
        }
        for state in &mut self.state {
            *state = &mut take(state)[..len];
        }
        Part { parameters: &mut self.parameters[..len], gradients: &self.gradients[..len], state: self.state }
    }

    /// What the update makes of the vector at `at`, the state renewed.
    #[inline(always)]
    fn applied<I: Lanes<T>, U: Update<T, N>>(&mut self, isa: I, update: U, at: usize) -> I::V
    where
        T: Number,
    {
        let mut state = [isa.splat(T::ZERO); N];
        for (vector, from) in state.iter_mut().zip(&self.state) {
            *vector = read(isa, from, at);
        }
        let (p, g) = (read(isa, self.parameters, at), read(isa, self.gradients, at));
        let result = update.apply(isa, p, g, &mut state);
        if U::CHANGES_STATE {
            for (vector, to) in state.into_iter().zip(&mut self.state) {
                write(isa, vector, to, at);
            }
        }
        result
    }
}

#[inline(always)]
fn advance_pass<T: Number, I: Lanes<T>, U: Update<T, N>, const N: usize>(isa: I, update: &U, part: Part<'_, T, N>) {
    let (update, mut part) = (*update, part.common());
    let len = part.parameters.len();
    // Counted down, so that the compiler sees that every vector in the loop is whole.
    let mut left = len;
    while left >= I::LANES {
        let new = part.applied(isa, update, len - left);
        write(isa, new, part.parameters, len - left);
        left -= I::LANES;
    }
    if left > 0 {
        let new = part.applied(isa, update, len - left);
        write(isa, new, part.parameters, len - left);
    }
}

/// Elements whose results wait on the stack to be squared: a multiple of the running sums and of every vector.
const TILE: usize = 256;

#[inline(always)]
fn measure_pass<T: Number, I: Lanes<T>, U: Update<T, N>, const N: usize>(
    isa: I,
    update: &U,
    part: Part<'_, T, N>,
) -> [f64; 2] {
    let (update, mut part) = (*update, part.common());
    let len = part.parameters.len();
    let (mut of_parameters, mut of_results) = (Squares::default(), Squares::default());
    let mut tile = [T::ZERO; TILE];
    let mut start = 0;
    while start < len {
        let end = len.min(start + TILE);
        let results = &mut tile[..end - start];
        let mut at = 0;
        while at < results.len() {
            // The tail reads zeros behind the slices' ends, and leaves out what it makes of them.
            let result = part.applied(isa, update, start + at);
            write(isa, result, results, at);
            at += I::LANES;
        }
        of_parameters.add(&part.parameters[start..end]);
        of_results.add(results);
        start = end;
    }
    [of_parameters.total(), of_results.total()]
}

/// Sixteen running sums of squares, added pairwise at the end. Squares of `f32` are exact in `f64`; the compiler makes
/// vectors of the inner loop under each entry's instructions, without changing the order.
#[derive(Default)]
struct Squares([f64; Self::SUMS]);

impl Squares {
    const SUMS: usize = 16;

    /// Adds a slice; all but the last are as long as a multiple of the running sums.
    #[inline(always)]
    fn add<T: Number>(&mut self, x: &[T]) {
        let mut whole = x.chunks_exact(Self::SUMS);
        for chunk in &mut whole {
            for (sum, x) in self.0.iter_mut().zip(chunk) {
                *sum += x.to_f64() * x.to_f64();
            }
        }
        for (sum, x) in self.0.iter_mut().zip(whole.remainder()) {
            *sum += x.to_f64() * x.to_f64();
        }
    }

    #[inline(always)]
    fn total(mut self) -> f64 {
        let mut half = Self::SUMS / 2;
        while half > 0 {
            for i in 0..half {
                self.0[i] += self.0[i + half];
            }
            half /= 2;
        }
        self.0[0]
    }
}

#[inline(always)]
fn sum_squares_pass<T: Number, I: Lanes<T>>(_isa: I, x: &[T]) -> f64 {
    let mut squares = Squares::default();
    squares.add(x);
    squares.total()
}

/// The passes on a backend, for any update.
pub trait UpdateFloat: Number {
    /// Replaces every parameter by what `update` makes of it.
    #[allow(private_bounds, private_interfaces)]
    fn advance<U: Update<Self, N>, const N: usize>(backend: Backend, update: &U, part: Part<'_, Self, N>);

    /// Renews the state alone; gives the sums of the squares, in `f64`, of the parameters and of what `update` makes of
    /// them.
    #[allow(private_bounds, private_interfaces)]
    fn measure<U: Update<Self, N>, const N: usize>(backend: Backend, update: &U, part: Part<'_, Self, N>) -> [f64; 2];
}

/// The passes' entries for an instruction set, a module for each element type as in `kernel_table`.
macro_rules! entries {
    ($cfg:tt $compiled:tt $folder:ident $Token:ident $f32:ident $f64:ident) => {
        entries!(@module f32 $f32 $cfg $compiled $folder $Token);
        entries!(@module f64 $f64 $cfg $compiled $folder $Token);
    };
    (@module $t:ident $module:ident $cfg:tt $compiled:tt $folder:ident $Token:ident) => {
        #$cfg
        mod $module {
            use super::*;
            use crate::simd::arch::$folder::$Token;

            /// # Safety
            /// * The processor has the instructions of this module.
            #$compiled
            #[inline(never)]
            pub(super) unsafe fn advance<U: Update<$t, N>, const N: usize>(update: &U, part: Part<'_, $t, N>) {
                // SAFETY: the caller vouches for the instructions.
                advance_pass(unsafe { $Token::new_unchecked() }, update, part);
            }

            /// # Safety
            /// * The processor has the instructions of this module.
            #$compiled
            #[inline(never)]
            pub(super) unsafe fn measure<U: Update<$t, N>, const N: usize>(
                update: &U,
                part: Part<'_, $t, N>,
            ) -> [f64; 2] {
                // SAFETY: the caller vouches for the instructions.
                measure_pass(unsafe { $Token::new_unchecked() }, update, part)
            }
        }
    };
}
for_each_instruction_set! { entries! }

/// Calls an entry of `backend`'s module and returns what it returns, if it is this line's.
macro_rules! enter {
    (f32 $backend:ident $entry:ident($($arg:ident),*)
     [$($cfg:tt)*] $compiled:tt $folder:ident $Token:ident $f32:ident $f64:ident) => {
        enter!(@module $backend $entry($($arg),*) [$($cfg)*] $folder $f32);
    };
    (f64 $backend:ident $entry:ident($($arg:ident),*)
     [$($cfg:tt)*] $compiled:tt $folder:ident $Token:ident $f32:ident $f64:ident) => {
        enter!(@module $backend $entry($($arg),*) [$($cfg)*] $folder $f64);
    };
    (@module $backend:ident $entry:ident($($arg:ident),*) [$($cfg:tt)*] $folder:ident $module:ident) => {
        #[$($cfg)*]
        if $backend.is(&crate::simd::arch::$folder::SET) {
            // SAFETY: a backend is the proof that the processor has its instructions.
            return unsafe { $module::$entry($($arg),*) };
        }
    };
}

macro_rules! update_float {
    ($($t:ident $portable:ident)*) => {
        $(
            impl UpdateFloat for $t {
                #[allow(private_bounds, private_interfaces)]
                fn advance<U: Update<Self, N>, const N: usize>(backend: Backend, update: &U, part: Part<'_, Self, N>) {
                    for_each_instruction_set! { enter! $t backend advance(update, part) }
                    // SAFETY: what the crate is compiled for.
                    unsafe { $portable::advance(update, part) }
                }

                #[allow(private_bounds, private_interfaces)]
                fn measure<U: Update<Self, N>, const N: usize>(
                    backend: Backend,
                    update: &U,
                    part: Part<'_, Self, N>,
                ) -> [f64; 2] {
                    for_each_instruction_set! { enter! $t backend measure(update, part) }
                    // SAFETY: what the crate is compiled for.
                    unsafe { $portable::measure(update, part) }
                }
            }
        )*
    };
}
update_float! { f32 f32_portable f64 f64_portable }
