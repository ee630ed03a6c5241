//! Convolutions by the column matrix, whole: what a library without kernels of its own does. The contender that the
//! engine's convolutions are measured beside, with the product of the `gemm` crate (feature `peers`) or ours.

use narrows_engine::Context;
use narrows_engine::conv::{Geometry, Window, col2im, im2col};
use narrows_engine::gemm::{Activation, Epilogue, MatrixMut, MatrixRef};
use narrows_engine::ops::{ConvOptions, ConvTransposeOptions};
use narrows_engine::profile::Profile;
use narrows_engine::random::fill_uniform;
use narrows_engine::{Backend, Error, Parameters, Plan, Shape, Split, Tape, Var, Workspace};
use std::time::Duration;

/// A layer of the reference networks, on a batch of images.
#[derive(Debug, Clone, Copy)]
pub struct Layer {
    /// As the tables call it: channels to filters, the image, what is special.
    pub name: &'static str,
    /// Channels of the convolution's image and its filters; a transposed one goes from the filters to the channels.
    pub channels: usize,
    /// See `channels`.
    pub filters: usize,
    /// Height and width of the convolution's image.
    pub side: usize,
    /// Steps from position to position.
    pub stride: usize,
    /// Whether it is the transpose.
    pub transposed: bool,
}

/// Images in a batch.
pub const BATCH: usize = 128;

const fn layer(
    name: &'static str,
    channels: usize,
    filters: usize,
    side: usize,
    stride: usize,
    transposed: bool,
) -> Layer {
    Layer { name, channels, filters, side, stride, transposed }
}

/// The 3x3 layers of both convolutional networks, padded by 1.
pub const LAYERS: [Layer; 8] = [
    layer("1-16, 28x28", 1, 16, 28, 1, false),
    layer("16-8, 14x14", 16, 8, 14, 1, false),
    layer("8-8, 7x7", 8, 8, 7, 1, false),
    layer("16-1, 28x28", 16, 1, 28, 1, false),
    layer("32-64, 14x14, stride 2", 32, 64, 14, 2, false),
    layer("64-64, 7x7 to 14x14, transposed", 64, 64, 14, 2, true),
    layer("64-32, 14x14 to 28x28, transposed", 32, 64, 28, 2, true),
    layer("32-1, 28x28, transposed", 1, 32, 28, 1, true),
];

impl Layer {
    fn window(&self) -> Window {
        Window::new([3, 3]).padding([1, 1]).stride([self.stride; 2])
    }

    /// # Panics
    /// Never: the layers are constants.
    fn geometry(&self) -> Geometry {
        Geometry::new(self.window(), self.channels, [self.side; 2]).expect("a geometry that fits")
    }

    /// Elements of an image of the convolution, and of a result.
    fn elements(&self) -> [usize; 2] {
        let geometry = self.geometry();
        [geometry.image_elements(), self.filters * geometry.columns()]
    }

    /// Multiplications and additions of one pass over the batch.
    pub fn flops(&self) -> u64 {
        let geometry = self.geometry();
        (2 * BATCH * self.filters * geometry.rows() * geometry.columns()) as u64
    }
}

/// Numbers of a kind for a layer.
fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut numbers = vec![0.0; len];
    fill_uniform(seed, 0, 0, -1.0, 1.0, &mut numbers);
    numbers
}

/// The engine on one layer: the plan of a forward pass, and one with all gradients.
pub struct Ours {
    parameters: Parameters<f32>,
    infer: (Plan<f32>, Workspace<f32>, Var),
    train: (Plan<f32>, Workspace<f32>),
}

impl Ours {
    /// Records the layer. The loss is the sum of the result times numbers that are then its gradient, the same as
    /// [`Columns`] has.
    ///
    /// # Errors
    /// No memory.
    pub fn new(layer: &Layer) -> Result<Self, Error> {
        let [image, result] = layer.elements();
        let mut parameters = Parameters::new();
        let [rows, columns] = layer.geometry().positions();
        let small = [layer.filters, rows, columns];
        let large = [layer.channels, layer.side, layer.side];
        let input = if layer.transposed { small } else { large };
        let sizes = [BATCH, input[0], input[1], input[2]];
        let x = parameters.add("x", &sizes)?;
        let weight = parameters.add("weight", &[layer.filters, layer.channels, 3, 3])?;
        let [of_input, of_output] = if layer.transposed { [result, image] } else { [image, result] };
        parameters.view_mut(x).copy_from_slice(&numbers(1, BATCH * of_input));
        let len = parameters.view(weight).len();
        parameters.view_mut(weight).copy_from_slice(&numbers(2, len));
        let tape = Tape::new(&parameters, 1);
        let options = ConvOptions::default().padding(1).stride(layer.stride);
        let y = match layer.transposed {
            false => tape.conv2d(tape.parameter(x), tape.parameter(weight), None, options, Activation::Identity),
            true => {
                let more = [(layer.side - 1) % layer.stride; 2];
                let (x, w) = (tape.parameter(x), tape.parameter(weight));
                let options = ConvTransposeOptions::from(options).output_padding(more);
                tape.conv_transpose2d(x, w, None, options, Activation::Identity)
            }
        };
        let output = if layer.transposed { large } else { small };
        let target = tape.input("target", Shape::fixed(&[BATCH, output[0], output[1], output[2]]));
        let loss = tape.sum(tape.mul(y, target));
        let train = tape.train(loss)?;
        let mut workspace = train.workspace()?;
        workspace.input_mut(target)?.copy_from_slice(&numbers(3, BATCH * of_output));
        let infer = tape.infer(&[y])?;
        let inference = infer.workspace()?;
        Ok(Self { parameters, infer: (infer, inference, y), train: (train, workspace) })
    }

    /// The forward pass.
    ///
    /// # Panics
    /// Never: everything was made for each other.
    pub fn forward(&mut self, split: Split) -> &[f32] {
        let (plan, workspace, y) = &mut self.infer;
        plan.forward(&self.parameters, workspace, split).expect("forward");
        workspace.value(*y).expect("the result")
    }

    /// Forward, and then all gradients: the input's and the weight's, one after the other.
    ///
    /// # Panics
    /// Never.
    pub fn step(&mut self, split: Split) -> &[f32] {
        self.time_step(split);
        self.train.1.gradients()
    }

    /// The same; what the convolution itself took of it, without the loss that the plan needs around it.
    ///
    /// # Panics
    /// Never.
    pub fn time_step(&mut self, split: Split) -> Duration {
        let (plan, workspace) = &mut self.train;
        let mut profile = Profile::new(plan);
        profile.run(plan, &self.parameters, workspace, split).expect("this plan's profile");
        let convolution = &profile.operations()[0];
        convolution.forward + convolution.backward.unwrap_or_default()
    }
}

/// `C = A B`, or with what C holds: `[rows, cols, depth]`, operands with their strides by rows and columns, C
/// row-major.
pub type Multiply = fn([usize; 3], (&[f32], [usize; 2]), (&[f32], [usize; 2]), &mut [f32], bool);

/// Our product on one thread.
///
/// # Panics
/// Never with operands that fit each other.
pub fn multiply(
    [m, n, k]: [usize; 3],
    (a, a_steps): (&[f32], [usize; 2]),
    (b, b_steps): (&[f32], [usize; 2]),
    c: &mut [f32],
    accumulate: bool,
) {
    let a = MatrixRef::new(a, m, k, a_steps[0], a_steps[1]).expect("A");
    let b = MatrixRef::new(b, k, n, b_steps[0], b_steps[1]).expect("B");
    let c = MatrixMut::row_major(c, m, n).expect("C");
    let beta = if accumulate { 1.0 } else { 0.0 };
    let (backend, none) = (Backend::current(), Epilogue::none());
    narrows_engine::gemm::gemm(Context { backend, split: Split::Serial }, 1.0, a, b, beta, c, &none)
        .expect("a product");
}

/// The product of the `gemm` crate on one thread.
#[cfg(feature = "peers")]
pub fn multiply_by_gemm(
    [m, n, k]: [usize; 3],
    (a, a_steps): (&[f32], [usize; 2]),
    (b, b_steps): (&[f32], [usize; 2]),
    c: &mut [f32],
    accumulate: bool,
) {
    let steps = |steps: [usize; 2]| steps.map(|step| step as isize);
    let ([a_row, a_col], [b_row, b_col]) = (steps(a_steps), steps(b_steps));
    // SAFETY: the operands of `Columns` have these sizes and strides, and C is not A or B.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            a.as_ptr(),
            a_col,
            a_row,
            b.as_ptr(),
            b_col,
            b_row,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// A layer by the column matrix of an image at a time, on one thread.
pub struct Columns {
    layer: Layer,
    geometry: Geometry,
    multiply: Multiply,
    input: Vec<f32>,
    weight: Vec<f32>,
    gradient: Vec<f32>,
    columns: Vec<f32>,
    result: Vec<f32>,
    d_input: Vec<f32>,
    d_weight: Vec<f32>,
}

impl Columns {
    /// The same numbers as [`Ours`] has.
    pub fn new(layer: &Layer, multiply: Multiply) -> Self {
        let geometry = layer.geometry();
        let [image, result] = layer.elements();
        let [of_input, of_output] = if layer.transposed { [result, image] } else { [image, result] };
        let weights = layer.filters * geometry.rows();
        Self {
            layer: *layer,
            multiply,
            input: numbers(1, BATCH * of_input),
            weight: numbers(2, weights),
            gradient: numbers(3, BATCH * of_output),
            columns: vec![0.0; geometry.rows() * geometry.columns()],
            result: vec![0.0; BATCH * of_output],
            d_input: vec![0.0; BATCH * of_input],
            d_weight: vec![0.0; weights],
            geometry,
        }
    }

    /// `[filters, positions]` of an image's columns.
    fn convolve(&mut self, of_gradient: bool) {
        let [image, result] = self.layer.elements();
        let (rows, positions, filters) = (self.geometry.rows(), self.geometry.columns(), self.layer.filters);
        let (from, to) = match of_gradient {
            false => (&self.input, &mut self.result),
            true => (&self.gradient, &mut self.d_input),
        };
        for (x, y) in from.chunks_exact(image).zip(to.chunks_exact_mut(result)) {
            im2col(&self.geometry, x, &mut self.columns).expect("columns");
            let operands = ((&self.weight[..], [rows, 1]), (&self.columns[..], [positions, 1]));
            (self.multiply)([filters, positions, rows], operands.0, operands.1, y, false);
        }
    }

    /// The image of a result's columns.
    fn spread(&mut self, of_gradient: bool) {
        let [image, result] = self.layer.elements();
        let (rows, positions, filters) = (self.geometry.rows(), self.geometry.columns(), self.layer.filters);
        let (from, to) = match of_gradient {
            false => (&self.input, &mut self.result),
            true => (&self.gradient, &mut self.d_input),
        };
        for (y, x) in from.chunks_exact(result).zip(to.chunks_exact_mut(image)) {
            let operands = ((&self.weight[..], [1, rows]), (y, [positions, 1]));
            (self.multiply)([rows, positions, filters], operands.0, operands.1, &mut self.columns, false);
            x.fill(0.0);
            col2im(&self.geometry, &self.columns, x).expect("an image");
        }
    }

    /// The forward pass.
    pub fn forward(&mut self) -> &[f32] {
        if self.layer.transposed {
            self.spread(false)
        } else {
            self.convolve(false)
        }
        &self.result
    }

    /// Forward, and then the input's gradient and the weight's.
    pub fn step(&mut self) -> [&[f32]; 2] {
        self.forward();
        if self.layer.transposed {
            self.convolve(true)
        } else {
            self.spread(true)
        }
        let [image, result] = self.layer.elements();
        let (rows, positions, filters) = (self.geometry.rows(), self.geometry.columns(), self.layer.filters);
        let (large, small) =
            if self.layer.transposed { (&self.gradient, &self.input) } else { (&self.input, &self.gradient) };
        for (i, (x, y)) in large.chunks_exact(image).zip(small.chunks_exact(result)).enumerate() {
            im2col(&self.geometry, x, &mut self.columns).expect("columns");
            let operands = ((y, [positions, 1]), (&self.columns[..], [1, positions]));
            (self.multiply)([filters, rows, positions], operands.0, operands.1, &mut self.d_weight, i > 0);
        }
        [&self.d_input, &self.d_weight]
    }
}

/// Everybody who does it by columns.
pub fn multipliers() -> Vec<(&'static str, Multiply)> {
    let ours: (&str, Multiply) = ("im2col + narrows' gemm", multiply);
    #[cfg(feature = "peers")]
    return vec![("im2col + gemm crate", multiply_by_gemm as Multiply), ours];
    #[cfg(not(feature = "peers"))]
    vec![ours]
}

/// Checks that ours and the columns give the same: the measurement of a wrong result means nothing.
///
/// # Panics
/// When they do not.
pub fn verify(layer: &Layer, multiply: Multiply) {
    let mut ours = Ours::new(layer).expect("memory for a layer");
    let mut columns = Columns::new(layer, multiply);
    let close = |what: &str, a: &[f32], b: &[f32]| {
        let size = b.iter().map(|x| x.abs()).fold(1.0, f32::max);
        let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart <= 1e-4 * size, "{}: {what} differs by {apart} of {size}", layer.name);
    };
    close("the result", ours.forward(Split::Serial), columns.forward());
    let gradients = ours.step(Split::Serial);
    let [d_input, d_weight] = columns.step();
    close("the input's gradient", &gradients[..d_input.len()], d_input);
    close("the weight's gradient", &gradients[d_input.len().next_multiple_of(16)..][..d_weight.len()], d_weight);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_give_the_same() {
        for layer in &LAYERS {
            multipliers().into_iter().for_each(|(_, multiply)| verify(layer, multiply));
        }
    }
}
