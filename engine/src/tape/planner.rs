//! Making a plan: what is needed, what has a gradient, when each value lives, where it lies.
//!
//! Time runs over the forward operations and then over the backward ones; a value lives from the operation that
//! writes it to the last one that reads it, in either pass. `slots` shares memory between values that do not meet.
//! Views have no memory of their own. An element-wise operation may write over its input if nobody reads that later,
//! and a loss may leave its gradient where the backward pass expects it.

use super::operation::{GradientPlace, Located, Place};
use super::plan::{Plan, Planned, PlannedBackward};
use super::record::{Node, Origin, Recorded, Recording, Tape, TrainOptions, Var};
use super::slots::{Interval, assign};
use super::workspace::Visible;
use super::{Real, Shape};
use crate::Error;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// A plan without a backward pass.
pub(crate) fn infer<T: Real>(tape: &Tape<T>, recording: &Recording<T>, outputs: &[Var]) -> Result<Plan<T>, Error> {
    let parameter = outputs.iter().map(|var| &recording.storages[recording.nodes[var.index].storage]);
    if let Some(parameter) = parameter.into_iter().find(|storage| matches!(storage.origin, Origin::Parameter(_))) {
        return Err(Error::new(format!("`{}` is a parameter; read it from Parameters", parameter.name)));
    }
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
    if !matches!(recording.storages[node.storage].origin, Origin::Operation(_)) {
        return Err(Error::new("the loss is not the result of an operation; there is nothing to differentiate"));
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

/// Whether the storage of `input` is that of no other input: only then may an operation write over it.
fn once<T>(recorded: &Recorded<T>, input: &Node) -> bool {
    recorded.inputs.iter().filter(|other| other.storage == input.storage).count() == 1
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
                if written_here && same_size && once(recorded, input) && self.last_use(input.storage) == time {
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
                if i == 0 && spec.gradient_in_place && same_size && once(recorded, input) {
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
            }
            if let (Some(shape), Some(backward)) = (spec.backward_scratch, backward) {
                scratch[index].1 = Some(self.interval(backward, backward, shape));
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
            views: self.views(),
            layout: self.tape.layout,
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

    /// The trained parameters' places, one by one.
    fn views(&self) -> Vec<Range<usize>> {
        let Some((_, _, frozen)) = &self.path else { return Vec::new() };
        let entries = self.tape.entries.iter().zip(frozen);
        entries.filter(|(_, frozen)| !**frozen).map(|(entry, _)| entry.range.clone()).collect()
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
