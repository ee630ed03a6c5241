//! What a tape has written down: values, the memory they lie in, operations. Plain data; `record` fills it and
//! `planner` lays it out.
//!
//! A storage is a piece of memory that an operation, an input or a parameter fills; several nodes may be views of one
//! storage (`reshape`, `stop_gradient`), which is why those two compute nothing.

use super::operation::{Operation, Spec};
use super::parameters::{Entry, ParameterId, Parameters};
use super::{Real, Shape};
use crate::base::{Backend, Error};
use std::panic::Location;
use std::sync::Arc;

/// A handle to a recorded value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Var {
    pub(crate) index: usize,
    pub(crate) tape: u32,
}

/// What fills a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Input,
    Parameter(usize),
    Operation(usize),
}

/// A piece of memory and what it is called in errors.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) origin: Origin,
    pub(crate) shape: Shape,
    pub(crate) name: String,
}

/// A view of a storage; `cut` stops gradients.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) storage: usize,
    pub(crate) shape: Shape,
    pub(crate) cut: bool,
}

/// An operation with its inputs and its result's storage.
pub(crate) struct Recorded<T> {
    pub(crate) operation: Arc<dyn Operation<T>>,
    pub(crate) inputs: Vec<Node>,
    pub(crate) output: usize,
    pub(crate) spec: Spec,
    pub(crate) location: &'static Location<'static>,
}

impl<T> Clone for Recorded<T> {
    fn clone(&self) -> Self {
        Self {
            operation: Arc::clone(&self.operation),
            inputs: self.inputs.clone(),
            output: self.output,
            spec: self.spec.clone(),
            location: self.location,
        }
    }
}

/// What a tape is recorded over, and for which machine.
pub(crate) struct Frame {
    pub(crate) tape: u32,
    pub(crate) max_rows: usize,
    pub(crate) backend: Backend,
    pub(crate) entries: Vec<Entry>,
    pub(crate) flat_len: usize,
    pub(crate) layout: u64,
}

impl Frame {
    pub(crate) fn new<T: Real>(tape: u32, parameters: &Parameters<T>, max_rows: usize, backend: Backend) -> Self {
        Self {
            tape,
            max_rows,
            backend,
            entries: parameters.entries().to_vec(),
            flat_len: parameters.flat().len(),
            layout: parameters.layout(),
        }
    }
}

/// Everything recorded so far.
pub(crate) struct Recording<T> {
    pub(crate) storages: Vec<Storage>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) operations: Vec<Recorded<T>>,
    /// The node of each parameter that is in use.
    pub(crate) parameter_nodes: Vec<Option<usize>>,
    pub(crate) kept: Vec<usize>,
    /// The first error.
    pub(crate) error: Option<Error>,
}

impl<T> Recording<T> {
    /// Nothing yet, over so many parameters.
    pub(crate) fn new(parameters: usize) -> Self {
        Self {
            storages: Vec::new(),
            nodes: Vec::new(),
            operations: Vec::new(),
            parameter_nodes: vec![None; parameters],
            kept: Vec::new(),
            error: None,
        }
    }
}

/// What [`Tape::train_with`](super::Tape::train_with) may be told.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrainOptions<'a> {
    /// Parameters that get no gradient and that the loss need not reach.
    pub frozen: &'a [ParameterId],
}
