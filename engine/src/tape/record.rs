//! Recording: operations are appended, shapes are checked, nothing is computed.
//!
//! The first error is kept, with the caller's place, and given by `train` and `infer`, so that model code reads like
//! mathematics.

use super::operation::{Operation, Spec};
use super::parameters::{ParameterId, Parameters};
use super::plan::Plan;
use super::recording::{Frame, Node, Origin, Recorded, Recording, Storage, TrainOptions, Var};
use super::{Real, Shape, planner};
use crate::base::{Backend, Error};
use std::cell::{Ref, RefCell};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Records operations over parameters and inputs. See the crate's documentation for an example.
pub struct Tape<T> {
    frame: Frame,
    recording: RefCell<Recording<T>>,
}

impl<T: Real> Tape<T> {
    /// An empty tape over `parameters`, for batches of up to `max_rows` samples.
    pub fn new(parameters: &Parameters<T>, max_rows: usize) -> Self {
        Self::on(parameters, max_rows, Backend::current())
    }

    /// The same with the vector instructions chosen by the caller.
    pub fn on(parameters: &Parameters<T>, max_rows: usize, backend: Backend) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mut recording = Recording::new(parameters.entries().len());
        if max_rows == 0 {
            recording.error = Some(Error::misuse("a tape for batches of no rows; allow at least one"));
        }
        let tape = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { frame: Frame::new(tape, parameters, max_rows, backend), recording: RefCell::new(recording) }
    }

    /// A value that the caller writes before every run.
    #[track_caller]
    pub fn input(&self, name: &str, shape: Shape) -> Var {
        if !shape.fits(self.frame.max_rows) {
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
        let Some(entry) = self.frame.entries.get(id.0) else {
            self.fail(format!("parameter {} is not among the {} of this tape", id.0, self.frame.entries.len()));
            return self.dummy();
        };
        let known = self.recording.borrow().parameter_nodes[id.0];
        match known {
            Some(index) => Var { index, tape: self.frame.tape },
            None => {
                let var = self.push_storage(Origin::Parameter(id.0), entry.shape, &entry.name);
                self.recording.borrow_mut().parameter_nodes[id.0] = Some(var.index);
                var
            }
        }
    }

    /// The shape of a value; that of a single number for a Var of another tape.
    pub fn shape(&self, var: Var) -> Shape {
        let inner = self.recording.borrow();
        inner.nodes.get(var.index).filter(|_| var.tape == self.frame.tape).map_or(Shape::scalar(), |node| node.shape)
    }

    /// Keeps a value readable after a run, for instance a term of the loss to be reported.
    #[track_caller]
    pub fn keep(&self, var: Var) {
        if self.owns(var) {
            let storage = self.recording.borrow().nodes[var.index].storage;
            if matches!(self.recording.borrow().storages[storage].origin, Origin::Parameter(_)) {
                let names = self.describe(&[var]);
                self.fail(format!("keep({names}): a parameter; read it from Parameters"));
                return;
            }
            self.recording.borrow_mut().kept.push(storage);
        }
    }

    /// Appends an operation; the other recording methods end here.
    #[track_caller]
    pub fn record(&self, operation: impl Operation<T>, inputs: &[Var]) -> Var {
        self.record_dyn(Arc::new(operation), inputs)
    }

    /// [`Self::record`], compiled once for all operations.
    #[track_caller]
    fn record_dyn(&self, operation: Arc<dyn Operation<T>>, inputs: &[Var]) -> Var {
        if inputs.len() > 64 {
            self.fail(format!("{}: {} inputs; at most 64 are possible", operation.name(), inputs.len()));
            return self.dummy();
        }
        if !inputs.iter().all(|&var| self.owns(var)) || self.recording.borrow().error.is_some() {
            return self.dummy();
        }
        let nodes: Vec<Node> = inputs.iter().map(|var| self.recording.borrow().nodes[var.index]).collect();
        let shapes: Vec<Shape> = nodes.iter().map(|node| node.shape).collect();
        let checked = operation.infer(&shapes).and_then(|spec| self.checked(spec, inputs.len()));
        match checked {
            Ok(spec) => {
                let index = self.recording.borrow().operations.len();
                let name = operation.name();
                let output = self.push_storage(Origin::Operation(index), spec.output, name);
                let storage = self.recording.borrow().nodes[output.index].storage;
                self.recording.borrow_mut().operations.push(Recorded {
                    operation,
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

    /// The shape rule's answer, if memory can hold it.
    fn checked(&self, spec: Spec, inputs: usize) -> Result<Spec, String> {
        spec.check(inputs)?;
        let sizes = [Some(spec.output), spec.saved, spec.scratch, spec.backward_scratch];
        match sizes.into_iter().flatten().find(|shape| !shape.fits(self.frame.max_rows)) {
            Some(shape) => Err(format!("needs {shape}, which has too many elements")),
            None if spec.output.sample_elements() == 0 => Err(format!("its result {} has no elements", spec.output)),
            None => Ok(spec),
        }
    }

    /// The same numbers under another shape with as many elements; costs nothing.
    #[track_caller]
    pub fn reshape(&self, x: Var, shape: Shape) -> Var {
        if !self.owns(x) {
            return self.dummy();
        }
        let node = self.recording.borrow().nodes[x.index];
        let same_batch = node.shape.is_batch() == shape.is_batch();
        if !same_batch || node.shape.sample_elements() != shape.sample_elements() || !shape.fits(self.frame.max_rows) {
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
        let node = self.recording.borrow().nodes[x.index];
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
        planner::train(&self.frame, &recording, loss, options)
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
        planner::infer(&self.frame, &recording, outputs)
    }

    /// Notes an error of the caller's own, for instance of a layer that finds its configuration impossible.
    #[track_caller]
    pub fn fail(&self, message: String) {
        let location = Location::caller();
        self.recording.borrow_mut().error.get_or_insert_with(|| Error::shape(message).at(location));
    }

    fn finished(&self) -> Result<Ref<'_, Recording<T>>, Error> {
        let recording = self.recording.borrow();
        match &recording.error {
            Some(error) => Err(error.clone()),
            None => Ok(recording),
        }
    }

    /// Whether the handle is this tape's; notes an error if not.
    #[track_caller]
    fn owns(&self, var: Var) -> bool {
        let known = var.tape == self.frame.tape && var.index < self.recording.borrow().nodes.len();
        if !known {
            self.fail("a Var of another tape, or of a recording that had failed, was used".into());
        }
        known
    }

    /// What a failed recording returns: a handle that no tape owns.
    fn dummy(&self) -> Var {
        Var { index: usize::MAX, tape: self.frame.tape }
    }

    fn push_storage(&self, origin: Origin, shape: Shape, name: &str) -> Var {
        let storage = self.recording.borrow().storages.len();
        self.recording.borrow_mut().storages.push(Storage { origin, shape, name: name.into() });
        self.push_node(Node { storage, shape, cut: false })
    }

    fn push_node(&self, node: Node) -> Var {
        let mut inner = self.recording.borrow_mut();
        inner.nodes.push(node);
        Var { index: inner.nodes.len() - 1, tape: self.frame.tape }
    }

    /// "`name` [shape], ..." of some values.
    fn describe(&self, vars: &[Var]) -> String {
        let inner = self.recording.borrow();
        let describe = |var: &Var| {
            let node = inner.nodes[var.index];
            format!("`{}` {}", inner.storages[node.storage].name, node.shape)
        };
        vars.iter().map(describe).collect::<Vec<_>>().join(", ")
    }
}
