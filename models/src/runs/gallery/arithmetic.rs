//! Unpooling, and the convolution matrix with its transpose, on numbers that a reader can follow by hand. The
//! operations are the engine's, those that models are made of.

use super::part::{Part, beside};
use super::studio::Studio;
use crate::Result;
use narrows_engine::conv::{ConvolutionMatrix, Window};
use narrows_engine::{
    Activation, ConvOptions, ConvTransposeOptions, Parameters, Pool, Shape, Split, Tape, Var, Workspace,
};

/// An image of 4 x 4.
const IMAGE: [f32; 16] = [1.0, 3.0, 2.0, 0.0, 4.0, 6.0, 1.0, 5.0, 7.0, 2.0, 0.0, 1.0, 1.0, 0.0, 3.0, 8.0];
/// A kernel of 3 x 3, no two of its elements alike.
const KERNEL: [f32; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
/// What a transposed convolution is shown on.
const SMALL: [f32; 4] = [1.0, 0.0, 0.0, 2.0];

/// Max pooling with its switches, and two ways back.
pub(super) fn unpooling(_: &Studio<'_>) -> Result<Part> {
    let [pooled, switches, unpooled, nearest] = run(&IMAGE, [4, 4], &[], |tape, x, _| {
        let (pooled, switches) = tape.max_pool2d_with_switches(x, Pool::new(2));
        let unpooled = tape.max_unpool2d(pooled, switches, [4, 4]);
        [pooled, switches, unpooled, tape.upsample_nearest2d(pooled, [2, 2])]
    })?;
    let forth = beside(&[("x", &IMAGE, 4), ("max pooling", &pooled, 2), ("switches", &switches, 2)]);
    let back = beside(&[("max unpooling", &unpooled, 4), ("nearest unpooling", &nearest, 4)]);
    Ok(Part::text(
        "A decoder of convolutions must undo the pooling of its encoder. Max pooling keeps the largest number of each \
         window of 2 x 2 and, as its switch, the place where it stood, counted along the rows from 0. Max unpooling \
         puts each number back at its switch and zeros elsewhere, so that edges stay where they were; nearest \
         unpooling knows no switches and repeats each number over the window.",
    )
    .code(format!("{forth}\n{back}")))
}

/// A convolution as a matrix, and the transposed convolution as its transpose.
pub(super) fn convolution(_: &Studio<'_>) -> Result<Part> {
    let matrix = ConvolutionMatrix::new(Window::new([3, 3]), [1, 4, 4], 1, 1, &KERNEL)?;
    let (forth, back) = (matrix.multiply(&IMAGE)?, matrix.multiply_transposed(&SMALL)?);
    let none = Activation::Identity;
    let [convolved] =
        run(&IMAGE, [4, 4], &KERNEL, |tape, x, kernel| [tape.conv2d(x, kernel, None, ConvOptions::default(), none)])?;
    let [transposed] = run(&SMALL, [2, 2], &KERNEL, |tape, x, kernel| {
        [tape.conv_transpose2d(x, kernel, None, ConvTransposeOptions::default(), none)]
    })?;
    let same = if convolved == forth && transposed == back { "the same numbers" } else { "other numbers" };
    let first = beside(&[("kernel", &KERNEL, 3), ("x", &IMAGE, 4), ("C x, as 2 x 2", &forth, 2)]);
    let second = beside(&[("y", &SMALL, 2), ("C' y, as 4 x 4", &back, 4)]);
    let caption = format!(
        "A convolution is linear: with the image as one long vector of 16 numbers, a kernel of 3 x 3 is a matrix C of \
         {} rows, one for each position of the window, and {} columns, one for each pixel; a dot is an element that is \
         always zero. The encoder's layer computes C x, and its gradient flows back through the transpose C'. A \
         transposed convolution is that transpose used forwards: from 2 x 2 numbers to 4 x 4, each spreading its own \
         copy of the kernel, and where copies overlap they add up. The layers' own kernels, which never build C, \
         give {same}.",
        matrix.rows(),
        matrix.columns()
    );
    Ok(Part::text(caption).code(format!("C\n{matrix}\n{first}\n{second}")))
}

/// Runs operations on an image, beside a kernel of 3 x 3 where there is one.
fn run<const N: usize>(
    image: &[f32],
    [height, width]: [usize; 2],
    kernel: &[f32],
    record: impl FnOnce(&Tape<f32>, Var, Var) -> [Var; N],
) -> Result<[Vec<f32>; N]> {
    let mut parameters = Parameters::<f32>::new();
    let id = parameters.add("kernel", &[1, 1, 3, 3])?;
    parameters.view_mut(id).iter_mut().zip(kernel).for_each(|(to, &weight)| *to = weight);
    let tape = Tape::new(&parameters, 1);
    let x = tape.input("x", Shape::batch(&[1, height, width]));
    let outputs = record(&tape, x, tape.parameter(id));
    let plan = tape.infer(&outputs)?;
    let mut workspace = plan.workspace()?;
    workspace.set_rows(1)?;
    workspace.input_mut(x)?.copy_from_slice(image);
    plan.forward(&parameters, &mut workspace, Split::Serial)?;
    let value = |workspace: &Workspace<f32>, output| -> Result<Vec<f32>> { Ok(workspace.value(output)?.to_vec()) };
    let mut values = std::array::from_fn(|_| Vec::new());
    for (to, output) in values.iter_mut().zip(outputs) {
        *to = value(&workspace, output)?;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_back_to_their_places() {
        let [pooled, switches, unpooled] = run(&IMAGE, [4, 4], &[], |tape, x, _| {
            let (pooled, switches) = tape.max_pool2d_with_switches(x, Pool::new(2));
            [pooled, switches, tape.max_unpool2d(pooled, switches, [4, 4])]
        })
        .unwrap();
        assert_eq!((pooled, switches), (vec![6.0, 5.0, 7.0, 8.0], vec![5.0, 7.0, 8.0, 15.0]));
        assert_eq!(unpooled[4..8], [0.0, 6.0, 0.0, 5.0]);
    }
}
