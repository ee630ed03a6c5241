//! The price of activity: what a sparse autoencoder pays for the mean activation of a unit.

use super::part::Part;
use super::studio::Studio;
use crate::Result;
use crate::report::plot::{Curve, Curves, Scale};
use narrows_engine::{Parameters, Shape, Split, Tape};

/// Targets.
const TARGETS: [f64; 3] = [0.05, 0.2, 0.5];
/// Mean activations at which the penalty is computed.
const POINTS: u32 = 200;

/// The penalty as a function of the mean activation, for three targets.
pub(super) fn penalty(_: &Studio<'_>) -> Result<Part> {
    let curve = |rho: f64| -> Result<Curve> { Ok(Curve { name: format!("rho = {rho}"), points: divergence(rho)? }) };
    let plot = Curves {
        title: "The sparsity penalty".into(),
        description: "Three curves, each 0 at its target and rising to both sides.".into(),
        x: "mean activation of the unit, rho-hat".into(),
        y: "KL(rho || rho-hat), nats".into(),
        curves: TARGETS.into_iter().map(curve).collect::<Result<_>>()?,
        marks: Vec::new(),
    };
    let at = |points: &[(f64, f64)]| points.iter().find(|(x, _)| (x - 0.5).abs() < 1e-9).map_or(0.0, |point| point.1);
    let half = plot.curves.first().map_or(0.0, |curve| at(&curve.points));
    Ok(Part::text(format!(
        "A sparse autoencoder pays KL(rho || rho-hat) = rho ln(rho / rho-hat) + (1 - rho) ln((1 - rho) / (1 - \
         rho-hat)) for each hidden unit, where rho-hat is its mean activation over the samples and rho the target. The \
         penalty is 0 where both agree and grows without bound towards 0 and 1: a unit that is on half of the time \
         where a twentieth is wanted costs {half:.2} nats, one that is never on costs more than any reconstruction is \
         worth. So every unit is used, and none often."
    ))
    .plot(
        plot.to_svg(Scale::Linear)?,
        "The divergence between two coins, one that shows heads with probability rho and one with rho-hat, as the \
         engine's operation gives it to training.",
    )
    .figure("penalty_of_half_for_a_twentieth", half))
}

/// The divergence at mean activations strictly between 0 and 1.
fn divergence(rho: f64) -> Result<Vec<(f64, f64)>> {
    let none = Parameters::<f64>::new();
    let tape = Tape::new(&none, 1);
    let mean = tape.input("mean activation", Shape::fixed(&[1]));
    let omega = tape.sparsity_divergence(mean, rho);
    let plan = tape.infer(&[omega])?;
    let mut workspace = plan.workspace()?;
    let mut points = Vec::new();
    for point in 1..POINTS {
        let x = f64::from(point) / f64::from(POINTS);
        workspace.input_mut(mean)?.fill(x);
        plan.forward(&none, &mut workspace, Split::Serial)?;
        points.extend(workspace.value(omega)?.iter().map(|&y| (x, y)));
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_penalty_is_the_formula() {
        for rho in TARGETS {
            for (x, y) in divergence(rho).unwrap() {
                let wanted = rho * (rho / x).ln() + (1.0 - rho) * ((1.0 - rho) / (1.0 - x)).ln();
                assert!((y - wanted).abs() < 1e-9, "{rho} {x}: {y} {wanted}");
            }
        }
    }
}
