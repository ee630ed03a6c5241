//! The product of two values, element by element, either of which may be broadcast over the other.

use crate::ops::binary::binary;

binary! {
    /// `a * b`, element by element. One of them may be a row `[C]`, a column `[.., 1]` or a single number that is
    /// broadcast over the other.
    mul, Mul, |a, b| a * b
}
