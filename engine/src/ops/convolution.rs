//! What `conv2d` and `conv_transpose2d` share: the shapes' rules, the bias and the activation.
#![forbid(unsafe_code)]

use super::conv_options::{ConvOptions, ConvTransposeOptions};
use super::fused;
use super::max_pool2d::pooled;
use super::planes::{one, shape_of, words};
use crate::base::Error;
use crate::conv::convolution::Convolution;
use crate::conv::geometry::{Geometry, of_groups};
use crate::conv::passes::{Apply, Differentiate, Passes};
use crate::conv::pool::Pool;
use crate::gemm::Activation;
use crate::tape::{Backward, Forward, Inputs, Real, Shape, Spec};
use std::sync::OnceLock;

/// The sizes of an image: `[channels, height, width]`, or `[channels, length]`, which is an image of height 1.
pub(super) fn image(shape: &Shape) -> Result<[usize; 3], String> {
    match *one(shape) {
        [channels, height, width] => Ok([channels, height, width]),
        [channels, width] => Ok([channels, 1, width]),
        _ => Err(format!(
            "the input is {shape}; it must be [batch, channels, height, width] or [batch, channels, length]"
        )),
    }
}

/// So much for each image: what a [`Spec`](crate::tape::Spec) calls flops.
pub(super) fn flops(like: &Shape, each: u64) -> (u64, u64) {
    match like.sizes().first() {
        Some(&images) if !like.is_batch() => (each.saturating_mul(images as u64), 0),
        _ => (0, each),
    }
}

/// The sizes of a weight: `[first, second, kernel_rows, kernel_columns]`, or `[first, second, kernel]`.
fn weight(shape: &Shape, rank: usize) -> Result<[usize; 4], String> {
    match (shape.is_batch(), shape.sizes()) {
        (false, &[first, second, rows, columns]) if rank == 3 => Ok([first, second, rows, columns]),
        (false, &[first, second, columns]) if rank == 2 => Ok([first, second, 1, columns]),
        _ => Err(format!("the weight is {shape}; it must have two sizes of channels and {} of the kernel", rank - 1)),
    }
}

/// Refuses a bias that is not one number a channel.
fn bias(inputs: &[Shape], channels: usize) -> Result<(), String> {
    match inputs.get(2).filter(|bias| **bias != Shape::fixed(&[channels])) {
        Some(bias) => Err(format!("the bias is {bias}; it must be [{channels}]")),
        None => Ok(()),
    }
}

/// A convolution of these inputs (image, weight `[filters, channels / groups, ..]`, bias).
fn convolution(options: &ConvOptions, inputs: &[Shape]) -> Result<Convolution, String> {
    let [channels, height, width] = image(&inputs[0])?;
    let [filters, seen, rows, columns] = weight(&inputs[1], one(&inputs[0]).len())?;
    let of_input = of_groups("input", channels, options.groups).map_err(words)?;
    let of_output = of_groups("output", filters, options.groups).map_err(words)?;
    if seen != of_input {
        return Err(format!("the weight {} sees {seen} channels; the input has {of_input} in a group", inputs[1]));
    }
    bias(inputs, filters)?;
    let geometry = Geometry::new(options.window([rows, columns]), seen, [height, width]);
    geometry.and_then(|geometry| Convolution::new(geometry, options.groups, of_output)).map_err(words)
}

/// The convolution that a transposed one of these inputs (image, weight `[channels, filters / groups, ..]`, bias) is
/// the transpose of.
fn transposed(options: &ConvTransposeOptions, inputs: &[Shape]) -> Result<Convolution, String> {
    let ConvTransposeOptions { convolution: options, output_padding } = options;
    let [channels, height, width] = image(&inputs[0])?;
    let [from, made, rows, columns] = weight(&inputs[1], one(&inputs[0]).len())?;
    let of_input = of_groups("input", channels, options.groups).map_err(words)?;
    if from != channels {
        return Err(format!("the weight {} is for {from} channels; the input has {channels}", inputs[1]));
    }
    bias(inputs, made.saturating_mul(options.groups))?;
    let window = options.window([rows, columns]);
    let geometry = Geometry::of_transposed(window, made, [height, width], *output_padding);
    geometry.and_then(|geometry| Convolution::new(geometry, options.groups, of_input)).map_err(words)
}

/// Which way round.
#[derive(Debug, Clone, Copy)]
enum Direction {
    Convolution(ConvOptions),
    Transpose(ConvTransposeOptions),
}

/// Either operation: a convolution (of the input, or the one that the operation is the transpose of) with what its
/// kernels are told, made when it is recorded.
pub(super) struct Convolve<T: 'static> {
    direction: Direction,
    activation: Activation<T>,
    /// Of a convolution's result, before the activation.
    pool: Option<Pool>,
    passes: OnceLock<Passes<T>>,
}

impl<T: Real> Convolve<T> {
    pub(super) fn new(options: ConvOptions, activation: Activation<T>) -> Self {
        Self { direction: Direction::Convolution(options), activation, pool: None, passes: OnceLock::new() }
    }

    pub(super) fn transposed(options: ConvTransposeOptions, activation: Activation<T>) -> Self {
        Self { direction: Direction::Transpose(options), activation, pool: None, passes: OnceLock::new() }
    }

    /// Followed by max pooling.
    pub(super) fn pooled(self, pool: Pool) -> Self {
        Self { pool: Some(pool), ..self }
    }

    pub(super) fn is_pooled(&self) -> bool {
        self.pool.is_some()
    }

    fn is_transposed(&self) -> bool {
        matches!(self.direction, Direction::Transpose(_))
    }

    fn convolution(&self, inputs: &[Shape]) -> Result<Convolution, String> {
        match &self.direction {
            Direction::Convolution(options) => convolution(options, inputs),
            Direction::Transpose(options) => transposed(options, inputs),
        }
    }

    pub(super) fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let convolution = self.convolution(inputs)?;
        let (geometry, transposed) = (convolution.geometry(), self.is_transposed());
        let [rows, columns] = if transposed { geometry.image() } else { geometry.positions() };
        let channels = convolution.groups() * if transposed { geometry.channels() } else { convolution.filters() };
        let unpooled = shape_of(&inputs[0], [channels, rows, columns]);
        let pooled = self.pool.map(|pool| pooled::<T>(&pool, &unpooled).map(|spec| spec.output)).transpose()?;
        let mut spec = Spec::new(pooled.unwrap_or(unpooled), inputs.len());
        spec.saved = pooled;
        spec.reads_inputs = 0b011;
        fused::infer(self.activation, &mut spec)?;
        let passes = Passes::new(convolution, transposed, self.pool).map_err(words)?;
        let scratch = |backward| {
            let elements = passes.scratch(backward).filter(|&elements| elements < isize::MAX as usize / 16);
            elements.map(|elements| Shape::fixed(&[elements])).ok_or("its scratch memory is too large to count")
        };
        spec.scratch = Some(scratch(false)?);
        spec.backward_scratch = Some(scratch(true)?);
        spec.flops = flops(&inputs[0], convolution.flops());
        // An operation is recorded once; asked about other shapes it makes its tables anew when it runs.
        let _ = self.passes.set(passes);
        Ok(spec)
    }

    /// Runs `work` with the tables for these inputs.
    fn with<R>(&self, inputs: &Inputs<'_, T>, work: impl FnOnce(&Passes<T>) -> Result<R, Error>) -> Result<R, Error> {
        let convolution = self.convolution(&[inputs.shape(0), inputs.shape(1)]).map_err(Error::shape)?;
        match self.passes.get().filter(|passes| *passes.convolution() == convolution) {
            Some(passes) => work(passes),
            None => work(&Passes::new(convolution, self.is_transposed(), self.pool)?),
        }
    }

    pub(super) fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let bias = if run.inputs.count() > 2 { Some(run.inputs.get(2)?) } else { None };
        let (input, weight) = (run.inputs.get(0)?, run.inputs.get(1)?);
        let (places, sums) = fused::divide(self.activation, run.saved, run.output.len());
        let places = (!places.is_empty()).then_some(places);
        fused::forward(self.activation, run.context, (sums, run.output), |activation, output| {
            let work = Apply { input, weight, bias, activation, output, places };
            self.with(&run.inputs, |passes| passes.apply(run.context, work, run.scratch))
        })
    }

    pub(super) fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let inputs = run.inputs;
        let output = run.output;
        let (places, sums) = fused::divide(self.activation, run.saved, run.output_gradient.len());
        let kept = fused::kept(self.activation, output, sums)?;
        let wants = [run.gradients.wants(1), inputs.count() > 2 && run.gradients.wants(2)];
        let d_input = run.gradients.of(0)?.wanted().map(|target| (target.slice, target.accumulate));
        let work = Differentiate {
            input: inputs.get(0)?,
            weight: inputs.get(1)?,
            kept,
            places,
            gradient: run.output_gradient,
            activation: self.activation,
            d_input,
            wants,
        };
        let partial = self.with(&inputs, |passes| passes.differentiate(run.context, work, run.scratch))?;
        let kernels = T::elementwise(run.context.backend);
        // One at a time: an operand may be the input and the weight.
        for (input, sums) in [1, 2].into_iter().zip(partial).filter(|(input, _)| wants[input - 1]) {
            if let Some(target) = run.gradients.of(input)?.wanted() {
                kernels.column_sums(sums, target.slice.len(), target.slice, target.accumulate);
            }
        }
        Ok(())
    }
}
