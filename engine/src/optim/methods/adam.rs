//! Adam (Kingma and Ba 2014), and the update that AdamW shares with it.

use crate::base::Error;
#[cfg(test)]
use crate::optim::cases::{Case, Scalars, case};
use crate::optim::method::{self, Method, Now, Run};
use crate::simd::kernels::{Update, UpdateFloat};
use crate::simd::{Lanes, Number};

/// `g += w p; m += (1 - beta1)(g - m); v = beta2 v + (1 - beta2) g^2;`
/// `p -= lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// The first moment's decay, in `[0, 1)`.
    pub beta1: f64,
    /// The second moment's decay, in `[0, 1)`.
    pub beta2: f64,
    /// Keeps the quotient finite where the gradient is zero, in `[1e-30, 1e3]`.
    pub epsilon: f64,
    /// `w`, the L2 penalty's factor, in `[0, 1e6]`.
    pub weight_decay: f64,
}

impl Default for Adam {
    /// PyTorch's.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl Method for Adam {
    const NAME: &'static str = "adam";

    fn check(&self) -> Result<(), Error> {
        Moments { beta1: self.beta1, beta2: self.beta2, epsilon: self.epsilon }.check()?;
        method::weight_decay(self.weight_decay)
    }

    fn state_names(&self) -> &'static [&'static str] {
        Moments::STATE_NAMES
    }

    fn step<T: UpdateFloat>(&self, now: Now, run: &mut Run<'_, T>) -> Result<(), Error> {
        let moments = Moments { beta1: self.beta1, beta2: self.beta2, epsilon: self.epsilon };
        run.advance(moments.step(now, self.weight_decay, 1.0))
    }
}

/// The constants of both moments.
pub(super) struct Moments {
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) epsilon: f64,
}

impl Moments {
    pub(super) const STATE_NAMES: &'static [&'static str] = &["exp_avg", "exp_avg_sq"];

    pub(super) fn check(&self) -> Result<(), Error> {
        method::fraction("beta1", self.beta1)?;
        method::fraction("beta2", self.beta2)?;
        method::epsilon(self.epsilon)
    }

    /// With an L2 penalty, and what the parameters are multiplied by.
    pub(super) fn step<T: Number>(&self, now: Now, weight_decay: f64, keep: f64) -> Step<T> {
        let t = T::from_f64;
        Step {
            rate: t(now.lr / (1.0 - self.beta1.powf(now.t))),
            clip: t(now.clip),
            weight_decay: t(weight_decay),
            mix1: t(1.0 - self.beta1),
            beta2: t(self.beta2),
            mix2: t(1.0 - self.beta2),
            root_correction: t((1.0 - self.beta2.powf(now.t)).sqrt().recip()),
            epsilon: t(self.epsilon),
            keep: t(keep),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Step<T> {
    /// `lr / (1 - beta1^t)`
    rate: T,
    clip: T,
    weight_decay: T,
    /// `1 - beta1`
    mix1: T,
    beta2: T,
    /// `1 - beta2`
    mix2: T,
    /// `1 / sqrt(1 - beta2^t)`
    root_correction: T,
    epsilon: T,
    /// `1 - lr w` in AdamW, else 1.
    keep: T,
}

impl<T: Number> Update<T, 2> for Step<T> {
    #[inline(always)]
    fn apply<I: Lanes<T>>(self, isa: I, p: I::V, g: I::V, [m, v]: &mut [I::V; 2]) -> I::V {
        let g = isa.fma(isa.splat(self.weight_decay), p, isa.mul(isa.splat(self.clip), g));
        *m = isa.fma(isa.splat(self.mix1), isa.sub(g, *m), *m);
        *v = isa.fma(isa.mul(isa.splat(self.mix2), g), g, isa.mul(isa.splat(self.beta2), *v));
        let width = isa.fma(isa.sqrt(*v), isa.splat(self.root_correction), isa.splat(self.epsilon));
        isa.fnma(isa.splat(self.rate), isa.div(*m, width), isa.mul(isa.splat(self.keep), p))
    }
}

#[cfg(test)]
impl Moments {
    /// How far one number moves, as PyTorch's documentation writes it.
    pub(super) fn descent(&self, t: i32, lr: f64, g: f64, m: &mut f64, v: &mut f64) -> f64 {
        *m = self.beta1 * *m + (1.0 - self.beta1) * g;
        *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
        let (m, v) = (*m / (1.0 - self.beta1.powi(t)), *v / (1.0 - self.beta2.powi(t)));
        lr * m / (v.sqrt() + self.epsilon)
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<Case> {
    let formula = |s: &Adam, Scalars { t, lr, parameters, gradients, state: [m, v, _] }: Scalars<'_>| {
        let moments = Moments { beta1: s.beta1, beta2: s.beta2, epsilon: s.epsilon };
        for (((p, g), m), v) in parameters.iter_mut().zip(gradients).zip(m).zip(v) {
            *p -= moments.descent(t, lr, g + s.weight_decay * *p, m, v);
        }
    };
    let all = [
        Adam { epsilon: 1e-4, ..Adam::default() },
        Adam { beta1: 0.5, beta2: 0.9, epsilon: 1e-4, weight_decay: 0.1 },
        Adam { beta1: 0.0, beta2: 0.6, epsilon: 1e-4, weight_decay: 0.01 },
    ];
    all.map(|settings| case(settings, formula)).into()
}
