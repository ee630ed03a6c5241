//! Which values have a gradient: those between the trained parameters and the loss.
//!
//! From the parameters up it is found what depends on them, from the loss down what it depends on. An operation on the
//! way that no gradient flows through is refused, and so is a trained parameter that the loss does not reach.

use super::Real;
use super::recording::{Frame, Node, Origin, Recording};
use crate::base::Error;

/// Which storages have a gradient.
pub(super) struct Path {
    pub(super) wanted: Vec<bool>,
    /// For each parameter, whether it gets none.
    pub(super) frozen: Vec<bool>,
    /// The loss's storage.
    pub(super) loss: usize,
}

impl Path {
    /// Walks from the parameters up and from the loss down.
    pub(super) fn find<T: Real>(
        frame: &Frame,
        recording: &Recording<T>,
        loss: Node,
        frozen: Vec<bool>,
    ) -> Result<Self, Error> {
        let depends = depends(recording, &frozen);
        let wanted = wanted(recording, loss, &depends)?;
        let reached = |parameter: usize| {
            recording.parameter_nodes[parameter].is_some_and(|node| wanted[recording.nodes[node].storage])
        };
        let missed: Vec<&str> = (0..frame.entries.len())
            .filter(|&parameter| !frozen[parameter] && !reached(parameter))
            .map(|parameter| frame.entries[parameter].name.as_str())
            .collect();
        if !missed.is_empty() {
            let list = missed.join("`, `");
            return Err(Error::misuse(format!(
                "the loss does not depend on `{list}`; freeze what is not to be trained"
            )));
        }
        if !wanted[loss.storage] {
            return Err(Error::misuse("the loss depends on no parameter; there is nothing to train"));
        }
        Ok(Self { wanted, frozen, loss: loss.storage })
    }
}

/// For each storage, whether it depends on a parameter that is not frozen.
fn depends<T: Real>(recording: &Recording<T>, frozen: &[bool]) -> Vec<bool> {
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
    depends
}

/// For each storage, whether the loss's gradient comes to it.
fn wanted<T: Real>(recording: &Recording<T>, loss: Node, depends: &[bool]) -> Result<Vec<bool>, Error> {
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
                return Err(Error::misuse(what).at(recorded.location));
            }
            wanted[input.storage] = true;
        }
    }
    Ok(wanted)
}
