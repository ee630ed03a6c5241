//! The mutable part of a run: slots, the flat gradient, the batch at hand. One per thread of use.

use super::Real;
use super::operation::Place;
use super::plan::{Plan, Visible};
use super::recording::Var;
use crate::base::{Buffer, Error};
use crate::random::Noise;

/// Values and gradients of one plan.
#[derive(Debug)]
pub struct Workspace<T> {
    pub(crate) plan: u64,
    pub(crate) max_rows: usize,
    pub(crate) rows: usize,
    pub(crate) noise: Noise,
    pub(crate) slots: Vec<Buffer<T>>,
    pub(crate) gradients: Buffer<T>,
    /// Buffers out of their slots while an operation runs.
    pub(crate) taken: Vec<Buffer<T>>,
    pub(crate) written: Vec<bool>,
    /// What may be read or written from outside.
    pub(crate) visible: Vec<Visible>,
    pub(crate) forward_done: bool,
    /// Whether `gradients` are those of the last forward pass.
    pub(crate) backward_done: bool,
    /// Where the gradients of the trained parameters lie.
    views: Vec<std::ops::Range<usize>>,
}

impl<T: Real> Plan<T> {
    /// The memory that runs of this plan need.
    ///
    /// # Errors
    /// No memory.
    pub fn workspace(&self) -> Result<Workspace<T>, Error> {
        Workspace::new(self)
    }
}

impl<T: Real> Workspace<T> {
    /// Reserves what `plan` needs.
    ///
    /// # Errors
    /// No memory.
    pub fn new(plan: &Plan<T>) -> Result<Self, Error> {
        // All memory is asked for before any of it is touched: what cannot be had fails at once.
        let mut slots = Vec::with_capacity(plan.slot_sizes.len());
        slots.resize_with(plan.slot_sizes.len(), Buffer::default);
        let mut gradients = Buffer::default();
        let flat_len = if plan.loss.is_some() { plan.flat_len } else { 0 };
        let sizes = plan.slot_sizes.iter().copied().chain([flat_len]);
        for (buffer, elements) in slots.iter_mut().chain([&mut gradients]).zip(sizes.clone()) {
            buffer.reserve(elements)?;
        }
        for (buffer, elements) in slots.iter_mut().chain([&mut gradients]).zip(sizes) {
            buffer.grow(elements)?;
        }
        let widest = plan.operations.iter().map(|operation| operation.recorded.inputs.len()).max().unwrap_or(0);
        let mut taken = Vec::with_capacity(widest);
        taken.resize_with(widest, Buffer::default);
        Ok(Self {
            plan: plan.id,
            max_rows: plan.max_rows,
            rows: plan.max_rows,
            noise: Noise::default(),
            slots,
            gradients,
            taken,
            written: vec![false; plan.storage_count],
            visible: plan.visible.clone(),
            forward_done: false,
            backward_done: false,
            views: plan.views.clone(),
        })
    }

    /// How many samples the next run has.
    ///
    /// # Errors
    /// None, or more than the tape allowed.
    pub fn set_rows(&mut self, rows: usize) -> Result<(), Error> {
        if rows == 0 || rows > self.max_rows {
            return Err(Error::out_of_range(
                "the batch",
                rows,
                format_args!("1 to {} rows for this plan", self.max_rows),
            ));
        }
        self.rows = rows;
        self.forward_done = false;
        self.backward_done = false;
        Ok(())
    }

    /// How many samples a run has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The seed and the step that random operations use.
    pub fn set_noise(&mut self, noise: Noise) {
        (self.forward_done, self.backward_done) = (false, false);
        self.noise = noise;
    }

    /// An input's memory, to be written before a run; what ran before is over then, and backward wants a forward pass.
    ///
    /// # Errors
    /// The handle is not an input of this plan.
    pub fn input_mut(&mut self, var: Var) -> Result<&mut [T], Error> {
        let found = self.visible.iter().find(|visible| visible.var == var && visible.input);
        (self.forward_done, self.backward_done) = (false, false);
        match found.map(|visible| (visible.place, visible.shape)) {
            Some((Place::Slot(slot), shape)) => Ok(&mut self.slots[slot].as_mut_slice()[..shape.elements(self.rows)]),
            _ => Err(Error::mismatch("this Var is not an input that the plan uses")),
        }
    }

    /// A value after a run: an input, the loss, an output or what was kept.
    ///
    /// # Errors
    /// The plan does not keep the value.
    pub fn value(&self, var: Var) -> Result<&[T], Error> {
        let found = self.visible.iter().find(|visible| visible.var == var);
        match found.map(|visible| (visible.place, visible.shape)) {
            Some((Place::Slot(slot), shape)) => Ok(&self.slots[slot].as_slice()[..shape.elements(self.rows)]),
            _ if self.views.is_empty() => {
                Err(Error::mismatch("this value is not among the outputs of the plan; name it to `infer`"))
            }
            _ => Err(Error::mismatch("this value is not kept; name it to `keep` before `train`")),
        }
    }

    /// The gradients of all parameters, in their flat layout, after a backward run.
    pub fn gradients(&self) -> &[T] {
        self.gradients.as_slice()
    }

    /// The gradients that a backward pass of `plan` has left, for whoever uses them up.
    pub(crate) fn gradients_of(&self, plan: &Plan<T>) -> Result<&[T], Error> {
        if self.plan != plan.id() {
            return Err(Error::mismatch("this workspace was made for another plan"));
        }
        if !self.backward_done {
            return Err(Error::misuse("this workspace holds no gradients yet; run forward and backward on it first"));
        }
        Ok(self.gradients.as_slice())
    }

    /// The gradients, to be changed before a step (clipped by value or averaged, say).
    pub fn gradients_mut(&mut self) -> &mut [T] {
        self.gradients.as_mut_slice()
    }

    /// Fills all memory but the inputs', and the gradients of all trained parameters, with NaN, to show that nothing
    /// stale is read and everything is written. The gaps between the gradients stay 0. For tests.
    pub fn poison(&mut self) {
        let inputs: Vec<Place> = self.visible.iter().filter(|v| v.input).map(|v| v.place).collect();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if !inputs.contains(&Place::Slot(index)) {
                slot.as_mut_slice().fill(T::from_f64(f64::NAN));
            }
        }
        for view in &self.views {
            self.gradients.as_mut_slice()[view.clone()].fill(T::from_f64(f64::NAN));
        }
    }
}
