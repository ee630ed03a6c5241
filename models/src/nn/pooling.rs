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
    /// `[N, channels, height, width]` gives a larger image; `switches` are those of the max pooling that is undone, and
    /// no other kind looks at them.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{ActivationName, Conv1d, ConvTranspose1d, Init};
    use narrows_engine::ops::{Conv1dOptions, ConvTranspose1dOptions};
    use narrows_engine::{Parameters, Shape, Split};

    /// Every layer, recorded over one image of `[2, 4, 6]`: the shape of its result, and that it runs.
    #[test]
    fn layers_have_the_shapes_of_their_names() {
        let parameters = Parameters::<f32>::new();
        let run = |record: &dyn Fn(&Tape<f32>, Var) -> Var| {
            let tape = Tape::new(&parameters, 1);
            let x = tape.input("x", Shape::batch(&[2, 4, 6]));
            let y = record(&tape, x);
            let plan = tape.infer(&[y]).unwrap();
            let mut workspace = plan.workspace().unwrap();
            workspace.input_mut(x).unwrap().fill(1.0);
            plan.forward(&parameters, &mut workspace, Split::Serial).unwrap();
            (tape.shape(y).sizes().to_vec(), workspace.value(y).unwrap().iter().sum::<f32>())
        };
        assert_eq!(run(&|t, x| Pooling::Max(Pool::new(2)).record(t, x)), (vec![2, 2, 3], 12.0));
        assert_eq!(run(&|t, x| Pooling::Average(Pool::new(2)).record(t, x)), (vec![2, 2, 3], 12.0));
        assert_eq!(run(&|t, x| Pooling::GlobalAverage.record(t, x)), (vec![2, 1, 1], 2.0));
        assert_eq!(run(&|t, x| Unpooling::Nearest([2, 3]).record(t, x, None)), (vec![2, 8, 18], 288.0));
        let bilinear = Unpooling::Bilinear { size: [5, 7], corners: true };
        assert_eq!(run(&|t, x| bilinear.record(t, x, None)).0, [2, 5, 7]);
        let unpooled = run(&|t, x| {
            let (y, switches) = t.max_pool2d_with_switches(x, Pool::new(2));
            Unpooling::Max([4, 6]).record(t, y, Some(switches))
        });
        assert_eq!(unpooled, (vec![2, 4, 6], 12.0));
        let tape = Tape::new(&parameters, 1);
        let x = tape.input("x", Shape::batch(&[2, 4, 6]));
        let without = Unpooling::Max([8, 8]).record(&tape, x, None);
        assert!(tape.infer(&[without]).is_err(), "no switches");
    }

    #[test]
    fn sequences_go_through_convolutions_and_back() {
        let mut parameters = Parameters::<f32>::new();
        let halved = Conv1dOptions::default().stride(2).padding(1);
        let there = Conv1d::new(&mut parameters, "there", [2, 3], 3, halved).unwrap();
        let doubled = ConvTranspose1dOptions::from(halved).output_padding(1);
        let back = ConvTranspose1d::new(&mut parameters, "back", [3, 2], 3, doubled).unwrap();
        there.initialise(&mut parameters, Init::Uniform, 0);
        back.initialise(&mut parameters, Init::He, 0);
        let tape = Tape::new(&parameters, 2);
        let x = tape.input("x", Shape::batch(&[2, 10]));
        let small = there.record(&tape, x, ActivationName::Gelu);
        let large = back.record(&tape, small, ActivationName::Relu);
        assert_eq!((tape.shape(small), tape.shape(large)), (Shape::batch(&[3, 5]), Shape::batch(&[2, 10])));
        assert!(tape.train(tape.mean(large)).is_ok());
    }
}
