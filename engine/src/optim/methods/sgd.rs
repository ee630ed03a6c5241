//! Gradient descent, with momentum where it is asked for.

use crate::base::Error;
#[cfg(test)]
use crate::optim::cases::{Case, Scalars, case};
use crate::optim::method::{self, Method, Now, Run};
use crate::simd::kernels::{Update, UpdateFloat};
use crate::simd::{Lanes, Number};

/// `g += w p; m = momentum m + g; p -= lr m`, or with Nesterov `p -= lr (g + momentum m)`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sgd {
    /// How much of the last step's direction stays, in `[0, 1)`; 0 is plain descent and keeps no state.
    pub momentum: f64,
    /// Looks ahead along the momentum (Sutskever et al. 2013); needs a momentum.
    pub nesterov: bool,
    /// `w`, the L2 penalty's factor, in `[0, 1e6]`.
    pub weight_decay: f64,
}

impl Method for Sgd {
    const NAME: &'static str = "sgd";

    fn check(&self) -> Result<(), Error> {
        method::fraction("momentum", self.momentum)?;
        let moves = !self.nesterov || self.momentum > 0.0;
        method::check(moves, "momentum", self.momentum, "in (0, 1) when nesterov is set")?;
        method::weight_decay(self.weight_decay)
    }

    fn state_names(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum"] }
    }

    fn step<T: UpdateFloat>(&self, now: Now, run: &mut Run<'_, T>) -> Result<(), Error> {
        let t = T::from_f64;
        let plain = Plain { rate: t(now.lr), clip: t(now.clip), weight_decay: t(self.weight_decay) };
        if self.momentum == 0.0 {
            return run.advance(plain);
        }
        run.advance(Momentum { plain, momentum: t(self.momentum), nesterov: self.nesterov })
    }
}

#[derive(Clone, Copy)]
struct Plain<T> {
    rate: T,
    clip: T,
    weight_decay: T,
}

impl<T: Number> Plain<T> {
    /// `clip g + w p`
    #[inline(always)]
    fn gradient<I: Lanes<T>>(self, isa: I, p: I::V, g: I::V) -> I::V {
        isa.fma(isa.splat(self.weight_decay), p, isa.mul(isa.splat(self.clip), g))
    }
}

impl<T: Number> Update<T, 0> for Plain<T> {
    #[inline(always)]
    fn apply<I: Lanes<T>>(self, isa: I, p: I::V, g: I::V, _: &mut [I::V; 0]) -> I::V {
        isa.fnma(isa.splat(self.rate), self.gradient(isa, p, g), p)
    }
}

#[derive(Clone, Copy)]
struct Momentum<T> {
    plain: Plain<T>,
    momentum: T,
    nesterov: bool,
}

impl<T: Number> Update<T, 1> for Momentum<T> {
    #[inline(always)]
    fn apply<I: Lanes<T>>(self, isa: I, p: I::V, g: I::V, [m]: &mut [I::V; 1]) -> I::V {
        let momentum = isa.splat(self.momentum);
        let g = self.plain.gradient(isa, p, g);
        *m = isa.fma(momentum, *m, g);
        let along = if self.nesterov { isa.fma(momentum, *m, g) } else { *m };
        isa.fnma(isa.splat(self.plain.rate), along, p)
    }
}

/// PyTorch's formula, whose momentum starts as the first gradient.
#[cfg(test)]
pub(super) fn cases() -> Vec<Case> {
    let formula = |s: &Sgd, Scalars { t, lr, parameters, gradients, state: [m, ..] }: Scalars<'_>| {
        for ((p, g), m) in parameters.iter_mut().zip(gradients).zip(m) {
            let g = g + s.weight_decay * *p;
            *m = if t == 1 { g } else { s.momentum * *m + g };
            *p -= lr * if s.nesterov { g + s.momentum * *m } else { *m };
        }
    };
    let all = [
        Sgd::default(),
        Sgd { weight_decay: 0.05, ..Sgd::default() },
        Sgd { momentum: 0.9, nesterov: false, weight_decay: 0.1 },
        Sgd { momentum: 0.7, nesterov: true, weight_decay: 0.1 },
    ];
    all.map(|settings| case(settings, formula)).into()
}
