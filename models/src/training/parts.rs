//! The parts of the data: what is trained on, what is validated on, what is tested on.
//!
//! A source with a test part of its own keeps it; from any other a fraction is held out. Both splits are functions
//! of the configuration's seed, so that `eval` finds the same test part again.

use crate::Result;
use crate::config::Config;
use crate::data::{Dataset, PatchOptions, Source, split};
use narrows_engine::random::{permutation, stream_id};

/// The operation numbers of the streams that splits are drawn from.
const TEST_SPLIT: u32 = 0x00ff_0002;
const VALIDATION_SPLIT: u32 = 0x00ff_0003;

/// The source of the data, with what the configuration says of it.
///
/// # Errors
/// As for [`Source::parse`].
pub(super) fn source(config: &Config) -> Result<Source> {
    let options = PatchOptions { size: config.patch, count: config.patches, whiten: config.whiten, seed: config.seed };
    Ok(Source::parse(&config.data)?.with_patches(options))
}

/// The training part: the data, the rows to train on, the rows to validate on.
///
/// # Errors
/// A source that cannot be read; fractions that leave a part empty.
pub fn load_train(config: &Config) -> Result<(Dataset, Vec<u32>, Vec<u32>)> {
    let source = source(config)?;
    let dataset = source.train()?;
    let kept = match source.has_test()? {
        true => all(&dataset),
        false => test_split(config, &dataset)?.0,
    };
    let (train, validation) =
        split(kept.len(), config.validation, |rows| permutation(config.seed, stream_id(0, VALIDATION_SPLIT), rows))?;
    let rows = |places: Vec<u32>| places.into_iter().map(|place| kept[place as usize]).collect();
    Ok((dataset, rows(train), rows(validation)))
}

/// The test part: the data and its rows, and whether these were never trained on.
///
/// # Errors
/// A source that cannot be read.
pub fn load_test(config: &Config) -> Result<(Dataset, Vec<u32>, bool)> {
    let source = source(config)?;
    if let Some(dataset) = source.test()? {
        let rows = all(&dataset);
        return Ok((dataset, rows, true));
    }
    let dataset = source.train()?;
    let rows = test_split(config, &dataset)?.1;
    if rows.is_empty() {
        let rows = all(&dataset);
        return Ok((dataset, rows, false));
    }
    Ok((dataset, rows, true))
}

fn test_split(config: &Config, dataset: &Dataset) -> Result<(Vec<u32>, Vec<u32>)> {
    split(dataset.len(), config.test_fraction, |rows| permutation(config.seed, stream_id(0, TEST_SPLIT), rows))
}

fn all(dataset: &Dataset) -> Vec<u32> {
    (0..dataset.len() as u32).collect()
}
