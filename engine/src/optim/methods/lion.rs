//! Lion (Chen et al. 2023): the sign of an interpolated momentum, so that every parameter moves equally far.
//!
//! Half of Adam's state; its learning rate is a third to a tenth of AdamW's, its decay as many times larger.

use crate::base::Error;
#[cfg(test)]
use crate::optim::cases::{Case, Scalars, case};
use crate::optim::method::{self, Method, Now, Run};
use crate::simd::kernels::{Update, UpdateFloat};
use crate::simd::{Lanes, Number};

/// `u = sign(beta1 m + (1 - beta1) g); p -= lr (u + w p); m = beta2 m + (1 - beta2) g`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lion {
    /// How much of the momentum is in the direction, in `[0, 1)`.
    pub beta1: f64,
    /// The momentum's decay, in `[0, 1)`.
    pub beta2: f64,
    /// `w`, by which the parameters shrink at a learning rate of 1, in `[0, 1e6]`.
    pub weight_decay: f64,
}

impl Default for Lion {
    /// The authors'.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
    }
}

impl Method for Lion {
    const NAME: &'static str = "lion";

    fn check(&self) -> Result<(), Error> {
        method::fraction("beta1", self.beta1)?;
        method::fraction("beta2", self.beta2)?;
        method::weight_decay(self.weight_decay)
    }

    fn state_names(&self) -> &'static [&'static str] {
        &["exp_avg"]
    }

    fn step<T: UpdateFloat>(&self, now: Now, run: &mut Run<'_, T>) -> Result<(), Error> {
        let t = T::from_f64;
        run.advance(Step {
            rate: t(now.lr),
            clip: t(now.clip),
            mix1: t(1.0 - self.beta1),
            mix2: t(1.0 - self.beta2),
            keep: t(1.0 - now.lr * self.weight_decay),
        })
    }
}

#[derive(Clone, Copy)]
struct Step<T> {
    rate: T,
    clip: T,
    /// `1 - beta1`
    mix1: T,
    /// `1 - beta2`
    mix2: T,
    /// `1 - lr w`
    keep: T,
}

impl<T: Number> Update<T, 1> for Step<T> {
    #[inline(always)]
    fn apply<I: Lanes<T>>(self, isa: I, p: I::V, g: I::V, [m]: &mut [I::V; 1]) -> I::V {
        let (zero, one) = (isa.splat(T::ZERO), isa.splat(T::ONE));
        let off = isa.sub(isa.mul(isa.splat(self.clip), g), *m);
        let along = isa.fma(isa.splat(self.mix1), off, *m);
        *m = isa.fma(isa.splat(self.mix2), off, *m);
        // A zero stays zero, and NaN stays NaN: a run that diverges must not look sound.
        let moved = isa.lt(zero, isa.abs(along));
        let sign = isa.select(moved, isa.copysign(one, along), along);
        isa.fnma(isa.splat(self.rate), sign, isa.mul(isa.splat(self.keep), p))
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<Case> {
    let formula = |s: &Lion, Scalars { lr, parameters, gradients, state: [m, ..], .. }: Scalars<'_>| {
        for ((p, g), m) in parameters.iter_mut().zip(gradients).zip(m) {
            let along = s.beta1 * *m + (1.0 - s.beta1) * g;
            let sign = if along == 0.0 { 0.0 } else { along.signum() };
            *p -= lr * (sign + s.weight_decay * *p);
            *m = s.beta2 * *m + (1.0 - s.beta2) * g;
        }
    };
    let all = [Lion::default(), Lion { beta1: 0.5, beta2: 0.8, weight_decay: 0.3 }];
    all.map(|settings| case(settings, formula).jumping()).into()
}
