//! The larger and the smaller of two values, element by element, either of which may be broadcast over the other. The
//! gradient goes to the one that is taken, half of it to each of equal ones, as in PyTorch. Where either is NaN so is
//! the result, and both get the gradient.

use super::pairwise::{OfPairs, Pair};
use crate::simd::kernels::Elementwise;
use crate::tape::{Real, Tape, Var};

/// The larger one, or the smaller.
struct Extreme<const LARGER: bool>;

impl<T: Real> Tape<T> {
    /// The larger of `a` and `b`, element by element. One of them may be a row `[C]`, a column `[.., 1]` or a single
    /// number that is broadcast over the other. Equal ones share the gradient; NaN in either gives NaN.
    #[track_caller]
    pub fn maximum(&self, a: Var, b: Var) -> Var {
        self.record(OfPairs(Extreme::<true>), &[a, b])
    }

    /// The smaller of `a` and `b`, element by element; otherwise as [`Self::maximum`].
    #[track_caller]
    pub fn minimum(&self, a: Var, b: Var) -> Var {
        self.record(OfPairs(Extreme::<false>), &[a, b])
    }
}

impl<const LARGER: bool> Extreme<LARGER> {
    /// Whether `a` is taken before `b`; never where they are equal or either is NaN.
    #[inline(always)]
    fn precedes<T: Real>(a: T, b: T) -> bool {
        if LARGER { a > b } else { a < b }
    }
}

impl<T: Real, const LARGER: bool> Pair<T> for Extreme<LARGER> {
    const NAME: &'static str = if LARGER { "maximum" } else { "minimum" };

    #[inline(always)]
    fn value(a: T, b: T) -> T {
        if Self::precedes(a, b) || a.is_nan() { a } else { b }
    }

    fn values(kernels: &Elementwise<T>, a: &[T], b: &[T], out: &mut [T]) {
        if LARGER { kernels.maximum(a, b, out) } else { kernels.minimum(a, b, out) }
    }

    #[inline(always)]
    fn gradient(which: usize, a: T, b: T, dy: T) -> T {
        let (own, other) = if which == 0 { (a, b) } else { (b, a) };
        if own == other {
            T::from_f64(0.5) * dy
        } else if Self::precedes(other, own) {
            T::ZERO
        } else {
            dy
        }
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::broadcast::pair_cases;
    use crate::ops::cases::*;

    /// The second operand is mirrored and moved, so that no two numbers come nearer to each other than 0.005.
    pub(in crate::ops) fn all() -> Vec<Case> {
        let mut all =
            pair_cases!(maximum, Domain::Apart, |t, b| t.add_scalar(t.scale(b, -1.0), -0.015), |a: f64, b: f64| {
                if a > -b - 0.015 { a } else { -b - 0.015 }
            });
        all.extend(pair_cases!(
            minimum,
            Domain::Apart,
            |t, b| t.add_scalar(t.scale(b, -1.0), -0.015),
            |a: f64, b: f64| { if a < -b - 0.015 { a } else { -b - 0.015 } }
        ));
        all.push(case!(
            "maximum, equal ones",
            |s| vec![batch(s.columns, Domain::Real)],
            |t, v| t.maximum(v[0], v[0]),
            |x| x[0].clone(),
        ));
        all.push(case!(
            "minimum, equal ones",
            |s| vec![batch(s.columns, Domain::Real)],
            |t, v| t.minimum(v[0], v[0]),
            |x| x[0].clone(),
        ));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backend, Parameters, Split};

    /// `second` is what the first operand gets of the pair (2, 3)'s gradient.
    fn check(record: fn(&Tape<f32>, Var, Var) -> Var, second: f32) {
        for backend in Backend::available() {
            let mut parameters = Parameters::<f32>::new();
            let [a, b] = ["a", "b"].map(|name| parameters.add(name, &[4]).unwrap());
            parameters.view_mut(a).copy_from_slice(&[1.0, 2.0, f32::NAN, 1.0]);
            parameters.view_mut(b).copy_from_slice(&[1.0, 3.0, 1.0, f32::NAN]);
            let tape = Tape::on(&parameters, 1, backend);
            let y = record(&tape, tape.parameter(a), tape.parameter(b));
            tape.keep(y);
            let plan = tape.train(tape.sum(y)).unwrap();
            let mut workspace = plan.workspace().unwrap();
            plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
            plan.backward(&parameters, &mut workspace, Split::Serial).unwrap();
            let values = workspace.value(y).unwrap();
            assert!(values[2].is_nan() && values[3].is_nan(), "{backend}: {values:?}");
            let of = |id| &workspace.gradients()[parameters.range(id)];
            assert_eq!((of(a), of(b)), (&[0.5, second, 1.0, 1.0][..], &[0.5, 1.0 - second, 1.0, 1.0][..]), "{backend}");
        }
    }

    #[test]
    fn ties_share_the_gradient_and_nan_is_kept() {
        check(|tape, a, b| tape.maximum(a, b), 0.0);
        check(|tape, a, b| tape.minimum(a, b), 1.0);
    }
}
