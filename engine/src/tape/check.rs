//! Checks for operations and whole losses: gradients against central differences in f64.
//!
//! Public because whoever writes an operation of their own, or a new objective, needs the same check.

use crate::tape::{Parameters, Plan, Real, Workspace};
use crate::{Error, Split};

/// How far a gradient is from its central difference, relative to the larger of the two and `floor`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientError {
    /// Where in the flat parameter buffer.
    pub index: usize,
    /// What backward gave.
    pub gradient: f64,
    /// What the difference gave.
    pub difference: f64,
    /// `|gradient - difference| / max(|gradient|, |difference|, floor)`
    pub relative: f64,
}

/// Compares the gradient of every trained parameter with `(L(p + h) - L(p - h)) / 2h` and gives the worst.
///
/// The workspace holds the inputs and the noise, which both passes see alike. `step` is `h` for parameters about 1
/// (1e-5 suits f64); `floor` keeps gradients near 0 from counting as
/// wrong: it is a fraction of the loss, or of 1 for smaller losses, since differences of the loss resolve no finer.
///
/// A loss that is the small remainder of large terms is rounded more coarsely than its size tells, and dividing by
/// `2h` magnifies that. What would be the worst so far is therefore tried again with ten times the step, and the better
/// of the two counts: rounding is ten times less there, and a gradient that is wrong is wrong at either step.
///
/// # Errors
/// Those of a run; a loss that is not kept.
pub fn gradients<T: Real>(
    plan: &Plan<T>,
    parameters: &mut Parameters<T>,
    workspace: &mut Workspace<T>,
    loss: crate::Var,
    step: f64,
    floor: f64,
) -> Result<GradientError, Error> {
    plan.forward(parameters, workspace, Split::Serial)?;
    plan.backward(parameters, workspace, Split::Serial)?;
    let floor = floor * number(workspace, loss)?.abs().max(1.0);
    let gradients: Vec<f64> = workspace.gradients().iter().map(|g| g.to_f64()).collect();
    let mut worst = GradientError { index: 0, gradient: 0.0, difference: 0.0, relative: 0.0 };
    let places: Vec<usize> = parameters.ids().flat_map(|id| parameters.range(id)).collect();
    for index in places.into_iter().filter(|i| plan.trained().iter().any(|range| range.contains(i))) {
        let gradient = gradients[index];
        let mut error = |step: f64, workspace: &mut Workspace<T>| -> Result<GradientError, Error> {
            let difference = central_difference(plan, parameters, workspace, (loss, index), step)?;
            let relative = (gradient - difference).abs() / gradient.abs().max(difference.abs()).max(floor);
            Ok(GradientError { index, gradient, difference, relative })
        };
        let is_worse = |error: &GradientError| error.relative.is_nan() || error.relative > worst.relative;
        let near = error(step, workspace)?;
        if is_worse(&near) {
            let far = error(10.0 * step, workspace)?;
            let better = if near.relative <= far.relative { near } else { far };
            if is_worse(&better) {
                worst = better;
            }
        }
    }
    Ok(worst)
}

/// `(L(p + h) - L(p - h)) / 2h` for the parameter at a place of the flat buffer, which keeps its value.
fn central_difference<T: Real>(
    plan: &Plan<T>,
    parameters: &mut Parameters<T>,
    workspace: &mut Workspace<T>,
    (loss, index): (crate::Var, usize),
    step: f64,
) -> Result<f64, Error> {
    let original = parameters.flat()[index];
    let mut at = |value: T, parameters: &mut Parameters<T>| -> Result<f64, Error> {
        parameters.flat_mut()[index] = value;
        plan.forward(parameters, workspace, Split::Serial)?;
        number(workspace, loss)
    };
    let (above, below) = (original + T::from_f64(step), original - T::from_f64(step));
    let losses = at(above, parameters).and_then(|upper| Ok(upper - at(below, parameters)?));
    parameters.flat_mut()[index] = original;
    Ok(losses? / (above.to_f64() - below.to_f64()))
}

/// The loss after a run.
fn number<T: Real>(workspace: &Workspace<T>, loss: crate::Var) -> Result<f64, Error> {
    let first = workspace.value(loss)?.first();
    Ok(first.ok_or_else(|| Error::shape("the loss has no elements"))?.to_f64())
}
