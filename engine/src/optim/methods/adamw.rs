//! AdamW (Loshchilov and Hutter 2017): Adam whose weight decay is no part of the gradient.

use super::adam::Moments;
use crate::base::Error;
#[cfg(test)]
use crate::optim::cases::{Case, Scalars, case};
use crate::optim::method::{self, Method, Now, Run};
use crate::simd::kernels::UpdateFloat;

/// Adam with `p *= 1 - lr w` in place of the penalty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// The first moment's decay, in `[0, 1)`.
    pub beta1: f64,
    /// The second moment's decay, in `[0, 1)`.
    pub beta2: f64,
    /// Keeps the quotient finite where the gradient is zero, in `[1e-30, 1e3]`.
    pub epsilon: f64,
    /// `w`, by which the parameters shrink at a learning rate of 1, in `[0, 1e6]`.
    pub weight_decay: f64,
}

impl Default for AdamW {
    /// PyTorch's.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

impl Method for AdamW {
    const NAME: &'static str = "adamw";

    fn check(&self) -> Result<(), Error> {
        Moments { beta1: self.beta1, beta2: self.beta2, epsilon: self.epsilon }.check()?;
        method::weight_decay(self.weight_decay)
    }

    fn state_names(&self) -> &'static [&'static str] {
        Moments::STATE_NAMES
    }

    fn step<T: UpdateFloat>(&self, now: Now, run: &mut Run<'_, T>) -> Result<(), Error> {
        let moments = Moments { beta1: self.beta1, beta2: self.beta2, epsilon: self.epsilon };
        run.advance(moments.step(now, 0.0, 1.0 - now.lr * self.weight_decay))
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<Case> {
    let formula = |s: &AdamW, Scalars { t, lr, parameters, gradients, state: [m, v, _] }: Scalars<'_>| {
        let moments = Moments { beta1: s.beta1, beta2: s.beta2, epsilon: s.epsilon };
        for (((p, g), m), v) in parameters.iter_mut().zip(gradients).zip(m).zip(v) {
            *p -= lr * s.weight_decay * *p;
            *p -= moments.descent(t, lr, *g, m, v);
        }
    };
    let all = [
        AdamW { epsilon: 1e-4, ..AdamW::default() },
        AdamW { beta1: 0.5, beta2: 0.9, epsilon: 1e-4, weight_decay: 0.1 },
    ];
    all.map(|settings| case(settings, formula)).into()
}
