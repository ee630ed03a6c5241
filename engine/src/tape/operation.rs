//! What an operation is: a shape rule, a forward and a backward function over slices that the plan places.
//!
//! The engine owns accumulation. A backward function asks for each input's gradient and is told what to do with it:
//! skip, set or add. Nothing is filled with zeros beforehand, and the output's gradient is complete and of no further
//! use, so an operation may work in it.
//!
//! The contract is checked. An input that [`Spec::reads_inputs`] does not name cannot be read in backward, since its
//! memory may hold something else by then; a gradient that was wanted and not asked for is an error with the
//! operation's name. With debug assertions results and gradients are filled with a mark beforehand, so that elements
//! left unwritten are errors too.

use super::{Real, Shape};
use crate::base::{Buffer, Context, Error};
use crate::random::Noise;
use crate::simd::InOut;

/// What a recorded operation needs and gives, found from the shapes of its inputs. Make one by [`Spec::new`] and set
/// what differs; more may come.
#[derive(Debug, Clone)]
#[non_exhaustive]
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
    /// The gradient of input 0 may take the place of the output's gradient; backward then uses [`Backward::unary`].
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
            differentiable: mask(inputs),
            in_place: false,
            gradient_in_place: false,
            early_gradient: false,
            saved: None,
            scratch: None,
            backward_scratch: None,
            flops: (0, 0),
        }
    }

    /// The same, backward reading these inputs.
    #[must_use]
    pub fn reading(mut self, inputs: &[usize]) -> Self {
        self.reads_inputs = inputs.iter().filter(|&&input| input < 64).fold(0, |bits, input| bits | 1 << input);
        self
    }

    /// The same, with no gradient for any input.
    #[must_use]
    pub fn without_gradient(mut self) -> Self {
        self.differentiable = 0;
        self
    }

    /// The same, with arithmetic of `each` operations per element of the output.
    #[must_use]
    pub fn flops_per_element(mut self, each: u64) -> Self {
        let elements = each.saturating_mul(self.output.sample_elements() as u64);
        self.flops = if self.output.is_batch() { (0, elements) } else { (elements, 0) };
        self
    }

    /// Refuses what contradicts itself for so many inputs.
    pub(crate) fn check(&self, inputs: usize) -> Result<(), String> {
        if (self.reads_inputs | self.differentiable) & !mask(inputs) != 0 {
            return Err(format!("its shape rule speaks of inputs beyond the {inputs} that it has"));
        }
        if inputs == 0 && (self.in_place || self.gradient_in_place || self.early_gradient) {
            return Err("its shape rule speaks of input 0, and it has no inputs".into());
        }
        Ok(())
    }
}

/// A bit for each of so many inputs.
fn mask(inputs: usize) -> u64 {
    if inputs >= 64 { u64::MAX } else { (1 << inputs) - 1 }
}

/// An operation as the tape records it. Implement it for one of your own and record it with
/// [`Tape::record`](super::Tape::record): see [the guide](crate::guides::operation).
pub trait Operation<T: Real>: Send + Sync + 'static {
    /// What profiles and errors call it.
    fn name(&self) -> &'static str;

    /// The shape rule.
    ///
    /// # Errors
    /// What does not fit, in words; the tape adds the name, the shapes and the place.
    fn infer(&self, inputs: &[Shape]) -> Result<Spec, String>;

    /// Computes the output; every element of it must be written.
    ///
    /// # Errors
    /// What an operation finds while it runs; the plan adds the name.
    fn forward(&self, run: Forward<'_, T>) -> Result<(), Error>;

    /// Sets or adds the gradients of the inputs that want one.
    ///
    /// # Errors
    /// As for [`Self::forward`].
    fn backward(&self, run: Backward<'_, T>) -> Result<(), Error>;
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
    pub(crate) slots: &'a [Buffer<T>],
    pub(crate) parameters: &'a [T],
    pub(crate) located: &'a [Located],
    pub(crate) rows: usize,
    /// Which may be read: bit `i`.
    pub(crate) readable: u64,
}

impl<'a, T: Real> Inputs<'a, T> {
    /// The values of input `index`, row-major, with as many rows as the batch has.
    ///
    /// # Errors
    /// An input that is not there to be read: in forward, input 0 where it stands in the output; in backward, one that
    /// [`Spec::reads_inputs`] does not name.
    #[inline]
    pub fn get(&self, index: usize) -> Result<&'a [T], Error> {
        let input = match self.located.get(index) {
            Some(input) if self.readable >> index & 1 == 1 => input,
            _ => return Err(self.refused(index)),
        };
        let len = input.shape.elements(self.rows);
        Ok(match input.place {
            Place::Slot(slot) => &self.slots[slot].as_slice()[..len],
            Place::Parameter { start } => &self.parameters[start..start + len],
        })
    }

    #[cold]
    fn refused(&self, index: usize) -> Error {
        let count = self.located.len();
        Error::contract(match index < count {
            true => format!(
                "input {index} cannot be read here: in forward it stands in the output (`in_place`), in backward the \
                 shape rule must name it in `reads_inputs`"
            ),
            false => format!("input {index} was asked for; there are {count}"),
        })
    }

    /// Its shape; that of a single number where there is no such input.
    pub fn shape(&self, index: usize) -> Shape {
        self.located.get(index).map_or(Shape::scalar(), |input| input.shape)
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

/// What [`Operation::forward`] works with.
#[non_exhaustive]
pub struct Forward<'a, T> {
    /// The inputs.
    pub inputs: Inputs<'a, T>,
    /// The result, to be written whole.
    pub output: &'a mut [T],
    /// Whether `output` holds input 0, which then cannot be asked for.
    pub in_place: bool,
    /// What backward will find again; empty in a plan without a backward pass.
    pub saved: &'a mut [T],
    /// Room to work in; its contents mean nothing.
    pub scratch: &'a mut [T],
    /// The gradient of input 0, to be written for an output gradient of 1, if the plan wants it here; else empty.
    pub early: &'a mut [T],
    /// Instructions and threads.
    pub context: Context,
    /// What random operations are functions of, besides the number of the operation and the element.
    pub noise: Noise,
    /// The number of this operation on its tape.
    pub operation: u32,
}

impl<'a, T: Real> Forward<'a, T> {
    /// Input 0 and the output of an element-wise operation, in place or not.
    ///
    /// # Errors
    /// There is no input 0.
    pub fn unary(self) -> Result<InOut<'a, T>, Error> {
        if self.in_place {
            return Ok(InOut::same(self.output));
        }
        Ok(InOut::pair(self.inputs.get(0)?, self.output))
    }
}

/// What is to become of an input's gradient.
#[derive(Debug)]
pub enum Target<'a, T> {
    /// Nobody wants it: compute nothing.
    Skip,
    /// Write every element; what stands there means nothing.
    Set(&'a mut [T]),
    /// Add to every element.
    Add(&'a mut [T]),
}

impl<'a, T> Target<'a, T> {
    /// The gradient for a kernel that is told by a flag whether to add; `None` where nobody wants it.
    pub fn wanted(self) -> Option<Wanted<'a, T>> {
        match self {
            Self::Skip => None,
            Self::Set(slice) => Some(Wanted { slice, accumulate: false }),
            Self::Add(slice) => Some(Wanted { slice, accumulate: true }),
        }
    }
}

/// A gradient that somebody wants: see [`Target::wanted`].
#[derive(Debug)]
pub struct Wanted<'a, T> {
    /// Where.
    pub slice: &'a mut [T],
    /// Whether to add to what stands there.
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
    /// The flat gradient buffer, from here on.
    Parameter(usize),
}

/// What [`Operation::backward`] works with.
#[non_exhaustive]
pub struct Backward<'a, T> {
    /// The inputs that [`Spec::reads_inputs`] names.
    pub inputs: Inputs<'a, T>,
    /// The complete gradient of the output, free to be overwritten.
    pub output_gradient: &'a mut [T],
    /// What forward left.
    pub saved: &'a mut [T],
    /// Room to work in.
    pub scratch: &'a mut [T],
    /// Whether forward has written the gradient of input 0 already, for an output gradient of 1. It is then asked for
    /// all the same, as [`Target::Set`] with that gradient in it, and multiplied by the output's gradient.
    pub early: bool,
    /// Instructions and threads.
    pub context: Context,
    /// As in [`Forward::noise`].
    pub noise: Noise,
    /// The number of this operation on its tape.
    pub operation: u32,
    /// Where the inputs' gradients go.
    pub gradients: Gradients<'a, T>,
    pub(crate) output: Option<&'a [T]>,
}

/// The gradients of an operation's inputs, to be asked for one at a time.
pub struct Gradients<'a, T> {
    pub(crate) places: &'a [GradientPlace],
    pub(crate) taken: &'a mut [Buffer<T>],
    pub(crate) flat: &'a mut [T],
    /// Per storage, whether its gradient holds something.
    pub(crate) written: &'a mut [bool],
    /// The storage of each input.
    pub(crate) storages: &'a [usize],
    pub(crate) located: &'a [Located],
    pub(crate) rows: usize,
    /// Whether input 0's is there already, for an output gradient of 1.
    pub(crate) early: bool,
    /// Which were asked for: bit `i`. It outlives this, so that the plan can see what was left out.
    pub(crate) asked: &'a mut u64,
}

impl<T: Real> Gradients<'_, T> {
    /// The same for a while.
    pub(crate) fn reborrow(&mut self) -> Gradients<'_, T> {
        Gradients {
            places: self.places,
            taken: self.taken,
            flat: self.flat,
            written: self.written,
            storages: self.storages,
            located: self.located,
            rows: self.rows,
            early: self.early,
            asked: self.asked,
        }
    }

    /// What to do with the gradient of input `index`. Ask once for each input.
    ///
    /// # Errors
    /// No such input, or one asked for already; input 0 where its gradient stands in that of the output, for which
    /// there is [`Backward::unary`].
    pub fn of(&mut self, index: usize) -> Result<Target<'_, T>, Error> {
        let Some(&place) = self.places.get(index) else {
            let count = self.places.len();
            return Err(Error::contract(format!("the gradient of input {index} was asked for; there are {count}")));
        };
        if *self.asked >> index & 1 == 1 {
            return Err(Error::contract(format!("the gradient of input {index} was asked for twice")));
        }
        *self.asked |= 1 << index;
        let range = |start: usize| start..start + self.located[index].shape.elements(self.rows);
        let slice = match place {
            GradientPlace::None => return Ok(Target::Skip),
            GradientPlace::OutputGradient => {
                return Err(Error::contract(
                    "the gradient of input 0 stands in the output's, as `gradient_in_place` allows; ask by `unary`",
                ));
            }
            GradientPlace::Taken(position) => &mut self.taken[position].as_mut_slice()[range(0)],
            GradientPlace::Parameter(start) => &mut self.flat[range(start)],
        };
        if std::mem::replace(&mut self.written[self.storages[index]], true) {
            return Ok(Target::Add(slice));
        }
        if cfg!(debug_assertions) && !(self.early && index == 0) {
            mark(slice);
        }
        Ok(Target::Set(slice))
    }

    /// Whether input `index` wants a gradient.
    pub fn wants(&self, index: usize) -> bool {
        self.places.get(index).is_some_and(|place| *place != GradientPlace::None)
    }

    /// With debug assertions, refuses gradients that are not written whole.
    pub(crate) fn check_whole(&self) -> Result<(), Error> {
        for (index, &place) in self.places.iter().enumerate() {
            let len = self.located[index].shape.elements(self.rows);
            let whole = match place {
                GradientPlace::None | GradientPlace::OutputGradient => true,
                GradientPlace::Taken(position) => is_unmarked(&self.taken[position].as_slice()[..len]),
                GradientPlace::Parameter(start) => is_unmarked(&self.flat[start..start + len]),
            };
            if !whole {
                return Err(Error::contract(format!("elements of the gradient of input {index} were not written")));
            }
        }
        Ok(())
    }
}

impl<'a, T: Real> Backward<'a, T> {
    /// The output.
    ///
    /// # Errors
    /// Unless [`Spec::reads_output`].
    pub fn output(&self) -> Result<&'a [T], Error> {
        self.output.ok_or_else(unread_output)
    }

    /// For an element-wise operation with [`Spec::gradient_in_place`]: the pair (gradient of the output, gradient of
    /// input 0), possibly the same memory, and whether to add; `None` if input 0 wants no gradient.
    ///
    /// # Errors
    /// As for [`Gradients::of`].
    pub fn unary(&mut self) -> Result<Option<(InOut<'_, T>, bool)>, Error> {
        if self.gradients.places.first() == Some(&GradientPlace::OutputGradient) {
            if *self.gradients.asked & 1 == 1 {
                return Err(Error::contract("the gradient of input 0 was asked for twice"));
            }
            *self.gradients.asked |= 1;
            self.gradients.written[self.gradients.storages[0]] = true;
            return Ok(Some((InOut::same(self.output_gradient), false)));
        }
        let target = self.gradients.of(0)?.wanted();
        Ok(target.map(|target| (InOut::pair(self.output_gradient, target.slice), target.accumulate)))
    }
}

/// The output was asked for, and the shape rule had not said so.
#[cold]
pub(crate) fn unread_output() -> Error {
    Error::contract("the output cannot be read in backward: the shape rule must set `reads_output`")
}

/// A NaN that no arithmetic makes by itself.
fn unwritten<T: Real>() -> T {
    T::from_f64(f64::from_bits(0x7ff8_dead_beef_0000))
}

/// Fills memory that is to be written whole with a mark.
pub(crate) fn mark<T: Real>(slice: &mut [T]) {
    slice.fill(unwritten());
}

/// Whether every element was written since.
pub(crate) fn is_unmarked<T: Real>(slice: &[T]) -> bool {
    let mark = unwritten::<T>();
    !slice.iter().any(|x| x.is_nan() && bytemuck::bytes_of(x) == bytemuck::bytes_of(&mark))
}
