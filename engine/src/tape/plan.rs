//! Plans: which operations run in which order, and where every value and gradient lies.
//!
//! Time runs over the forward operations and then over the backward ones; a value lives from the operation that
//! writes it to the last one that reads it, in either pass. `slots` shares memory between values that do not meet.
//! Views have no memory of their own. An element-wise operation may write over its input if nobody reads that later,
//! and a loss may leave its gradient where the backward pass expects it.

use super::operation::{Backward, Device, Forward, GradientPlace, Gradients, Inputs, Located, Place};
use super::parameters::Parameters;
use super::record::{Node, Origin, Recorded, Recording, Tape, TrainOptions, Var};
use super::slots::{Interval, assign};
use super::workspace::{Visible, Workspace};
use super::{Real, Shape};
use crate::simd::{Backend, Buffer};
use crate::{Error, Split};
use std::mem::take;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// One operation of a plan and its places.
pub(crate) struct Planned<T> {
    pub(crate) recorded: Recorded<T>,
    parameters: Vec<String>,
    inputs: Vec<Located>,
    storages: Vec<usize>,
    output: usize,
    in_place: bool,
    saved: Option<usize>,
    scratch: Option<usize>,
    early: Option<usize>,
    backward: Option<PlannedBackward>,
    number: u32,
}

struct PlannedBackward {
    output_gradient: usize,
    places: Vec<GradientPlace>,
    taken: Vec<usize>,
    scratch: Option<usize>,
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
    /// Whether it has a part in the backward pass.
    pub backward: bool,
}

/// An immutable, shareable list of operations with their memory laid out. Made by [`Tape::train`] and
/// [`Tape::infer`], run over [`Parameters`] and a [`Workspace`].
pub struct Plan<T> {
    pub(crate) id: u64,
    pub(crate) max_rows: usize,
    pub(crate) operations: Vec<Planned<T>>,
    pub(crate) slot_sizes: Vec<usize>,
    pub(crate) storage_count: usize,
    pub(crate) flat_len: usize,
    pub(crate) visible: Vec<Visible>,
    pub(crate) loss: Option<(usize, usize)>,
    backend: Backend,
    trained: Vec<Range<usize>>,
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
        self.check(parameters, w)?;
        for planned in &self.operations {
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
        }
        w.forward_done = true;
        Ok(())
    }

    /// Computes the gradients of the parameters, after [`Self::forward`] on the same inputs.
    ///
    /// # Errors
    /// A plan without a backward pass, no forward pass before, parameters or a workspace of another plan.
    pub fn backward(&self, parameters: &Parameters<T>, w: &mut Workspace<T>, split: Split) -> Result<(), Error> {
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
        for planned in self.operations.iter().rev() {
            if let Some(backward) = &planned.backward {
                self.step_back(planned, backward, parameters, w, split);
            }
        }
        Ok(())
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
            scratch: head(&mut scratch, spec.scratch, rows),
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
        if parameters.flat().len() != self.flat_len {
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
        (self.slot_sizes.iter().sum::<usize>() + gradients).saturating_mul(size_of::<T>())
    }

    /// The operations in their order.
    pub fn operations(&self) -> impl Iterator<Item = OperationInfo> + '_ {
        self.operations.iter().map(|planned| {
            let spec = &planned.recorded.spec;
            let rows = self.max_rows;
            let read: usize = planned.inputs.iter().map(|input| input.shape.elements(rows)).sum();
            OperationInfo {
                name: planned.recorded.operation.name(),
                parameters: planned.parameters.clone(),
                output: spec.output,
                flops: spec.flops.0.saturating_add(spec.flops.1.saturating_mul(rows as u64)),
                bytes: ((read + spec.output.elements(rows)) * size_of::<T>()) as u64,
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

/// A plan without a backward pass.
pub(crate) fn infer<T: Real>(tape: &Tape<T>, recording: &Recording<T>, outputs: &[Var]) -> Result<Plan<T>, Error> {
    let kept: Vec<usize> = outputs.iter().map(|var| recording.nodes[var.index].storage).collect();
    Ok(Planner::new(tape, recording, kept, None).plan())
}

/// A plan with the gradients of `loss`.
pub(crate) fn train<T: Real>(
    tape: &Tape<T>,
    recording: &Recording<T>,
    loss: Var,
    options: TrainOptions<'_>,
) -> Result<Plan<T>, Error> {
    let node = recording.nodes[loss.index];
    if node.shape.is_batch() || node.shape.elements(1) != 1 {
        return Err(Error::new(format!("the loss has the shape {}; it must be a single number", node.shape)));
    }
    let mut frozen = vec![false; tape.entries.len()];
    options.frozen.iter().for_each(|id| {
        if let Some(frozen) = frozen.get_mut(id.0) {
            *frozen = true;
        }
    });
    let path = Path::find(tape, recording, node, &frozen)?;
    let mut kept = recording.kept.clone();
    kept.push(node.storage);
    Ok(Planner::new(tape, recording, kept, Some((path, node.storage, frozen))).plan())
}

/// Which storages have a gradient.
pub(crate) struct Path {
    wanted: Vec<bool>,
}

impl Path {
    /// Walks from the parameters up and from the loss down; refuses what cannot be differentiated or reached.
    fn find<T: Real>(tape: &Tape<T>, recording: &Recording<T>, loss: Node, frozen: &[bool]) -> Result<Self, Error> {
        let mut depends = vec![false; recording.storages.len()];
        for (index, storage) in recording.storages.iter().enumerate() {
            depends[index] = match storage.origin {
                Origin::Input => false,
                Origin::Parameter(parameter) => !frozen[parameter],
                Origin::Operation(operation) => {
                    recording.operations[operation].inputs.iter().any(|input| !input.cut && depends[input.storage])
                }
            };
        }
        let mut wanted = vec![false; recording.storages.len()];
        wanted[loss.storage] = depends[loss.storage] && !loss.cut;
        for recorded in recording.operations.iter().rev().filter(|recorded| depends[recorded.output]) {
            if !wanted[recorded.output] {
                continue;
            }
            for (i, input) in recorded.inputs.iter().enumerate() {
                if input.cut || !depends[input.storage] {
                    continue;
                }
                if recorded.spec.differentiable & (1 << i) == 0 {
                    let name = recorded.operation.name();
                    let what = format!(
                        "{name}: no gradient flows through its input {i} (`{}`), but the loss depends on it; \
                         use stop_gradient if that is meant",
                        recording.storages[input.storage].name
                    );
                    return Err(Error::at(what, recorded.location));
                }
                wanted[input.storage] = true;
            }
        }
        let reached = |parameter: usize| {
            recording.parameter_nodes[parameter].is_some_and(|node| wanted[recording.nodes[node].storage])
        };
        let missed: Vec<&str> = (0..tape.entries.len())
            .filter(|&parameter| !frozen[parameter] && !reached(parameter))
            .map(|parameter| tape.entries[parameter].name.as_str())
            .collect();
        if !missed.is_empty() {
            let list = missed.join("`, `");
            return Err(Error::new(format!("the loss does not depend on `{list}`; freeze what is not to be trained")));
        }
        if !wanted[loss.storage] {
            return Err(Error::new("the loss depends on no parameter; there is nothing to train"));
        }
        Ok(Self { wanted })
    }
}

/// The planner's notes while it lays out one plan.
struct Planner<'a, T> {
    tape: &'a Tape<T>,
    recording: &'a Recording<T>,
    kept: Vec<usize>,
    path: Option<(Path, usize, Vec<bool>)>,
    /// The recorded operations that run, in order.
    order: Vec<usize>,
    /// For each recorded operation, its time in the forward and in the backward pass.
    forward_time: Vec<Option<usize>>,
    backward_time: Vec<Option<usize>>,
    end: usize,
    intervals: Vec<Interval>,
    /// For each storage, the interval of its value and that of its gradient.
    value: Vec<Option<usize>>,
    gradient: Vec<Option<usize>>,
}

impl<'a, T: Real> Planner<'a, T> {
    fn new(
        tape: &'a Tape<T>,
        recording: &'a Recording<T>,
        kept: Vec<usize>,
        path: Option<(Path, usize, Vec<bool>)>,
    ) -> Self {
        let count = recording.storages.len();
        let mut planner = Self {
            tape,
            recording,
            kept,
            path,
            order: Vec::new(),
            forward_time: vec![None; recording.operations.len()],
            backward_time: vec![None; recording.operations.len()],
            end: 0,
            intervals: Vec::new(),
            value: vec![None; count],
            gradient: vec![None; count],
        };
        planner.set_times();
        planner
    }

    fn wanted(&self, storage: usize) -> bool {
        self.path.as_ref().is_some_and(|(path, ..)| path.wanted[storage])
    }

    /// Finds the operations that the kept values need, and when each runs.
    fn set_times(&mut self) {
        let mut needed = vec![false; self.recording.storages.len()];
        self.kept.iter().for_each(|&storage| needed[storage] = true);
        for recorded in self.recording.operations.iter().rev() {
            if needed[recorded.output] {
                recorded.inputs.iter().for_each(|input| needed[input.storage] = true);
            }
        }
        let operations = self.recording.operations.iter().enumerate();
        self.order = operations.filter(|(_, recorded)| needed[recorded.output]).map(|(index, _)| index).collect();
        for (time, &index) in self.order.iter().enumerate() {
            self.forward_time[index] = Some(time + 1);
        }
        let mut time = self.order.len() + 1;
        for &index in self.order.iter().rev() {
            if self.wanted(self.recording.operations[index].output) {
                time += 1;
                self.backward_time[index] = Some(time);
            }
        }
        self.end = time + 1;
    }

    fn interval(&mut self, from: usize, to: usize, shape: Shape) -> usize {
        self.intervals.push(Interval { from, to, elements: shape.elements(self.tape.max_rows).max(1) });
        self.intervals.len() - 1
    }

    /// When the value of a storage is last read.
    fn last_use(&self, storage: usize) -> usize {
        if self.kept.contains(&storage) || self.recording.storages[storage].origin == Origin::Input {
            return self.end;
        }
        let mut last = 0;
        for &index in &self.order {
            let recorded = &self.recording.operations[index];
            if recorded.output == storage {
                last = last.max(self.forward_time[index].unwrap_or(0));
                if recorded.spec.reads_output {
                    last = last.max(self.backward_time[index].unwrap_or(0));
                }
            }
            for (i, input) in recorded.inputs.iter().enumerate().filter(|(_, input)| input.storage == storage) {
                let _ = input;
                last = last.max(self.forward_time[index].unwrap_or(0));
                if recorded.spec.reads_inputs & (1 << i) != 0 {
                    last = last.max(self.backward_time[index].unwrap_or(0));
                }
            }
        }
        last
    }

    /// Gives every value an interval; returns which operations write over their input.
    fn place_values(&mut self) -> Vec<bool> {
        for (index, storage) in self.recording.storages.iter().enumerate() {
            if storage.origin == Origin::Input {
                self.value[index] = Some(self.interval(0, self.end, storage.shape));
            }
        }
        let mut in_place = vec![false; self.recording.operations.len()];
        for position in 0..self.order.len() {
            let index = self.order[position];
            let recorded = &self.recording.operations[index];
            let time = position + 1;
            let last = self.last_use(recorded.output).max(time);
            if let Some(input) = recorded.inputs.first().filter(|_| recorded.spec.in_place) {
                let written_here = matches!(self.recording.storages[input.storage].origin, Origin::Operation(_));
                let same_size = input.shape.elements(2) == recorded.spec.output.elements(2)
                    && input.shape.is_batch() == recorded.spec.output.is_batch();
                if written_here && same_size && self.last_use(input.storage) == time {
                    in_place[index] = true;
                    self.value[recorded.output] = self.value[input.storage];
                    if let Some(interval) = self.value[input.storage] {
                        self.intervals[interval].to = self.intervals[interval].to.max(last);
                    }
                    continue;
                }
            }
            self.value[recorded.output] = Some(self.interval(time, last, recorded.spec.output));
        }
        in_place
    }

    /// Gives every gradient an interval; returns which operations reuse the output's gradient, and which losses
    /// leave their gradient while they run forward.
    fn place_gradients(&mut self) -> (Vec<bool>, Vec<bool>) {
        let count = self.recording.operations.len();
        let (mut reuses, mut early) = (vec![false; count], vec![false; count]);
        if let Some((_, loss, _)) = self.path {
            let shape = self.recording.storages[loss].shape;
            self.gradient[loss] = Some(self.interval(self.order.len() + 1, self.end, shape));
        }
        for position in (0..self.order.len()).rev() {
            let index = self.order[position];
            let Some(time) = self.backward_time[index] else { continue };
            let recorded = &self.recording.operations[index];
            for (i, input) in recorded.inputs.iter().enumerate() {
                let parameter = matches!(self.recording.storages[input.storage].origin, Origin::Parameter(_));
                if input.cut || !self.wanted(input.storage) || parameter || self.gradient[input.storage].is_some() {
                    continue;
                }
                let Origin::Operation(producer) = self.recording.storages[input.storage].origin else { continue };
                let until = self.backward_time[producer].unwrap_or(self.end);
                let spec = &recorded.spec;
                let same_size = input.shape.elements(2) == spec.output.elements(2)
                    && input.shape.is_batch() == spec.output.is_batch();
                if i == 0 && spec.gradient_in_place && same_size {
                    reuses[index] = true;
                    self.gradient[input.storage] = self.gradient[recorded.output];
                    if let Some(interval) = self.gradient[recorded.output] {
                        self.intervals[interval].to = self.intervals[interval].to.max(until);
                    }
                    continue;
                }
                early[index] |= i == 0 && spec.early_gradient;
                let from = if early[index] && i == 0 { position + 1 } else { time };
                let shape = self.recording.storages[input.storage].shape;
                self.gradient[input.storage] = Some(self.interval(from, until, shape));
            }
        }
        (reuses, early)
    }

    fn plan(mut self) -> Plan<T> {
        let in_place = self.place_values();
        let (reuses, early) = self.place_gradients();
        // What lives only around one operation.
        let mut saved = vec![None; self.recording.operations.len()];
        let mut scratch = vec![(None, None); self.recording.operations.len()];
        for position in 0..self.order.len() {
            let index = self.order[position];
            let (forward, backward) = (position + 1, self.backward_time[index]);
            let spec = &self.recording.operations[index].spec;
            if let (Some(shape), Some(backward)) = (spec.saved, backward) {
                saved[index] = Some(self.interval(forward, backward, shape));
            }
            if let Some(shape) = spec.scratch {
                scratch[index].0 = Some(self.interval(forward, forward, shape));
                scratch[index].1 = backward.map(|backward| self.interval(backward, backward, shape));
            }
        }
        let (slot_of, slot_sizes) = assign(&self.intervals);
        let place = |interval: Option<usize>| interval.map(|interval| slot_of[interval]);
        let operations: Vec<Planned<T>> = self
            .order
            .iter()
            .map(|&index| {
                let recorded = &self.recording.operations[index];
                Planned {
                    parameters: self.parameter_names(recorded),
                    inputs: recorded.inputs.iter().map(|input| self.locate(input, &slot_of)).collect(),
                    storages: recorded.inputs.iter().map(|input| input.storage).collect(),
                    output: place(self.value[recorded.output]).unwrap_or(0),
                    in_place: in_place[index],
                    saved: place(saved[index]),
                    scratch: place(scratch[index].0),
                    early: if early[index] { place(self.gradient[recorded.inputs[0].storage]) } else { None },
                    backward: self.backward_time[index].map(|_| {
                        let (places, taken) = self.gradient_places(recorded, reuses[index], &slot_of);
                        PlannedBackward {
                            output_gradient: place(self.gradient[recorded.output]).unwrap_or(0),
                            places,
                            taken,
                            scratch: place(scratch[index].1),
                        }
                    }),
                    recorded: recorded.clone(),
                    number: index as u32,
                }
            })
            .collect();
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Plan {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            max_rows: self.tape.max_rows,
            operations,
            slot_sizes,
            storage_count: self.recording.storages.len(),
            flat_len: self.tape.flat_len,
            visible: self.visible(&slot_of),
            loss: self.path.as_ref().map(|&(_, loss, _)| (place(self.gradient[loss]).unwrap_or(0), loss)),
            backend: self.tape.backend,
            trained: self.trained(),
        }
    }

    fn parameter_names(&self, recorded: &Recorded<T>) -> Vec<String> {
        let storages = recorded.inputs.iter().map(|input| &self.recording.storages[input.storage]);
        storages.filter(|storage| matches!(storage.origin, Origin::Parameter(_))).map(|s| s.name.clone()).collect()
    }

    fn locate(&self, node: &Node, slot_of: &[usize]) -> Located {
        let place = match self.recording.storages[node.storage].origin {
            Origin::Parameter(parameter) => Place::Parameter { start: self.tape.entries[parameter].range.start },
            _ => Place::Slot(self.value[node.storage].map_or(0, |interval| slot_of[interval])),
        };
        Located { place, shape: node.shape }
    }

    /// Where the gradients of an operation's inputs go, and the slots to be taken out while it runs.
    fn gradient_places(
        &self,
        recorded: &Recorded<T>,
        reuses: bool,
        slot_of: &[usize],
    ) -> (Vec<GradientPlace>, Vec<usize>) {
        let mut taken: Vec<usize> = Vec::new();
        let places = recorded.inputs.iter().enumerate().map(|(i, input)| {
            if input.cut || !self.wanted(input.storage) {
                return GradientPlace::None;
            }
            if i == 0 && reuses {
                return GradientPlace::OutputGradient;
            }
            match (self.recording.storages[input.storage].origin, self.gradient[input.storage]) {
                (Origin::Parameter(parameter), _) => {
                    let range = &self.tape.entries[parameter].range;
                    GradientPlace::Parameter(range.start, range.end)
                }
                (_, Some(interval)) => {
                    let slot = slot_of[interval];
                    let position = taken.iter().position(|&known| known == slot).unwrap_or_else(|| {
                        taken.push(slot);
                        taken.len() - 1
                    });
                    GradientPlace::Taken(position)
                }
                (_, None) => GradientPlace::None,
            }
        });
        let places: Vec<GradientPlace> = places.collect();
        (places, taken)
    }

    fn visible(&self, slot_of: &[usize]) -> Vec<Visible> {
        let nodes = self.recording.nodes.iter().enumerate();
        let shown = nodes.filter(|(_, node)| {
            self.kept.contains(&node.storage) || self.recording.storages[node.storage].origin == Origin::Input
        });
        shown
            .filter(|(_, node)| self.value[node.storage].is_some())
            .map(|(index, node)| Visible {
                var: Var { index, tape: self.tape.id() },
                place: self.locate(node, slot_of).place,
                shape: node.shape,
                input: self.recording.storages[node.storage].origin == Origin::Input,
            })
            .collect()
    }

    /// The trained parts of the flat buffer, neighbours merged over the gaps between them.
    fn trained(&self) -> Vec<Range<usize>> {
        let Some((_, _, frozen)) = &self.path else { return Vec::new() };
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for (index, entry) in self.tape.entries.iter().enumerate() {
            if frozen[index] {
                continue;
            }
            let end = self.tape.entries.get(index + 1).map_or(self.tape.flat_len, |next| next.range.start);
            match ranges.last_mut() {
                Some(last) if last.end == entry.range.start => last.end = end,
                _ => ranges.push(entry.range.start..end),
            }
        }
        ranges
    }
}
