//! Recording: operations are appended, shapes are checked, nothing is computed.
//!
//! The first error is kept, with the caller's place, and given by `train` and `infer`, so that model code reads like
//! mathematics. A storage is a piece of memory that an operation, an input or a parameter fills; several nodes may
//! be views of one storage (`reshape`, `stop_gradient`), which is why those two compute nothing.

use super::operation::{Operation, Spec};
use super::parameters::{Entry, ParameterId, Parameters};
use super::plan::Plan;
use super::planner;
use super::{Real, Shape};
use crate::Error;
use crate::simd::Backend;
use std::cell::RefCell;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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

pub(crate) struct Recording<T> {
    pub(crate) storages: Vec<Storage>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) operations: Vec<Recorded<T>>,
    /// The node of each parameter that is in use.
    pub(crate) parameter_nodes: Vec<Option<usize>>,
    pub(crate) kept: Vec<usize>,
    error: Option<Error>,
}

/// What [`Tape::train_with`] may be told.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrainOptions<'a> {
    /// Parameters that get no gradient and that the loss need not reach.
    pub frozen: &'a [ParameterId],
}

/// Records operations over parameters and inputs. See the crate's documentation for an example.
pub struct Tape<T> {
    id: u32,
    pub(crate) max_rows: usize,
    pub(crate) backend: Backend,
    pub(crate) entries: Vec<Entry>,
    pub(crate) flat_len: usize,
    pub(crate) layout: u64,
    pub(crate) inner: RefCell<Recording<T>>,
}

impl<T: Real> Tape<T> {
    /// An empty tape over `parameters`, for batches of up to `max_rows` samples.
    pub fn new(parameters: &Parameters<T>, max_rows: usize) -> Self {
        Self::on(parameters, max_rows, Backend::current())
    }

    /// The same with the vector instructions chosen by the caller; what the machine lacks is lowered.
    pub fn on(parameters: &Parameters<T>, max_rows: usize, backend: Backend) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let error = (max_rows == 0).then(|| Error::new("a tape for batches of no rows; allow at least one"));
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            max_rows,
            backend: backend.lowered_to_available(),
            entries: parameters.entries().to_vec(),
            flat_len: parameters.flat().len(),
            layout: parameters.layout(),
            inner: RefCell::new(Recording {
                storages: Vec::new(),
                nodes: Vec::new(),
                operations: Vec::new(),
                parameter_nodes: vec![None; parameters.entries().len()],
                kept: Vec::new(),
                error,
            }),
        }
    }

    /// A value that the caller writes before every run.
    #[track_caller]
    pub fn input(&self, name: &str, shape: Shape) -> Var {
        if !shape.fits(self.max_rows) {
            self.fail(format!("input `{name}`: shape {shape} has too many elements or dimensions"));
        }
        if shape.sample_elements() == 0 {
            self.fail(format!("input `{name}`: shape {shape} has no elements"));
        }
        self.push_storage(Origin::Input, shape, name)
    }

    /// A parameter, as an operand. Asking again gives the same handle.
    #[track_caller]
    pub fn parameter(&self, id: ParameterId) -> Var {
        let Some(entry) = self.entries.get(id.0) else {
            self.fail(format!("parameter {} is not among the {} of this tape", id.0, self.entries.len()));
            return self.dummy();
        };
        let known = self.inner.borrow().parameter_nodes[id.0];
        match known {
            Some(index) => Var { index, tape: self.id },
            None => {
                let var = self.push_storage(Origin::Parameter(id.0), entry.shape, &entry.name);
                self.inner.borrow_mut().parameter_nodes[id.0] = Some(var.index);
                var
            }
        }
    }

    /// The shape of a value; that of a single number for a Var of another tape.
    pub fn shape(&self, var: Var) -> Shape {
        let inner = self.inner.borrow();
        inner.nodes.get(var.index).filter(|_| var.tape == self.id).map_or(Shape::scalar(), |node| node.shape)
    }

    /// Keeps a value readable after a run, for instance a term of the loss to be reported.
    #[track_caller]
    pub fn keep(&self, var: Var) {
        if self.owns(var) {
            let storage = self.inner.borrow().nodes[var.index].storage;
            if matches!(self.inner.borrow().storages[storage].origin, Origin::Parameter(_)) {
                let names = self.describe(&[var]);
                self.fail(format!("keep({names}): a parameter; read it from Parameters"));
                return;
            }
            self.inner.borrow_mut().kept.push(storage);
        }
    }

    /// Appends an operation; the other recording methods end here.
    #[track_caller]
    pub fn record(&self, operation: impl Operation<T>, inputs: &[Var]) -> Var {
        if inputs.len() > 64 {
            self.fail(format!("{}: {} inputs; at most 64 are possible", operation.name(), inputs.len()));
            return self.dummy();
        }
        if !inputs.iter().all(|&var| self.owns(var)) || self.inner.borrow().error.is_some() {
            return self.dummy();
        }
        let nodes: Vec<Node> = inputs.iter().map(|var| self.inner.borrow().nodes[var.index]).collect();
        let shapes: Vec<Shape> = nodes.iter().map(|node| node.shape).collect();
        let checked = operation.infer(&shapes).and_then(|spec| {
            let sizes = [Some(spec.output), spec.saved, spec.scratch, spec.backward_scratch];
            match sizes.into_iter().flatten().find(|shape| !shape.fits(self.max_rows)) {
                Some(shape) => Err(format!("needs {shape}, which has too many elements")),
                None if spec.output.sample_elements() == 0 => {
                    Err(format!("its result {} has no elements", spec.output))
                }
                None => Ok(spec),
            }
        });
        match checked {
            Ok(spec) => {
                let index = self.inner.borrow().operations.len();
                let output = self.push_storage(Origin::Operation(index), spec.output, operation.name());
                let storage = self.inner.borrow().nodes[output.index].storage;
                self.inner.borrow_mut().operations.push(Recorded {
                    operation: Arc::new(operation),
                    inputs: nodes,
                    output: storage,
                    spec,
                    location: Location::caller(),
                });
                output
            }
            Err(reason) => {
                let names = self.describe(inputs);
                self.fail(format!("{}({names}): {reason}", operation.name()));
                self.dummy()
            }
        }
    }

    /// The same numbers under another shape with as many elements; costs nothing.
    #[track_caller]
    pub fn reshape(&self, x: Var, shape: Shape) -> Var {
        if !self.owns(x) {
            return self.dummy();
        }
        let node = self.inner.borrow().nodes[x.index];
        let same_batch = node.shape.is_batch() == shape.is_batch();
        if !same_batch || node.shape.sample_elements() != shape.sample_elements() || !shape.fits(self.max_rows) {
            self.fail(format!("reshape({}): does not fit {shape}", self.describe(&[x])));
            return self.dummy();
        }
        self.push_node(Node { shape, ..node })
    }

    /// The same value, through which no gradient flows: the only way to cut.
    #[track_caller]
    pub fn stop_gradient(&self, x: Var) -> Var {
        if !self.owns(x) {
            return self.dummy();
        }
        let node = self.inner.borrow().nodes[x.index];
        self.push_node(Node { cut: true, ..node })
    }

    /// A plan that computes `loss`, a single number, and the gradients of all parameters.
    ///
    /// # Errors
    /// The first error of recording; a loss that is not a single number; a parameter that the loss does not reach;
    /// an operation without a backward function on the way.
    #[track_caller]
    pub fn train(&self, loss: Var) -> Result<Plan<T>, Error> {
        self.train_with(loss, TrainOptions::default())
    }

    /// The same with some parameters frozen.
    ///
    /// # Errors
    /// As for [`Self::train`].
    #[track_caller]
    pub fn train_with(&self, loss: Var, options: TrainOptions<'_>) -> Result<Plan<T>, Error> {
        self.owns(loss);
        let recording = self.finished()?;
        planner::train(self, &recording, loss, options)
    }

    /// A plan that computes `outputs` and has no backward pass.
    ///
    /// # Errors
    /// The first error of recording.
    #[track_caller]
    pub fn infer(&self, outputs: &[Var]) -> Result<Plan<T>, Error> {
        outputs.iter().for_each(|&var| {
            self.owns(var);
        });
        let recording = self.finished()?;
        planner::infer(self, &recording, outputs)
    }

    /// Notes an error of the caller's own, for instance of a layer that finds its configuration impossible.
    #[track_caller]
    pub fn fail(&self, message: String) {
        let location = Location::caller();
        self.inner.borrow_mut().error.get_or_insert_with(|| Error::at(message, location));
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    fn finished(&self) -> Result<std::cell::Ref<'_, Recording<T>>, Error> {
        let recording = self.inner.borrow();
        match &recording.error {
            Some(error) => Err(error.clone()),
            None => Ok(recording),
        }
    }

    /// Whether the handle is this tape's; notes an error if not.
    #[track_caller]
    fn owns(&self, var: Var) -> bool {
        let known = var.tape == self.id && var.index < self.inner.borrow().nodes.len();
        if !known {
            self.fail("a Var of another tape, or of a recording that had failed, was used".into());
        }
        known
    }

    /// What a failed recording returns: a handle that no tape owns.
    fn dummy(&self) -> Var {
        Var { index: usize::MAX, tape: self.id }
    }

    fn push_storage(&self, origin: Origin, shape: Shape, name: &str) -> Var {
        let storage = self.inner.borrow().storages.len();
        self.inner.borrow_mut().storages.push(Storage { origin, shape, name: name.into() });
        self.push_node(Node { storage, shape, cut: false })
    }

    fn push_node(&self, node: Node) -> Var {
        let mut inner = self.inner.borrow_mut();
        inner.nodes.push(node);
        Var { index: inner.nodes.len() - 1, tape: self.id }
    }

    /// "`name` [shape], ..." of some values.
    fn describe(&self, vars: &[Var]) -> String {
        let inner = self.inner.borrow();
        let describe = |var: &Var| {
            let node = inner.nodes[var.index];
            format!("`{}` {}", inner.storages[node.storage].name, node.shape)
        };
        vars.iter().map(describe).collect::<Vec<_>>().join(", ")
    }
}
