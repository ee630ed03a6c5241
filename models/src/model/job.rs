//! The kinds of work of a session, and how each is recorded.

use super::{Model, Recorded};
use crate::{Error, Result};
use narrows_engine::Var;

/// The work of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    Encode,
    Decode,
    Reconstruct,
    Score,
    Sample,
    Impute,
    ImputeDraw,
    Entries,
    Variances,
    DecodeEntries,
}

impl Job {
    /// How many numbers of a row it takes of a model.
    pub(super) fn width(self, model: &Model) -> usize {
        match self {
            Self::Decode | Self::Sample => model.code_size(),
            Self::DecodeEntries => model.autoencoder().entries_of_code().unwrap_or(1),
            _ => model.data().features,
        }
    }

    /// Whether these are codes, not samples.
    pub(super) fn takes_codes(self) -> bool {
        matches!(self, Self::Decode | Self::Sample | Self::DecodeEntries)
    }
}

/// How many kinds of work there are.
pub(super) const JOBS: usize = 10;
/// Draws of the code that a missing number is averaged over.
const DRAWS: usize = 64;
/// What a model that takes no missing values should be told.
const NOT_MISSING: &str =
    "with these settings takes no missing values; train one with missing true, best of type importance-weighted";

/// What a job's plan gives: the values, and the names of a score's terms.
pub(super) type Outputs = (Vec<Var>, Vec<&'static str>);

/// Records a job.
pub(super) fn record(model: &Model, job: Job) -> Result<Recorded<Outputs>> {
    let autoencoder = model.autoencoder();
    let reconstruction = &autoencoder.parts().reconstruction;
    let most = usize::MAX;
    match job {
        Job::Encode => model.recorded(most, |pass, inputs| one(autoencoder.encode(pass, inputs).value)),
        Job::Decode => model.recorded_over(most, model.code_size(), |pass, inputs| {
            let raw = autoencoder.decode(pass, &crate::autoencoders::Code::of(inputs.x), inputs);
            one(reconstruction.output(pass, raw))
        }),
        Job::Reconstruct => model.recorded(most, |pass, inputs| {
            let raw = autoencoder.decode(pass, &autoencoder.encode(pass, inputs), inputs);
            one(reconstruction.output(pass, raw))
        }),
        Job::Score => model.recorded(most, |pass, inputs| {
            let scores = autoencoder.scores(pass, inputs);
            let (names, terms): (Vec<_>, Vec<_>) = scores.terms.into_iter().unzip();
            let outputs: Vec<Var> = std::iter::once(scores.features).chain(terms).collect();
            ((outputs.clone(), names), outputs)
        }),
        Job::Impute => possible(
            |some| model.recorded(most, |pass, inputs| some(autoencoder.impute(pass, inputs, DRAWS), inputs.x)),
            model,
            NOT_MISSING,
        ),
        Job::ImputeDraw => possible(
            |some| model.recorded(most, |pass, inputs| some(autoencoder.impute_draw(pass, inputs, DRAWS), inputs.x)),
            model,
            NOT_MISSING,
        ),
        Job::Sample => possible(
            |some| {
                model.recorded_over(most, model.code_size(), |pass, inputs| {
                    let raw = autoencoder.sample(pass, inputs.x, inputs).map(|raw| reconstruction.sampled(pass, raw));
                    some(raw, inputs.x)
                })
            },
            model,
            "has no prior to sample from; train a variational or an adversarial one",
        ),
        Job::Entries => possible(
            |some| model.recorded(most, |pass, inputs| some(autoencoder.encode(pass, inputs).indices, inputs.x)),
            model,
            "has no codebook; train a vector-quantised one",
        ),
        Job::DecodeEntries => decode_entries(model),
        Job::Variances => possible(
            |some| {
                model.recorded(most, |pass, inputs| {
                    let posterior = autoencoder.encode(pass, inputs).posterior;
                    some(posterior.map(|posterior| pass.exp(posterior.log_variance)), inputs.x)
                })
            },
            model,
            "has no distribution for a code; train a variational one",
        ),
    }
}

/// Records what a codebook's entries stand for.
fn decode_entries(model: &Model) -> Result<Recorded<Outputs>> {
    let autoencoder = model.autoencoder();
    possible(
        |some| {
            model.recorded_over(usize::MAX, Job::DecodeEntries.width(model), |pass, inputs| {
                let code = autoencoder.of_entries(pass, inputs.x);
                let raw = code.map(|code| {
                    let raw = autoencoder.decode(pass, &crate::autoencoders::Code::of(code), inputs);
                    autoencoder.parts().reconstruction.output(pass, raw)
                });
                some(raw, inputs.x)
            })
        },
        model,
        "has no codebook; train a vector-quantised one",
    )
}

/// What a recording gives for one value.
type One = ((Vec<Var>, Vec<&'static str>), Vec<Var>);

/// One value.
fn one(value: Var) -> One {
    ((vec![value], Vec::new()), vec![value])
}

/// Records a value that not every type has; `lacks` says what a model that has none should be told.
fn possible(
    record: impl FnOnce(&mut dyn FnMut(Option<Var>, Var) -> One) -> Result<Recorded<Outputs>>,
    model: &Model,
    lacks: &str,
) -> Result<Recorded<Outputs>> {
    let mut there = true;
    let recorded = record(&mut |value, instead| {
        there = value.is_some();
        let outputs = vec![value.unwrap_or(instead)];
        ((outputs.clone(), Vec::new()), outputs)
    });
    match there {
        true => recorded,
        false => Err(Error::usage(format!("a model of type {} {lacks}", model.kind().name()))),
    }
}
