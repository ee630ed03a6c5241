//! The derivative of the activation that an operation is fused with.

use super::{GATE, GRAIN};
use crate::base::Error;
use crate::gemm::Activation;
use crate::tape::{Backward, Real};

/// The gradient of the argument, in place of that of the output, by the activation's derivative at the output.
pub(super) fn differentiate<T: Real>(activation: Activation<T>, run: &mut Backward<'_, T>) -> Result<(), Error> {
    let split = run.context.split.gated(run.output_gradient.len(), GATE);
    if activation == Activation::Identity {
        return Ok(());
    }
    let backend = run.context.backend;
    split.parts((run.output()?, &mut *run.output_gradient), GRAIN, &|(y, dy): (&[T], &mut [T])| {
        activation.differentiate(backend, y, dy);
    });
    Ok(())
}
