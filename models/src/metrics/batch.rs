//! A batch of scaled samples in a plan's inputs.

use crate::Result;
use crate::autoencoders::Inputs;
use crate::model::mask_missing;
use narrows_engine::Workspace;
use narrows_engine::random::Noise;

/// The seed of corruptions and samples: two evaluations of a model see the same.
const SEED: u64 = 0x4556_414c;

/// Scaled samples into a plan's input, with what else it takes, and noise that is the batch's own. `labels` are those
/// of all the data and the batch's rows among them.
pub(super) fn load(
    workspace: &mut Workspace<f32>,
    inputs: &Inputs,
    samples: &[f32],
    labels: Option<(&[u32], &[u32])>,
    (rows, step): (usize, u64),
) -> Result<()> {
    workspace.set_rows(rows)?;
    workspace.set_noise(Noise { seed: SEED, step });
    workspace.input_mut(inputs.x)?.copy_from_slice(samples);
    if let (Some(var), Some((labels, rows))) = (inputs.labels, labels) {
        let to = workspace.input_mut(var)?;
        to.iter_mut().zip(rows).for_each(|(to, &row)| *to = labels[row as usize] as f32);
    }
    match inputs.mask {
        Some(mask) => mask_missing(workspace, inputs.x, mask),
        None => Ok(()),
    }
}
