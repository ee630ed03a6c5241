//! The mean over everything, over each row or over each column.

use super::reduce::{Axis, Reduce};
use crate::tape::{Real, Tape, Var};

impl<T: Real> Tape<T> {
    /// The mean of all elements, a single number.
    #[track_caller]
    pub fn mean(&self, x: Var) -> Var {
        self.mean_over(x, Axis::All)
    }

    /// The mean over what `axis` says: `[.., C]` gives a single number, `[.., 1]` or `[C]`.
    #[track_caller]
    pub fn mean_over(&self, x: Var, axis: Axis) -> Var {
        self.record(Reduce { axis, mean: true }, &[x])
    }
}

#[cfg(feature = "cases")]
pub(super) mod cases {
    use super::*;
    use crate::ops::cases::*;

    pub(in crate::ops) fn all() -> Vec<Case> {
        vec![
            case!("mean", |s| vec![batch(s.columns, Domain::Real)], |t, v| t.mean(v[0]), |x| vec![
                x[0].iter().sum::<f64>() / x[0].len() as f64
            ],),
            case!("mean per row", |s| vec![batch(s.columns, Domain::Real)], |t, v| t.mean_over(v[0], Axis::Row), |x| x
                [0]
            .chunks(s.columns)
            .map(|row| row.iter().sum::<f64>() / s.columns as f64)
            .collect(),),
            case!(
                "mean per column",
                |s| vec![batch(s.columns, Domain::Real)],
                |t, v| t.mean_over(v[0], Axis::Column),
                |x| (0..s.columns)
                    .map(|c| x[0].iter().skip(c).step_by(s.columns).sum::<f64>() / s.rows as f64)
                    .collect(),
            ),
        ]
    }
}
