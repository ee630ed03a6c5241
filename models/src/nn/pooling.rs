//! Layers without parameters that make images smaller and larger.

use narrows_engine::conv::Pool;
use narrows_engine::{Real, Tape, Var};

/// A smaller image from windows of a larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The largest pixel of each window.
    Max(Pool),
    /// The average of each window, padding counted as zeros.
    Average(Pool),
    /// The average of each plane.
    GlobalAverage,
}

impl Pooling {
    /// `[N, channels, height, width]` gives `[N, channels, windows, windows]`.
    #[track_caller]
    pub fn record<T: Real>(self, tape: &Tape<T>, x: Var) -> Var {
        match self {
            Self::Max(pool) => tape.max_pool2d(x, pool),
            Self::Average(pool) => tape.avg_pool2d(x, pool),
            Self::GlobalAverage => tape.global_avg_pool2d(x),
        }
    }
}

/// A larger image from a smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpooling {
    /// Each pixel so many times down and across.
    Nearest([usize; 2]),
    /// So many rows and columns, linear between pixels; with `corners` those of the corners stay where they are.
    Bilinear {
        /// Height and width of the result.
        size: [usize; 2],
        /// PyTorch's `align_corners`.
        corners: bool,
    },
    /// Each pixel where the maximum of its window came from, in so many rows and columns of zeros. Needs the switches.
    Max([usize; 2]),
}

impl Unpooling {
    /// `[N, channels, height, width]` gives a larger image; `switches` are those of the max pooling that is undone, and no
    /// other kind looks at them.
    #[track_caller]
    pub fn record<T: Real>(self, tape: &Tape<T>, x: Var, switches: Option<Var>) -> Var {
        match (self, switches) {
            (Self::Nearest(factor), _) => tape.upsample_nearest2d(x, factor),
            (Self::Bilinear { size, corners }, _) => tape.upsample_bilinear2d(x, size, corners),
            (Self::Max(size), Some(switches)) => tape.max_unpool2d(x, switches, size),
            (Self::Max(_), None) => {
                tape.fail("max unpooling needs the switches of the pooling that it undoes".into());
                x
            }
        }
    }
}
