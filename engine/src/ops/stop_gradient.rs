//! The same value, through which no gradient flows. A view: no memory, no time (see `Tape::stop_gradient`).

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        // The value is that of the input; that the gradient is cut is tested with the tape, for a gradient check by
        // differences cannot show it. Here the cut side is constant: the sign of x.
        vec![case!(
            "stop_gradient of a piecewise constant",
            |s| vec![batch(s.columns, Domain::AwayFromZero(0.1))],
            |t, v| {
                let steep = t.tanh(t.scale(v[0], 1e6));
                t.mul(t.stop_gradient(steep), v[0])
            },
            |x| x[0].iter().map(|&x| x.abs()).collect(),
        )]
    }
}
