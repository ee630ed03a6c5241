//! LAMB (You et al. 2019): Adam's direction, each parameter tensor's made as long as the tensor is.
//!
//! For large batches. Two passes over each tensor: the first renews the moments and sums the squares of the parameters
//! and of the direction, the second makes the direction from the moments again, which is cheaper than to store it.

use crate::base::Error;
#[cfg(test)]
use crate::optim::cases::{Case, Scalars, case};
use crate::optim::method::{self, Method, Now, Run};
use crate::simd::kernels::{Update, UpdateFloat};
use crate::simd::{Lanes, Number};

/// `m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;`
/// `r = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + w p; p -= lr ‖p‖ / ‖r‖ r` with the norms of each
/// parameter tensor, `p -= lr r` where one of them is zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lamb {
    /// The first moment's decay, in `[0, 1)`.
    pub beta1: f64,
    /// The second moment's decay, in `[0, 1)`.
    pub beta2: f64,
    /// Keeps the quotient finite where the gradient is zero, in `[1e-30, 1e3]`.
    pub epsilon: f64,
    /// `w`, in `[0, 1e6]`.
    pub weight_decay: f64,
}

impl Default for Lamb {
    /// The paper's.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weight_decay: 0.01 }
    }
}

impl Method for Lamb {
    const NAME: &'static str = "lamb";

    fn check(&self) -> Result<(), Error> {
        method::fraction("beta1", self.beta1)?;
        method::fraction("beta2", self.beta2)?;
        method::epsilon(self.epsilon)?;
        method::weight_decay(self.weight_decay)
    }

    fn state_names(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    fn step<T: UpdateFloat>(&self, now: Now, run: &mut Run<'_, T>) -> Result<(), Error> {
        let t = T::from_f64;
        let direction = Direction {
            correction: t((1.0 - self.beta1.powf(now.t)).recip()),
            root_correction: t((1.0 - self.beta2.powf(now.t)).sqrt().recip()),
            epsilon: t(self.epsilon),
            weight_decay: t(self.weight_decay),
        };
        let renew = Renew {
            direction,
            clip: t(now.clip),
            mix1: t(1.0 - self.beta1),
            beta2: t(self.beta2),
            mix2: t(1.0 - self.beta2),
        };
        for tensor in run.each() {
            let [of_parameters, of_direction] = run.measure(tensor, renew)?;
            let trust = if of_parameters > 0.0 && of_direction > 0.0 { of_parameters / of_direction } else { 1.0 };
            run.advance_in(tensor, Descend { direction, rate: t(now.lr * trust) })?;
        }
        Ok(())
    }
}

/// `r` of the moments.
#[derive(Clone, Copy)]
struct Direction<T> {
    /// `1 / (1 - beta1^t)`
    correction: T,
    /// `1 / sqrt(1 - beta2^t)`
    root_correction: T,
    epsilon: T,
    weight_decay: T,
}

impl<T: Number> Direction<T> {
    #[inline(always)]
    fn of<I: Lanes<T>>(self, isa: I, p: I::V, [m, v]: [I::V; 2]) -> I::V {
        let width = isa.fma(isa.sqrt(v), isa.splat(self.root_correction), isa.splat(self.epsilon));
        let adam = isa.div(isa.mul(isa.splat(self.correction), m), width);
        isa.fma(isa.splat(self.weight_decay), p, adam)
    }
}

/// The first pass: the moments, and `r` to be measured.
#[derive(Clone, Copy)]
struct Renew<T> {
    direction: Direction<T>,
    clip: T,
    /// `1 - beta1`
    mix1: T,
    beta2: T,
    /// `1 - beta2`
    mix2: T,
}

impl<T: Number> Update<T, 2> for Renew<T> {
    #[inline(always)]
    fn apply<I: Lanes<T>>(self, isa: I, p: I::V, g: I::V, [m, v]: &mut [I::V; 2]) -> I::V {
        let g = isa.mul(isa.splat(self.clip), g);
        *m = isa.fma(isa.splat(self.mix1), isa.sub(g, *m), *m);
        *v = isa.fma(isa.mul(isa.splat(self.mix2), g), g, isa.mul(isa.splat(self.beta2), *v));
        self.direction.of(isa, p, [*m, *v])
    }
}

/// The second pass: `p -= rate r`.
#[derive(Clone, Copy)]
struct Descend<T> {
    direction: Direction<T>,
    rate: T,
}

impl<T: Number> Update<T, 2> for Descend<T> {
    const CHANGES_STATE: bool = false;

    #[inline(always)]
    fn apply<I: Lanes<T>>(self, isa: I, p: I::V, _: I::V, state: &mut [I::V; 2]) -> I::V {
        isa.fnma(isa.splat(self.rate), self.direction.of(isa, p, *state), p)
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<Case> {
    let formula = |s: &Lamb, Scalars { t, lr, parameters, gradients, state: [m, v, r] }: Scalars<'_>| {
        for i in 0..parameters.len() {
            let g = gradients[i];
            m[i] = s.beta1 * m[i] + (1.0 - s.beta1) * g;
            v[i] = s.beta2 * v[i] + (1.0 - s.beta2) * g * g;
            let (m, v) = (m[i] / (1.0 - s.beta1.powi(t)), v[i] / (1.0 - s.beta2.powi(t)));
            r[i] = m / (v.sqrt() + s.epsilon) + s.weight_decay * parameters[i];
        }
        let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
        let (of_parameters, of_direction) = (norm(parameters), norm(r));
        let trust = if of_parameters > 0.0 && of_direction > 0.0 { of_parameters / of_direction } else { 1.0 };
        parameters.iter_mut().zip(r).for_each(|(p, r)| *p -= lr * trust * *r);
    };
    let all =
        [Lamb { epsilon: 1e-4, ..Lamb::default() }, Lamb { beta1: 0.5, beta2: 0.9, epsilon: 1e-4, weight_decay: 0.2 }];
    all.map(|settings| case(settings, formula)).into()
}
