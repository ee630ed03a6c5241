//! What operations that are fused with an activation share: what to keep for its derivative, and both its passes.
//!
//! Most activations are differentiated from the operation's output. For the others the sum before the activation is
//! kept in the operation's saved memory, behind what it saves of its own; where nothing is saved (a plan without a
//! backward pass) the activation works in place, with the same bits.
#![forbid(unsafe_code)]

use super::{GATE, GRAIN};
use crate::base::{Context, Error};
use crate::gemm::{Activation, Derivative};
use crate::simd::InOut;
use crate::tape::operation::unread_output;
use crate::tape::{Backward, Real, Shape, Spec};

/// Adds to a shape rule what `activation` needs, after the operation has said what it saves of its own, which must be
/// as large as its output.
///
/// # Errors
/// A parameter that makes no sense; sizes that cannot be counted.
pub(super) fn infer<T: Real>(activation: Activation<T>, spec: &mut Spec) -> Result<(), String> {
    activation.check()?;
    match activation.traits().map(|traits| traits.derivative) {
        None => {}
        Some(Derivative::OfOutput(_)) => spec.reads_output = true,
        Some(Derivative::OfArgument) => {
            spec.saved = Some(match spec.saved {
                None => spec.output,
                Some(own) => twice(&own)?,
            });
        }
    }
    Ok(())
}

/// Room for two of this shape.
fn twice(shape: &Shape) -> Result<Shape, String> {
    match shape.sizes() {
        [] => Ok(shape.with_last(2)),
        [.., last] => last.checked_mul(2).map(|last| shape.with_last(last)).ok_or("its result is too large".into()),
    }
}

/// Divides an operation's saved memory into what it saves of its own and the sums before the activation, `len` of them
/// or none.
pub(super) fn divide<T: Real>(activation: Activation<T>, saved: &mut [T], len: usize) -> (&mut [T], &mut [T]) {
    let sums = if activation.is_differentiated_from_output() { 0 } else { len };
    saved.split_at_mut(saved.len().saturating_sub(sums))
}

/// Runs `work`, which is told the activation that it is to apply and where to write, and what it leaves of the
/// activation.
pub(super) fn forward<T: Real>(
    activation: Activation<T>,
    context: Context,
    (sums, output): (&mut [T], &mut [T]),
    work: impl FnOnce(Activation<T>, &mut [T]) -> Result<(), Error>,
) -> Result<(), Error> {
    let Some(traits) = activation.traits().filter(|_| !sums.is_empty()) else { return work(activation, output) };
    work(Activation::Identity, sums)?;
    let split = context.split.gated(output.len(), GATE);
    split.parts(InOut::pair(sums, output), GRAIN, &|io| traits.apply(context.backend, io));
    Ok(())
}

/// What the activation's derivative is found from: the operation's output, the sums that it saved, or nothing.
pub(super) fn kept<'a, T: Real>(
    activation: Activation<T>,
    output: Option<&'a [T]>,
    sums: &'a [T],
) -> Result<&'a [T], Error> {
    match activation.traits().map(|traits| traits.derivative) {
        None => Ok(&[]),
        Some(Derivative::OfOutput(_)) => output.ok_or_else(unread_output),
        Some(Derivative::OfArgument) => Ok(sums),
    }
}

/// The gradient of the argument, in place of that of the output, for an operation that saves nothing of its own.
pub(super) fn differentiate<T: Real>(activation: Activation<T>, run: &mut Backward<'_, T>) -> Result<(), Error> {
    let Some(traits) = activation.traits() else { return Ok(()) };
    let Context { backend, split } = run.context.gated(run.output_gradient.len(), GATE);
    let kept = kept(activation, run.output, run.saved)?;
    split.parts((kept, &mut *run.output_gradient), GRAIN, &|(kept, dy): (&[T], &mut [T])| {
        traits.differentiate(backend, kept, InOut::same(dy), false);
    });
    Ok(())
}
