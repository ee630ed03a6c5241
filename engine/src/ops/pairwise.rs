//! Functions of two numbers whose derivatives need both: what `div`, `maximum` and `minimum` share. One operand may be
//! broadcast over the other; see [`broadcast`](super::broadcast).
//!
//! Equal shapes go through a kernel. Everything else is a plain loop over the rows: the memory bounds it, and a
//! division by one number for the whole row is a division all the same, so that broadcasting changes no bits.

use super::broadcast::{Broadcast, Meeting, infer};
use super::{GATE, GRAIN};
use crate::base::Error;
use crate::simd::kernels::Elementwise;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec};

/// A function of two numbers.
pub(super) trait Pair<T: Real>: Send + Sync + 'static {
    const NAME: &'static str;
    /// `f(a, b)`
    fn value(a: T, b: T) -> T;
    /// `f(a, b)` of slices.
    fn values(kernels: &Elementwise<T>, a: &[T], b: &[T], out: &mut [T]);
    /// `dy ∂f/∂a` for operand 0, `dy ∂f/∂b` for operand 1.
    fn gradient(which: usize, a: T, b: T, dy: T) -> T;
}

/// The operation made of a function of two numbers.
pub(super) struct OfPairs<P>(pub(super) P);

/// The gradient of one operand of a row, number by number.
#[inline(always)]
fn gradients<'a, T: Real, P: Pair<T>>(
    meeting: &'a Meeting,
    which: usize,
    (a, b): (&'a [T], &'a [T]),
    (r, dy): (usize, &'a [T]),
) -> impl Iterator<Item = T> + 'a {
    let (a, b) = (meeting.row(0, a, r), meeting.row(1, b, r));
    dy.iter().enumerate().map(move |(at, &dy)| P::gradient(which, a.at(at), b.at(at), dy))
}

/// Writes or adds.
#[inline(always)]
fn put<T: Real>(to: &mut [T], gradients: impl Iterator<Item = T>, accumulate: bool) {
    for (to, gradient) in to.iter_mut().zip(gradients) {
        *to = if accumulate { *to + gradient } else { gradient };
    }
}

impl<T: Real, P: Pair<T>> Operation<T> for OfPairs<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        Ok(infer(inputs)?.reading(&[0, 1]))
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let meeting = Meeting::of(&run.inputs);
        let (a, b) = (run.inputs.get(0)?, run.inputs.get(1)?);
        if meeting.is_whole() {
            let split = run.context.split.gated(meeting.columns, GATE);
            split.parts(((a, b), run.output), GRAIN, &|((a, b), out): ((&[T], &[T]), &mut [T])| {
                P::values(kernels, a, b, out);
            });
            return Ok(());
        }
        for (r, out) in run.output.chunks_exact_mut(meeting.columns.max(1)).enumerate().take(meeting.rows) {
            let (a, b) = (meeting.row(0, a, r), meeting.row(1, b, r));
            out.iter_mut().enumerate().for_each(|(at, out)| *out = P::value(a.at(at), b.at(at)));
        }
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let inputs = run.inputs;
        let meeting = Meeting::of(&inputs);
        let (a, b) = (inputs.get(0)?, inputs.get(1)?);
        let columns = meeting.columns.max(1);
        for which in 0..2 {
            let Some(target) = run.gradients.of(which)?.wanted() else { continue };
            let (to, accumulate, dy) = (target.slice, target.accumulate, &*run.output_gradient);
            if meeting.is_whole() {
                let split = run.context.split.gated(columns, GATE);
                type Parts<'a, T> = (((&'a [T], &'a [T]), &'a [T]), &'a mut [T]);
                split.parts((((a, b), dy), to), GRAIN, &|(((a, b), dy), to): Parts<'_, T>| {
                    let each = a.iter().zip(b).zip(dy).map(|((&a, &b), &dy)| P::gradient(which, a, b, dy));
                    put(to, each, accumulate);
                });
                continue;
            }
            let mut total = 0.0f64;
            for (r, dy) in dy.chunks_exact(columns).enumerate().take(meeting.rows) {
                let row = gradients::<T, P>(&meeting, which, (a, b), (r, dy));
                match meeting.broadcast[which] {
                    Broadcast::Whole => put(&mut to[r * columns..(r + 1) * columns], row, accumulate),
                    Broadcast::Row => put(to, row, accumulate || r > 0),
                    Broadcast::Column => {
                        let sum = T::from_f64(row.map(T::to_f64).sum());
                        to[r] = if accumulate { to[r] + sum } else { sum };
                    }
                    Broadcast::Number => total += row.map(T::to_f64).sum::<f64>(),
                }
            }
            if meeting.broadcast[which] == Broadcast::Number {
                to[0] = if accumulate { to[0] + T::from_f64(total) } else { T::from_f64(total) };
            }
        }
        Ok(())
    }
}
