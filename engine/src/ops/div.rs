//! `y = a / b`, element by element, either of which may be broadcast over the other: `∂y/∂a = 1/b`, `∂y/∂b = −a/b²`.

use super::pairwise::{OfPairs, Pair};
use crate::simd::kernels::Elementwise;
use crate::tape::{Real, Tape, Var};

struct Div;

impl<T: Real> Tape<T> {
    /// `a / b`, element by element. One of them may be a row `[C]`, a column `[.., 1]` or a single number that is
    /// broadcast over the other.
    #[track_caller]
    pub fn div(&self, a: Var, b: Var) -> Var {
        self.record(OfPairs(Div), &[a, b])
    }
}

impl<T: Real> Pair<T> for Div {
    const NAME: &'static str = "div";

    #[inline(always)]
    fn value(a: T, b: T) -> T {
        a / b
    }

    fn values(kernels: &Elementwise<T>, a: &[T], b: &[T], out: &mut [T]) {
        kernels.div(a, b, out);
    }

    #[inline(always)]
    fn gradient(which: usize, a: T, b: T, dy: T) -> T {
        // Two divisions, and not one by b², which overflows and vanishes before its quotient does.
        if which == 0 { dy / b } else { -(dy / b) * (a / b) }
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::broadcast::pair_cases;
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        pair_cases!(div, Domain::AwayFromZero(0.5), |_t, b| b, |a: f64, b: f64| a / b)
    }
}
