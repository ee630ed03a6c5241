//! Plans: a list of operations with every place decided, and how it is run.
//!
//! A run takes the buffers that an operation writes out of their slots, hands it slices, and puts them back; nothing
//! is copied or allocated. `planner` decides the places.

use super::operation::{Backward, Device, Forward, GradientPlace, Gradients, Inputs, Located};
use super::parameters::Parameters;
use super::record::Recorded;
use super::workspace::{Visible, Workspace};
use super::{Real, Shape};
use crate::simd::{Backend, Buffer};
use crate::{Error, Split};
use std::mem::take;
use std::ops::Range;

/// One operation of a plan and its places.
pub(crate) struct Planned<T> {
    pub(crate) recorded: Recorded<T>,
    pub(super) parameters: Vec<String>,
    pub(super) inputs: Vec<Located>,
    pub(super) storages: Vec<usize>,
    pub(super) output: usize,
    pub(super) in_place: bool,
    pub(super) saved: Option<usize>,
    pub(super) scratch: Option<usize>,
    pub(super) early: Option<usize>,
    pub(super) backward: Option<PlannedBackward>,
    pub(super) number: u32,
}

pub(super) struct PlannedBackward {
    pub(super) output_gradient: usize,
    pub(super) places: Vec<GradientPlace>,
    pub(super) taken: Vec<usize>,
    pub(super) scratch: Option<usize>,
}

/// What a plan says of one operation.
#[derive(Debug, Clone)]
pub struct OperationInfo {
    /// The operation's name.
    pub name: &'static str,
    /// The parameters it reads.
    pub parameters: Vec<String>,
    /// The shape of its result.
    pub output: Shape,
    /// Additions and multiplications of its forward pass for a full batch.
    pub flops: u64,
    /// Bytes it reads and writes in its forward pass for a full batch.
    pub bytes: u64,
    /// Bytes of memory of use only while it runs, in whichever pass needs more.
    pub scratch_bytes: u64,
    /// Whether it has a part in the backward pass.
    pub backward: bool,
}

/// An immutable, shareable list of operations with their memory laid out. Made by [`Tape::train`](super::Tape::train) and
/// [`Tape::infer`](super::Tape::infer), run over [`Parameters`] and a [`Workspace`].
pub struct Plan<T> {
    pub(crate) id: u64,
    pub(crate) max_rows: usize,
    pub(crate) operations: Vec<Planned<T>>,
    pub(crate) slot_sizes: Vec<usize>,
    pub(crate) storage_count: usize,
    pub(crate) flat_len: usize,
    pub(crate) visible: Vec<Visible>,
    pub(crate) loss: Option<(usize, usize)>,
    pub(super) backend: Backend,
    pub(super) trained: Vec<Range<usize>>,
    /// The trained parameters without the gaps between them.
    pub(super) views: Vec<Range<usize>>,
    pub(super) layout: u64,
}

impl<T: Real> Plan<T> {
    /// The memory that runs of this plan need.
    ///
    /// # Errors
    /// No memory.
    pub fn workspace(&self) -> Result<Workspace<T>, Error> {
        Workspace::new(self)
    }

    /// Computes everything but gradients from the inputs that the workspace holds.
    ///
    /// # Errors
    /// Parameters or a workspace of another plan.
    pub fn forward(&self, parameters: &Parameters<T>, w: &mut Workspace<T>, split: Split) -> Result<(), Error> {
        self.forward_with(parameters, w, split, &mut |_| {})
    }

    /// [`Self::forward`], telling `done` of the start and of each operation's end.
    pub(crate) fn forward_with(
        &self,
        parameters: &Parameters<T>,
        w: &mut Workspace<T>,
        split: Split,
        done: &mut impl FnMut(Option<usize>),
    ) -> Result<(), Error> {
        self.check(parameters, w)?;
        done(None);
        for (index, planned) in self.operations.iter().enumerate() {
            let rows = w.rows;
            let mut output = take(&mut w.slots[planned.output]);
            let mut saved = planned.saved.map(|slot| take(&mut w.slots[slot])).unwrap_or_default();
            let mut scratch = planned.scratch.map(|slot| take(&mut w.slots[slot])).unwrap_or_default();
            let mut early = planned.early.map(|slot| take(&mut w.slots[slot])).unwrap_or_default();
            let spec = &planned.recorded.spec;
            planned.recorded.operation.forward(Forward {
                inputs: planned.inputs(&w.slots, parameters.flat(), rows),
                output: head(&mut output, Some(spec.output), rows),
                in_place: planned.in_place,
                saved: head(&mut saved, spec.saved.filter(|_| planned.saved.is_some()), rows),
                scratch: head(&mut scratch, spec.scratch, rows),
                early: head(&mut early, planned.early.map(|_| planned.inputs[0].shape), rows),
                device: self.device(w, planned, split),
            });
            w.slots[planned.output] = output;
            for (slot, buffer) in [(planned.saved, saved), (planned.scratch, scratch), (planned.early, early)] {
                if let Some(slot) = slot {
                    w.slots[slot] = buffer;
                }
            }
            done(Some(index));
        }
        w.forward_done = true;
        Ok(())
    }

    /// Computes the gradients of the parameters, after [`Self::forward`] on the same inputs.
    ///
    /// # Errors
    /// A plan without a backward pass, no forward pass before, parameters or a workspace of another plan.
    pub fn backward(&self, parameters: &Parameters<T>, w: &mut Workspace<T>, split: Split) -> Result<(), Error> {
        self.backward_with(parameters, w, split, &mut |_| {})
    }

    /// [`Self::backward`], telling `done` of the start and of each operation's end.
    pub(crate) fn backward_with(
        &self,
        parameters: &Parameters<T>,
        w: &mut Workspace<T>,
        split: Split,
        done: &mut impl FnMut(Option<usize>),
    ) -> Result<(), Error> {
        self.check(parameters, w)?;
        let Some((loss_gradient, loss_storage)) = self.loss else {
            return Err(Error::new("this plan was made by `infer` and has no backward pass; make one by `train`"));
        };
        if !take(&mut w.forward_done) {
            return Err(Error::new("backward without a forward pass before it"));
        }
        w.written.fill(false);
        w.written[loss_storage] = true;
        w.slots[loss_gradient].as_mut_slice()[0] = T::ONE;
        done(None);
        for (index, planned) in self.operations.iter().enumerate().rev() {
            if let Some(backward) = &planned.backward {
                self.step_back(planned, backward, parameters, w, split);
                done(Some(index));
            }
        }
        Ok(())
    }

    /// No other plan of this process has it.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Whether it has a backward pass.
    pub(crate) fn is_trainable(&self) -> bool {
        self.loss.is_some()
    }

    /// For each operation, whether backward computes the gradient of its first input.
    pub(crate) fn input_gradients(&self) -> impl Iterator<Item = bool> + '_ {
        let wanted = |backward: &PlannedBackward| backward.places.first() != Some(&GradientPlace::None);
        self.operations.iter().map(move |planned| planned.backward.as_ref().is_some_and(wanted))
    }

    /// One operation's backward function, with its buffers out of their slots.
    fn step_back(
        &self,
        planned: &Planned<T>,
        backward: &PlannedBackward,
        parameters: &Parameters<T>,
        w: &mut Workspace<T>,
        split: Split,
    ) {
        let rows = w.rows;
        let spec = &planned.recorded.spec;
        let device = self.device(w, planned, split);
        let mut output_gradient = take(&mut w.slots[backward.output_gradient]);
        let mut saved = planned.saved.map(|slot| take(&mut w.slots[slot])).unwrap_or_default();
        let mut scratch = backward.scratch.map(|slot| take(&mut w.slots[slot])).unwrap_or_default();
        for (position, &slot) in backward.taken.iter().enumerate() {
            w.taken[position] = take(&mut w.slots[slot]);
        }
        let output: &[T] =
            if spec.reads_output { &w.slots[planned.output].as_slice()[..spec.output.elements(rows)] } else { &[] };
        planned.recorded.operation.backward(Backward {
            inputs: planned.inputs(&w.slots, parameters.flat(), rows),
            output,
            output_gradient: head(&mut output_gradient, Some(spec.output), rows),
            saved: head(&mut saved, spec.saved, rows),
            scratch: head(&mut scratch, spec.backward_scratch, rows),
            early: planned.early.is_some(),
            device,
            gradients: Gradients {
                places: &backward.places,
                taken: &mut w.taken,
                flat: w.gradients.as_mut_slice(),
                written: &mut w.written,
                storages: &planned.storages,
                located: &planned.inputs,
                rows,
            },
        });
        w.slots[backward.output_gradient] = output_gradient;
        if backward.places.first() == Some(&GradientPlace::OutputGradient) {
            // The operation may have worked in the output's gradient itself, without `Backward::unary`.
            w.written[planned.storages[0]] = true;
        }
        for (position, &slot) in backward.taken.iter().enumerate() {
            w.slots[slot] = take(&mut w.taken[position]);
        }
        for (slot, buffer) in [(planned.saved, saved), (backward.scratch, scratch)] {
            if let Some(slot) = slot {
                w.slots[slot] = buffer;
            }
        }
    }

    fn device(&self, w: &Workspace<T>, planned: &Planned<T>, split: Split) -> Device {
        Device { backend: self.backend, split, noise: w.noise, operation: planned.number }
    }

    fn check(&self, parameters: &Parameters<T>, w: &Workspace<T>) -> Result<(), Error> {
        if w.plan != self.id {
            return Err(Error::new("this workspace was made for another plan"));
        }
        if parameters.layout() != self.layout {
            return Err(Error::new("these parameters are not laid out as those that the tape was recorded over"));
        }
        Ok(())
    }

    /// The parts of the flat parameter buffer that this plan computes gradients for; the gaps between neighbours
    /// are included, so that a model without frozen parameters has one range.
    pub fn trained(&self) -> &[Range<usize>] {
        &self.trained
    }

    /// The most samples a batch may have.
    pub fn max_rows(&self) -> usize {
        self.max_rows
    }

    /// The vector instructions it runs on.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Bytes of a workspace: slots and gradients.
    pub fn bytes(&self) -> usize {
        let gradients = if self.loss.is_some() { self.flat_len } else { 0 };
        self.slot_sizes.iter().fold(gradients, |sum, &size| sum.saturating_add(size)).saturating_mul(size_of::<T>())
    }

    /// The operations in their order.
    pub fn operations(&self) -> impl Iterator<Item = OperationInfo> + '_ {
        self.operations.iter().map(|planned| {
            let spec = &planned.recorded.spec;
            let rows = self.max_rows;
            let inputs = planned.inputs.iter().map(|input| input.shape.elements(rows));
            let elements = inputs.fold(spec.output.elements(rows), usize::saturating_add);
            OperationInfo {
                name: planned.recorded.operation.name(),
                parameters: planned.parameters.clone(),
                output: spec.output,
                flops: spec.flops.0.saturating_add(spec.flops.1.saturating_mul(rows as u64)),
                bytes: elements.saturating_mul(size_of::<T>()) as u64,
                scratch_bytes: {
                    let backward = spec.backward_scratch.filter(|_| planned.backward.is_some());
                    let of = |shape: Option<Shape>| shape.map_or(0, |shape| shape.elements(rows));
                    of(spec.scratch).max(of(backward)).saturating_mul(size_of::<T>()) as u64
                },
                backward: planned.backward.is_some(),
            }
        })
    }
}

impl<T: Real> Planned<T> {
    fn inputs<'a>(&'a self, slots: &'a [Buffer<T>], parameters: &'a [T], rows: usize) -> Inputs<'a, T> {
        Inputs { slots, parameters, located: &self.inputs, rows }
    }
}

/// The part of a buffer that a value of this shape takes; nothing where there is no value.
fn head<T: Real>(buffer: &mut Buffer<T>, shape: Option<Shape>, rows: usize) -> &mut [T] {
    let len = shape.map_or(0, |shape| shape.elements(rows)).min(buffer.len());
    &mut buffer.as_mut_slice()[..len]
}
