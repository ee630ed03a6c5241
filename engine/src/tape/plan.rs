//! Plans: a list of operations with every place decided. `planner` decides the places, `run` runs it.

use super::operation::{GradientPlace, Located, Place};
use super::parameters::Parameters;
use super::recording::{Recorded, Var};
use super::{Real, Shape};
use crate::base::{Backend, Error};
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

/// A value that may be read or written from outside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visible {
    pub(crate) var: Var,
    pub(crate) place: Place,
    pub(crate) shape: Shape,
    pub(crate) input: bool,
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

/// An immutable, shareable list of operations with their memory laid out. Made by [`Tape::train`](super::Tape::train)
/// and [`Tape::infer`](super::Tape::infer), run over [`Parameters`] and a [`Workspace`](super::Workspace).
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
    /// The trained parts of the flat buffer, with the gaps between neighbours.
    pub(super) trained: Vec<Range<usize>>,
    /// The trained parameters without the gaps between them.
    pub(super) views: Vec<Range<usize>>,
    pub(super) layout: u64,
}

impl<T: Real> Plan<T> {
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

    /// Refuses parameters that this plan was not made over.
    pub(crate) fn check_parameters(&self, parameters: &Parameters<T>) -> Result<(), Error> {
        if parameters.layout() != self.layout {
            return Err(Error::mismatch("these parameters are not laid out as those that the tape was recorded over"));
        }
        Ok(())
    }

    /// The parts of the flat parameter buffer that this plan computes gradients for; the gaps between neighbours
    /// are included, so that a model without frozen parameters has one range.
    pub fn trained(&self) -> &[Range<usize>] {
        &self.trained
    }

    /// The same parameter by parameter, without the gaps.
    pub(crate) fn trained_parameters(&self) -> &[Range<usize>] {
        &self.views
    }

    /// Whose parameters it was made over: see [`Parameters`].
    pub(crate) fn layout(&self) -> u64 {
        self.layout
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
