//! Making a plan: what is needed, what has a gradient, when each value lives, where it lies.
//!
//! Time runs over the forward operations and then over the backward ones; a value lives from the operation that
//! writes it to the last one that reads it, in either pass. `slots` shares memory between values that do not meet.
//! Views have no memory of their own. An element-wise operation may write over its input if nobody reads that later,
//! and a loss may leave its gradient where the backward pass expects it.

use super::operation::{GradientPlace, Located, Place};
use super::path::Path;
use super::plan::{Plan, Planned, PlannedBackward, Visible};
use super::recording::{Frame, Node, Origin, Recorded, Recording, TrainOptions, Var};
use super::slots::{Interval, assign};
use super::{Real, Shape};
use crate::base::Error;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// A plan without a backward pass.
pub(crate) fn infer<T: Real>(frame: &Frame, recording: &Recording<T>, outputs: &[Var]) -> Result<Plan<T>, Error> {
    let parameter = outputs.iter().map(|var| &recording.storages[recording.nodes[var.index].storage]);
    if let Some(parameter) = parameter.into_iter().find(|storage| matches!(storage.origin, Origin::Parameter(_))) {
        return Err(Error::misuse(format!("`{}` is a parameter; read it from Parameters", parameter.name)));
    }
    let kept: Vec<usize> = outputs.iter().map(|var| recording.nodes[var.index].storage).collect();
    Ok(Planner::new(frame, recording, kept, None).plan())
}

/// A plan with the gradients of `loss`.
pub(crate) fn train<T: Real>(
    frame: &Frame,
    recording: &Recording<T>,
    loss: Var,
    options: TrainOptions<'_>,
) -> Result<Plan<T>, Error> {
    let node = recording.nodes[loss.index];
    if node.shape.is_batch() || node.shape.elements(1) != 1 {
        return Err(Error::shape(format!("the loss has the shape {}; it must be a single number", node.shape)));
    }
    if !matches!(recording.storages[node.storage].origin, Origin::Operation(_)) {
        return Err(Error::misuse("the loss is not the result of an operation; there is nothing to differentiate"));
    }
    let mut frozen = vec![false; frame.entries.len()];
    for id in options.frozen {
        let count = frame.entries.len();
        let unknown = || Error::mismatch(format!("frozen parameter {} is not among the {count} of this tape", id.0));
        *frozen.get_mut(id.0).ok_or_else(unknown)? = true;
    }
    let path = Path::find(frame, recording, node, frozen)?;
    let mut kept = recording.kept.clone();
    kept.push(node.storage);
    Ok(Planner::new(frame, recording, kept, Some(path)).plan())
}

/// Whether the storage of `input` is that of no other input: only then may an operation write over it.
fn once<T>(recorded: &Recorded<T>, input: &Node) -> bool {
    recorded.inputs.iter().filter(|other| other.storage == input.storage).count() == 1
}

/// The slot of an interval.
fn slot(interval: Option<usize>, slot_of: &[usize]) -> Option<usize> {
    interval.map(|interval| slot_of[interval])
}

/// The intervals of what lives only around one operation.
#[derive(Debug, Clone, Copy, Default)]
struct Rooms {
    saved: Option<usize>,
    scratch: Option<usize>,
    backward_scratch: Option<usize>,
}

/// What was decided about one operation.
struct Decided {
    /// It writes over its input.
    in_place: bool,
    /// Its input's gradient stands in its output's.
    reuses: bool,
    /// It leaves its input's gradient while it runs forward.
    early: bool,
    rooms: Rooms,
}

/// The planner's notes while it lays out one plan.
struct Planner<'a, T> {
    frame: &'a Frame,
    recording: &'a Recording<T>,
    kept: Vec<usize>,
    path: Option<Path>,
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
    fn new(frame: &'a Frame, recording: &'a Recording<T>, kept: Vec<usize>, path: Option<Path>) -> Self {
        let count = recording.storages.len();
        let mut planner = Self {
            frame,
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
        self.path.as_ref().is_some_and(|path| path.wanted[storage])
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
        self.intervals.push(Interval { from, to, elements: shape.elements(self.frame.max_rows).max(1) });
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
            let readers = recorded.inputs.iter().enumerate().filter(|(_, input)| input.storage == storage);
            for (i, _) in readers {
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
        if let Some(loss) = self.path.as_ref().map(|path| path.loss) {
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
                early[index] |= i == 0 && spec.early_gradient && once(recorded, input);
                let from = if early[index] && i == 0 { position + 1 } else { time };
                let shape = self.recording.storages[input.storage].shape;
                self.gradient[input.storage] = Some(self.interval(from, until, shape));
            }
        }
        (reuses, early)
    }

    /// Gives intervals to what lives only around one operation.
    fn place_rooms(&mut self) -> Vec<Rooms> {
        let mut rooms = vec![Rooms::default(); self.recording.operations.len()];
        for position in 0..self.order.len() {
            let index = self.order[position];
            let (forward, backward) = (position + 1, self.backward_time[index]);
            let spec = &self.recording.operations[index].spec;
            if let (Some(shape), Some(backward)) = (spec.saved, backward) {
                rooms[index].saved = Some(self.interval(forward, backward, shape));
            }
            if let Some(shape) = spec.scratch {
                rooms[index].scratch = Some(self.interval(forward, forward, shape));
            }
            if let (Some(shape), Some(backward)) = (spec.backward_scratch, backward) {
                rooms[index].backward_scratch = Some(self.interval(backward, backward, shape));
            }
        }
        rooms
    }

    fn plan(mut self) -> Plan<T> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let in_place = self.place_values();
        let (reuses, early) = self.place_gradients();
        let rooms = self.place_rooms();
        let (slot_of, slot_sizes) = assign(&self.intervals);
        let operation = |&index: &usize| {
            let decided =
                Decided { in_place: in_place[index], reuses: reuses[index], early: early[index], rooms: rooms[index] };
            self.planned(index, decided, &slot_of)
        };
        Plan {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            max_rows: self.frame.max_rows,
            operations: self.order.iter().map(operation).collect(),
            storage_count: self.recording.storages.len(),
            flat_len: self.frame.flat_len,
            visible: self.visible(&slot_of),
            loss: self.path.as_ref().map(|path| (slot(self.gradient[path.loss], &slot_of).unwrap_or(0), path.loss)),
            backend: self.frame.backend,
            trained: self.trained(),
            views: self.views(),
            layout: self.frame.layout,
            slot_sizes,
        }
    }

    /// One operation with its places.
    fn planned(&self, index: usize, decided: Decided, slot_of: &[usize]) -> Planned<T> {
        let recorded = &self.recording.operations[index];
        let Decided { in_place, reuses, early, rooms } = decided;
        let early = recorded.inputs.first().filter(|_| early).and_then(|input| self.gradient[input.storage]);
        let backward = self.backward_time[index].map(|_| {
            let (places, taken) = self.gradient_places(recorded, reuses, slot_of);
            PlannedBackward {
                output_gradient: slot(self.gradient[recorded.output], slot_of).unwrap_or(0),
                places,
                taken,
                scratch: slot(rooms.backward_scratch, slot_of),
            }
        });
        Planned {
            parameters: self.parameter_names(recorded),
            inputs: recorded.inputs.iter().map(|input| self.locate(input, slot_of)).collect(),
            storages: recorded.inputs.iter().map(|input| input.storage).collect(),
            output: slot(self.value[recorded.output], slot_of).unwrap_or(0),
            in_place,
            saved: slot(rooms.saved, slot_of),
            scratch: slot(rooms.scratch, slot_of),
            early: slot(early, slot_of),
            backward,
            recorded: recorded.clone(),
            number: index as u32,
        }
    }

    fn parameter_names(&self, recorded: &Recorded<T>) -> Vec<String> {
        let storages = recorded.inputs.iter().map(|input| &self.recording.storages[input.storage]);
        storages.filter(|storage| matches!(storage.origin, Origin::Parameter(_))).map(|s| s.name.clone()).collect()
    }

    fn locate(&self, node: &Node, slot_of: &[usize]) -> Located {
        let place = match self.recording.storages[node.storage].origin {
            Origin::Parameter(parameter) => Place::Parameter { start: self.frame.entries[parameter].range.start },
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
                    GradientPlace::Parameter(self.frame.entries[parameter].range.start)
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
                var: Var { index, tape: self.frame.tape },
                place: self.locate(node, slot_of).place,
                shape: node.shape,
                input: self.recording.storages[node.storage].origin == Origin::Input,
            })
            .collect()
    }

    /// The trained parameters' places, one by one.
    fn views(&self) -> Vec<Range<usize>> {
        let Some(Path { frozen, .. }) = &self.path else { return Vec::new() };
        let entries = self.frame.entries.iter().zip(frozen);
        entries.filter(|(_, frozen)| !**frozen).map(|(entry, _)| entry.range.clone()).collect()
    }

    /// The trained parts of the flat buffer, neighbours merged over the gaps between them.
    fn trained(&self) -> Vec<Range<usize>> {
        let Some(Path { frozen, .. }) = &self.path else { return Vec::new() };
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for (index, entry) in self.frame.entries.iter().enumerate() {
            if frozen[index] {
                continue;
            }
            let end = self.frame.entries.get(index + 1).map_or(self.frame.flat_len, |next| next.range.start);
            match ranges.last_mut() {
                Some(last) if last.end == entry.range.start => last.end = end,
                _ => ranges.push(entry.range.start..end),
            }
        }
        ranges
    }
}
