//! RMSprop (Tieleman and Hinton 2012), with momentum where it is asked for.

use crate::base::Error;
#[cfg(test)]
use crate::optim::cases::{Case, Scalars, case};
use crate::optim::method::{self, Method, Now, Run};
use crate::simd::kernels::{Update, UpdateFloat};
use crate::simd::{Lanes, Number};

/// `g += w p; v = alpha v + (1 - alpha) g^2; d = g / (sqrt(v) + epsilon); p -= lr d`; with momentum
/// `m = momentum m + d; p -= lr m`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsProp {
    /// The second moment's decay, in `[0, 1)`.
    pub alpha: f64,
    /// Keeps the quotient finite where the gradient is zero, in `[1e-30, 1e3]`.
    pub epsilon: f64,
    /// How much of the last step's direction stays, in `[0, 1)`; 0 keeps no buffer for it.
    pub momentum: f64,
    /// `w`, the L2 penalty's factor, in `[0, 1e6]`.
    pub weight_decay: f64,
}

impl Default for RmsProp {
    /// PyTorch's.
    fn default() -> Self {
        Self { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, weight_decay: 0.0 }
    }
}

impl Method for RmsProp {
    const NAME: &'static str = "rmsprop";

    fn check(&self) -> Result<(), Error> {
        method::fraction("alpha", self.alpha)?;
        method::epsilon(self.epsilon)?;
        method::fraction("momentum", self.momentum)?;
        method::weight_decay(self.weight_decay)
    }

    fn state_names(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &["square_avg"] } else { &["square_avg", "momentum"] }
    }

    fn step<T: UpdateFloat>(&self, now: Now, run: &mut Run<'_, T>) -> Result<(), Error> {
        let t = T::from_f64;
        let scaled = Scaled {
            rate: t(now.lr),
            clip: t(now.clip),
            weight_decay: t(self.weight_decay),
            alpha: t(self.alpha),
            mix: t(1.0 - self.alpha),
            epsilon: t(self.epsilon),
        };
        if self.momentum == 0.0 {
            return run.advance(scaled);
        }
        run.advance(Momentum { scaled, momentum: t(self.momentum) })
    }
}

#[derive(Clone, Copy)]
struct Scaled<T> {
    rate: T,
    clip: T,
    weight_decay: T,
    alpha: T,
    /// `1 - alpha`
    mix: T,
    epsilon: T,
}

impl<T: Number> Scaled<T> {
    /// `d`, and `v` renewed.
    #[inline(always)]
    fn direction<I: Lanes<T>>(self, isa: I, p: I::V, g: I::V, v: &mut I::V) -> I::V {
        let g = isa.fma(isa.splat(self.weight_decay), p, isa.mul(isa.splat(self.clip), g));
        *v = isa.fma(isa.mul(isa.splat(self.mix), g), g, isa.mul(isa.splat(self.alpha), *v));
        isa.div(g, isa.add(isa.sqrt(*v), isa.splat(self.epsilon)))
    }
}

impl<T: Number> Update<T, 1> for Scaled<T> {
    #[inline(always)]
    fn apply<I: Lanes<T>>(self, isa: I, p: I::V, g: I::V, [v]: &mut [I::V; 1]) -> I::V {
        isa.fnma(isa.splat(self.rate), self.direction(isa, p, g, v), p)
    }
}

#[derive(Clone, Copy)]
struct Momentum<T> {
    scaled: Scaled<T>,
    momentum: T,
}

impl<T: Number> Update<T, 2> for Momentum<T> {
    #[inline(always)]
    fn apply<I: Lanes<T>>(self, isa: I, p: I::V, g: I::V, [v, m]: &mut [I::V; 2]) -> I::V {
        *m = isa.fma(isa.splat(self.momentum), *m, self.scaled.direction(isa, p, g, v));
        isa.fnma(isa.splat(self.scaled.rate), *m, p)
    }
}

#[cfg(test)]
pub(super) fn cases() -> Vec<Case> {
    let formula = |s: &RmsProp, Scalars { lr, parameters, gradients, state: [v, m, _], .. }: Scalars<'_>| {
        for (((p, g), v), m) in parameters.iter_mut().zip(gradients).zip(v).zip(m) {
            let g = g + s.weight_decay * *p;
            *v = s.alpha * *v + (1.0 - s.alpha) * g * g;
            *m = s.momentum * *m + g / (v.sqrt() + s.epsilon);
            *p -= lr * *m;
        }
    };
    let all = [
        RmsProp { epsilon: 1e-4, ..RmsProp::default() },
        RmsProp { alpha: 0.5, epsilon: 1e-4, momentum: 0.0, weight_decay: 0.1 },
        RmsProp { alpha: 0.9, epsilon: 1e-4, momentum: 0.6, weight_decay: 0.05 },
    ];
    all.map(|settings| case(settings, formula)).into()
}
