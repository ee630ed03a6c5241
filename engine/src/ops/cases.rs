//! The cases of an operation: how to record it, on what inputs, and what it should give.
//!
//! A case is generic over the element type through two function pointers made from one expression, so that the f64
//! gradient check and the f32 comparison run the same recording.

use crate::tape::{Shape, Tape, Var};

/// The sizes that a case is tried at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Rows: the batch.
    pub rows: usize,
    /// Columns: features.
    pub columns: usize,
    /// Another size, where an operation has one (the outputs of `linear`, a second operand's columns).
    pub other: usize,
}

/// Where the numbers of an input are drawn from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Domain {
    /// Numbers about 0.
    Real,
    /// Numbers about 0 that are at least this far from it, for functions with a kink there.
    AwayFromZero(f64),
    /// Numbers in 0.2..3.
    Positive,
    /// Numbers in 0..1.
    Unit,
    /// Numbers that differ from each other by 0.03 or more among any 101 neighbours, for functions that compare them.
    Apart,
    /// Whole numbers from 0 to below this one, which have no gradient.
    Index(usize),
}

/// One input of a case.
#[derive(Debug, Clone, Copy)]
pub struct CaseInput {
    /// Its shape: with the batch symbolic or fixed.
    pub shape: Shape,
    /// Its numbers.
    pub domain: Domain,
}

/// One case of one operation.
pub struct Case {
    /// The operation and the variant.
    pub name: &'static str,
    /// The inputs at the given sizes.
    pub inputs: fn(Sizes) -> Vec<CaseInput>,
    /// Records the operation in f32.
    pub record_f32: fn(&Tape<f32>, &[Var], Sizes) -> Var,
    /// Records the operation in f64.
    pub record_f64: fn(&Tape<f64>, &[Var], Sizes) -> Var,
    /// What it should give, number by number.
    pub reference: fn(&[Vec<f64>], Sizes) -> Vec<f64>,
}

/// An input of `[rows, columns]`, the rows being the batch.
pub(crate) fn batch(columns: usize, domain: Domain) -> CaseInput {
    CaseInput { shape: Shape::batch(&[columns]), domain }
}

/// An input with fixed sizes.
pub(crate) fn fixed(sizes: &[usize], domain: Domain) -> CaseInput {
    CaseInput { shape: Shape::fixed(sizes), domain }
}

/// Makes a [`Case`] from one generic expression.
macro_rules! case {
    ($name:expr, |$s:ident| $inputs:expr, |$tape:ident, $v:ident| $record:expr, |$x:ident| $reference:expr $(,)?) => {
        $crate::ops::cases::Case {
            name: $name,
            inputs: |$s| {
                let _ = $s;
                $inputs
            },
            record_f32: |$tape: &$crate::Tape<f32>, $v, $s| {
                let _ = $s;
                $record
            },
            record_f64: |$tape: &$crate::Tape<f64>, $v, $s| {
                let _ = $s;
                $record
            },
            reference: |$x, $s| {
                let _ = $s;
                $reference
            },
        }
    };
}
pub(crate) use case;

/// A case of a function of one number, tried on a batch.
macro_rules! pointwise_case {
    ($name:expr, $domain:expr, |$tape:ident, $x:ident| $record:expr, |$number:ident| $reference:expr $(,)?) => {
        $crate::ops::cases::case!(
            $name,
            |s| vec![$crate::ops::cases::batch(s.columns, $domain)],
            |$tape, v| {
                let $x = v[0];
                $record
            },
            |x| x[0].iter().map(|&$number| $reference).collect(),
        )
    };
}
pub(crate) use pointwise_case;
