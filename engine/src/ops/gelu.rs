//! `y = x Phi(x)`, Phi the normal distribution function: the exact form (Hendrycks & Gimpel 2016).

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = x Phi(x)`, Phi the normal distribution function: the exact form (Hendrycks & Gimpel 2016). The shape is
    /// kept.
    gelu(), Gelu, saves Input, flops 30, forward gelu, gradient gelu_gradient;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("gelu", Domain::Real, |t, x| t.gelu(x), |x| x * normal_distribution(x))]
    }

    /// The normal distribution function by Simpson's rule on its density: slow, and independent of `erf`.
    fn normal_distribution(x: f64) -> f64 {
        let (steps, density) = (2000, |t: f64| (-0.5 * t * t).exp() / std::f64::consts::TAU.sqrt());
        let h = x / f64::from(steps);
        let inner: f64 = (1..steps).map(|i| density(f64::from(i) * h) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
        0.5 + h / 3.0 * (density(0.0) + inner + density(x))
    }
}
