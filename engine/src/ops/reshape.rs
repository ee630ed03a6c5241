//! The same numbers under another shape. A view: the tape gives it no memory and no time (see `Tape::reshape`).

#[cfg(feature = "cases")]
pub(super) mod cases {
    use crate::ops::cases::*;
    use crate::tape::Shape;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![case!(
            "reshape, then used under both shapes",
            |s| vec![batch(s.columns * 2, Domain::Real)],
            |t, v| {
                let halves = t.reshape(v[0], halved(t.shape(v[0]), s.columns));
                let both = t.reshape(t.square(halves), t.shape(v[0]));
                t.add(both, v[0])
            },
            |x| x[0].iter().map(|&x| x * x + x).collect(),
        )]
    }

    /// `[.., 2 C]` as `[.., 2, C]`.
    fn halved(shape: Shape, columns: usize) -> Shape {
        let mut sizes = shape.sizes().to_vec();
        sizes.pop();
        sizes.extend([2, columns]);
        if shape.is_batch() { Shape::batch(&sizes) } else { Shape::fixed(&sizes) }
    }
}
