//! Sums, differences and products of two operands, one of which may be spread over the other.
//!
//! Spreads: a row `[C]` over `[.., C]` (a bias), a column `[.., 1]` over `[.., C]` (a weight per sample), a single
//! number over anything. The gradient of a spread operand is summed over what it was spread over, in the rows' order.

use super::{GATE, GRAIN};
use crate::base::Error;
use crate::simd::InOut;
use crate::simd::kernels::Elementwise;
use crate::tape::operation::Inputs;
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

/// How an operand meets the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spread {
    Whole,
    Row,
    Column,
    Number,
}

impl Spread {
    /// How `operand` is spread over `result`, if it can be.
    fn of(operand: Shape, result: Shape) -> Option<Self> {
        if operand == result {
            Some(Spread::Whole)
        } else if !operand.is_batch() && operand.sample_elements() == 1 {
            Some(Spread::Number)
        } else if !operand.is_batch() && operand.sizes() == [result.last()] {
            Some(Spread::Row)
        } else if operand == result.with_last(1) {
            Some(Spread::Column)
        } else {
            None
        }
    }
}

/// One row of an operand: numbers, or one number for the whole row.
enum Row<'a, T> {
    Numbers(&'a [T]),
    Number(T),
}

fn row<T: Real>(values: &[T], spread: Spread, r: usize, columns: usize) -> Row<'_, T> {
    match spread {
        Spread::Whole => Row::Numbers(&values[r * columns..(r + 1) * columns]),
        Spread::Row => Row::Numbers(values),
        Spread::Column => Row::Number(values[r]),
        Spread::Number => Row::Number(values[0]),
    }
}

impl Binary {
    fn result(a: Shape, b: Shape) -> Option<Shape> {
        if Spread::of(b, a).is_some() { Some(a) } else { Spread::of(a, b).map(|_| b) }
    }

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
            // Both spread in one row: only where the row is a single number.
            (kind, Row::Number(a), Row::Number(b)) => out.fill(match kind {
                Kind::Add => a + b,
                Kind::Sub => a - b,
                Kind::Mul => a * b,
            }),
        }
    }

    /// The matrix that the rows are rows of; two whole operands are one long row.
    fn rows(inputs: &Inputs<'_, impl Real>, result: Shape) -> (Spread, Spread, usize, usize) {
        let spread = |i| Spread::of(inputs.shape(i), result).unwrap_or(Spread::Whole);
        match (spread(0), spread(1)) {
            (Spread::Whole, Spread::Whole) => (Spread::Whole, Spread::Whole, 1, result.elements(inputs.rows())),
            (a, b) => {
                let (rows, columns) = result.matrix(inputs.rows());
                (a, b, rows, columns)
            }
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
        let (a, b) = (inputs[0], inputs[1]);
        let result = Self::result(a, b).ok_or_else(|| {
            format!("{a} and {b} do not fit; give equal shapes, a row [C], a column [.., 1] or a single number")
        })?;
        let mut spec = Spec::new(result, 2).flops_per_element(1);
        spec.reads_inputs = if self.0 == Kind::Mul { 0b11 } else { 0 };
        Ok(spec)
    }

    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let result = Self::result(run.inputs.shape(0), run.inputs.shape(1)).unwrap_or(run.inputs.shape(0));
        let (spread_a, spread_b, rows, columns) = Self::rows(&run.inputs, result);
        let (a, b) = (run.inputs.get(0)?, run.inputs.get(1)?);
        if rows == 1 && spread_a == Spread::Whole && spread_b == Spread::Whole {
            let split = run.context.split.gated(columns, GATE);
            split.parts(((a, b), run.output), GRAIN, &|((a, b), out): ((&[T], &[T]), &mut [T])| {
                self.forward_row(kernels, Row::Numbers(a), Row::Numbers(b), out);
            });
            return Ok(());
        }
        for (r, out) in run.output.chunks_exact_mut(columns.max(1)).enumerate().take(rows) {
            self.forward_row(kernels, row(a, spread_a, r, columns), row(b, spread_b, r, columns), out);
        }
        Ok(())
    }

    fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let kernels = T::elementwise(run.context.backend);
        let inputs = run.inputs;
        let result = Self::result(inputs.shape(0), inputs.shape(1)).unwrap_or(inputs.shape(0));
        let (spread_a, spread_b, rows, columns) = Self::rows(&inputs, result);
        for which in 0..2 {
            let (own, others) = if which == 0 { (spread_a, spread_b) } else { (spread_b, spread_a) };
            let Some(target) = run.gradients.of(which)?.wanted() else { continue };
            let (to, accumulate) = (target.slice, target.accumulate);
            let other = if self.0 == Kind::Mul { Some(inputs.get(1 - which)?) } else { None };
            let mut total = 0.0f64;
            for (r, dy) in run.output_gradient.chunks_exact(columns.max(1)).enumerate().take(rows) {
                let other = other.map(|values| row(values, others, r, columns));
                match own {
                    Spread::Whole => {
                        let to = &mut to[r * columns..(r + 1) * columns];
                        self.backward_row(kernels, which, dy, other, Some((to, accumulate)));
                    }
                    Spread::Row => {
                        self.backward_row(kernels, which, dy, other, Some((&mut *to, accumulate || r > 0)));
                    }
                    Spread::Column => {
                        let sum = self.backward_row(kernels, which, dy, other, None);
                        to[r] = if accumulate { to[r] + sum } else { sum };
                    }
                    Spread::Number => total += self.backward_row(kernels, which, dy, other, None).to_f64(),
                }
            }
            if own == Spread::Number {
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
            use crate::ops::cases::{Case, Domain, batch, case, fixed};

            fn of($a: f64, $b: f64) -> f64 {
                $f
            }

            pub(in crate::ops) fn all() -> Vec<Case> {
                vec![
                    case!(
                        "equal shapes",
                        |s| vec![batch(s.columns, Domain::Real), batch(s.columns, Domain::Real)],
                        |t, v| t.$method(v[0], v[1]),
                        |x| x[0].iter().zip(&x[1]).map(|(&a, &b)| of(a, b)).collect(),
                    ),
                    case!(
                        "one input twice",
                        |s| vec![batch(s.columns, Domain::Real)],
                        |t, v| t.$method(v[0], v[0]),
                        |x| x[0].iter().map(|&a| of(a, a)).collect(),
                    ),
                    case!(
                        "a row over a batch",
                        |s| vec![batch(s.columns, Domain::Real), fixed(&[s.columns], Domain::Real)],
                        |t, v| t.$method(v[0], v[1]),
                        |x| x[0].iter().enumerate().map(|(i, &a)| of(a, x[1][i % s.columns])).collect(),
                    ),
                    case!(
                        "a column before a batch",
                        |s| vec![batch(1, Domain::Real), batch(s.columns, Domain::Real)],
                        |t, v| t.$method(v[0], v[1]),
                        |x| x[1].iter().enumerate().map(|(i, &b)| of(x[0][i / s.columns], b)).collect(),
                    ),
                    case!(
                        "a number over a batch",
                        |s| vec![batch(s.columns, Domain::Real), fixed(&[], Domain::Real)],
                        |t, v| t.$method(v[0], v[1]),
                        |x| x[0].iter().map(|&a| of(a, x[1][0])).collect(),
                    ),
                    case!(
                        "a number before a batch",
                        |s| vec![fixed(&[1], Domain::Real), batch(s.columns, Domain::Real)],
                        |t, v| t.$method(v[0], v[1]),
                        |x| x[1].iter().map(|&b| of(x[0][0], b)).collect(),
                    ),
                ]
            }
        }
    };
}
pub(crate) use binary;
