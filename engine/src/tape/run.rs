//! Runs of a plan: forward through its operations, and back.
//!
//! A run takes the buffers that an operation writes out of their slots, hands it slices, and puts them back, also where
//! the operation fails; nothing is copied or allocated. What an operation promised is checked here: see
//! [`operation`](super::operation).

use super::operation::{Backward, Forward, GradientPlace, Gradients, Inputs, is_unmarked, mark};
use super::parameters::Parameters;
use super::plan::{Plan, Planned, PlannedBackward};
use super::workspace::Workspace;
use super::{Real, Shape};
use crate::base::{Buffer, Context, Error, Split};
use std::mem::take;

impl<T: Real> Plan<T> {
    /// Computes everything but gradients from the inputs that the workspace holds.
    ///
    /// # Errors
    /// Parameters or a workspace of another plan; what an operation reports, with its name.
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
        w.forward_done = false;
        done(None);
        for (index, planned) in self.operations.iter().enumerate() {
            let context = Context { backend: self.backend(), split };
            step(planned, parameters, w, context).map_err(|error| named(planned, error))?;
            done(Some(index));
        }
        w.forward_done = true;
        Ok(())
    }

    /// Computes the gradients of the parameters, after [`Self::forward`] on the same inputs.
    ///
    /// # Errors
    /// A plan without a backward pass, no forward pass before, parameters or a workspace of another plan; what an
    /// operation reports, or that it left out a gradient, with its name.
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
            return Err(Error::misuse("this plan was made by `infer` and has no backward pass; make one by `train`"));
        };
        if !take(&mut w.forward_done) {
            return Err(Error::misuse("backward without a forward pass before it"));
        }
        w.written.fill(false);
        w.written[loss_storage] = true;
        w.slots[loss_gradient].as_mut_slice()[0] = T::ONE;
        done(None);
        for (index, planned) in self.operations.iter().enumerate().rev() {
            if let Some(backward) = &planned.backward {
                let context = Context { backend: self.backend(), split };
                step_back(planned, backward, parameters, w, context).map_err(|error| named(planned, error))?;
                done(Some(index));
            }
        }
        w.backward_done = true;
        Ok(())
    }

    fn check(&self, parameters: &Parameters<T>, w: &mut Workspace<T>) -> Result<(), Error> {
        if w.plan != self.id() {
            return Err(Error::mismatch("this workspace was made for another plan"));
        }
        w.backward_done = false;
        self.check_parameters(parameters)
    }
}

/// An operation's error with its name and where it was recorded.
#[cold]
fn named<T: Real>(planned: &Planned<T>, error: Error) -> Error {
    error.within(planned.recorded.operation.name()).at(planned.recorded.location)
}

/// Runs one operation forward, with its buffers out of their slots.
fn step<T: Real>(
    planned: &Planned<T>,
    parameters: &Parameters<T>,
    w: &mut Workspace<T>,
    context: Context,
) -> Result<(), Error> {
    let rows = w.rows;
    let spec = &planned.recorded.spec;
    let mut output = take(&mut w.slots[planned.output]);
    let mut saved = take_slot(w, planned.saved);
    let mut scratch = take_slot(w, planned.scratch);
    let mut early = take_slot(w, planned.early);
    if cfg!(debug_assertions) && !planned.in_place {
        mark(head(&mut output, Some(spec.output), rows));
    }
    let early_shape = planned.early.map(|_| planned.inputs[0].shape);
    if cfg!(debug_assertions) {
        mark(head(&mut early, early_shape, rows));
    }
    let ran = planned.recorded.operation.forward(Forward {
        inputs: inputs(planned, &w.slots, parameters, rows, if planned.in_place { !1 } else { !0 }),
        output: head(&mut output, Some(spec.output), rows),
        in_place: planned.in_place,
        saved: head(&mut saved, spec.saved.filter(|_| planned.saved.is_some()), rows),
        scratch: head(&mut scratch, spec.scratch, rows),
        early: head(&mut early, early_shape, rows),
        context,
        noise: w.noise,
        operation: planned.number,
    });
    let whole = !cfg!(debug_assertions) || is_unmarked(head(&mut output, Some(spec.output), rows));
    let early_whole = !cfg!(debug_assertions) || is_unmarked(head(&mut early, early_shape, rows));
    w.slots[planned.output] = output;
    for (slot, buffer) in [(planned.saved, saved), (planned.scratch, scratch), (planned.early, early)] {
        put_back(w, slot, buffer);
    }
    match ran {
        Ok(()) if !whole => Err(Error::contract("elements of its result were not written")),
        Ok(()) if !early_whole => Err(Error::contract("elements of its early gradient were not written")),
        ran => ran,
    }
}

/// Runs one operation's backward function, with its buffers out of their slots.
fn step_back<T: Real>(
    planned: &Planned<T>,
    backward: &PlannedBackward,
    parameters: &Parameters<T>,
    w: &mut Workspace<T>,
    context: Context,
) -> Result<(), Error> {
    let rows = w.rows;
    let spec = &planned.recorded.spec;
    let mut output_gradient = take(&mut w.slots[backward.output_gradient]);
    let mut saved = take_slot(w, planned.saved);
    let mut scratch = take_slot(w, backward.scratch);
    for (position, &slot) in backward.taken.iter().enumerate() {
        w.taken[position] = take(&mut w.slots[slot]);
    }
    let mut asked = 0;
    let early = planned.early.is_some();
    let mut gradients = Gradients {
        places: &backward.places,
        taken: &mut w.taken,
        flat: w.gradients.as_mut_slice(),
        written: &mut w.written,
        storages: &planned.storages,
        located: &planned.inputs,
        rows,
        early,
        asked: &mut asked,
    };
    let ran = planned.recorded.operation.backward(Backward {
        inputs: inputs(planned, &w.slots, parameters, rows, spec.reads_inputs),
        output: spec.reads_output.then(|| &w.slots[planned.output].as_slice()[..spec.output.elements(rows)]),
        output_gradient: head(&mut output_gradient, Some(spec.output), rows),
        saved: head(&mut saved, spec.saved, rows),
        scratch: head(&mut scratch, spec.backward_scratch, rows),
        early,
        context,
        noise: w.noise,
        operation: planned.number,
        gradients: gradients.reborrow(),
    });
    let ran = ran.and_then(|()| if cfg!(debug_assertions) { gradients.check_whole() } else { Ok(()) });
    w.slots[backward.output_gradient] = output_gradient;
    for (position, &slot) in backward.taken.iter().enumerate() {
        w.slots[slot] = take(&mut w.taken[position]);
    }
    for (slot, buffer) in [(planned.saved, saved), (backward.scratch, scratch)] {
        put_back(w, slot, buffer);
    }
    ran?;
    all_asked(&backward.places, asked)
}

/// Refuses a gradient that was wanted and not asked for.
fn all_asked(places: &[GradientPlace], asked: u64) -> Result<(), Error> {
    let left = |&index: &usize| places[index] != GradientPlace::None && asked >> index & 1 == 0;
    match (0..places.len()).find(left) {
        Some(index) => Err(Error::contract(format!("the gradient of its input {index} is wanted and was not written"))),
        None => Ok(()),
    }
}

fn inputs<'a, T: Real>(
    planned: &'a Planned<T>,
    slots: &'a [Buffer<T>],
    parameters: &'a Parameters<T>,
    rows: usize,
    readable: u64,
) -> Inputs<'a, T> {
    Inputs { slots, parameters: parameters.flat(), located: &planned.inputs, rows, readable }
}

fn take_slot<T: Real>(w: &mut Workspace<T>, slot: Option<usize>) -> Buffer<T> {
    slot.map(|slot| take(&mut w.slots[slot])).unwrap_or_default()
}

fn put_back<T: Real>(w: &mut Workspace<T>, slot: Option<usize>, buffer: Buffer<T>) {
    if let Some(slot) = slot {
        w.slots[slot] = buffer;
    }
}

/// The part of a buffer that a value of this shape takes; nothing where there is no value.
fn head<T: Real>(buffer: &mut Buffer<T>, shape: Option<Shape>, rows: usize) -> &mut [T] {
    let len = shape.map_or(0, |shape| shape.elements(rows)).min(buffer.len());
    &mut buffer.as_mut_slice()[..len]
}
