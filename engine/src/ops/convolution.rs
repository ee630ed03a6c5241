//! What `conv2d` and `conv_transpose2d` share: options, the shapes' rules, the bias and the activation.

use super::fused;
use super::max_pool2d::pooled;
use super::planes::{one, shape_of};
use crate::base::Error;
use crate::conv::geometry::{Geometry, GeometryError, Window};
use crate::conv::passes::{Convolution, Differentiate, Passes};
use crate::conv::pooling::Pool;
use crate::gemm::Activation;
use crate::tape::{Backward, Forward, Inputs, Real, Shape, Spec};
use std::sync::OnceLock;

/// How a kernel is laid over an image. PyTorch's names and defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvOptions {
    /// Steps down and across.
    pub stride: [usize; 2],
    /// Rows and columns of zeros on every side.
    pub padding: [usize; 2],
    /// Distance between neighbouring elements of the kernel.
    pub dilation: [usize; 2],
    /// Parts that the channels are divided into; each filter sees one.
    pub groups: usize,
}

impl Default for ConvOptions {
    fn default() -> Self {
        Self { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

impl ConvOptions {
    /// The same stride down and across.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride: [stride; 2], ..self }
    }

    /// The same padding on every side.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        Self { padding: [padding; 2], ..self }
    }

    /// The same dilation down and across.
    #[must_use]
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation: [dilation; 2], ..self }
    }

    /// So many groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// The options of a convolution over sequences, which are images of height 1.
    pub(super) fn of_sequence(stride: usize, padding: usize, dilation: usize, groups: usize) -> Self {
        Self { stride: [1, stride], padding: [0, padding], dilation: [1, dilation], groups }
    }

    fn window(&self, kernel: [usize; 2]) -> Window {
        Window { kernel, stride: self.stride, padding: self.padding, dilation: self.dilation }
    }
}

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

fn divided(what: &'static str, channels: usize, groups: usize) -> Result<usize, String> {
    let fits = groups > 0 && channels.is_multiple_of(groups);
    if fits { Ok(channels / groups) } else { Err(GeometryError::Groups { what, channels, groups }.to_string()) }
}

/// A convolution of these inputs (image, weight `[filters, channels / groups, ..]`, bias).
fn convolution(options: &ConvOptions, inputs: &[Shape]) -> Result<Convolution, String> {
    let [channels, height, width] = image(&inputs[0])?;
    let [filters, seen, rows, columns] = weight(&inputs[1], one(&inputs[0]).len())?;
    let (of_input, of_output) =
        (divided("input", channels, options.groups)?, divided("output", filters, options.groups)?);
    if seen != of_input {
        return Err(format!("the weight {} sees {seen} channels; the input has {of_input} in a group", inputs[1]));
    }
    bias(inputs, filters)?;
    let geometry = Geometry::new(options.window([rows, columns]), seen, [height, width]).map_err(|e| e.to_string())?;
    Ok(Convolution { geometry, groups: options.groups, filters: of_output })
}

/// The convolution that a transposed one of these inputs (image, weight `[channels, filters / groups, ..]`, bias) is
/// the transpose of.
fn transposed(options: &ConvOptions, output_padding: [usize; 2], inputs: &[Shape]) -> Result<Convolution, String> {
    let [channels, height, width] = image(&inputs[0])?;
    let [from, made, rows, columns] = weight(&inputs[1], one(&inputs[0]).len())?;
    let of_input = divided("input", channels, options.groups)?;
    if from != channels {
        return Err(format!("the weight {} is for {from} channels; the input has {channels}", inputs[1]));
    }
    bias(inputs, made.saturating_mul(options.groups))?;
    let window = options.window([rows, columns]);
    let side = |axis, size, more| window.transposed(axis, size, more).map_err(|error| error.to_string());
    let large = [side(0, height, output_padding[0])?, side(1, width, output_padding[1])?];
    let geometry = Geometry::new(window, made, large).map_err(|error| error.to_string())?;
    if geometry.positions != [height, width] {
        return Err(format!("the output padding {output_padding:?} must be below the stride {:?}", options.stride));
    }
    Ok(Convolution { geometry, groups: options.groups, filters: of_input })
}

/// Either operation: a convolution (of the input, or the one that the operation is the transpose of) with what its
/// kernels are told, made when it is recorded.
pub(super) struct Convolve<T> {
    pub(super) options: ConvOptions,
    /// For a transposed convolution.
    pub(super) output_padding: Option<[usize; 2]>,
    pub(super) activation: Activation<T>,
    /// Of a convolution's result, before the activation.
    pub(super) pool: Option<Pool>,
    passes: OnceLock<Passes>,
}

impl<T: Real> Convolve<T> {
    pub(super) fn new(options: ConvOptions, output_padding: Option<[usize; 2]>, activation: Activation<T>) -> Self {
        Self { options, output_padding, activation, pool: None, passes: OnceLock::new() }
    }

    /// Followed by max pooling.
    pub(super) fn pooled(self, pool: Pool) -> Self {
        Self { pool: Some(pool), ..self }
    }

    fn convolution(&self, inputs: &[Shape]) -> Result<Convolution, String> {
        match self.output_padding {
            Some(output_padding) => transposed(&self.options, output_padding, inputs),
            None => convolution(&self.options, inputs),
        }
    }

    pub(super) fn infer(&self, inputs: &[Shape]) -> Result<Spec, String> {
        let convolution = self.convolution(inputs)?;
        if !convolution.fits() {
            return Err(format!(
                "{} channels and {} filters of such images are too many to count",
                convolution.geometry.channels, convolution.filters
            ));
        }
        let Convolution { geometry, groups, filters } = convolution;
        let [rows, columns] = if self.output_padding.is_some() { geometry.image } else { geometry.positions };
        let channels = groups * if self.output_padding.is_some() { geometry.channels } else { filters };
        let unpooled = shape_of(&inputs[0], [channels, rows, columns]);
        let pooled = self.pool.map(|pool| pooled::<T>(&pool, &unpooled).map(|spec| spec.output)).transpose()?;
        let mut spec = Spec::new(pooled.unwrap_or(unpooled), inputs.len());
        spec.saved = pooled;
        spec.reads_inputs = 0b011;
        fused::infer(self.activation, &mut spec)?;
        let passes = Passes::new(convolution, self.output_padding.is_some(), self.pool);
        let scratch = |backward| {
            let elements = passes.scratch::<T>(backward).filter(|&elements| elements < isize::MAX as usize / 16);
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
    fn with<R>(&self, inputs: &Inputs<'_, T>, work: impl FnOnce(&Passes) -> Result<R, Error>) -> Result<R, Error> {
        let convolution = self.convolution(&[inputs.shape(0), inputs.shape(1)]).map_err(Error::shape)?;
        match self.passes.get().filter(|passes| *passes.convolution() == convolution) {
            Some(passes) => work(passes),
            None => work(&Passes::new(convolution, self.output_padding.is_some(), self.pool)),
        }
    }

    pub(super) fn forward(&self, run: Forward<'_, T>) -> Result<(), Error> {
        let bias = if run.inputs.count() > 2 { Some(run.inputs.get(2)?) } else { None };
        let operands = (run.inputs.get(0)?, run.inputs.get(1)?, bias);
        self.with(&run.inputs, |passes| {
            let (places, sums) = fused::divide(self.activation, run.saved, run.output.len());
            let places = (!places.is_empty()).then_some(places);
            fused::forward(self.activation, run.context, (sums, run.output), |activation, y| {
                passes.apply(run.context, operands, activation, (y, places), run.scratch)
            })
        })
    }

    pub(super) fn backward(&self, mut run: Backward<'_, T>) -> Result<(), Error> {
        let inputs = run.inputs;
        let output = run.output();
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
