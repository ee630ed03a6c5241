//! What an operation is: a shape rule, a forward and a backward function over slices that the plan places.
//!
//! The engine owns accumulation. A backward function asks for each input's gradient and is told whether to write it
//! or to add to it; inputs that need none give `None`. Nothing is filled with zeros beforehand, and the output's
//! gradient is complete and of no further use, so an operation may work in it.

use super::workspace::Noise;
use super::{Real, Shape};
use crate::Split;
use crate::simd::{Backend, InOut};

/// What a recorded operation needs and gives, found from the shapes of its inputs.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The shape of the result.
    pub output: Shape,
    /// Whether backward reads input `i`: bit `i`.
    pub reads_inputs: u64,
    /// Whether backward reads the output.
    pub reads_output: bool,
    /// Which inputs can have a gradient: bit `i`. An operation without a backward function has none.
    pub differentiable: u64,
    /// The output may take the place of input 0, if nobody reads that again.
    pub in_place: bool,
    /// The gradient of input 0 may take the place of the output's gradient.
    pub gradient_in_place: bool,
    /// Forward can give the gradient of input 0 for an output gradient of 1 (a loss): see [`Forward::early`].
    pub early_gradient: bool,
    /// Memory that forward fills and backward reads.
    pub saved: Option<Shape>,
    /// Memory of use only while the operation runs forward.
    pub scratch: Option<Shape>,
    /// The same for its backward pass.
    pub backward_scratch: Option<Shape>,
    /// Arithmetic of forward, additions and multiplications, for a batch of `rows`: `fixed + rows * per_row`.
    pub flops: (u64, u64),
}

impl Spec {
    /// A plain operation: backward reads nothing, every one of `inputs` inputs is differentiable.
    pub fn new(output: Shape, inputs: usize) -> Self {
        Self {
            output,
            reads_inputs: 0,
            reads_output: false,
            differentiable: if inputs >= 64 { u64::MAX } else { (1 << inputs) - 1 },
            in_place: false,
            gradient_in_place: false,
            early_gradient: false,
            saved: None,
            scratch: None,
            backward_scratch: None,
            flops: (0, 0),
        }
    }

    /// The same, with arithmetic of `each` operations per element of the output.
    pub fn flops_per_element(mut self, each: u64) -> Self {
        let elements = each.saturating_mul(self.output.sample_elements() as u64);
        self.flops = if self.output.is_batch() { (0, elements) } else { (elements, 0) };
        self
    }
}

/// An operation as the tape records it. Implement it for one of your own and record it with
/// [`Tape::record`](super::Tape::record).
pub trait Operation<T: Real>: Send + Sync + 'static {
    /// What profiles and errors call it.
    fn name(&self) -> &'static str;

    /// The shape rule.
    ///
    /// # Errors
    /// What does not fit, in words; the tape adds the name, the shapes and the place.
    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String>;

    /// Computes the output; every element of it must be written.
    fn forward(&self, run: Forward<'_, T>);

    /// Writes or adds the gradients of the inputs that want one.
    fn backward(&self, run: Backward<'_, T>);
}

/// Where a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Slot(usize),
    Parameter { start: usize },
}

/// A value and its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Located {
    pub(crate) place: Place,
    pub(crate) shape: Shape,
}

/// The inputs of a running operation.
#[derive(Clone, Copy)]
pub struct Inputs<'a, T> {
    pub(crate) slots: &'a [crate::simd::Buffer<T>],
    pub(crate) parameters: &'a [T],
    pub(crate) located: &'a [Located],
    pub(crate) rows: usize,
}

impl<'a, T: Real> Inputs<'a, T> {
    /// The values of input `index`, row-major, with as many rows as the batch has.
    pub fn get(&self, index: usize) -> &'a [T] {
        let input = &self.located[index];
        let len = input.shape.elements(self.rows);
        match input.place {
            Place::Slot(slot) => &self.slots[slot].as_slice()[..len],
            Place::Parameter { start } => &self.parameters[start..start + len],
        }
    }

    /// Its shape.
    pub fn shape(&self, index: usize) -> Shape {
        self.located[index].shape
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.located.len()
    }

    /// Rows of the batch.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// How to compute: instructions, threads, noise.
#[derive(Debug, Clone, Copy)]
pub struct Device {
    /// The vector instructions in use.
    pub backend: Backend,
    /// Whether work may be shared.
    pub split: Split,
    /// What random operations are functions of.
    pub noise: Noise,
    /// The number of this operation on its tape.
    pub operation: u32,
}

/// What [`Operation::forward`] works with.
pub struct Forward<'a, T> {
    /// The inputs. If `in_place`, input 0 must not be asked for: it stands in `output`.
    pub inputs: Inputs<'a, T>,
    /// The result, to be written whole.
    pub output: &'a mut [T],
    /// Whether `output` holds input 0.
    pub in_place: bool,
    /// What backward will find again; empty in a plan without a backward pass.
    pub saved: &'a mut [T],
    /// Room to work in; its contents mean nothing.
    pub scratch: &'a mut [T],
    /// The gradient of input 0, to be written for an output gradient of 1, if the plan wants it here; else empty.
    pub early: &'a mut [T],
    /// Instructions, threads, noise.
    pub device: Device,
}

impl<'a, T: Real> Forward<'a, T> {
    /// Input 0 and the output of an element-wise operation, in place or not.
    pub fn unary(self) -> InOut<'a, T> {
        if self.in_place { InOut::same(self.output) } else { InOut::pair(self.inputs.get(0), self.output) }
    }
}

/// A gradient to be written, or to be added to.
pub struct Target<'a, T> {
    /// Where.
    pub slice: &'a mut [T],
    /// Whether something stands there already.
    pub accumulate: bool,
}

/// Where the gradient of an input goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GradientPlace {
    /// Nobody wants it.
    None,
    /// The buffer that was taken out of this slot, and the position among those taken.
    Taken(usize),
    /// It stands where the output's gradient does.
    OutputGradient,
    /// The flat gradient buffer.
    Parameter(usize, usize),
}

/// What [`Operation::backward`] works with.
pub struct Backward<'a, T> {
    /// The inputs that [`Spec::reads_inputs`] names; others must not be asked for.
    pub inputs: Inputs<'a, T>,
    /// The output, if [`Spec::reads_output`]; else empty.
    pub output: &'a [T],
    /// The complete gradient of the output, free to be overwritten.
    pub output_gradient: &'a mut [T],
    /// What forward left.
    pub saved: &'a mut [T],
    /// Room to work in.
    pub scratch: &'a mut [T],
    /// Whether forward has written the gradient of input 0 already, for an output gradient of 1.
    pub early: bool,
    /// Instructions, threads, noise.
    pub device: Device,
    /// Where the inputs' gradients go.
    pub gradients: Gradients<'a, T>,
}

/// The gradients of an operation's inputs, to be asked for one at a time.
pub struct Gradients<'a, T> {
    pub(crate) places: &'a [GradientPlace],
    pub(crate) taken: &'a mut [crate::simd::Buffer<T>],
    pub(crate) flat: &'a mut [T],
    /// Per storage, whether its gradient holds something.
    pub(crate) written: &'a mut [bool],
    /// The storage of each input.
    pub(crate) storages: &'a [usize],
    pub(crate) located: &'a [Located],
    pub(crate) rows: usize,
}

impl<T: Real> Gradients<'_, T> {
    /// The gradient of input `index`, if it is wanted. Ask once for each input, and write every element.
    ///
    /// With [`Spec::gradient_in_place`], `None` for input 0 may also mean that its gradient is to stand where the
    /// output's does: use [`Backward::unary`], which tells the two apart.
    pub fn of(&mut self, index: usize) -> Option<Target<'_, T>> {
        let place = self.places[index];
        if matches!(place, GradientPlace::None | GradientPlace::OutputGradient) {
            return None;
        }
        let accumulate = std::mem::replace(&mut self.written[self.storages[index]], true);
        let len = self.located[index].shape.elements(self.rows);
        let slice = match place {
            GradientPlace::Taken(position) => &mut self.taken[position].as_mut_slice()[..len],
            GradientPlace::Parameter(start, _) => &mut self.flat[start..start + len],
            GradientPlace::None | GradientPlace::OutputGradient => return None,
        };
        Some(Target { slice, accumulate })
    }

    /// Whether input `index` wants a gradient.
    pub fn wants(&self, index: usize) -> bool {
        self.places[index] != GradientPlace::None
    }
}

impl<T: Real> Backward<'_, T> {
    /// For an element-wise operation with [`Spec::gradient_in_place`]: the pair (gradient of the output, gradient of
    /// input 0), possibly the same memory, and whether to add; `None` if input 0 wants no gradient.
    pub fn unary(&mut self) -> Option<(InOut<'_, T>, bool)> {
        if self.gradients.places[0] == GradientPlace::OutputGradient {
            self.gradients.written[self.gradients.storages[0]] = true;
            return Some((InOut::same(self.output_gradient), false));
        }
        let target = self.gradients.of(0)?;
        Some((InOut::pair(self.output_gradient, target.slice), target.accumulate))
    }
}
