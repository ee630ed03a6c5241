//! `y = ln x`, the natural logarithm.

use crate::ops::pointwise::pointwise;

pointwise! {
    /// `y = ln x`, the natural logarithm. The shape is kept.
    ln(), Ln, saves Input, flops 20, forward ln, gradient ln_gradient;
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![pointwise_case!("ln", Domain::Positive, |t, x| t.ln(x), |x| x.ln())]
    }
}
