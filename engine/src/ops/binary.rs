//! Sums, differences and products of two operands, one of which may be broadcast over the other; see
//! [`broadcast`](super::broadcast).

use super::broadcast::{Broadcast, Meeting, Row, infer};
use super::{GATE, GRAIN};
use crate::base::Error;
use crate::simd::InOut;
use crate::simd::kernels::Elementwise;
use crate::tape::{Backward, Forward, Operation, Real, Shape, Spec};

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Add,
    Sub,
    Mul,
}

/// `a + b`, `a - b` or `a b`.
pub(crate) struct Binary(pub(crate) Kind);

impl Binary {
    fn forward_row<T: Real>(&self, kernels: &Elementwise<T>, a: Row<'_, T>, b: Row<'_, T>, out: &mut [T]) {
        match (self.0, a, b) {
            (Kind::Add, Row::Numbers(a), Row::Numbers(b)) => kernels.add(a, b, out),
            (Kind::Sub, Row::Numbers(a), Row::Numbers(b)) => kernels.sub(a, b, out),
            (Kind::Mul, Row::Numbers(a), Row::Numbers(b)) => kernels.mul(a, b, out),
            (Kind::Add, Row::Numbers(x), Row::Number(p)) | (Kind::Add, Row::Number(p), Row::Numbers(x)) => {
                kernels.add_scalar(InOut::pair(x, out), p);
            }
            (Kind::Sub, Row::Numbers(x), Row::Number(p)) => kernels.add_scalar(InOut::pair(x, out), -p),
            (Kind::Sub, Row::Number(p), Row::Numbers(x)) => {
                kernels.scale(InOut::pair(x, out), -T::ONE);
                kernels.add_scalar(InOut::same(out), p);
            }
            (Kind::Mul, Row::Numbers(x), Row::Number(p)) | (Kind::Mul, Row::Number(p), Row::Numbers(x)) => {
                kernels.scale(InOut::pair(x, out), p);
            }
            // Both broadcast in one row: only where the row is a single number.
            (kind, Row::Number(a), Row::Number(b)) => out.fill(match kind {
                Kind::Add => a + b,
                Kind::Sub => a - b,
                Kind::Mul => a * b,
            }),
        }
    }

    /// The gradient of operand `which` from one row: written, added, or returned as a number to be summed.
    fn backward_row<T: Real>(
        &self,
        kernels: &Elementwise<T>,
        which: usize,
        dy: &[T],
        other: Option<Row<'_, T>>,
        target: Option<(&mut [T], bool)>,
    ) -> T {
        let sign = if self.0 == Kind::Sub && which == 1 { -T::ONE } else { T::ONE };
        match (other, target) {
            (Some(Row::Numbers(other)), Some((to, accumulate))) => {
                kernels.product(other, InOut::pair(dy, to), T::ZERO, accumulate);
                T::ZERO
            }
            (Some(Row::Numbers(other)), None) => kernels.dot(dy, other),
            (other, target) => {
                let factor = match other {
                    Some(Row::Number(other)) => other,
                    _ => sign,
                };
                match target {
                    Some((to, accumulate)) => {
                        kernels.scale_into(InOut::pair(dy, to), factor, accumulate);
                        T::ZERO
                    }
                    None => factor * kernels.sum(dy),
                }
            }
        }
    }
}

impl<T: Real> Operation<T> for Binary {
    fn name(&self) -> &'static str {
        match self.0 {
            Kind::Add => "add",
            Kind::Sub => "sub",
            Kind::Mul => "mul",
        }
    }

    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let mut spec = infer(inputs)?;
        spec.reads_inputs = if self.0 == Kind::Mul { 0b11 } else { 0 };
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let meeting = Meeting::of(&run.inputs);
        let (a, b) = (run.inputs.get(0)?, run.inputs.get(1)?);
        if meeting.is_whole() {
            let split = run.context.split.gated(meeting.columns, GATE);
            split.parts(((a, b), run.output), GRAIN, &|((a, b), out): ((&[T], &[T]), &mut [T])| {
                self.forward_row(kernels, Row::Numbers(a), Row::Numbers(b), out);
            });
            return Ok(());
        }
        for (r, out) in run.output.chunks_exact_mut(meeting.columns.max(1)).enumerate().take(meeting.rows) {
            self.forward_row(kernels, meeting.row(0, a, r), meeting.row(1, b, r), out);
        }
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let inputs = run.inputs;
        let meeting = Meeting::of(&inputs);
        let columns = meeting.columns;
        for which in 0..2 {
            let Some(target) = run.gradients.of(which)?.wanted() else { continue };
            let (to, accumulate) = (target.slice, target.accumulate);
            let own = meeting.broadcast[which];
            let other = if self.0 == Kind::Mul { Some(inputs.get(1 - which)?) } else { None };
            let mut total = 0.0f64;
            for (r, dy) in run.output_gradient.chunks_exact(columns.max(1)).enumerate().take(meeting.rows) {
                let other = other.map(|values| meeting.row(1 - which, values, r));
                match own {
                    Broadcast::Whole => {
                        let to = &mut to[r * columns..(r + 1) * columns];
                        self.backward_row(kernels, which, dy, other, Some((to, accumulate)));
                    }
                    Broadcast::Row => {
                        self.backward_row(kernels, which, dy, other, Some((&mut *to, accumulate || r > 0)));
                    }
                    Broadcast::Column => {
                        let sum = self.backward_row(kernels, which, dy, other, None);
                        to[r] = if accumulate { to[r] + sum } else { sum };
                    }
                    Broadcast::Number => total += self.backward_row(kernels, which, dy, other, None).to_f64(),
                }
            }
            if own == Broadcast::Number {
                to[0] = if accumulate { to[0] + T::from_f64(total) } else { T::from_f64(total) };
            }
        }
        Ok(())
    }
}

/// Declares one of the three: the recording method and the cases.
macro_rules! binary {
    ($(#[$doc:meta])* $method:ident, $kind:ident, |$a:ident, $b:ident| $f:expr) => {
        use crate::ops::binary::{Binary, Kind};
        use crate::tape::{Real, Tape, Var};

        impl<T: Real> Tape<T> {
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&self, a: Var, b: Var) -> Var {
                self.record(Binary(Kind::$kind), &[a, b])
            }
        }

        #[cfg(feature = "cases")]
        pub(super) mod cases {
            use crate::ops::broadcast::pair_cases;
            use crate::ops::cases::{Case, Domain, batch, case, fixed};

            fn of($a: f64, $b: f64) -> f64 {
                $f
            }

            pub(in crate::ops) fn all() -> Vec<Case> {
                pair_cases!($method, Domain::Real, |_t, b| b, of)
            }
        }
    };
}
pub(crate) use binary;
