//! What an optimiser is: constants with their ranges, names of its state, and a step made of passes over memory.
//!
//! Each file of `methods` implements [`Method`] for its settings; [`Run`] carries one step's buffers to it and knows
//! which parts of them move. State is any number of buffers laid out as the parameters; [`Run::advance`] updates
//! everything in one pass, [`Run::measure`] gives one parameter's norms first, for optimisers that scale their step by
//! them. Nothing here allocates.

use crate::base::{Buffer, Context, Error};
use crate::simd::kernels::{Part, Update, UpdateFloat};
use std::ops::Range;

/// Elements that one thread takes at least.
const GRAIN: usize = 16_384;
/// Elements that one kernel call measures; it fixes the order of additions at any number of threads.
const CHUNK: usize = 4096;
/// Elements below which threads cost more than they save a measurement.
const GATE: usize = 1 << 16;

/// An optimiser's settings: one file of `methods`.
pub(crate) trait Method: Copy {
    /// What configurations and errors call it.
    const NAME: &'static str;

    /// Checks every constant.
    fn check(&self) -> Result<(), Error>;

    /// What its buffers of state are called, as in PyTorch where it has them.
    fn state_names(&self) -> &'static [&'static str];

    /// Computes the step's constants in `f64`, rounds them once, and runs its passes.
    fn step<T: UpdateFloat>(&self, now: Now, run: &mut Run<'_, T>) -> Result<(), Error>;
}

/// A step's own numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Its number, from 1: the `t` of bias corrections.
    pub(crate) t: f64,
    /// The learning rate.
    pub(crate) lr: f64,
    /// What the gradient is multiplied by.
    pub(crate) clip: f64,
}

/// The buffers of one step, and what of them moves.
pub(crate) struct Run<'a, T> {
    pub(super) context: Context,
    pub(super) parameters: &'a mut [T],
    pub(super) gradients: &'a [T],
    pub(super) state: &'a mut [Buffer<T>],
    /// The trained parts, with the gaps between neighbours.
    pub(super) ranges: &'a [Range<usize>],
    /// The trained parameters one by one.
    pub(super) each: &'a [Range<usize>],
}

impl<'a, T: UpdateFloat> Run<'a, T> {
    /// Moves all that is trained, in one pass over memory.
    pub(super) fn advance<U: Update<T, N>, const N: usize>(&mut self, update: U) -> Result<(), Error> {
        self.ranges.iter().try_for_each(|range| self.advance_in(range, update))
    }

    /// Moves one range.
    pub(super) fn advance_in<U: Update<T, N>, const N: usize>(
        &mut self,
        range: &Range<usize>,
        update: U,
    ) -> Result<(), Error> {
        let Context { backend, split } = self.context;
        split.parts(self.part(range)?, GRAIN, &|part| T::advance(backend, &update, part));
        Ok(())
    }

    /// The places of the trained parameters, one by one.
    pub(super) fn each(&self) -> &'a [Range<usize>] {
        self.each
    }

    /// Renews the state of one range by `update`; gives the Euclidean norms of the parameters and of what `update`
    /// makes of them. Sums are a binary tree over chunks that depends on the length alone.
    pub(super) fn measure<U: Update<T, N>, const N: usize>(
        &mut self,
        range: &Range<usize>,
        update: U,
    ) -> Result<[f64; 2], Error> {
        let context = self.context;
        Ok(measured(context, &update, self.part(range)?).map(f64::sqrt))
    }

    /// The range's part of every buffer.
    fn part<const N: usize>(&mut self, range: &Range<usize>) -> Result<Part<'_, T, N>, Error> {
        let outside = || Error::mismatch("the trained parameters leave the optimiser's buffers");
        let declared = self.state.len();
        let state = self.state.first_chunk_mut::<N>().ok_or_else(|| {
            Error::contract(format!("the optimiser names {declared} buffers of state, but its step takes {N}"))
        })?;
        let mut parts = [(); N].map(|()| Default::default());
        for (part, buffer) in parts.iter_mut().zip(state) {
            *part = buffer.as_mut_slice().get_mut(range.clone()).ok_or_else(outside)?;
        }
        Ok(Part {
            parameters: self.parameters.get_mut(range.clone()).ok_or_else(outside)?,
            gradients: self.gradients.get(range.clone()).ok_or_else(outside)?,
            state: parts,
        })
    }
}

fn measured<T: UpdateFloat, U: Update<T, N>, const N: usize>(
    context: Context,
    update: &U,
    part: Part<'_, T, N>,
) -> [f64; 2] {
    use crate::base::parallel::Halve;
    let len = part.len();
    if len <= CHUNK {
        return T::measure(context.backend, update, part);
    }
    let (left, right) = part.split_at((len / 2).next_multiple_of(CHUNK));
    let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
    context
        .split
        .gated(len, GATE)
        .join(|| a = measured(context, update, left), || b = measured(context, update, right));
    [a[0] + b[0], a[1] + b[1]]
}

/// Refuses a decay or a momentum outside `[0, 1)`.
pub(super) fn fraction(name: &'static str, value: f64) -> Result<(), Error> {
    check((0.0..1.0).contains(&value), name, value, "in [0, 1)")
}

/// Refuses a weight decay outside `[0, 1e6]`.
pub(super) fn weight_decay(value: f64) -> Result<(), Error> {
    check((0.0..=1e6).contains(&value), "weight_decay", value, "in [0, 1e6]")
}

/// Refuses what keeps a quotient finite outside `[1e-30, 1e3]`. The lower bound keeps it a normal number in `f32`: a
/// zero gradient must not give 0 / 0.
pub(super) fn epsilon(value: f64) -> Result<(), Error> {
    check((1e-30..=1e3).contains(&value), "epsilon", value, "in [1e-30, 1e3]")
}

/// Refuses a value for which something does not hold.
pub(super) fn check(holds: bool, name: &str, value: f64, allowed: &str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::out_of_range(name, value, allowed)) }
}
