//! How two operands meet, one of which may be broadcast over the other.
//!
//! Broadcast are: a row `[C]` over `[.., C]` (a bias), a column `[.., 1]` over `[.., C]` (a weight per sample), a
//! single number over anything. The gradient of a broadcast operand is summed over what it was broadcast over, in the
//! rows' order.

use crate::tape::operation::Inputs;
use crate::tape::{Real, Shape, Spec};

/// How an operand meets the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broadcast {
    Whole,
    Row,
    Column,
    Number,
}

impl Broadcast {
    /// How `operand` is broadcast over `result`, if it can be.
    fn of(operand: Shape, result: Shape) -> Option<Self> {
        if operand == result {
            Some(Self::Whole)
        } else if !operand.is_batch() && operand.sample_elements() == 1 {
            Some(Self::Number)
        } else if !operand.is_batch() && operand.sizes() == [result.last()] {
            Some(Self::Row)
        } else if operand == result.with_last(1) {
            Some(Self::Column)
        } else {
            None
        }
    }
}

/// The shape of the result, if one operand can be broadcast over the other.
pub(super) fn result(a: Shape, b: Shape) -> Option<Shape> {
    if Broadcast::of(b, a).is_some() { Some(a) } else { Broadcast::of(a, b).map(|_| b) }
}

/// The shape rule of two operands.
pub(super) fn infer(inputs: &[Shape]) -> Result<Spec, String> {
    let (a, b) = (inputs[0], inputs[1]);
    let result = result(a, b).ok_or_else(|| {
        format!("{a} and {b} do not fit; give equal shapes, a row [C], a column [.., 1] or a single number")
    })?;
    Ok(Spec::new(result, 2).flops_per_element(1))
}

/// How both operands meet the result, and the matrix that its rows are rows of; two whole operands are one long row.
pub(super) struct Meeting {
    pub(super) broadcast: [Broadcast; 2],
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Meeting {
    /// That of a running operation.
    pub(super) fn of(inputs: &Inputs<'_, impl Real>) -> Self {
        let (a, b) = (inputs.shape(0), inputs.shape(1));
        let result = result(a, b).unwrap_or(a);
        let broadcast = [a, b].map(|operand| Broadcast::of(operand, result).unwrap_or(Broadcast::Whole));
        let (rows, columns) = match broadcast {
            [Broadcast::Whole, Broadcast::Whole] => (1, result.elements(inputs.rows())),
            _ => result.matrix(inputs.rows()),
        };
        Self { broadcast, rows, columns }
    }

    /// Whether both operands are as large as the result.
    pub(super) fn is_whole(&self) -> bool {
        self.broadcast == [Broadcast::Whole; 2]
    }

    /// Row `r` of operand `which`.
    pub(super) fn row<'a, T: Real>(&self, which: usize, values: &'a [T], r: usize) -> Row<'a, T> {
        match self.broadcast[which] {
            Broadcast::Whole => Row::Numbers(&values[r * self.columns..(r + 1) * self.columns]),
            Broadcast::Row => Row::Numbers(values),
            Broadcast::Column => Row::Number(values[r]),
            Broadcast::Number => Row::Number(values[0]),
        }
    }
}

/// One row of an operand: numbers, or one number for the whole row.
#[derive(Clone, Copy)]
pub(super) enum Row<'a, T> {
    Numbers(&'a [T]),
    Number(T),
}

impl<T: Real> Row<'_, T> {
    /// The number in column `at`.
    #[inline(always)]
    pub(super) fn at(&self, at: usize) -> T {
        match self {
            Row::Numbers(numbers) => numbers[at],
            Row::Number(number) => *number,
        }
    }
}

/// The cases of an operation on two operands, whose numbers are of `$domain`, the second put through `$second`.
#[cfg(feature = "cases")]
macro_rules! pair_cases {
    ($method:ident, $domain:expr, |$t:ident, $v:ident| $second:expr, $of:expr) => {
        vec![
            case!(
                concat!(stringify!($method), ", equal shapes"),
                |s| vec![batch(s.columns, $domain), batch(s.columns, $domain)],
                |t, v| {
                    let ($t, $v) = (t, v[1]);
                    t.$method(v[0], $second)
                },
                |x| x[0].iter().zip(&x[1]).map(|(&a, &b)| $of(a, b)).collect(),
            ),
            case!(
                concat!(stringify!($method), ", one input twice"),
                |s| vec![batch(s.columns, $domain)],
                |t, v| {
                    let ($t, $v) = (t, v[0]);
                    t.$method(v[0], $second)
                },
                |x| x[0].iter().map(|&a| $of(a, a)).collect(),
            ),
            case!(
                concat!(stringify!($method), ", a row over a batch"),
                |s| vec![batch(s.columns, $domain), fixed(&[s.columns], $domain)],
                |t, v| {
                    let ($t, $v) = (t, v[1]);
                    t.$method(v[0], $second)
                },
                |x| x[0].iter().enumerate().map(|(i, &a)| $of(a, x[1][i % s.columns])).collect(),
            ),
            case!(
                concat!(stringify!($method), ", a column before a batch"),
                |s| vec![batch(1, $domain), batch(s.columns, $domain)],
                |t, v| {
                    let ($t, $v) = (t, v[1]);
                    t.$method(v[0], $second)
                },
                |x| x[1].iter().enumerate().map(|(i, &b)| $of(x[0][i / s.columns], b)).collect(),
            ),
            case!(
                concat!(stringify!($method), ", a number over a batch"),
                |s| vec![batch(s.columns, $domain), fixed(&[], $domain)],
                |t, v| {
                    let ($t, $v) = (t, v[1]);
                    t.$method(v[0], $second)
                },
                |x| x[0].iter().map(|&a| $of(a, x[1][0])).collect(),
            ),
            case!(
                concat!(stringify!($method), ", a number before a batch"),
                |s| vec![fixed(&[1], $domain), batch(s.columns, $domain)],
                |t, v| {
                    let ($t, $v) = (t, v[1]);
                    t.$method(v[0], $second)
                },
                |x| x[1].iter().map(|&b| $of(x[0][0], b)).collect(),
            ),
        ]
    };
}
#[cfg(feature = "cases")]
pub(super) use pair_cases;
