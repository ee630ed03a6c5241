//! The derivative of the activation that an operation is fused with.

use super::{GATE, GRAIN};
use crate::gemm::Activation;
use crate::tape::{Backward, Real};

/// The gradient of the argument, in place of that of the output, by the activation's derivative at the output.
pub(super) fn differentiate<T: Real>(activation: Activation<T>, run: &mut Backward<'_, T>) {
    let split = run.device.split.gated(run.output_gradient.len(), GATE);
    if activation == Activation::Identity {
        return;
    }
    let backend = run.device.backend;
    split.parts((run.output, &mut *run.output_gradient), GRAIN, &|(y, dy): (&[T], &mut [T])| {
        activation.differentiate(backend, y, dy);
    });
}
